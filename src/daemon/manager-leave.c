/* What is left behind for the next process of the service when this one ends in good order: what
 * the kernel watches goes on, and what happens until then waits in its queues. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-id128.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "daemon/fd-store.h"
#include "daemon/manager.h"
#include "daemon/restart.h"
#include "daemon/sealed-file.h"
#include "watch/dirty-pack.h"
#include "watch/tree-pack.h"

enum {
        DIRTY_MAX = 65536, /* when more waits, a full pass is as good */
};

bool manager_leaves(const Manager *manager) {
        return manager->notify.enabled && !manager->options->once && !manager->options->dry_run &&
               manager->engine && manager->armed && manager->live && !manager->hold &&
               !manager->pair->adopting && manager->watch_source && manager->mounts_source &&
               !manager->replica_watch == !manager->replica_source;
}

/* The catalog's part of the agreement: whoever uses the catalog next takes the token away. */
static int note_token(Catalog *catalog, char **ret) {
        char text[SD_ID128_STRING_MAX];
        sd_id128_t token;
        int r;

        r = sd_id128_randomize(&token);
        if (r < 0)
                return r;
        *ret = strdup(sd_id128_to_string(token, text));
        if (!*ret)
                return -ENOMEM;
        return catalog_commit_fact(catalog, RESTART_TOKEN_FACT, *ret);
}

/* Closes the catalog: from then on it is to stay as it is. */
static int close_catalog(Manager *manager, RestartFacts *facts) {
        Store *store = &manager->pair->store;
        int r;

        if (!store->catalog)
                return -ENOENT;
        r = note_token(store->catalog, &facts->token);
        store->catalog = catalog_close(store->catalog);
        return r < 0 ? r : file_stamp_of_catalog(store->path, &facts->catalog);
}

/* Whether the next process must look at everything: because something was cut off, or left out for
 * want of its file system, of watches to tell of it, or of room. */
static bool is_incomplete(const Manager *manager) {
        return manager->cut_off || manager_is_busy(manager) || manager->lost_sides != 0 ||
               engine_n_held(manager->engine) > 0 || engine_n_held_removals(manager->engine) > 0 ||
               watch_n_refused(manager->watch) > 0 || manager->room.waiting;
}

/* Ends all that works beside the event loop. */
static int end_engine(Manager *manager, RestartFacts *facts) {
        facts->engine = engine_bequeath(manager->engine);
        if (is_incomplete(manager))
                manager_want_full(manager, 0);
        manager_take_linked(manager);
        manager->engine_source = sd_event_source_unref(manager->engine_source);
        manager->engine = engine_free(manager->engine);
        return close_catalog(manager, facts);
}

static int gather(Manager *manager, RestartFacts *facts) {
        int r;

        r = restart_facts_sample(manager, facts);
        if (r < 0)
                return r;
        r = end_engine(manager, facts);
        if (r < 0)
                return r;
        if (dirty_n_items(manager->dirty) > DIRTY_MAX) {
                dirty_clear(manager->dirty);
                manager_want_full(manager, 0);
        }
        facts->next_full = manager->next_full;
        facts->n_failed = manager->n_failed;
        facts->failures_dropped = manager->failures_dropped;
        facts->has_replica_watch = manager->replica_watch;
        facts->watch_text = manager->watch_text ? strdup(manager->watch_text) : NULL;
        facts->mounts = manager->mounts.table;
        manager->mounts.table = (MountTable) {};
        return 0;
}

static void save_node(const Node *node, Packer *packer, void *userdata) {
        Manager *manager = ASSERT_PTR(userdata);

        watch_save_node(manager->watch, node, packer);
        if (manager->replica_watch)
                watch_save_node(manager->replica_watch, node, packer);
        dirty_save_node(manager->dirty, node, packer);
}

/* In the order in which manager-resume.c reads it. */
static void save(Manager *manager, const RestartFacts *facts, Packer *packer) {
        bool complete;

        restart_facts_save(facts, packer);
        watch_save(manager->watch, packer);
        if (manager->replica_watch)
                watch_save(manager->replica_watch, packer);
        complete = tree_save(manager->tree, save_node, packer, manager);
        dirty_save_files(manager->dirty, packer);
        pack_number(packer, complete);
}

static int push_side(Watch *watch, WatchSide side) {
        WatchDescriptors descriptors = watch_descriptors(watch);
        int r;

        r = fd_store_push(restart_names[side].inotify, descriptors.inotify_fd);
        if (r >= 0 && descriptors.fanotify_fd >= 0)
                r = fd_store_push(restart_names[side].fanotify, descriptors.fanotify_fd);
        return r;
}

/* The state comes last: without it the others mean nothing. */
static int push(const Manager *manager, int state_fd) {
        int r;

        r = push_side(manager->watch, WATCH_SOURCE);
        if (r >= 0 && manager->replica_watch)
                r = push_side(manager->replica_watch, WATCH_REPLICA);
        return r < 0 ? r : fd_store_push(RESTART_STATE_NAME, state_fd);
}

static int leave(Manager *manager, RestartFacts *facts) {
        _cleanup_close_ int state_fd = -EBADF;
        Packer packer;
        int r;

        r = gather(manager, facts);
        if (r < 0)
                return r;
        r = state_fd = sealed_file_new(RESTART_STATE_NAME, &packer);
        if (r < 0)
                return r;
        save(manager, facts, &packer);
        r = sealed_file_seal(state_fd, &packer);
        return r < 0 ? r : push(manager, state_fd);
}

void manager_leave(Manager *manager) {
        RestartFacts facts = RESTART_FACTS_NULL;
        int r;

        if (!manager->stopping || manager->abandoned || !manager_leaves(manager))
                return;
        r = leave(manager, &facts);
        if (r < 0)
                (void) log_debug_errno(r, "cannot leave the watches for the next start: %m");
        restart_facts_done(&facts);
}
