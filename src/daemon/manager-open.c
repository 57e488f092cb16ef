#include <errno.h>

#include "basic/alloc.h"
#include "basic/log.h"
#include "daemon/log-message.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"
#include "daemon/summary.h"
#include "daemon/watch-choice.h"

/* Without watches the pair is mirrored all the same, by rescans. *RET_TEXT: by what means it is
 * watched. */
static void open_watch(Manager *manager, char **ret_text) {
        WatchRequest request = {
                .mode = manager->config->watch,
                .path = manager->config->source,
                .side = WATCH_SOURCE,
                .catalog = manager->pair->store.catalog,
        };
        int r;

        if (manager->options->once || request.mode == WATCH_OFF)
                return;
        r = watch_choose(&request, &manager->watch, ret_text);
        if (r > 0)
                log_warning("fanotify cannot be had for the source, which is watched with %s",
                            *ret_text ?: "inotify");
        if (r >= 0)
                return;
        log_message_errno(
                LOG_WARNING, REBACKUP_MSG_WATCH_OFF, r,
                "cannot watch the source, which is left to rescans: %m%s",
                r == -EMFILE ? "; raise the limit: sysctl fs.inotify.max_user_instances=1024" : "");
}

/* By directory, so that what this process does in staging is no event at all; and where the kernel
 * tells who did it, neither is what it publishes. */
static void open_replica_watch(Manager *manager) {
        const Config *config = manager->config;
        WatchOptions options = { .side = WATCH_REPLICA,
                                 .backend = WATCH_BACKEND_DIRECTORY_MARKS,
                                 .skip_own = true };
        int r = -EOPNOTSUPP;

        if (manager->options->once || config->watch == WATCH_OFF ||
            config->protect_replica == PROTECT_REPLICA_OFF)
                return;
        if (config->watch != WATCH_INOTIFY)
                r = watch_new(&manager->replica_watch, &options, -EBADF);
        if (r >= 0)
                return;
        options.backend = WATCH_BACKEND_INOTIFY;
        r = watch_new(&manager->replica_watch, &options, -EBADF);
        if (r < 0)
                log_message_errno(LOG_WARNING, REBACKUP_MSG_WATCH_OFF, r,
                                  "cannot watch the replica, foreign changes there are left to "
                                  "rescans: %m");
}

static int make_objects(Manager *manager, char **ret_text) {
        const Config *config = manager->config;
        int r;

        r = tree_new(&manager->tree);
        if (r < 0)
                return r;
        manager->root = tree_root(manager->tree);
        r = dirty_new(&manager->dirty,
                      (DirtyTimes) { .settle = config->settle, .max_delay = config->max_delay });
        if (r < 0)
                return r;
        open_watch(manager, ret_text);
        open_replica_watch(manager);
        manager->armed = !manager->watch;
        return engine_new(manager->pair, manager->tree, manager->watch, manager->replica_watch,
                          &manager->engine);
}

static int add_source(Manager *manager, int fd, sd_event_io_handler_t handler,
                      sd_event_source **ret) {
        int r;

        r = sd_event_add_io(manager->event, ret, fd, EPOLLIN, handler, manager);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(*ret, SD_EVENT_PRIORITY_IMPORTANT);
        if (r < 0)
                return r;
        return sd_event_source_set_exit_on_failure(*ret, true);
}

static int add_sources(Manager *manager) {
        int r;

        r = add_source(manager, engine_fd(manager->engine), manager_on_engine,
                       &manager->engine_source);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(manager->engine_source, "engine");
        if (manager->replica_watch) {
                r = add_source(manager, watch_fd(manager->replica_watch), manager_on_watch,
                               &manager->replica_source);
                if (r < 0)
                        return r;
                (void) sd_event_source_set_description(manager->replica_source, "replica");
        }
        if (!manager->watch)
                return 0;
        r = add_source(manager, watch_fd(manager->watch), manager_on_watch, &manager->watch_source);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(manager->watch_source, "watch");
        return 0;
}

static void log_start(Manager *manager, const char *text) {
        _cleanup_free_ char *line = NULL;
        const char *backend = manager->watch ? text ?: "events" : NULL;
        const char *store = manager->pair->store.path ?: "not made yet"; /* by a dry run */

        if (summary_format_start(manager->config, store, backend, &line) >= 0)
                log_message(LOG_NOTICE, REBACKUP_MSG_STARTED, "%s%s",
                            manager->options->dry_run ? "dry run, nothing is changed: " : "", line);
}

int manager_open(Manager *manager, char **ret_error) {
        _cleanup_free_ char *text = NULL;
        const Options *options = manager->options;
        int r;

        r = pair_open(manager->config, options->instance, options->dry_run, &manager->pair,
                      ret_error);
        if (r != 0)
                return r;
        r = make_objects(manager, &text);
        if (r < 0)
                return r;
        r = add_sources(manager);
        if (r < 0)
                return r;
        if (manager->hold)
                manager_end_hold(manager);
        log_start(manager, text);
        return 0;
}
