#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/count-text.h"
#include "basic/log.h"
#include "daemon/confine.h"
#include "daemon/log-message.h"
#include "daemon/manager-resume.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"
#include "daemon/recorder.h"
#include "daemon/summary.h"
#include "daemon/watch-choice.h"

/* Without watches the pair is mirrored all the same, by rescans. */
static void open_watch(Manager *manager) {
        WatchRequest request = {
                .mode = manager->config->watch,
                .path = manager->config->source,
                .side = WATCH_SOURCE,
                .catalog = manager->pair->store.catalog,
        };
        int r;

        if (manager->options->once || request.mode == WATCH_OFF)
                return;
        r = watch_choose(&request, &manager->watch, &manager->watch_text);
        if (r > 0)
                log_warning("fanotify cannot be had for the source, which is watched with %s",
                            manager->watch_text ?: "inotify");
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
            (config->protect_replica == PROTECT_REPLICA_OFF &&
             config->direction == DIRECTION_ONE_WAY))
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

int manager_make_tree(Manager *manager) {
        const Config *config = manager->config;
        int r;

        r = tree_new(&manager->tree);
        if (r < 0)
                return r;
        manager->root = tree_root(manager->tree);
        return dirty_new(&manager->dirty,
                         (DirtyTimes) { .settle = config->settle, .max_delay = config->max_delay });
}

void manager_drop_tree(Manager *manager) {
        manager->dirty = dirty_free(manager->dirty);
        manager->watch = watch_free(manager->watch);
        manager->replica_watch = watch_free(manager->replica_watch);
        manager->root = node_unref(manager->root);
        manager->tree = tree_free(manager->tree);
}

static int begin_anew(Manager *manager) {
        int r;

        r = manager_make_tree(manager);
        if (r < 0)
                return r;
        open_watch(manager);
        open_replica_watch(manager);
        manager->armed = !manager->watch;
        return 0;
}

/* Without a watch directories are walked beforehand only to tell a person how long a first pass
 * takes. Who has --once done by a script does not ask. */
static bool must_count(const Manager *manager) {
        return engine_is_fresh(manager->engine) &&
               (!manager->options->once || log_sinks_width(manager->sinks) > 0);
}

static int make_objects(Manager *manager, Resume *resume, bool *ret_resumed) {
        bool resumed = resume_adopt(manager, resume);
        int r = 0;

        if (!resumed)
                r = begin_anew(manager);
        if (r < 0)
                return r;
        r = engine_new(manager->pair, manager->tree, manager->watch, manager->replica_watch,
                       &manager->engine);
        if (r >= 0 && resumed)
                r = resume_finish(manager, resume);
        if (r >= 0 && manager->armed && !resumed)
                manager->armed = !must_count(manager);
        if (r >= 0 && resumed) /* why it failed nobody knows any more */
                dirty_hasten(manager->dirty, now_usec(CLOCK_MONOTONIC));
        *ret_resumed = resumed;
        return r;
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

/* By what means the source is watched, "inotify from where the last run left off (12 directories)";
 * NULL: it is not. A fresh string otherwise, or NULL when memory is short. */
static char *describe_watch(Manager *manager, bool resumed) {
        const char *text = manager->watch_text ?: "events";
        char count[COUNT_TEXT_MAX], *description;

        if (!manager->watch)
                return NULL;
        if (!resumed)
                return strdup(text);
        (void) count_format(count, sizeof count, tree_n_nodes(manager->tree));
        if (asprintf(&description, "%s, from where the last run left off (%s directories)", text,
                     count) < 0)
                return NULL;
        return description;
}

static void log_start(Manager *manager, bool resumed) {
        _cleanup_free_ char *line = NULL, *backend = describe_watch(manager, resumed);
        const char *store = manager->pair->store.path ?: "not made yet"; /* by a dry run */

        if (summary_format_start(manager->config, store, backend, &line) >= 0)
                log_message(LOG_NOTICE, REBACKUP_MSG_STARTED, "%s%s",
                            manager->options->dry_run ? "dry run, nothing is changed: " : "", line);
}

int manager_open(Manager *manager, char **ret_error) {
        _cleanup_(resume_done) Resume resume = RESUME_NULL;
        const Options *options = manager->options;
        bool resumed = false;
        int r;

        resume_receive(manager, &resume);
        r = (manager->approved ? pair_open_approved : pair_open)(
                manager->config, options->instance, options->dry_run, &manager->pair, ret_error);
        if (r != 0)
                return r;
        confine(manager); /* before there are threads */
        manager->store_path = manager->pair->store.path ? strdup(manager->pair->store.path) : NULL;
        r = make_objects(manager, &resume, &resumed);
        if (r < 0)
                return r;
        r = add_sources(manager);
        if (r < 0)
                return r;
        if (manager->approved)
                engine_approve_removals(manager->engine);
        if (manager->hold)
                manager_end_hold(manager);
        manager->approved = false;
        manager_forget_alerts(manager, ALERT_SOURCE);
        log_start(manager, resumed);
        return options->dry_run ? 0 : recorder_new(manager, &manager->recorder);
}
