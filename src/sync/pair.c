#include "sync/pair.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "sync/attach.h"
#include "sync/binding.h"
#include "sync/guard.h"
#include "sync/message-ids.h"
#include "sync/records.h"
#include "sync/roots.h"
#include "sync/tell.h"

DEFINE_TRIVIAL_CLEANUP_FUNC(Pair *, pair_close)

static int pair_new(const Config *config, const char *instance, bool dry_run, Pair **ret) {
        _cleanup_(pair_closep) Pair *pair = calloc(1, sizeof *pair);
        int r;

        if (!pair)
                return -ENOMEM;
        pair->config = config;
        pair->dry_run = dry_run;
        pair->source_fd = pair->replica_fd = -EBADF;
        pair->store = STORE_CLOSED;
        /* Without a home directory there is none: the store alone remembers then. */
        r = binding_directory(config, instance, &pair->state_directory);
        if (r < 0 && r != -ENOENT)
                return r;
        *ret = TAKE_PTR(pair);
        return 0;
}

Pair *pair_close(Pair *pair) {
        if (!pair)
                return NULL;
        pair_end_pass(pair);
        store_close(&pair->store);
        store_identity_done(&pair->bound);
        free(pair->state_directory);
        free(pair);
        return NULL;
}

/* Two-way: what is missing from another directory was removed by nobody. So nothing is taken for
 * known, and both sides get what either has. */
static int forget_base(Pair *pair, const Roots *roots, char **ret_error) {
        const StoreIdentity *was = &pair->bound;
        bool is_other = (was->source_inode != 0 &&
                         was->source_inode != roots->source.stamp.inode) ||
                        (was->replica_inode != 0 && roots->replica_fd >= 0 &&
                         was->replica_inode != roots->replica.stamp.inode);
        int r;

        if (pair->config->direction != DIRECTION_TWO_WAY)
                return 0;
        r = catalog_index_replica(pair->store.catalog);
        if (r >= 0 && !is_other)
                return 0;
        if (r >= 0)
                r = catalog_forget_entries(pair->store.catalog);
        if (r < 0)
                return tell_error(ret_error, r, "cannot prepare the catalog in store %s: %s",
                                  pair->store.path, strerror(-r));
        pair->adopting = pair->rebuilt = true;
        return 0;
}

/* Says which roots are other directories than before, though on the same file systems. A pass that
 * looks at some places only would not do then. */
static void note_exchanged(Pair *pair, const Roots *roots) {
        const StoreIdentity *was = &pair->bound;

        if (pair->approved) {
                pair->rebuilt = true;
                return;
        }
        if (was->source_inode != 0 && was->source_inode != roots->source.stamp.inode) {
                tell_notice(NULL,
                            "source %s is another directory than before, on the same file system; "
                            "it is mirrored as it is",
                            pair->config->source);
                pair->rebuilt = true;
        }
        if (was->replica_inode != 0 && roots->replica_fd >= 0 &&
            was->replica_inode != roots->replica.stamp.inode) {
                tell_notice(NULL,
                            "replica %s is another directory than before, on the same file system; "
                            "it is compared and completed",
                            pair->config->replica);
                pair->rebuilt = true;
        }
}

static int make_replica(Pair *pair, Roots *roots, char **ret_error) {
        int r = roots_make_replica(pair->config, roots, ret_error);

        if (r < 0)
                return r;
        if (pair->bound.replica_inode != 0) {
                tell_notice(REBACKUP_MSG_REPLICA_REBUILT,
                            "replica %s was gone and is made again; it is being refilled",
                            pair->config->replica);
                pair->rebuilt = true;
        }
        return 0;
}

static int check_writable(const Config *config, const Roots *roots, char **ret_error) {
        if (faccessat(roots->replica_fd, ".", W_OK | X_OK, AT_EACCESS) >= 0)
                return 0;
        int r = -errno;
        return tell_error(ret_error, r, "cannot write to replica %s: %s", config->replica,
                          strerror(-r));
}

/* A random number of 128 bits as 32 hexadecimal digits. */
static int pair_id_new(char **ret) {
        uint64_t random[2];

        if (getrandom(random, sizeof random, 0) != sizeof random)
                return -EIO;
        return asprintf(ret, "%016" PRIx64 "%016" PRIx64, random[0], random[1]) < 0 ? -ENOMEM : 0;
}

/* From here on the guards hold the pair against ROOTS. */
static int bind_to(Pair *pair, const Roots *roots) {
        StoreIdentity *bound = &pair->bound;
        _cleanup_free_ char *source = strdup(pair->config->source),
                            *replica = strdup(pair->config->replica);
        int r;

        if (!source || !replica)
                return -ENOMEM;
        if (!bound->pair_id) {
                r = pair_id_new(&bound->pair_id);
                if (r < 0)
                        return r;
        }
        free(bound->source);
        free(bound->replica);
        bound->source = TAKE_PTR(source);
        bound->replica = TAKE_PTR(replica);
        bound->source_file_system = roots->source_id;
        bound->replica_file_system = roots->replica_id;
        bound->source_inode = roots->source.stamp.inode;
        bound->replica_inode = roots->replica.stamp.inode;
        bound->mount_points = (roots->source.is_mount_root ? MOUNT_POINT_SOURCE : 0) |
                              (roots->replica.is_mount_root ? MOUNT_POINT_REPLICA : 0);
        pair->bind_pending = true;
        return 0;
}

/* Whether nothing has changed about roots and store since the pair was bound to them: the way of
 * nearly every pass. */
