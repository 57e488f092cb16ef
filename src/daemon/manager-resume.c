#include "daemon/manager-resume.h"

#include <errno.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "daemon/restart.h"
#include "watch/dirty-pack.h"
#include "watch/tree-pack.h"

void resume_done(Resume *resume) {
        inherited_fds_done(&resume->fds);
        restart_facts_done(&resume->was);
        sealed_file_close(&resume->state);
        *resume = RESUME_NULL;
}

/* Receiving */

static bool is_ours(const char *name) {
        for (WatchSide side = 0; side < _WATCH_SIDE_MAX; side++)
                if (streq(name, restart_names[side].inotify) ||
                    streq(name, restart_names[side].fanotify))
                        return true;
        return streq(name, RESTART_STATE_NAME);
}

static void name_foreign(const InheritedFds *fds) {
        for (size_t i = 0; i < fds->n_items; i++) {
                _cleanup_free_ char *shown = NULL;

                if (is_ours(fds->items[i].name))
                        continue;
                shown = escape_bytes(fds->items[i].name);
                log_warning("the service manager handed over a descriptor \"%s\", which is not "
                            "known here; it is closed",
                            shown ?: "?");
        }
}

static void open_state(Resume *resume) {
        _cleanup_close_ int fd = inherited_fds_take(&resume->fds, RESTART_STATE_NAME);
        int r;

        r = fd < 0 ? fd : sealed_file_open(fd, &resume->state);
        if (r >= 0)
                r = restart_facts_load(&resume->state.unpacker, &resume->was);
        if (r < 0)
                resume->refusal = "what it left is not whole";
        else
                resume->catalog_error = file_stamp_of_catalog(resume->was.store, &resume->catalog);
}

void resume_receive(const Manager *manager, Resume *ret) {
        int r;

        *ret = RESUME_NULL;
        r = inherited_fds_receive(&ret->fds);
        if (r < 0)
                (void) log_warning_errno(r, "cannot take what the service manager hands over: %m");
        name_foreign(&ret->fds);
        for (size_t i = 0; i < ret->fds.n_items; i++)
                ret->offered |= is_ours(ret->fds.items[i].name);
        if (!ret->offered)
                return;
        if (manager->options->once || manager->options->dry_run)
                ret->refusal = "this is a single pass";
        else
                open_state(ret);
}

/* Judging */

/* The token may be used once. *RET is NULL when there is none. */
static int take_token(Catalog *catalog, char **ret) {
        _cleanup_free_ char *token = NULL;
        int r;

        r = catalog_get_fact(catalog, RESTART_TOKEN_FACT, &token);
        if (r == -ENOENT)
                return 0;
        if (r >= 0)
                r = catalog_commit_fact(catalog, RESTART_TOKEN_FACT, NULL);
        if (r >= 0)
                *ret = TAKE_PTR(token);
        return r;
}

static const char *compare_facts(const Manager *manager, const Resume *resume, char **token) {
        RestartFacts now = RESTART_FACTS_NULL;
        const char *refusal;

        if (restart_facts_sample(manager, &now) < 0)
                return "what is there now cannot be told";
        now.catalog = resume->catalog;
        now.token = TAKE_PTR(*token);
        refusal = restart_facts_differ(&resume->was, &now);
        restart_facts_done(&now);
        return refusal;
}

static const char *compare_mounts(Manager *manager, Resume *resume) {
        MountChanges changes = {};
        const char *refusal = NULL;

        if (!manager->mounts_source ||
            manager_compare_mounts(manager, &resume->was.mounts, &changes) < 0)
                return "the mounts cannot be told";
        if (changes.roots)
                refusal = "mounts at the source or the replica came or went";
        mount_changes_done(&changes);
        return refusal;
}

static const char *judge(Manager *manager, Resume *resume, char **token) {
        const Pair *pair = manager->pair;
        const char *refusal;

        if (resume->refusal)
                return resume->refusal;
        if (resume->catalog_error < 0)
                return "the catalog was used or changed since";
        if (pair->adopting || pair->rebuilt || pair->store.created ||
            pair->store.catalog_was_set_aside)
                return "the replica, the store or the catalog is not the one that it was";
        refusal = compare_facts(manager, resume, token);
        return refusal ?: compare_mounts(manager, resume);
}

