#include <errno.h>

#include "basic/alloc.h"
#include "basic/log.h"
#include "daemon/log-message.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"
#include "daemon/summary.h"

/* Without watches the pair is mirrored all the same, by rescans. */
static void open_watch(Manager *manager) {
        int r;

        if (manager->options->once || manager->config->watch == WATCH_OFF)
                return;
        r = watch_new(&manager->watch);
        if (r >= 0)
                return;
        log_message_errno(
                LOG_WARNING, REBACKUP_MSG_WATCH_OFF, r,
                "cannot watch the source, which is left to rescans: %m%s",
                r == -EMFILE ? "; raise the limit: sysctl fs.inotify.max_user_instances=1024" : "");
}

static int make_objects(Manager *manager) {
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
        open_watch(manager);
        manager->armed = !manager->watch;
        return engine_new(manager->pair, manager->tree, manager->watch, &manager->engine);
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
        if (!manager->watch)
                return 0;
        r = add_source(manager, watch_fd(manager->watch), manager_on_watch, &manager->watch_source);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(manager->watch_source, "watch");
        return 0;
}

static void log_start(Manager *manager) {
        _cleanup_free_ char *line = NULL;
        const char *backend = manager->watch ? "inotify" : NULL;
        const char *store = manager->pair->store.path ?: "not made yet"; /* by a dry run */

        if (summary_format_start(manager->config, store, backend, &line) >= 0)
                log_message(LOG_NOTICE, REBACKUP_MSG_STARTED, "%s%s",
                            manager->options->dry_run ? "dry run, nothing is changed: " : "", line);
}

int manager_open(Manager *manager, char **ret_error) {
        const Options *options = manager->options;
        int r;

        r = pair_open(manager->config, options->instance, options->dry_run, &manager->pair,
                      ret_error);
        if (r != 0)
                return r;
        r = make_objects(manager);
        if (r < 0)
                return r;
        r = add_sources(manager);
        if (r < 0)
                return r;
        if (manager->hold)
                manager_end_hold(manager);
        log_start(manager);
        return 0;
}
