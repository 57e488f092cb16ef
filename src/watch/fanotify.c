/* The backends that use fanotify: marks set on directories, or on whole file systems; see
 * fanotify-marks.c for the difference, which ends there.
 *
 * Events name a directory by its handle. Of most file systems' directories that were never watched
 * nothing is known here; their events cost a look-up and are dropped. A handle is its directory's
 * for ever: one that is made anew under the same name has another. fanotify says nothing when a
 * file system is unmounted, so the first directory of each has an inotify watch for that alone. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "watch/lock.h"
#include "watch/watch-internal.h"

enum {
        RECORD_SIZE_MAX = sizeof(struct fanotify_event_info_fid) + sizeof(struct file_handle) +
                          FILE_HANDLE_SIZE_MAX + NAME_MAX + 4,
        EVENT_SIZE_MAX = sizeof(struct fanotify_event_metadata) + 3 * RECORD_SIZE_MAX,
        UNMARK_MAX = 16, /* at one time */
};

/* Adding: with the mutex held */

static int copy_handle(const DirectoryHandle *handle, uint64_t *ret_slot) {
        size_t size = sizeof(*handle) + handle->size;
        DirectoryHandle *copy = malloc(size);

        if (!copy)
                return -ENOMEM;
        memcpy(copy, handle, size);
        *ret_slot = slot_from_handle(copy);
        return 0;
}

static void place_guard(Watch *watch, int directory_fd, unsigned file_system) {
        int descriptor;

        if (fanotify_marks_guard(watch->marks, file_system) >= 0)
                return;
        descriptor = inotify_add_guard(watch, directory_fd);
        if (descriptor >= 0) /* else tried again with the next directory */
                fanotify_marks_set_guard(watch->marks, file_system, descriptor);
}

/* Takes away marks that are wanted no more, by the descriptor that is at hand. */
static void unmark_left(Watch *watch, int directory_fd, const DirectoryHandle *near) {
        DirectoryKey left;

        for (unsigned i = 0; i < UNMARK_MAX; i++) {
                if (!fanotify_marks_next_left(watch->marks, near, &left))
                        return;
                if (!watch_map_find(watch, slot_from_handle(&left.handle)))
                        fanotify_marks_unmark(watch->marks, directory_fd, &left.handle);
        }
}

/* What is refused is asked nothing. */
static bool is_refused(Watch *watch, dev_t device) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&watch->mutex);

        return fanotify_marks_refuses(watch->marks, device);
}

static void refuse(Watch *watch, dev_t device) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&watch->mutex);

        fanotify_marks_refuse(watch->marks, device);
}

int fanotify_prepare(Watch *watch, int directory_fd, DirectoryPosition *ret) {
        struct stat status;
        int r;

        if (fstat(directory_fd, &status) < 0)
                return -errno;
        if (!S_ISDIR(status.st_mode))
                return -ENOTDIR;
        if (is_refused(watch, status.st_dev))
                return -EOPNOTSUPP;
        r = directory_position_acquire(directory_fd, ret);
        if (r == -EOPNOTSUPP)
                refuse(watch, status.st_dev);
        return r;
}

int fanotify_add(Watch *watch, Node *node, int directory_fd, const DirectoryPosition *position) {
        DirectoryKey key;
        uint64_t slot;
        int r;

        r = fanotify_marks_cover(watch->marks, directory_fd, position, &key);
        if (r == -ENOSPC)
                return watch_map_refuse(watch, node);
        if (r < 0)
                return r;
        place_guard(watch, directory_fd, key.handle.file_system);

        slot = slot_from_handle(&key.handle);
        if (watch_map_find(watch, slot) == node)
                r = 0;
        else if ((r = copy_handle(&key.handle, &slot)) >= 0)
                r = watch_map_set(watch, node, slot);
        unmark_left(watch, directory_fd, &key.handle);
        return r;
}

void fanotify_end(Watch *watch, const DirectoryHandle *handle) {
        fanotify_marks_leave(watch->marks, handle);
}

/* Events */

/* What HINT says, with a reference to the node; with the mutex held. False: it is nobody's. */
static bool resolve(Watch *watch, const FanotifyHint *hint, WatchEvent *ret) {
        WatchEvent event = { .flags = hint->flags, .name = hint->name };
        DirectoryKey key;

        if (hint->directory) {
                if (!fanotify_marks_find(watch->marks, hint->directory, &key))
                        return false;
                event.node = watch_map_hear(watch, slot_from_handle(&key.handle), hint->deleted);
                if (!event.node && hint->name)
                        fanotify_marks_leave(watch->marks, &key.handle);
                if (!event.node)
                        return false;
        }
        if (hint->file)
                event.file = fanotify_marks_identify(watch->marks, hint->file);
        if (hint->flags & WATCH_EVENT_FILE && event.file.inode == 0)
                return false;
        *ret = event;
        return true;
}