/* Taking over */

static int load_watch(Resume *resume, WatchSide side, Watch **ret) {
        WatchDescriptors descriptors = {
                .inotify_fd = inherited_fds_take(&resume->fds, restart_names[side].inotify),
                .fanotify_fd = inherited_fds_take(&resume->fds, restart_names[side].fanotify),
        };
        int r;

        r = watch_load(side, &resume->state.unpacker, &descriptors, ret);
        (void) safe_close(descriptors.inotify_fd);
        (void) safe_close(descriptors.fanotify_fd);
        return r;
}

static int load_node(Node *node, Unpacker *unpacker, void *userdata) {
        Manager *manager = ASSERT_PTR(userdata);
        int r;

        r = watch_load_node(manager->watch, node, unpacker);
        if (r >= 0 && manager->replica_watch)
                r = watch_load_node(manager->replica_watch, node, unpacker);
        return r < 0 ? r : dirty_load_node(manager->dirty, node, unpacker);
}

/* In the order in which manager-leave.c wrote it. */
static int load(Manager *manager, Resume *resume) {
        Unpacker *unpacker = &resume->state.unpacker;
        int r;

        r = manager_make_tree(manager);
        if (r >= 0)
                r = load_watch(resume, WATCH_SOURCE, &manager->watch);
        if (r >= 0 && resume->was.has_replica_watch)
                r = load_watch(resume, WATCH_REPLICA, &manager->replica_watch);
        if (r >= 0)
                r = tree_load(manager->tree, load_node, unpacker, manager);
        if (r >= 0)
                r = dirty_load_files(manager->dirty, unpacker);
        if (r >= 0 && !unpack_flag(unpacker))
                resume->was.next_full = 0;
        if (r >= 0 && unpacker->at != unpacker->end)
                r = unpack_refuse(unpacker);
        if (r >= 0)
                r = unpacker->error;
        /* Without the root nobody would be told when everything goes. */
        if (r >= 0 && !watch_covers(manager->watch, manager->root))
                r = -EBADMSG;
        return r;
}

bool resume_adopt(Manager *manager, Resume *resume) {
        _cleanup_free_ char *token = NULL;
        const char *refusal;
        int r = 0;

        if (!manager->options->dry_run)
                r = take_token(manager->pair->store.catalog, &token);
        if (r < 0)
                (void) log_debug_errno(r, "cannot read the catalog's note of the last run: %m");
        if (!resume->offered)
                return false;
        refusal = r < 0 ? "the catalog cannot be read" : judge(manager, resume, &token);
        if (!refusal) {
                r = load(manager, resume);
                if (r >= 0)
                        return true;
                manager_drop_tree(manager);
                refusal = r == -ENOMEM ? "memory is short" : "what it left makes no sense";
        }
        log_notice("not going on where the last run left off: %s", refusal);
        inherited_fds_done(&resume->fds);
        fd_store_settle();
        return false;
}

/* The interval may be another one by now; what is due for another reason stays so. */
static usec_t next_full(const Manager *manager, const RestartFacts *was) {
        usec_t interval = manager->config->rescan_interval, now = now_usec(CLOCK_MONOTONIC);

        if (was->next_full <= now || was->failures_dropped)
                return was->next_full;
        return interval > 0 ? MIN(was->next_full, now + interval) : USEC_INFINITY;
}

int resume_finish(Manager *manager, const Resume *resume) {
        const RestartFacts *was = &resume->was;
        MountChanges changes = {};
        int r;

        r = engine_inherit(manager->engine, &was->engine);
        if (r < 0)
                return r;
        manager->armed = manager->live = true;
        manager->next_full = next_full(manager, was);
        manager->n_failed = was->n_failed;
        manager->failures_dropped = was->failures_dropped;
        manager->watch_text = was->watch_text ? strdup(was->watch_text) : NULL;

        r = manager_compare_mounts(manager, &was->mounts, &changes);
        if (r < 0)
                return r;
        manager_follow_mounts(manager, &changes);
        mount_changes_done(&changes);
        manager_check_watch_limit(manager);
        return 0;
}
