/* The backend that works everywhere: one inotify watch a directory.
 *
 * A kernel watch belongs to the inode, not to a path: it follows the directory when that is
 * renamed, and ends with an IN_IGNORED when the directory is deleted or its file system unmounted.
 * Descriptors are handed out in ascending order and not again before 2^31 others were, so events
 * that were queued for a watch that is gone are told by their unknown descriptor and dropped. The
 * mutex is held over adding a watch and noting it, so that the reader never meets a descriptor in
 * between. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "watch/lock.h"
#include "watch/watch-internal.h"

enum { EVENT_SIZE_MAX = sizeof(struct inotify_event) + NAME_MAX + 1 };

/* Without IN_EXCL_UNLINK: what is written to an O_TMPFILE file after it was linked is reported
 * under the unlinked name alone. IN_DONT_FOLLOW cannot be: the way through /proc is a link. */
#define WATCH_MASK                                                                        \
        (IN_CREATE | IN_DELETE | IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_FROM | \
         IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/* Adding: with the mutex held */

static int add_watch(const Watch *watch, int directory_fd, uint32_t mask) {
        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
        int descriptor;

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", directory_fd);
        descriptor = inotify_add_watch(watch->inotify_fd, path, mask);
        return descriptor < 0 ? -errno : descriptor;
}

int inotify_add(Watch *watch, Node *node, int directory_fd) {
        int descriptor;

        descriptor = add_watch(watch, directory_fd, WATCH_MASK);
        if (descriptor == -ENOSPC && slot_is_descriptor(*watch_slot(watch, node))) {
                /* It still has the watch of a directory that was there before: reuse that one. */
                watch_map_end(watch, node);
                descriptor = add_watch(watch, directory_fd, WATCH_MASK);
        }
        if (descriptor == -ENOSPC)
                return watch_map_refuse(watch, node);
        if (descriptor < 0)
                return descriptor;
        return watch_map_set(watch, node, slot_from_descriptor(descriptor));
}

int inotify_add_guard(Watch *watch, int directory_fd) {
        return add_watch(watch, directory_fd, IN_UNMOUNT);
}

/* Events */

bool watch_name_is_makeshift(const char *name) {
        size_t n_digits = name[0] == '#' ? strspn(name + 1, "0123456789") : 0;

        return n_digits > 0 && name[1 + n_digits] == '\0';
}

/* What EVENT says in the terms of the contract; 0: nothing. */
static unsigned event_flags(const struct inotify_event *event) {
        unsigned flags = WATCH_EVENT_CHANGED;

        if (event->mask & IN_UNMOUNT)
                return WATCH_EVENT_UNMOUNTED;
        if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF))
                return WATCH_EVENT_GONE;
        /* A directory is modified by who sets its mtime alone. */
        if (event->len == 0)
                return event->mask & (IN_ATTRIB | IN_MODIFY) ? WATCH_EVENT_SELF : 0;

        /* A directory is made in one step, and so are its times set. What was moved away will be
         * seen elsewhere in a moment: looked for before that, it would pass for removed. And what
         * is removed often goes with the directory it is in, which then leaves the replica as a
         * whole. */
        if (event->mask & (IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_TO) ||
            (event->mask & (IN_CREATE | IN_MODIFY) && event->mask & IN_ISDIR))
                flags |= WATCH_EVENT_CLOSED;
        if (event->mask & (IN_DELETE | IN_MOVED_FROM))
                flags |= WATCH_EVENT_LEFT;
        if (event->mask & (IN_CREATE | IN_MOVED_TO))
                flags |= WATCH_EVENT_ENTERED;
        if ((event->mask & IN_CLOSE_WRITE) && watch_name_is_makeshift(event->name))
                flags |= WATCH_EVENT_UNNAMED;
        return flags;
}

static Node *event_node(Watch *watch, const struct inotify_event *event) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&watch->mutex);

        return watch_map_hear(watch, slot_from_descriptor(event->wd), event->mask & IN_IGNORED);
}

static void dispatch(Watch *watch, const struct inotify_event *event, WatchHandler handler,
                     void *userdata) {
        WatchEvent hint = {};
        Node *node;

        if (event->mask & IN_Q_OVERFLOW) {
                hint.flags = WATCH_EVENT_OVERFLOW;
                handler(&hint, userdata);
                return;
        }
        if (watch->marks && fanotify_guard_event(watch, event->wd, event->mask, handler, userdata))
                return;

        node = event_node(watch, event);
        if (!node)
                return;
        hint.node = node;
        hint.flags = event->mask & IN_IGNORED ? 0 : event_flags(event);
        hint.name = hint.flags & WATCH_EVENT_CHANGED ? event->name : NULL;
        if (hint.flags != 0)
                handler(&hint, userdata);
        node_unref(node);
}

int inotify_drain(Watch *watch, WatchHandler handler, void *userdata) {
        const struct inotify_event *event;
        ssize_t n;

        do
                n = read(watch->inotify_fd, watch->buffer, WATCH_BUFFER_SIZE);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == EAGAIN ? 0 : -errno;

        for (char *p = watch->buffer; p < watch->buffer + n; p += sizeof(*event) + event->len) {
                event = (const struct inotify_event *) p; /* the kernel keeps them aligned */
                dispatch(watch, event, handler, userdata);
        }

        /* The kernel stops short of an event that does not fit: with room for the largest one left,
         * the queue was empty. */
        return WATCH_BUFFER_SIZE - n < EVENT_SIZE_MAX;
}
