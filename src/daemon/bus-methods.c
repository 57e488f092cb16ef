/* The methods of org.rebackup.Pair1: each reads its arguments, has the manager do it, and answers,
 * at once or when it is done. Callers were authorised before anything here sees their messages; see
 * bus-authorize.h. */

#include <errno.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "config/bus-name.h"
#include "daemon/bus-internal.h"
#include "sync/explain.h"

/* Flags are for what is to come; who sets one that is not known yet would be let down otherwise. */
int bus_read_flags(sd_bus_message *message, uint64_t known, uint64_t *ret,
                   sd_bus_error *ret_error) {
        int r = sd_bus_message_read(message, "t", ret);

        if (r < 0)
                return r;
        if (*ret & ~known)
                return sd_bus_error_set(ret_error, SD_BUS_ERROR_INVALID_ARGS, "unknown flags");
        return 0;
}

int bus_read_path(sd_bus_message *message, char **ret, sd_bus_error *ret_error) {
        _cleanup_free_ char *path = NULL;
        const void *bytes;
        size_t size;
        int r;

        r = sd_bus_message_read_array(message, 'y', &bytes, &size);
        if (r < 0)
                return r;
        path = strndup(bytes, size);
        if (!path)
                return -ENOMEM;
        if (strlen(path) != size || !explain_path_is_valid(path))
                return sd_bus_error_set(ret_error, SD_BUS_ERROR_INVALID_ARGS,
                                        "a path relative to the pair's root is wanted, without "
                                        "'.', '..' and double slashes");
        *ret = TAKE_PTR(path);
        return 0;
}

const char *bus_error_of(BarrierOutcome outcome) {
        static const char *const outcomes[] = {
                [BARRIER_INCOMPLETE] = BUS_ERROR("Incomplete"),
                [BARRIER_HELD] = BUS_ERROR("Held"),
                [BARRIER_PAUSED] = BUS_ERROR("Paused"),
                [BARRIER_FAILED] = BUS_ERROR("Failed"),
                [BARRIER_STOPPING] = BUS_ERROR("Stopping"),
                [BARRIER_NOT_FOUND] = BUS_ERROR("NotFound"),
        };

        return outcomes[outcome];
}

static void on_barrier(BarrierOutcome outcome, const char *text, void *userdata) {
        sd_bus_message *message = ASSERT_PTR(userdata);

        if (outcome == BARRIER_PASSED)
                (void) sd_bus_reply_method_return(message, NULL);
        else
                (void) sd_bus_reply_method_errorf(message, bus_error_of(outcome), "%s", text);
        sd_bus_message_unref(message);
}

int bus_method_sync(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        Bus *bus = ASSERT_PTR(userdata);
        uint64_t flags;
        int r;

        r = bus_read_flags(message, BARRIER_FULL, &flags, ret_error);
        if (r < 0)
                return r;
        r = manager_add_barrier(bus->manager, (unsigned) flags, on_barrier,
                                sd_bus_message_ref(message));
        if (r >= 0)
                return 1;
        sd_bus_message_unref(message);
        return r == -ENOBUFS ? sd_bus_error_set(ret_error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                                "too many callers wait already")
                             : r;
}

static void drop_message(void *userdata) {
        sd_bus_message_unref(userdata);
}

void bus_methods_done(Bus *bus) {
        manager_forget_barriers(bus->manager, on_barrier, drop_message);
}

int bus_method_approve(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        Manager *manager = ASSERT_PTR((Bus *) userdata)->manager;
        uint64_t flags;
        int r;

        r = bus_read_flags(message, 0, &flags, ret_error);
        if (r < 0)
                return r;
        r = manager_approve(manager);
        if (r >= 0)
                return sd_bus_reply_method_return(message, NULL);
        return sd_bus_error_set(ret_error, BUS_ERROR("NothingHeld"),
                                manager->engine && engine_n_held(manager->engine) > 0
                                        ? "the pair is not on hold; places inside the source that "
                                          "are, which the log names, are approved by removing them "
                                          "from the replica"
                                        : "nothing is on hold that could be approved");
}

/* Those without arguments and results of their own. */
static const struct {
        const char *member;
        void (*act)(Manager *manager);
} actions[] = {
        { "DropExcluded", manager_drop_excluded },
        { "Pause", manager_pause },
        { "Reload", manager_reload },
        { "Rescan", manager_rescan },
        { "Resume", manager_resume },
};

int bus_method_action(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        const char *member = sd_bus_message_get_member(message);
        Bus *bus = ASSERT_PTR(userdata);
        uint64_t flags;
        int r;

        r = bus_read_flags(message, 0, &flags, ret_error);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(actions); i++)
                if (streq(actions[i].member, member))
                        actions[i].act(bus->manager);
        if (streq(member, "Reload") && bus->manager->config_refused)
                return sd_bus_error_set(ret_error, BUS_ERROR("ConfigurationRefused"),
                                        "the new configuration has mistakes, which the log names; "
                                        "the one in force stays");
        return sd_bus_reply_method_return(message, NULL);
}
