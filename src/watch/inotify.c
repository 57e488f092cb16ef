/* The watch backend that works everywhere: one inotify watch a directory.
 *
 * A kernel watch belongs to the inode, not to a path: it follows the directory when that is
 * renamed, and ends with an IN_IGNORED when the directory is deleted or its file system unmounted.
 * Descriptors are handed out in ascending order and not again before 2^31 others were, so events
 * that were queued for a watch that is gone are told by their unknown descriptor and dropped. The
 * mutex is held over adding a watch and noting it, so that the reader never meets a descriptor in
 * between. */

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "watch/hash-index.h"
#include "watch/lock.h"
#include "watch/watch.h"

enum {
        BUFFER_SIZE = 64 * 1024,
        EVENT_SIZE_MAX = sizeof(struct inotify_event) + NAME_MAX + 1,
};

/* Without IN_EXCL_UNLINK: what is written to an O_TMPFILE file after it was linked is reported
 * under the unlinked name alone. IN_DONT_FOLLOW cannot be: the way through /proc is a link. */
#define WATCH_MASK                                                                        \
        (IN_CREATE | IN_DELETE | IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_FROM | \
         IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct Watch {
        int fd;
        pthread_mutex_t mutex; /* guards what follows, and watch_descriptor of all nodes */
        HashIndex nodes;       /* by watch descriptor; a reference each */
        size_t n_refused;
        int refused_mark; /* the watch_descriptor of nodes that count as refused: below -1 */
        char *buffer;     /* the event loop's; BUFFER_SIZE */
};

static uint64_t descriptor_hash(const void *item, uint64_t seed) {
        const Node *node = item;

        return hash_fold(seed, (uint64_t) node->watch_descriptor);
}

static bool descriptor_equal(const void *a, const void *b) {
        const Node *x = a, *y = b;

        return x->watch_descriptor == y->watch_descriptor;
}

static const HashIndexType descriptor_index = {
        .hash = descriptor_hash,
        .equal = descriptor_equal,
};

int watch_new(Watch **ret) {
        _cleanup_free_ Watch *watch = NULL;
        _cleanup_free_ char *buffer = NULL;

        watch = new0(Watch, 1);
        buffer = malloc(BUFFER_SIZE);
        if (!watch || !buffer)
                return -ENOMEM;
        watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (watch->fd < 0)
                return -errno;

        (void) pthread_mutex_init(&watch->mutex, NULL); /* cannot fail with glibc or musl */
        hash_index_init(&watch->nodes, &descriptor_index);
        watch->refused_mark = -2;
        watch->buffer = TAKE_PTR(buffer);
        *ret = TAKE_PTR(watch);
        return 0;
}

Watch *watch_free(Watch *watch) {
        size_t position = 0;
        Node *node;

        if (!watch)
                return NULL;

        (void) close(watch->fd);
        while ((node = hash_index_next(&watch->nodes, &position))) {
                node->watch_descriptor = -1;
                node_unref(node);
        }
        hash_index_done(&watch->nodes);
        (void) pthread_mutex_destroy(&watch->mutex);
        free(watch->buffer);
        free(watch);
        return NULL;
}

int watch_fd(const Watch *watch) {
        return watch->fd;
}

/* The map: all of it with the mutex held */

static Node *find_node(Watch *watch, int descriptor) {
        return hash_index_find(&watch->nodes, &(Node) { .watch_descriptor = descriptor });
}

/* Forgets the watch of NODE, which has one. */
static void unmap(Watch *watch, Node *node) {
        hash_index_remove(&watch->nodes, node);
        node->watch_descriptor = -1;
        node_unref(node);
}

static void end_watch(Watch *watch, Node *node) {
        if (node->watch_descriptor >= 0) {
                /* Fails when the directory is gone: then the kernel was first. */
                (void) inotify_rm_watch(watch->fd, node->watch_descriptor);
                unmap(watch, node);
        } else if (node->watch_descriptor == watch->refused_mark) {
                node->watch_descriptor = -1;
                watch->n_refused--;
        }
}

static int map(Watch *watch, Node *node, int descriptor) {
        Node *holder;

        if (node->watch_descriptor == descriptor)
                return 0;
        holder = find_node(watch, descriptor);
        if (holder)
                unmap(watch, holder);
        end_watch(watch, node);
        node->watch_descriptor = descriptor;
        hash_index_insert(&watch->nodes, node_ref(node));
        return WATCH_BEGUN;
}

static int refuse(Watch *watch, Node *node) {
        if (node->watch_descriptor != watch->refused_mark) {
                node->watch_descriptor = watch->refused_mark;
                watch->n_refused++;
        }
        return WATCH_E_LIMIT;
}

static int add_watch(Watch *watch, int directory_fd) {
        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
        int descriptor;

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", directory_fd);
        descriptor = inotify_add_watch(watch->fd, path, WATCH_MASK);
        return descriptor < 0 ? -errno : descriptor;
}

int watch_add(Watch *watch, Node *node, int directory_fd) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&watch->mutex);
        int r, descriptor;

        r = hash_index_reserve(&watch->nodes, 1);
        if (r < 0)
                return r;
        descriptor = add_watch(watch, directory_fd);
        if (descriptor == -ENOSPC && node->watch_descriptor >= 0) {
                /* It still has the watch of a directory that was there before: reuse that one. */
                end_watch(watch, node);
                descriptor = add_watch(watch, directory_fd);
        }
        if (descriptor == -ENOSPC)
                return refuse(watch, node);
        if (descriptor < 0)
                return descriptor;
        return map(watch, node, descriptor);
}

