#include "sync/attach.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "fs/listing.h"
#include "sync/binding.h"
#include "sync/message-ids.h"
#include "sync/recover.h"
#include "sync/tell.h"

/* A store that was configured to be inside a replica which is still missing. */
static bool is_inside_missing(const Config *config, const Roots *roots) {
        const char *rest;

        if (roots->replica_fd >= 0 || !config->store)
                return false;
        rest = startswith(config->store, config->replica);
        return rest && streq(rest, "/" STORE_NAME_INSIDE);
}

int attach_plan(const Config *config, const Roots *roots, StorePlan *ret, char **ret_error) {
        int r;

        if (is_inside_missing(config, roots)) {
                StorePlan plan = { .path = strdup(config->store), .inside_replica = true };
                if (!plan.path)
                        return tell_error(ret_error, -ENOMEM, "%s", strerror(ENOMEM));
                *ret = plan;
                return 0;
        }

        r = store_plan(config->replica, roots->replica_fd, config->store, ret);
        if (r == -EXDEV)
                return tell_error(ret_error, r,
                                  "store %s is on another file system or mount than replica %s; "
                                  "Store= must name a directory on the replica's",
                                  config->store, config->replica);
        if (r < 0)
                return tell_error(ret_error, r, "store %s of replica %s cannot be there: %s",
                                  config->store ?: "by default", config->replica, strerror(-r));
        return 0;
}

/* The catalog's note that the replica held something before the first batch. */
#define FACT_ADOPTING "adopting"
#define FACT_STAGING_KNOWN "staging-known"

static bool has_fact(const Store *store, const char *key) {
        _cleanup_free_ char *text = NULL;

        return catalog_get_fact(store->catalog, key, &text) >= 0;
}

/* The first run into a directory that held something was cut off. */
static bool was_adopting(const Store *store) {
        return has_fact(store, FACT_ADOPTING) && !has_fact(store, "completed");
}

/* Of a fresh catalog, in place of one that was lost or damaged, nothing that lies in staging is
 * known: neither what was on its way in nor what had been displaced. */
static bool knows_staging(const Store *store) {
        return has_fact(store, FACT_STAGING_KNOWN) && !was_adopting(store);
}

/* Whether inode numbers may have changed since the last run: many FUSE servers give them out as
 * names are asked for, FAT has none. Then what was displaced cannot be told from what was on its
 * way in. */
static bool may_renumber(const Store *store) {
        FileSystemKind kind;

        return file_system_kind(store->staging_fd, &kind) < 0 || kind == FILE_SYSTEM_FUSE ||
               kind == FILE_SYSTEM_FAT;
}

static void recover(const Pair *pair, const Roots *roots) {
        const Store *store = &pair->store;
        Recovery recovery;
        uint64_t n_kept = 0;
        int r = 0;

        if ((pair->config->versions_keep > 0 || was_adopting(store)) && roots->replica_fd >= 0)
                r = recover_displaced(store, roots->replica_fd, now_usec(CLOCK_REALTIME), &n_kept);
        if (r >= 0 && (!knows_staging(store) || pair->config->versions_keep > 0))
                r = recover_foreign(store, !knows_staging(store) || may_renumber(store),
                                    now_usec(CLOCK_REALTIME), &n_kept);
        if (r >= 0 && !has_fact(store, FACT_STAGING_KNOWN))
                r = catalog_commit_fact(store->catalog, FACT_STAGING_KNOWN, "1");
        if (r < 0) {
                tell_failure(r,
                             "failed to keep what the last run had replaced when it was cut off; "
                             "leaving %s/staging as it is",
                             store->path);
                return;
        }
        r = recover_staging(store, &recovery);
        if (n_kept > 0 || recovery.n_removed > 0 || recovery.n_forgotten > 0)
                tell_notice(NULL,
                            "the last run was cut off: kept %" PRIu64
                            " replaced or removed entries as versions, removed %" PRIu64
                            " unfinished ones from %s/staging, forgot %" PRIu64 " lost ones",
                            n_kept, recovery.n_removed, store->path, recovery.n_forgotten);
        if (r < 0)
                tell_failure(r, "failed to put all of %s/staging in order, going on", store->path);
}

static void warn_damaged(const char *path) {
        static const LogEvent event = { .level = LOG_WARNING,
                                        .message_id = REBACKUP_MSG_CATALOG_DAMAGED };

        tell_log(&event,
                 "the catalog in %s is damaged or of a newer version; it is set aside, and the "
                 "replica is compared by content",
                 path);
}

