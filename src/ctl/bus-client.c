#include "ctl/bus-client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "config/bus-name.h"
#include "config/config-path.h"
#include "ctl/pair-names.h"
#include "ctl/pair-state.h"
#include "ctl/say.h"
#include "restore/pair.h"

bool client_is_user(const CtlOptions *options) {
        return options->user || (!options->system && geteuid() != 0);
}

int client_connect(const CtlOptions *options, sd_bus **ret) {
        bool user = client_is_user(options);
        int r;

        r = user ? sd_bus_open_user(ret) : sd_bus_open_system(ret);
        if (r >= 0)
                return EX_OK;
        say_error("cannot connect to the %s: %s; without it running pairs cannot be reached%s",
                  user ? "user's message bus" : "system's message bus", strerror(-r),
                  user ? " (those of the system: --system)" : "");
        return EX_UNAVAILABLE;
}

int client_name(const char *name, char **ret) {
        _cleanup_free_ char *directory = NULL, *path = NULL;
        int r = 0;

        if (strchr(name, '/')) {
                directory = get_current_dir_name();
                r = config_path_normalize(name, directory, &path);
                if (r > 0)
                        r = -EINVAL;
        }
        if (r >= 0)
                r = bus_name_format(path ?: name, ret);
        if (r >= 0)
                return EX_OK;
        say_error("%s cannot be the name of a pair: %s", name, strerror(-r));
        return EX_USAGE;
}

int client_path(const CtlOptions *options, sd_bus *bus, const char *name, const char *path,
                char **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(pair_state_done) PairState state = PAIR_STATE_NULL;
        RestorePair pair = RESTORE_PAIR_NULL;
        char *problem = NULL;
        int r;

        r = pair_state_acquire(bus, name, &state, &error);
        if (r < 0)
                return client_say_error(options, r, &error);
        pair.source = state.source;
        pair.replica = state.replica;
        r = restore_pair_path(&pair, path, ret, &problem);
        return r == 0 ? EX_OK : say_problem(r, problem);
}

bool client_is_absent(const sd_bus_error *error) {
        return sd_bus_error_has_names(error, SD_BUS_ERROR_SERVICE_UNKNOWN,
                                      SD_BUS_ERROR_NAME_HAS_NO_OWNER);
}

/* Whether a shell takes NAME as it is. */
static bool is_plain(const char *name) {
        return name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                 "-:_.@")] == '\0';
}

char *client_unit(const char *pair) {
        char *text;

        return asprintf(&text, is_plain(pair) ? "rebackup@%s" : "'rebackup@%s'", pair) < 0 ? NULL
                                                                                           : text;
}

static int say_absent(const CtlOptions *options) {
        _cleanup_(pair_names_done) PairNames names = PAIR_NAMES_NULL;
        _cleanup_free_ char *unit = client_unit(options->pair);
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        bool user = client_is_user(options);
        const PairName *known;
        const char *near;

        (void) pair_names_add_configured(&names, options);
        known = pair_names_find(&names, options->pair);
        if (strchr(options->pair, '/'))
                say_error("no pair with the replica %s is running; start it with: rebackupd SOURCE "
                          "%s",
                          options->pair, options->pair);
        else if (known)
                say_error("%s is not running; start it with: systemctl %sstart %s", options->pair,
                          user ? "--user " : "", unit ?: "rebackup@NAME");
        else {
                if ((user ? sd_bus_open_user(&bus) : sd_bus_open_system(&bus)) >= 0)
                        (void) pair_names_add_running(&names, bus);
                near = pair_names_nearest(&names, options->pair);
                say_error("there is no pair %s, neither configured nor running%s%s%s%s",
                          options->pair, near ? "; did you mean " : "", near ?: "",
                          near ? "?" : "; see 'rebackupctl list'",
                          user ? " (pairs of the system: --system)" : "");
        }
        return EX_UNAVAILABLE;
}

int client_say_error(const CtlOptions *options, int r, const sd_bus_error *error) {
        if (client_is_absent(error))
                return say_absent(options);
        if (sd_bus_error_has_names(error, SD_BUS_ERROR_ACCESS_DENIED, SD_BUS_ERROR_AUTH_FAILED)) {
                say_error("%s: permission denied: only root and the user that the service runs as "
                          "may do this",
                          options->pair);
                return EX_NOPERM;
        }
        if (sd_bus_error_has_names(error, SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_DISCONNECTED) ||
            sd_bus_error_has_name(error, BUS_ERROR("Stopping")) || r == -ECONNRESET ||
            r == -ENOTCONN) {
                say_error("%s stopped before it was done", options->pair);
                return EX_UNAVAILABLE;
        }
        if (error->name && startswith(error->name, BUS_ERROR(""))) {
                say_error("%s: %s", options->pair, error->message ?: error->name);
                return sd_bus_error_has_name(error, BUS_ERROR("Busy"))       ? EX_TEMPFAIL
                       : sd_bus_error_has_name(error, BUS_ERROR("NotFound")) ? EX_NOINPUT
                                                                             : EXIT_SOME_FAILED;
        }
        say_error("%s cannot be asked: %s", options->pair, error->message ?: strerror(-r));
        return EX_SOFTWARE;
}

int client_act(sd_bus *bus, const CtlOptions *options, const char *member, uint64_t flags) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *name = NULL;
        int r;

        r = client_name(options->pair, &name);
        if (r != EX_OK)
                return r;
        r = sd_bus_message_new_method_call(bus, &call, name, BUS_PATH, BUS_INTERFACE, member);
        if (r >= 0)
                r = sd_bus_message_append(call, "t", flags);
        if (r >= 0)
                r = sd_bus_call(bus, call, UINT64_MAX, &error, NULL);
        return r < 0 ? client_say_error(options, r, &error) : EX_OK;
}
