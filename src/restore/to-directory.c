/* Bringing back to a directory: what is done with each entry of the walk. */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "fs/attributes.h"
#include "fs/confined.h"
#include "fs/durability.h"
#include "restore/content.h"
#include "restore/entered.h"
#include "restore/layers.h"
#include "restore/publish.h"
#include "restore/target.h"

const char *restore_outcome_to_string(RestoreOutcome outcome) {
        static const char *const names[] = {
                [RESTORE_DONE] = "restored",       [RESTORE_REPLACED] = "replaced",
                [RESTORE_UNCHANGED] = "unchanged", [RESTORE_EXISTS] = "exists",
                [RESTORE_FAILED] = "failed",
        };

        return outcome < _RESTORE_OUTCOME_MAX ? names[outcome] : NULL;
}

static void tell(const Target *target, const RestoreItem *item, RestoreOutcome outcome,
                 unsigned shortfalls) {
        target->request->tell(
                &(RestoreEvent) {
                        .outcome = outcome,
                        .path = item->path,
                        .stamp = &item->entry.stamp,
                        .version = item->version == LAYER_NONE ? 0 : item->version,
                        .shortfalls = shortfalls,
                },
                target->request->userdata);
}

/* What ends all: no more memory, no more wish, or no more room. */
static bool is_final(const Target *target, int r) {
        return r == -ENOMEM || r == -EINTR || r == -ENOSPC || r == -EDQUOT || r == -EROFS ||
               target_tick(0, (void *) target) < 0;
}

static int tell_failed(const Target *target, const RestoreItem *item, int r) {
        if (r == -EEXIST) {
                tell(target, item, RESTORE_EXISTS, 0);
                return 0;
        }
        target->request->tell(
                &(RestoreEvent) {
                        .outcome = RESTORE_FAILED,
                        .path = item->path,
                        .stamp = &item->entry.stamp,
                        .error = r,
                },
                target->request->userdata);
        return is_final(target, r) ? r : 0;
}

static int on_fail(const char *path, int r, void *userdata) {
        const Target *target = userdata;

        target->request->tell(
                &(RestoreEvent) { .outcome = RESTORE_FAILED, .path = path, .error = r },
                target->request->userdata);
        return is_final(target, r) ? r : 0;
}

/* Where an entry goes, and what is there now. */
typedef struct Spot {
        int directory_fd; /* negative: not made, in a dry run */
        const char *name;
        bool exists;
        Entry entry;
} Spot;

static int find_spot(Target *target, const RestoreItem *item, Spot *spot) {
        int r;

        *spot = (Spot) { .directory_fd = -EBADF };
        if (target->root_fd < 0)
                return 0;
        r = spot->directory_fd = target_open_parent(target, item, &spot->name);
        if (r == -ENOENT && target->request->dry_run)
                return 0;
        if (r < 0)
                return r;
        r = entry_acquire(spot->directory_fd, spot->name, &spot->entry);
        spot->exists = r >= 0;
        return r == -ENOENT ? 0 : r;
}

/* --- directories --------------------------------------------------------------------------------
 */

static int make_directory(const RestoreItem *item, const Spot *spot, Entered *entered) {
        char temporary[BESIDE_NAME_MAX];
        int r;

        if (!spot->exists) {
                if (mkdirat(spot->directory_fd, spot->name, 0700) < 0)
                        return -errno;
                return target_claim_directory(spot->directory_fd, spot->name, entered);
        }
        r = beside_name(temporary);
        if (r < 0)
                return r;
        if (mkdirat(spot->directory_fd, temporary, 0700) < 0)
                return -errno;
        r = target_claim_directory(spot->directory_fd, temporary, entered);
        if (r >= 0)
                r = publish_over(spot->directory_fd, temporary, spot->name, item->entry.stamp.mode,
                                 &spot->entry);
        if (r < 0)
                (void) unlinkat(spot->directory_fd, temporary, AT_REMOVEDIR);
        return r;
}

