#include "sync/keep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "state/recent-paths.h"
#include "state/versions.h"
#include "sync/message-ids.h"
#include "sync/prune.h"
#include "sync/visit.h"

enum { RECENT_PATHS_MAX = 65536, NAMES_CHUNK = 16 };

struct Keep {
        pthread_mutex_t mutex; /* guards all but the first two */
        Versions *versions;    /* open while a batch displaces something */
        bool kept;             /* something, in this batch */
        RecentPaths *recent;
        usec_t interval;
        usec_t last_time;
};

int keep_new(Engine *engine) {
        Keep *keep = calloc(1, sizeof *keep);

        if (!keep)
                return -ENOMEM;
        int r = pthread_mutex_init(&keep->mutex, NULL);

        if (r != 0) {
                free(keep);
                return -r;
        }
        engine->keep = keep;
        return 0;
}

void keep_free(Engine *engine) {
        if (!engine->keep)
                return;
        versions_close(engine->keep->versions);
        recent_paths_free(engine->keep->recent);
        (void) pthread_mutex_destroy(&engine->keep->mutex);
        free(engine->keep);
        engine->keep = NULL;
}

usec_t keep_time(Engine *engine) {
        Keep *keep = engine->keep;
        usec_t now = now_usec(CLOCK_REALTIME), after;

        (void) pthread_mutex_lock(&keep->mutex);
        after = keep->last_time + USEC_PER_MSEC;
        /* A clock that was set back by more than that is followed. */
        if (now < after && after - now < USEC_PER_MINUTE)
                now = after;
        keep->last_time = now;
        (void) pthread_mutex_unlock(&keep->mutex);
        return now;
}

static const char *path_key(const char *stage, char *buffer, size_t size) {
        (void) snprintf(buffer, size, "parked %s", stage);
        return buffer;
}

int keep_remember_path(Engine *engine, const char *stage, const char *path) {
        char key[STAGE_NAME_MAX + 16];

        return catalog_set_fact(engine->pair->store.catalog, path_key(stage, key, sizeof key),
                                path);
}

void keep_forget_path(Engine *engine, const char *stage) {
        char key[STAGE_NAME_MAX + 16];

        /* A fact too many does no harm. */
        (void) catalog_set_fact(engine->pair->store.catalog, path_key(stage, key, sizeof key),
                                NULL);
}

/* Where it was: a fresh path, or NULL. */
static char *path_of(Engine *engine, const Item *item) {
        char key[STAGE_NAME_MAX + 16], *path = NULL;
        int r;

        if (item->node) {
                r = tree_source_path(engine->tree, item->node, item->row.name, &path);
                return r < 0 ? NULL : path;
        }
        (void) pthread_mutex_lock(&engine->catalog_mutex);
        r = catalog_get_fact(engine->pair->store.catalog, path_key(item->stage, key, sizeof key),
                             &path);
        (void) pthread_mutex_unlock(&engine->catalog_mutex);
        return r < 0 ? NULL : path;
}

static bool is_in_place(Engine *engine, const CatalogRow *row) {
        _cleanup_(node_unrefp) Node *node = NULL;
        _cleanup_close_ int fd = -EBADF;
        Entry entry;

        if (locate_by_id(&engine->committer_worker, row->parent, &node) < 0)
                return false;
        fd = locate_replica(engine, node);
        return fd >= 0 && entry_acquire(fd, row->name, &entry) >= 0 &&
               entry.stamp.inode == row->replica.inode;
}

/* It has as many other names in the replica as it ever had: this one was renamed. Names that go in
 * the same batch are looked at one after the other, so that the last one keeps the content. */