static int open_store(Pair *pair, const Roots *roots, const StorePlan *plan, char **ret_error) {
        int r = store_open(plan, &pair->store);

        switch (r) {
        case 0:
                break;
        case -EBUSY:
                return tell_error(ret_error, r,
                                  "the pair of %s and %s is already running: its store %s is in "
                                  "use",
                                  pair->config->source, pair->config->replica, plan->path);
        case -EPERM:
                return tell_error(ret_error, r,
                                  "store %s is a symbolic link or belongs to somebody else; remove "
                                  "it, or run as its owner",
                                  plan->path);
        default:
                return tell_error(ret_error, r, "cannot open store %s: %s", plan->path,
                                  strerror(-r));
        }

        if (pair->store.catalog_was_set_aside)
                warn_damaged(plan->path);
        recover(pair, roots);
        return 0;
}

static int open_snapshot(const StorePlan *plan, Catalog **ret) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = fd = plan->exists ? binding_open_store(plan->path) : -ENOENT;
        if (r >= 0)
                r = catalog_open_snapshot(fd, ret);
        if (r == -EBADMSG)
                warn_damaged(plan->path);
        return r == -ENOENT || r == -EBADMSG ? catalog_open_empty(ret) : r;
}

/* A dry run reads what an earlier run knew and leaves the store as it is: it neither opens nor
 * locks it. */
static int open_for_dry_run(Pair *pair, const StorePlan *plan, char **ret_error) {
        Catalog *catalog;
        char *path = strdup(plan->path);
        int r;

        if (!path)
                return -ENOMEM;
        r = open_snapshot(plan, &catalog);
        if (r < 0) {
                free(path);
                return tell_error(ret_error, r, "cannot read the catalog in store %s: %s",
                                  plan->path, strerror(-r));
        }
        pair->store.path = path;
        pair->store.inside_replica = plan->inside_replica;
        pair->store.catalog = catalog;
        return 0;
}

static size_t count_entries(const Pair *pair, const Roots *roots) {
        _cleanup_(listing_done) Listing listing = LISTING_NULL;
        size_t n = 0;

        if (roots->replica_fd < 0 || listing_read(&listing, roots->replica_fd) < 0)
                return 0;
        for (size_t i = 0; i < listing.n_entries; i++)
                n += !pair->store.inside_replica ||
                     !streq(listing_name(&listing, i), STORE_NAME_INSIDE);
        return n;
}

/* No batch was committed yet: what the replica holds is not from here. */
static bool is_blank(const Store *store) {
        CatalogReader *reader;
        int64_t n;

        if (catalog_reader_open(store->catalog, &reader) < 0)
                return false;
        n = catalog_reader_count(reader);
        catalog_reader_close(reader);
        return n == 0;
}

/* A catalog with which no pass was ever completed knows nothing that could be relied on. */
static int begin_adoption(Pair *pair, const Roots *roots, char **ret_error) {
        _cleanup_free_ char *completed = NULL;
        size_t n;
        int r;

        r = catalog_get_fact(pair->store.catalog, "completed", &completed);
        if (r < 0 && r != -ENOENT)
                return tell_error(ret_error, r, "cannot read the catalog in store %s: %s",
                                  pair->store.path, strerror(-r));
        pair->adopting = r == -ENOENT;
        n = pair->adopting ? count_entries(pair, roots) : 0;
        if (n > 0 && !pair->dry_run && is_blank(&pair->store)) {
                r = catalog_commit_fact(pair->store.catalog, FACT_ADOPTING, "1");
                if (r < 0)
                        return tell_error(ret_error, r, "cannot write the catalog in store %s: %s",
                                          pair->store.path, strerror(-r));
        }
        if (n > 0)
                tell_notice(
                        REBACKUP_MSG_ADOPTION,
                        "%s is not empty: its %zu entries, and what is in them, are compared by "
                        "content; what must be replaced or removed is kept in %s/versions",
                        pair->config->replica, n, pair->store.path);
        return 0;
}

/* Whether the store is open and still where it was. What is open may be of a disk that is gone, and
 * cannot even be looked at; the one that is there now can, or opening it tells why not. In a dry
 * run its catalog is a copy, which cannot get lost. */
static bool is_attached(const Pair *pair) {
        if (!pair->store.catalog || pair->dry_run)
                return pair->store.catalog != NULL;
        return store_is_present(&pair->store) > 0;
}

int attach_store(Pair *pair, const Roots *roots, const StorePlan *plan, char **ret_error) {
        bool was_here = pair->bound.replica_inode != 0, was_open = pair->store.catalog != NULL;
        int r;

        if (is_attached(pair))
                return 0;

        store_close(&pair->store);
        pair->store = STORE_CLOSED;
        r = pair->dry_run ? open_for_dry_run(pair, plan, ret_error)
                          : open_store(pair, roots, plan, ret_error);
        if (r < 0)
                return r;
        if (pair->store.created && was_here) {
                tell_notice(REBACKUP_MSG_REPLICA_REBUILT,
                            "store %s was gone and is made again; the replica is compared by "
                            "content",
                            pair->store.path);
                pair->rebuilt = true;
        }
        /* A disk that went away takes along what was written last, which no event tells of. */
        if (was_open)
                pair->rebuilt = true;
        return begin_adoption(pair, roots, ret_error);
}