static bool metadata_differs(const RestoreItem *item, const Spot *spot) {
        _cleanup_(attributes_done) Attributes a = ATTRIBUTES_NULL, b = ATTRIBUTES_NULL;
        _cleanup_close_ int fd = -EBADF;

        if (!stamp_replicates(&item->entry.stamp, &spot->entry.stamp))
                return true;
        fd = confined_open(spot->directory_fd, spot->name, O_PATH);
        return fd < 0 || attributes_acquire(item->fd, &a) < 0 || attributes_acquire(fd, &b) < 0 ||
               !attributes_equal(&a, &b);
}

/* A directory of the target that is there already is gone into; only force changes it. */
static int enter_existing(Target *target, const RestoreItem *item, const Spot *spot) {
        bool is_new = target->root_is_new && spot->name[0] == '\0';
        bool forced = target->request->force && !item->is_ancestor;
        Entered entered = {
                .finish = is_new || forced,
                .outcome = RESTORE_UNCHANGED,
                .device = spot->entry.device,
                .inode = spot->entry.stamp.inode,
        };

        if (is_new)
                entered.outcome = RESTORE_DONE;
        else if (forced && metadata_differs(item, spot))
                entered.outcome = RESTORE_REPLACED;
        return entered_push(&target->entered, item->path, entered);
}

static int enter_made(Target *target, const RestoreItem *item, const Spot *spot) {
        Entered entered = {
                .finish = true,
                .is_imagined = target->request->dry_run,
                .outcome = spot->exists ? RESTORE_REPLACED : RESTORE_DONE,
        };
        int r;

        if (!target->request->dry_run) {
                r = make_directory(item, spot, &entered);
                if (r < 0)
                        return tell_failed(target, item, r);
        }
        return entered_push(&target->entered, item->path, entered);
}

/* In a dry run nothing is below a directory that was not made. */
static bool is_imagined(const Target *target) {
        const Entered *top = entered_top(&target->entered);

        return top && top->is_imagined;
}

static int on_enter(const RestoreItem *item, void *userdata) {
        Target *target = userdata;
        Spot spot = {};
        int r;

        r = target_tick(0, target);
        if (r < 0)
                return r;
        if (item->is_ancestor && !target->makes_parents)
                return 1;
        r = 0;
        if (!is_imagined(target))
                r = find_spot(target, item, &spot);
        if (r < 0)
                return tell_failed(target, item, r);
        if (spot.exists && S_ISDIR(spot.entry.stamp.mode))
                return enter_existing(target, item, &spot);
        if (spot.exists && (!target->request->force || item->is_ancestor)) {
                tell(target, item, RESTORE_EXISTS, 0);
                return 0;
        }
        return enter_made(target, item, &spot);
}

/* The names in a directory that is done with. */
static int flush_names(Target *target, const RestoreItem *item) {
        _cleanup_close_ int fd = -EBADF;
        Spot spot;
        int r;

        if (!target->flush_each || target->request->dry_run)
                return 0;
        r = find_spot(target, item, &spot);
        if (r < 0 || !spot.exists)
                return r;
        fd = confined_open(spot.directory_fd, spot.name, O_RDONLY | O_DIRECTORY);
        return fd < 0 ? fd : directory_fsync(fd);
}

static int on_leave(const RestoreItem *item, void *userdata) {
        Target *target = userdata;
        unsigned shortfalls = 0;
        Entered entered;
        Spot spot;
        int r;

        if (!entered_pop(&target->entered, item->path, &entered))
                return 0;
        r = 0;
        if (entered.finish && !target->request->dry_run) {
                r = find_spot(target, item, &spot);
                if (r >= 0)
                        r = target_finish_directory(spot.directory_fd, spot.name, &entered, item,
                                                    &shortfalls);
        }
        if (r >= 0)
                r = flush_names(target, item);
        if (r < 0)
                return tell_failed(target, item, r);
        if (entered.finish && entered.outcome != RESTORE_UNCHANGED)
                tell(target, item, entered.outcome, shortfalls);
        return 0;
}

/* --- everything else ----------------------------------------------------------------------------
 */