bool watch_covers(Watch *watch, const Node *node) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&watch->mutex);

        return node->watch_descriptor >= 0;
}

void watch_remove(Watch *watch, Node *node) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&watch->mutex);

        end_watch(watch, node);
}

size_t watch_n_watched(Watch *watch) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&watch->mutex);

        return watch->nodes.n_items;
}

size_t watch_n_refused(Watch *watch) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&watch->mutex);

        return watch->n_refused;
}

void watch_reset_refused(Watch *watch) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&watch->mutex);

        watch->n_refused = 0;
        watch->refused_mark = watch->refused_mark > INT_MIN ? watch->refused_mark - 1 : -2;
}

/* Events */

/* Whether NAME looks like what the kernel calls an O_TMPFILE file: "#" and the inode number. */
static bool name_is_makeshift(const char *name) {
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
        if (event->len == 0)
                return event->mask & IN_ATTRIB ? WATCH_EVENT_SELF : 0;

        /* A directory is made in one step. What was moved away will be seen elsewhere in a moment:
         * looked for before that, it would pass for removed. And what is removed often goes with
         * the directory it is in, which then leaves the replica as a whole. */
        if (event->mask & (IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_TO) ||
            (event->mask & IN_CREATE && event->mask & IN_ISDIR))
                flags |= WATCH_EVENT_CLOSED;
        if ((event->mask & IN_CLOSE_WRITE) && name_is_makeshift(event->name))
                flags |= WATCH_EVENT_UNNAMED;
        return flags;
}

/* The node that EVENT is for, referenced; NULL when nobody is interested. */
static Node *event_node(Watch *watch, const struct inotify_event *event) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&watch->mutex);
        Node *node = find_node(watch, event->wd);

        if (!node)
                return NULL;
        if (event->mask & IN_IGNORED) {
                unmap(watch, node);
                return NULL;
        }
        if (node->detached) {
                end_watch(watch, node);
                return NULL;
        }
        return node_ref(node);
}

static void dispatch(Watch *watch, const struct inotify_event *event, WatchHandler handler,
                     void *userdata) {
        WatchEvent hint = {};

        if (event->mask & IN_Q_OVERFLOW) {
                hint.flags = WATCH_EVENT_OVERFLOW;
                handler(&hint, userdata);
                return;
        }

        hint.node = event_node(watch, event);
        if (!hint.node)
                return;
        hint.flags = event_flags(event);
        hint.name = hint.flags & WATCH_EVENT_CHANGED ? event->name : NULL;
        if (hint.flags != 0)
                handler(&hint, userdata);
        node_unref(hint.node);
}

int watch_drain(Watch *watch, WatchHandler handler, void *userdata) {
        const struct inotify_event *event;
        ssize_t n;

        do
                n = read(watch->fd, watch->buffer, BUFFER_SIZE);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == EAGAIN ? 0 : -errno;

        for (char *p = watch->buffer; p < watch->buffer + n; p += sizeof(*event) + event->len) {
                event = (const struct inotify_event *) p; /* the kernel keeps them aligned */
                dispatch(watch, event, handler, userdata);
        }

        /* The kernel stops short of an event that does not fit: with room for the largest one left,
         * the queue was empty. */
        return BUFFER_SIZE - n < EVENT_SIZE_MAX;
}