static bool is_elsewhere(Engine *engine, const Item *item) {
        CatalogRow rows[NAMES_CHUNK] = {};
        CatalogReader *reader;
        uint32_t n_found = 0;
        int n = NAMES_CHUNK;

        if (item->displaced_stamp.n_links < 2 || S_ISDIR(item->displaced_stamp.mode) ||
            item->displaced_identity.source_inode == 0 ||
            worker_reader(&engine->committer_worker, &reader) < 0)
                return false;
        for (int skip = 0; n == NAMES_CHUNK; skip += n) {
                n = catalog_reader_by_identity(reader, item->displaced_identity, skip, rows,
                                               NAMES_CHUNK);
                for (int i = 0; i < n; i++)
                        n_found += rows[i].replica.inode == item->displaced_stamp.inode &&
                                   is_in_place(engine, &rows[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                catalog_row_done(&rows[i]);
        return n_found >= MAX(item->row.source.n_links, (uint32_t) 1);
}

/* What the first adoption of a replica displaces is kept whatever the configuration says. */
static bool is_wanted(Engine *engine, const Item *item) {
        /* Also of what could not be replaced after all, but had to leave its place. */
        if (!item->displaced || item->redundant)
                return false;
        if (item_parks(item))
                return false;
        if (!engine->pair->adopting && engine->pair->config->versions_keep == 0)
                return false;
        /* Each name of a group that goes is kept, so that all of them can be had back. */
        return item->kind != ITEM_REMOVE || !is_elsewhere(engine, item);
}

/* Of a path that keeps changing only the first content of each interval is kept. A configuration
 * with another interval begins anew. */
static bool is_too_soon_locked(Keep *keep, usec_t interval, const char *path, usec_t at) {
        if (!keep->recent || keep->interval != interval) {
                keep->recent = recent_paths_free(keep->recent);
                keep->interval = interval;
                if (recent_paths_new(interval, RECENT_PATHS_MAX, &keep->recent) < 0)
                        return false;
        }
        return !recent_paths_note(keep->recent, path, at);
}

static bool is_too_soon(Engine *engine, const char *path, usec_t at) {
        usec_t interval = engine->pair->config->versions_min_interval;
        bool result;

        if (engine->pair->adopting || interval == 0)
                return false;
        (void) pthread_mutex_lock(&engine->keep->mutex);
        result = is_too_soon_locked(engine->keep, interval, path, at);
        (void) pthread_mutex_unlock(&engine->keep->mutex);
        return result;
}

void keep_wants_not(Engine *engine, const char *path) {
        Keep *keep = engine->keep;

        (void) pthread_mutex_lock(&keep->mutex);
        if (keep->recent)
                recent_paths_forget(keep->recent, path);
        (void) pthread_mutex_unlock(&keep->mutex);
}

static int open_versions(Engine *engine, Versions **versions) {
        int r = 0;

        if (!*versions) {
                r = versions_open(engine->pair->store.fd, true, versions);
                if (r >= 0 && engine->pair->flush.each)
                        versions_flush_each(*versions);
        }
        return r;
}

static int move_to_versions(Engine *engine, Versions **versions, const char *stage,
                            const char *path, usec_t at) {
        int r = open_versions(engine, versions);

        while (r >= 0) {
                r = versions_keep(*versions, engine->pair->store.staging_fd, stage, path, at);
                if ((r != -ENOSPC && r != -EDQUOT) || prune_make_room(engine) <= 0)
                        break;
        }
        return r;
}

static void log_failure(Engine *engine, const char *stage, const char *path, int r) {
        _cleanup_free_ char *shown = escape_bytes(path);
        bool is_full = r == -ENOSPC || r == -EDQUOT;

        log_event(
                &(LogEvent) { .level = LOG_ERR,
                              .error = r,
                              .message_id = REBACKUP_MSG_VERSION_LOST,
                              .operation = operation_to_string(OPERATION_VERSION),
                              .path = path },
                is_full ? "no room to keep a version of %s, and no older ones to drop: it goes"
                        : "failed to keep a version of %s: %s; its content stays in %s/staging/%s",
                shown ?: "?", strerror(-r), engine->pair->store.path, stage);
}

void keep_displaced(Engine *engine, Item *item, usec_t at) {
        _cleanup_free_ char *path = NULL;
        int r;

        if (!is_wanted(engine, item))
                return;
        path = path_of(engine, item);
        if (path && is_too_soon(engine, path, at))
                return;
        r = move_to_versions(engine, &engine->keep->versions, item->stage, path ?: item->stage, at);
        if (r < 0) {
                if (path)
                        keep_wants_not(engine, path);
                log_failure(engine, item->stage, path ?: item->stage, r);
                /* Full: it is retired. */
                item->displaced = r == -ENOSPC || r == -EDQUOT;
                return;
        }
        item->displaced = false;
        item->kept = engine->keep->kept = true;
        if (item->pass)
                atomic_fetch_add(&item->pass->result.counters.operations[OPERATION_VERSION], 1);
}

int keep_end_batch(Engine *engine) {
        Keep *keep = engine->keep;
        int r = keep->versions ? versions_flush(keep->versions) : 0;

        keep->versions = versions_close(keep->versions);
        if (keep->kept)
                prune_poke(engine);
        keep->kept = false;
        return r;
}

bool keep_wants(Engine *engine, const char *path, usec_t *ret_at) {
        if (!engine->pair->adopting && engine->pair->config->versions_keep == 0)
                return false;
        *ret_at = keep_time(engine);
        return !is_too_soon(engine, path, *ret_at);
}

int keep_copy(Engine *engine, const char *stage, const char *path, usec_t at) {
        _cleanup_(versions_closep) Versions *versions = NULL;
        int r = move_to_versions(engine, &versions, stage, path, at);

        if (r >= 0)
                r = versions_flush(versions);
        if (r >= 0) {
                prune_poke(engine);
                return 0;
        }
        keep_wants_not(engine, path);
        log_failure(engine, stage, path, r);
        if (r == -ENOSPC || r == -EDQUOT)
                (void) unlinkat(engine->pair->store.staging_fd, stage, 0);
        return r;
}

int keep_flush(Engine *engine) {
        return syncfs(engine->pair->store.staging_fd) < 0 ? -errno : 0;
}