/* Whether what is at SPOT is what ITEM is. 1, 0, -errno. */
static int is_there(Target *target, const RestoreItem *item, const Spot *spot) {
        const GroupPlace *first = groups_find(target->groups, &item->entry);
        _cleanup_close_ int fd = -EBADF;

        if (S_ISDIR(spot->entry.stamp.mode))
                return 0;
        if (first && target->request->force)
                return first->device == spot->entry.device &&
                       first->inode == spot->entry.stamp.inode;
        fd = confined_open_child(spot->directory_fd, spot->name, O_PATH);
        return fd < 0 ? fd
                      : content_is_same(target->copier, item->fd, &item->entry, fd, target_tick,
                                        target);
}

/* Makes ITEM beside its place: as a link where it can be one. */
static int make_beside(Target *target, const RestoreItem *item, const Spot *spot,
                       const char *temporary, unsigned *shortfalls) {
        const GroupPlace *first = groups_find(target->groups, &item->entry);
        int r;

        if (first) {
                r = target_link(target, first, spot->directory_fd, temporary);
                if (r != 0)
                        return r;
                *shortfalls |= SHORTFALL_HARD_LINK;
        }
        return target_make(target, item, spot->directory_fd, temporary, shortfalls);
}

static int put(Target *target, const RestoreItem *item, const Spot *spot, unsigned *shortfalls) {
        char temporary[BESIDE_NAME_MAX];
        int r;

        r = beside_name(temporary);
        if (r < 0)
                return r;
        r = make_beside(target, item, spot, temporary, shortfalls);
        if (r < 0)
                return r;
        r = spot->exists ? publish_over(spot->directory_fd, temporary, spot->name,
                                        item->entry.stamp.mode, &spot->entry)
                         : publish_new(spot->directory_fd, temporary, spot->name);
        /* After an exchange it is the rest of an old directory that has the name: that stays. */
        if (r < 0)
                (void) unlinkat(spot->directory_fd, temporary, 0);
        return r;
}

/* Remembers where the first name of a group is now. */
static int note(Target *target, const RestoreItem *item, const Spot *spot) {
        Entry there;

        if (item->entry.stamp.n_links <= 1 ||
            entry_acquire(spot->directory_fd, spot->name, &there) < 0)
                return 0;
        return groups_add(target->groups, &item->entry, target_path(target, item), &there);
}

static int on_visit(const RestoreItem *item, void *userdata) {
        Target *target = userdata;
        unsigned shortfalls = 0;
        Spot spot = {};
        int r;

        r = target_tick(0, target);
        if (r < 0)
                return r;
        if (!is_imagined(target))
                r = find_spot(target, item, &spot);
        if (r >= 0 && spot.exists)
                r = is_there(target, item, &spot);
        if (r < 0)
                return tell_failed(target, item, r);
        if (r > 0) {
                tell(target, item, RESTORE_UNCHANGED, 0);
                return note(target, item, &spot);
        }
        if (spot.exists && !target->request->force) {
                tell(target, item, RESTORE_EXISTS, 0);
                return 0;
        }
        if (!target->request->dry_run) {
                r = put(target, item, &spot, &shortfalls);
                if (r < 0)
                        return tell_failed(target, item, r);
                r = note(target, item, &spot);
                if (r < 0)
                        return r;
        }
        tell(target, item, spot.exists ? RESTORE_REPLACED : RESTORE_DONE, shortfalls);
        return 0;
}

int target_fill(Target *target, const RestorePair *pair) {
        const WalkHooks hooks = {
                .enter = on_enter,
                .leave = on_leave,
                .visit = on_visit,
                .fail = on_fail,
                .userdata = target,
        };
        int r;

        target->flush_each = target->root_fd >= 0 && durability_needs_fsync(target->root_fd) > 0;
        r = copier_new(&target->copier);
        if (r >= 0)
                r = groups_new(&target->groups);
        if (r >= 0)
                r = walk(pair, target->request->path, target->request->at, &hooks);
        /* What was brought back stays. */
        if (r > 0 && !target->request->dry_run && syncfs(target->root_fd) < 0)
                r = -errno;
        return r;
}
