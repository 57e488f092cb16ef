#pragma once

/* Between the parts of a Watch: watch.c (the contract), watch-map.c (who is watched by what),
 * inotify.c and fanotify.c (the kernel). */

#include <pthread.h>
#include <stdbool.h>

#include "watch/fanotify-marks.h"
#include "watch/hash-index.h"
#include "watch/watch-slot.h"
#include "watch/watch.h"

enum { WATCH_BUFFER_SIZE = 64 * 1024 };

struct Watch {
        WatchOptions options;
        bool skips_own;
        bool has_inherited; /* events that wait since before this process: who did them is not known
                               by its number */
        int inotify_fd;
        FanotifyMarks *marks; /* NULL with inotify */
        int epoll_fd;         /* of both; -EBADF with inotify alone */
        char *buffer;         /* the event loop's; WATCH_BUFFER_SIZE */

        pthread_mutex_t mutex; /* guards what follows, the marks, and the slots of all nodes */
        HashIndex nodes;       /* those that are watched, by their slot; a reference each */
        size_t n_fallen_back;  /* of these, with inotify beside another backend */
        size_t n_refused;
        uint32_t refusal_round; /* of the slots that count as refused */
};

/* Makes a Watch without the kernel's part. 0 or -ENOMEM. */
int watch_make(const WatchOptions *options, Watch **ret);
/* Sets up the one descriptor that is readable when one of both kernel parts is. 0 or -errno. */
int watch_join_descriptors(Watch *watch);

/* Whether NAME looks like what the kernel calls an O_TMPFILE file: "#" and the inode number. Pure.
 */
bool watch_name_is_makeshift(const char *name);

/* watch-map.c: all of it with the mutex held */

static inline uint64_t *watch_slot(const Watch *watch, Node *node) {
        return &node->watch_slots[watch->options.side];
}

/* The node that is watched as SLOT says; borrowed. NULL: none. */
Node *watch_map_find(Watch *watch, uint64_t slot);
/* Makes NODE the one that is watched as SLOT says, which is watched and now the map's, for which
 * there is room. 0 when it was already, WATCH_BEGUN. */
int watch_map_set(Watch *watch, Node *node, uint64_t slot);
/* Forgets the watch of NODE, which has one and whose kernel part is gone or another's. */
void watch_map_forget(Watch *watch, Node *node);
/* Ends NODE's watch or refusal, if any, with its kernel part. */
void watch_map_end(Watch *watch, Node *node);
/* Notes that NODE could not be watched for want of watches; WATCH_E_LIMIT. */
int watch_map_refuse(Watch *watch, Node *node);

/* The node that an event at SLOT is for, referenced; NULL when nobody is interested. GONE: its
 * watch ends with this event. */
Node *watch_map_hear(Watch *watch, uint64_t slot, bool gone);

/* inotify.c */

/* Watches the directory for NODE, with the mutex held: as watch_add. */
int inotify_add(Watch *watch, Node *node, int directory_fd);
/* Lets inotify tell when the file system that DIRECTORY_FD lies on is unmounted, and nothing else
 * of this directory. The descriptor or -errno. */
int inotify_add_guard(Watch *watch, int directory_fd);
/* As watch_drain. */
int inotify_drain(Watch *watch, WatchHandler handler, void *userdata);

/* fanotify.c */

/* What has to be known to add the directory, as far as that may take long: without the mutex, which
 * the event loop waits for. 0, -EOPNOTSUPP where inotify is to be used, -ENOTDIR, -errno. */
int fanotify_prepare(Watch *watch, int directory_fd, DirectoryPosition *ret);
/* As inotify_add; also -EOPNOTSUPP where inotify is to be used instead. */
int fanotify_add(Watch *watch, Node *node, int directory_fd, const DirectoryPosition *position);
/* The kernel's part of a watch that is to end; with the mutex held. */
void fanotify_end(Watch *watch, const DirectoryHandle *handle);
int fanotify_drain(Watch *watch, WatchHandler handler, void *userdata);
/* The guard DESCRIPTOR has reported MASK. False when it is none. Locks. */
bool fanotify_guard_event(Watch *watch, int descriptor, uint32_t mask, WatchHandler handler,
                          void *userdata);