static bool is_unchanged(const Pair *pair, const Roots *roots) {
        return pair->store.catalog && roots->replica_fd >= 0 &&
               pair->bound.source_inode == roots->source.stamp.inode &&
               pair->bound.replica_inode == roots->replica.stamp.inode &&
               (pair->dry_run || store_is_present(&pair->store) > 0);
}

/* Makes what is missing, replica and store, and binds the pair to ROOTS. PLAN was judged by all
 * guards. */
static int establish(Pair *pair, Roots *roots, StorePlan *plan, char **ret_error) {
        int r = 0;

        note_exchanged(pair, roots);
        if (roots->replica_fd < 0 && !pair->dry_run) {
                r = make_replica(pair, roots, ret_error);
                if (r < 0)
                        return r;
                store_plan_done(plan);
                r = attach_plan(pair->config, roots, plan, ret_error);
        }
        if (r == 0 && !pair->dry_run)
                r = check_writable(pair->config, roots, ret_error);
        if (r == 0)
                r = attach_store(pair, roots, plan, ret_error);
        if (r == 0)
                r = forget_base(pair, roots, ret_error);
        if (r != 0)
                return r;

        r = roots->replica_fd >= 0 ? flush_choose(&pair->flush, roots->replica_fd) : 0;
        if (r >= 0)
                r = bind_to(pair, roots);
        if (r < 0)
                return tell_error(ret_error, r, "cannot bind the pair to %s: %s",
                                  pair->config->replica, strerror(-r));
        if (!pair->dry_run) {
                records_save(pair);
                atomic_store(&pair->approved, false);
        }
        return 0;
}

static int survey(const Pair *pair, const Roots *roots, StorePlan *ret, char **ret_error) {
        int r = attach_plan(pair->config, roots, ret, ret_error);

        return r < 0 ? r : guard_overlap(pair->config, roots, ret, ret_error);
}

static int open_roots(Pair *pair, char **ret_error) {
        _cleanup_(roots_done) Roots roots = ROOTS_NULL;
        _cleanup_(store_plan_done) StorePlan plan = {};
        int r;

        r = roots_open(pair->config, &roots, ret_error);
        if (r == 0)
                r = survey(pair, &roots, &plan, ret_error);
        if (r == 0)
                r = records_judge(pair, &roots, &plan, ret_error);
        return r == 0 ? establish(pair, &roots, &plan, ret_error) : r;
}

static int open_pair(const Config *config, const char *instance, bool dry_run, bool approved,
                     Pair **ret, char **ret_error) {
        _cleanup_(pair_closep) Pair *pair = NULL;
        int r;

        r = pair_new(config, instance, dry_run, &pair);
        if (r < 0)
                return tell_error(ret_error, r, "cannot set up the pair of %s and %s: %s",
                                  config->source, config->replica, strerror(-r));
        atomic_store(&pair->approved, approved);
        r = open_roots(pair, ret_error);
        if (r != 0)
                return r;
        *ret = TAKE_PTR(pair);
        return 0;
}

int pair_open(const Config *config, const char *instance, bool dry_run, Pair **ret,
              char **ret_error) {
        return open_pair(config, instance, dry_run, false, ret, ret_error);
}

int pair_open_approved(const Config *config, const char *instance, bool dry_run, Pair **ret,
                       char **ret_error) {
        return open_pair(config, instance, dry_run, true, ret, ret_error);
}

/* Judges and makes again what may have changed since the last pass. */
static int renew(Pair *pair, Roots *roots, char **ret_error) {
        _cleanup_(store_plan_done) StorePlan plan = {};
        bool remounted = atomic_exchange(&pair->mounts_changed, false),
             unchanged = is_unchanged(pair, roots) && !pair->approved;
        int r;

        if (unchanged && !remounted)
                return 0;
        r = survey(pair, roots, &plan, ret_error);
        if (r != 0 && remounted)
                atomic_store(&pair->mounts_changed, true);
        return r == 0 && !unchanged ? establish(pair, roots, &plan, ret_error) : r;
}

int pair_begin_pass(Pair *pair, char **ret_error) {
        _cleanup_(roots_done) Roots roots = ROOTS_NULL;
        int r;

        assert(pair->source_fd < 0 && pair->replica_fd < 0);

        pair->rebuilt = false;
        r = roots_open(pair->config, &roots, ret_error);
        if (r == 0)
                r = records_hold(pair, &roots, ret_error);
        if (r == 0)
                r = renew(pair, &roots, ret_error);
        if (r != 0)
                return r;

        pair->source_fd = TAKE_FD(roots.source_fd);
        pair->replica_fd = TAKE_FD(roots.replica_fd);
        pair->source_root = roots.source;
        pair->replica_root = roots.replica;
        return 0;
}

int pair_recheck(Pair *pair, char **ret_error) {
        _cleanup_(roots_done) Roots roots = ROOTS_NULL;
        int r;

        r = roots_open(pair->config, &roots, ret_error);
        if (r == 0)
                r = records_hold(pair, &roots, ret_error);
        if (r == 0)
                r = guard_unmoved(pair, &roots, ret_error);
        return r;
}

int pair_bind(Pair *pair) {
        int r;

        if (pair->dry_run || (!pair->adopting && !pair->bind_pending))
                return 0;
        r = records_set_facts(pair->store.catalog, &pair->bound);
        return r < 0 ? r : catalog_set_fact(pair->store.catalog, "completed", "1");
}

void pair_note_bound(Pair *pair) {
        if (pair->dry_run || (!pair->adopting && !pair->bind_pending))
                return;
        records_save(pair);
        pair->adopting = pair->bind_pending = false;
}

void pair_end_pass(Pair *pair) {
        pair->source_fd = safe_close(pair->source_fd);
        pair->replica_fd = safe_close(pair->replica_fd);
}
