/* Disks that come and go. The kernel reports every change of the mount table, proc(5); those that
 * touch the pair end in the guards or in a look at the place concerned, at once. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "daemon/manager.h"
#include "watch/dirty.h"

/* The first change is looked at at once: a disk that was exchanged a moment later would look like
 * the one before. A storm of them is looked at in steps. */
#define MOUNTS_STEP_USEC (20 * USEC_PER_MSEC)

static int on_mounts(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Manager *manager = ASSERT_PTR(userdata);
        MountWatch *mounts = &manager->mounts;

        (void) source, (void) fd, (void) revents;
        if (mounts->waiting)
                return 0;
        if (now_usec(CLOCK_MONOTONIC) >= mounts->last + MOUNTS_STEP_USEC) {
                manager_check_mounts(manager);
                return 0;
        }
        mounts->waiting = true;
        manager_set_timer(manager, TIMER_MOUNTS, mounts->last + MOUNTS_STEP_USEC);
        return 0;
}

static int add_mounts_source(Manager *manager) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        r = sd_event_add_io(manager->event, &manager->mounts_source, fd, EPOLLPRI, on_mounts,
                            manager);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(manager->mounts_source, "mounts");
        r = sd_event_source_set_io_fd_own(manager->mounts_source, true);
        if (r < 0)
                return r;
        (void) TAKE_FD(fd);
        return 0;
}

static int begin(Manager *manager) {
        MountWatch *mounts = &manager->mounts;
        int r;

        mounts->source = mount_path_resolve(manager->config->source);
        mounts->replica = mount_path_resolve(manager->config->replica);
        if (!mounts->source || !mounts->replica)
                return -ENOMEM;
        r = add_mounts_source(manager);
        return r < 0 ? r : mount_table_load(&mounts->table);
}

void manager_watch_mounts(Manager *manager) {
        int r;

        if (manager->options->once || manager->mounts.begun)
                return;
        manager->mounts.begun = true;
        r = begin(manager);
        if (r >= 0)
                return;
        manager->mounts_source = sd_event_source_disable_unref(manager->mounts_source);
        (void) log_warning_errno(
                r, "cannot watch for mounts, which are left to rescans until the next start: %m");
}

void manager_mounts_done(Manager *manager) {
        MountWatch *mounts = &manager->mounts;

        sd_event_source_unref(manager->mounts_source);
        mount_table_done(&mounts->table);
        free(mounts->source);
        free(mounts->replica);
        free(mounts->store);
}

/* The watches there may be of directories that are hidden now, or of those that were. */
static int look_again(Manager *manager, const char *point, usec_t now) {
        _cleanup_free_ char *name = NULL;
        Node *node;
        int r;

        r = engine_forget(manager->engine, point, &node, &name);
        if (r < 0)
                return r;
        r = dirty_add(manager->dirty, node, name, DIRTY_SETTLED, now);
        node_unref(node);
        return r;
}

void manager_follow_mounts(Manager *manager, const MountChanges *changes) {
        usec_t now = now_usec(CLOCK_MONOTONIC);

        if (!changes->roots && changes->n_points == 0)
                return;
        log_debug("mounts of the pair came or went: %s%zu in the source",
                  changes->roots ? "at its directories, " : "", changes->n_points);
        if (changes->roots) {
                manager->not_before = 0;
                manager_want_full(manager, now);
        }
        if (manager->engine) {
                engine_note_mounts(manager->engine);
                for (size_t i = 0; i < changes->n_points; i++)
                        if (look_again(manager, changes->points[i], now) < 0)
                                manager_want_full(manager, now);
        }
}

/* Where the store is, is known when the pair is open. */
static void find_store(Manager *manager) {
        MountWatch *mounts = &manager->mounts;

        if (!mounts->store && manager->pair && manager->pair->store.path)
                mounts->store = mount_path_resolve(manager->pair->store.path);
}

static int compare(Manager *manager, MountChanges *ret) {
        MountWatch *mounts = &manager->mounts;
        MountTable table;
        int r;

        r = mount_table_load(&table);
        if (r < 0)
                return r;
        find_store(manager);
        r = mount_changes_find(
                &mounts->table, &table,
                &(const MountPaths) { mounts->source, mounts->replica, mounts->store }, ret);
        if (r < 0) {
                mount_table_done(&table);
                return r;
        }
        mount_table_done(&mounts->table);
        mounts->table = table;
        return 0;
}

void manager_check_mounts(Manager *manager) {
        MountChanges changes = {};
        int r;

        manager->mounts.waiting = false;
        manager->mounts.last = now_usec(CLOCK_MONOTONIC);
        r = compare(manager, &changes);
        if (r < 0) {
                (void) log_warning_errno(r, "cannot read the mounts, comparing everything: %m");
                changes.roots = true;
        }
        manager_follow_mounts(manager, &changes);
        /* A disk that went and is back is all that a hold waits for, and may look as if nothing had
         * changed. */
        if (manager->hold)
                manager->not_before = 0;
        if (manager->hold || changes.roots || changes.n_points > 0)
                manager_continue(manager);
        mount_changes_done(&changes);
}

/* Mounts as they are told apart without their numbers; borrows what TABLE owns. */
static int without_numbers(const MountTable *table, MountTable *ret) {
        Mount *mounts = new0(Mount, table->n_mounts + 1);

        if (!mounts)
                return -ENOMEM;
        for (size_t i = 0; i < table->n_mounts; i++) {
                mounts[i] = table->mounts[i];
                mounts[i].id = 0;
        }
        *ret = (MountTable) { .mounts = mounts, .n_mounts = table->n_mounts };
        return 0;
}

/* Each process of a service may have a mount namespace of its own, and even the namespaces' numbers
 * are used again. A file system that went and came back in between has ended its watches, which is
 * told by them. */
int manager_compare_mounts(Manager *manager, const MountTable *was, MountChanges *ret) {
        MountTable before = {}, now = {};
        int r;

        find_store(manager);
        r = without_numbers(was, &before);
        if (r >= 0)
                r = without_numbers(&manager->mounts.table, &now);
        if (r >= 0)
                r = mount_changes_find(&before, &now,
                                       &(const MountPaths) { manager->mounts.source,
                                                             manager->mounts.replica,
                                                             manager->mounts.store },
                                       ret);
        free(before.mounts);
        free(now.mounts);
        return r;
}
