#pragma once

/* The contract of a watch backend: hints that something happened at a name of a directory.
 * Directories are watched through a descriptor before they are listed, so that nothing made in
 * between is missed. Events say where to look, never what is there.
 *
 * watch_drain is for the event loop only; everything else may be called from any thread. The Watch
 * owns the map from watch descriptors to nodes (one reference each) under its own mutex, under
 * which nothing of the tree is called that locks: so the functions here may be called with the
 * tree's mutex held, as from the callback of tree_detach. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "watch/tree.h"

typedef struct Watch Watch;

/* What an event may say; several bits may come merged. */
typedef enum WatchEventFlags {
        /* The entry NAME of NODE appeared, vanished, or changed in any way. */
        WATCH_EVENT_CHANGED = 1 << 0,
        /* A writer closed it, or it was changed in one step (mkdir, chmod, renamed to here): no
         * need to wait for quiet. A new symlink, link, FIFO or node cannot be told from a file that
         * is about to be written, and comes without it; so does a name that was renamed away or
         * removed: its new name, or the directory it was in, should be looked at first. */
        WATCH_EVENT_CLOSED = 1 << 1,
        /* The directory NODE itself changed (metadata). NAME is NULL. */
        WATCH_EVENT_SELF = 1 << 2,
        /* The watched directory NODE was deleted or moved away from where it was; the parent's
         * event tells more. NAME is NULL. */
        WATCH_EVENT_GONE = 1 << 3,
        /* The file system of NODE was unmounted. NAME is NULL. */
        WATCH_EVENT_UNMOUNTED = 1 << 4,
        /* Events were lost. NODE and NAME are NULL. */
        WATCH_EVENT_OVERFLOW = 1 << 5,
        /* With CHANGED: NAME may be the kernel's makeshift for a file made with O_TMPFILE; if that
         * was linked before it was closed, only a listing of NODE finds its name. */
        WATCH_EVENT_UNNAMED = 1 << 6,
} WatchEventFlags;

typedef struct WatchEvent {
        Node *node;       /* borrowed for the call */
        const char *name; /* borrowed for the call */
        unsigned flags;
} WatchEvent;

typedef void (*WatchHandler)(const WatchEvent *event, void *userdata);

/* Outcomes of watch_add beyond 0. */
enum {
        /* The user's limit of watches (fs.inotify.max_user_watches) is reached: rescans must cover
         * the directory. */
        WATCH_E_LIMIT = 1,
        /* The node was not watched, or another directory was in its stead: what happened here
         * before is known to nobody but a listing. */
        WATCH_BEGUN = 2,
};

/* 0, -EMFILE when fs.inotify.max_user_instances or the limit of descriptors is reached, -errno. */
int watch_new(Watch **ret);
Watch *watch_free(Watch *watch);
int watch_fd(const Watch *watch);

/* Watches the source directory open as DIRECTORY_FD for NODE, before it is listed. Idempotent: a
 * directory that is watched already keeps its watch and is moved to NODE when it was known under
 * another (a renamed or bind-mounted directory: the last caller wins, the former node counts as
 * unwatched); a watch that NODE had on another directory ends. 0 when this node had this watch
 * already, WATCH_BEGUN, WATCH_E_LIMIT, -EACCES, -ENOENT when /proc is not there, -ENOMEM. Source:
 * inotify_add_watch(2) through /proc/self/fd, proc(5). */
int watch_add(Watch *watch, Node *node, int directory_fd);
/* Whether NODE has a watch at present. */
bool watch_covers(Watch *watch, const Node *node);
/* Drops NODE's own watch, if any. A detached node loses it by itself when it next reports. */
void watch_remove(Watch *watch, Node *node);

/* Reads once, up to a bounded number of events (a few thousand), and calls HANDLER for each, with
 * no lock held. Nothing is handed out for detached nodes. 1 when more may be waiting, 0 when
 * drained, -errno. */
int watch_drain(Watch *watch, WatchHandler handler, void *userdata);

size_t watch_n_watched(Watch *watch);
/* How many directories are left to rescans because of the limit: each counts once, until it is
 * watched or removed. watch_reset_refused starts the count anew, for a pass that adds everything
 * again. */
size_t watch_n_refused(Watch *watch);
void watch_reset_refused(Watch *watch);
