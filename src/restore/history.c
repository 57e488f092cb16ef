/* What there is of a path. */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "restore/layers.h"
#include "restore/restore.h"

const char *version_reason_to_string(VersionReason reason) {
        switch (reason) {
        case VERSION_REPLACED:
                return "replaced";
        case VERSION_REMOVED:
                return "removed";
        case VERSION_BELOW:
                return "changed below";
        }
        return NULL;
}

void history_done(History *history) {
        assert(history);

        free(history->items);
        *history = HISTORY_NULL;
}

static int add_version(const RestorePair *pair, const char *path, usec_t at, History *history) {
        HistoryItem *item = history->items + history->n_items;
        _cleanup_close_ int fd = -EBADF;
        Entry entry;
        int kind, r;

        kind = versions_find(pair->versions, at, path, &fd);
        if (kind <= 0)
                return kind;
        r = entry_acquire(fd, "", &entry);
        if (r < 0)
                return r;
        *item = (HistoryItem) {
                .at = at,
                .reason = kind == VERSION_FRAME ? VERSION_BELOW : VERSION_REMOVED,
                .stamp = entry.stamp,
        };
        history->n_items++;
        return 0;
}

/* Whatever follows a version shows that it was replaced. */
static void find_reasons(History *history) {
        for (size_t i = 0; i < history->n_items; i++)
                if (history->items[i].reason == VERSION_REMOVED &&
                    (history->is_present || i + 1 < history->n_items))
                        history->items[i].reason = VERSION_REPLACED;
}

static int look_at_replica(const RestorePair *pair, const char *path, History *history) {
        _cleanup_close_ int fd = -EBADF;
        Entry entry;
        int r;

        fd = layer_open(pair, LAYER_REPLICA, path, O_PATH);
        if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
                return 0;
        r = fd < 0 ? fd : entry_acquire(fd, "", &entry);
        if (r < 0)
                return r;
        history->is_present = true;
        history->now = entry.stamp;
        return 0;
}

int history_acquire(const RestorePair *pair, const char *path, History *ret) {
        _cleanup_(history_done) History history = HISTORY_NULL;
        int r;

        history.items = new0(HistoryItem, pair->n_times + 1);
        if (!history.items)
                return -ENOMEM;
        for (size_t i = 0; i < pair->n_times; i++) {
                r = add_version(pair, path, pair->times[i], &history);
                if (r < 0)
                        return r;
        }
        r = look_at_replica(pair, path, &history);
        if (r < 0)
                return r;
        find_reasons(&history);
        *ret = history;
        history = HISTORY_NULL;
        return 0;
}

int restore_newest(const RestorePair *pair, const char *path, usec_t *ret, char **ret_error) {
        for (size_t i = pair->n_times; i > 0; i--) {
                int kind = versions_find(pair->versions, pair->times[i - 1], path, NULL);

                if (kind < 0)
                        return problem_set(ret_error, kind, "cannot look for %s in %s", path,
                                           pair->store);
                if (kind != VERSION_NONE) {
                        *ret = pair->times[i - 1];
                        return 0;
                }
        }
        return problem_set(ret_error, RESTORE_NOT_FOUND,
                           "%s has no version in %s; --at now gives what is in the replica",
                           *path ? path : "the pair", pair->store);
}