static void dispatch(Watch *watch, const FanotifyHint *hint, bool own, WatchHandler handler,
                     void *userdata) {
        WatchEvent event;
        bool told;

        (void) pthread_mutex_lock(&watch->mutex);
        told = resolve(watch, hint, &event);
        (void) pthread_mutex_unlock(&watch->mutex);
        if (!told)
                return;
        if (!own && event.flags != 0)
                handler(&event, userdata);
        node_unref(event.node);
}

static int dispatch_all(Watch *watch, size_t size, WatchHandler handler, void *userdata) {
        pid_t own_pid = watch->skips_own && !watch->has_inherited ? getpid() : -1;
        FanotifyHint hints[FANOTIFY_HINTS_MAX];
        FanotifyEvent event;
        ssize_t n;

        for (const char *p = watch->buffer; size > 0; p += n, size -= (size_t) n) {
                n = fanotify_event_parse(p, size, &event);
                if (n < 0)
                        return (int) n;
                unsigned n_hints = fanotify_event_hints(&event, hints);
                for (unsigned i = 0; i < n_hints; i++)
                        dispatch(watch, &hints[i], event.pid == own_pid, handler, userdata);
        }
        return 0;
}

int fanotify_drain(Watch *watch, WatchHandler handler, void *userdata) {
        ssize_t n;

        do
                n = read(fanotify_marks_fd(watch->marks), watch->buffer, WATCH_BUFFER_SIZE);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == EAGAIN ? 0 : -errno;

        /* What cannot be understood is lost. */
        if (dispatch_all(watch, (size_t) n, handler, userdata) < 0)
                handler(&(WatchEvent) { .flags = WATCH_EVENT_OVERFLOW }, userdata);
        if (WATCH_BUFFER_SIZE - n < EVENT_SIZE_MAX)
                return 1;
        watch->has_inherited = false; /* the queue was empty for a moment */
        return 0;
}

/* Unmounting */

typedef struct Nodes {
        Node **items;
        size_t n;
} Nodes;

/* Takes all nodes of a file system out of the map, each with a reference; with the mutex held. */
static int take_nodes(Watch *watch, unsigned file_system, Nodes *ret) {
        size_t position = 0, n = 0;
        Node **items, *node;

        items = new0(Node *, watch->nodes.n_items + 1);
        if (!items)
                return -ENOMEM;
        while ((node = hash_index_next(&watch->nodes, &position))) {
                uint64_t slot = *watch_slot(watch, node);

                if (slot_is_handle(slot) && slot_handle(slot)->file_system == file_system)
                        items[n++] = node_ref(node);
        }
        for (size_t i = 0; i < n; i++)
                watch_map_forget(watch, items[i]);
        *ret = (Nodes) { .items = items, .n = n };
        return 0;
}

/* With the mutex held. 0; 1 when DESCRIPTOR is no guard; -ENOMEM. */
static int hear_guard(Watch *watch, int descriptor, uint32_t mask, Nodes *ret) {
        int file_system, r;

        file_system = fanotify_marks_find_guard(watch->marks, descriptor);
        if (file_system < 0)
                return 1;
        if (mask & (IN_UNMOUNT | IN_IGNORED)) /* gone, in any case */
                fanotify_marks_set_guard(watch->marks, (unsigned) file_system, -1);
        if (!(mask & IN_UNMOUNT))
                return 0;
        r = take_nodes(watch, (unsigned) file_system, ret);
        if (r < 0) {
                fanotify_marks_distrust(watch->marks);
                return r;
        }
        fanotify_marks_forget(watch->marks, (unsigned) file_system);
        return 0;
}

bool fanotify_guard_event(Watch *watch, int descriptor, uint32_t mask, WatchHandler handler,
                          void *userdata) {
        Nodes nodes = {};
        int r;

        (void) pthread_mutex_lock(&watch->mutex);
        r = hear_guard(watch, descriptor, mask, &nodes);
        (void) pthread_mutex_unlock(&watch->mutex);
        if (r < 0) /* then everything is looked at, and marked, again */
                handler(&(WatchEvent) { .flags = WATCH_EVENT_OVERFLOW }, userdata);

        for (size_t i = 0; i < nodes.n; i++) {
                WatchEvent event = { .node = nodes.items[i], .flags = WATCH_EVENT_UNMOUNTED };

                if (!event.node->detached)
                        handler(&event, userdata);
                node_unref(event.node);
        }
        free(nodes.items);
        return r <= 0;
}
