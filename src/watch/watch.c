#include "watch/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "watch/lock.h"
#include "watch/watch-internal.h"

int watch_rights(void) {
        return fanotify_marks_rights();
}

/* One descriptor that is readable when one of both is. */
int watch_join_descriptors(Watch *watch) {
        const int fds[] = { watch->inotify_fd, fanotify_marks_fd(watch->marks) };

        watch->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (watch->epoll_fd < 0)
                return -errno;
        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                struct epoll_event event = { .events = EPOLLIN };

                if (epoll_ctl(watch->epoll_fd, EPOLL_CTL_ADD, fds[i], &event) < 0)
                        return -errno;
        }
        return 0;
}

static int open_kernel_parts(Watch *watch, int root_fd) {
        int r;

        watch->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (watch->inotify_fd < 0)
                return -errno;
        if (watch->options.backend == WATCH_BACKEND_INOTIFY)
                return 0;
        r = fanotify_marks_new(watch->options.backend == WATCH_BACKEND_FILE_SYSTEM_MARKS, root_fd,
                               &watch->marks);
        if (r < 0)
                return r;
        watch->skips_own = watch->options.skip_own && fanotify_marks_knows_pids(watch->marks);
        return watch_join_descriptors(watch);
}

int watch_make(const WatchOptions *options, Watch **ret) {
        Watch *watch;

        watch = new0(Watch, 1);
        if (!watch)
                return -ENOMEM;
        watch->options = *options;
        watch->inotify_fd = watch->epoll_fd = -EBADF;
        (void) pthread_mutex_init(&watch->mutex, NULL); /* cannot fail with glibc or musl */
        hash_index_init(&watch->nodes, &slot_index_types[options->side]);

        watch->buffer = malloc(WATCH_BUFFER_SIZE);
        if (!watch->buffer) {
                watch_free(watch);
                return -ENOMEM;
        }
        *ret = watch;
        return 0;
}

int watch_new(Watch **ret, const WatchOptions *options, int root_fd) {
        Watch *watch;
        int r;

        r = watch_make(options, &watch);
        if (r < 0)
                return r;
        r = open_kernel_parts(watch, root_fd);
        if (r < 0) {
                watch_free(watch);
                return r;
        }
        *ret = watch;
        return 0;
}

Watch *watch_free(Watch *watch) {
        size_t position = 0;
        Node *node;

        if (!watch)
                return NULL;

        while ((node = hash_index_next(&watch->nodes, &position))) {
                uint64_t slot = *watch_slot(watch, node);

                if (slot_is_handle(slot))
                        free((void *) slot_handle(slot));
                *watch_slot(watch, node) = SLOT_EMPTY;
                node_unref(node);
        }
        hash_index_done(&watch->nodes);
        (void) safe_close(watch->epoll_fd);
        fanotify_marks_free(watch->marks);
        (void) safe_close(watch->inotify_fd);
        (void) pthread_mutex_destroy(&watch->mutex);
        free(watch->buffer);
        free(watch);
        return NULL;
}

int watch_fd(const Watch *watch) {
        return watch->epoll_fd >= 0 ? watch->epoll_fd : watch->inotify_fd;
}

WatchBackend watch_backend(const Watch *watch) {
        return watch->options.backend;
}

bool watch_skips_own(const Watch *watch) {
        return watch->skips_own;
}

int watch_add(Watch *watch, Node *node, int directory_fd) {
        DirectoryPosition position;
        int r = -EOPNOTSUPP, q;

        if (watch->marks)
                r = fanotify_prepare(watch, directory_fd, &position);
        if (r < 0 && r != -EOPNOTSUPP)
                return r;

        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&watch->mutex);
        q = hash_index_reserve(&watch->nodes, 1);
        if (q < 0)
                return q;
        if (r >= 0)
                r = fanotify_add(watch, node, directory_fd, &position);
        if (r == -EOPNOTSUPP)
                r = inotify_add(watch, node, directory_fd);
        return r;
}

bool watch_covers(Watch *watch, const Node *node) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&watch->mutex);

        return slot_is_watched(node->watch_slots[watch->options.side]);
}

void watch_remove(Watch *watch, Node *node) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&watch->mutex);

        watch_map_end(watch, node);
}

int watch_drain(Watch *watch, WatchHandler handler, void *userdata) {
        int r = 0, q;

        if (watch->marks)
                r = fanotify_drain(watch, handler, userdata);
        if (r < 0)
                return r;
        q = inotify_drain(watch, handler, userdata);
        return q < 0 ? q : r || q;
}

size_t watch_n_watched(Watch *watch) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&watch->mutex);

        return watch->nodes.n_items;
}

size_t watch_n_fallen_back(Watch *watch) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&watch->mutex);

        return watch->n_fallen_back;
}

size_t watch_n_refused(Watch *watch) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&watch->mutex);

        return watch->n_refused;
}

void watch_reset_refused(Watch *watch) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&watch->mutex);

        watch->n_refused = 0;
        watch->refusal_round++;
        if (watch->marks)
                fanotify_marks_distrust(watch->marks);
}
