#pragma once

/* The contract of watching: hints that something happened at a name of a directory, or to a file.
 * Directories are watched through a descriptor before they are listed, so that nothing made in
 * between is missed. Events say where to look, never what is there.
 *
 * There are three backends behind it, alike to the caller:
 * - inotify: a watch a directory; works everywhere, up to a limit of watches.
 * - directory marks (fanotify): a mark a directory; knows the file's inode and who did it.
 * - file-system marks (fanotify): one mark a file system, nothing to set for a directory; whoever
 *   writes to that file system pays for it.
 * What a directory's file system refuses to the chosen one is watched with inotify.
 *
 * One Watch sees one side of a pair: the tree of nodes is the same for both, the directories are
 * the source's or the replica's.
 *
 * watch_drain is for the event loop only; everything else may be called from any thread. The Watch
 * owns the map to nodes (one reference each) under its own mutex, under which nothing of the tree
 * is called that locks: so the functions here may be called with the tree's mutex held, as from the
 * callback of tree_detach. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "watch/tree.h"

typedef struct Watch Watch;

typedef enum WatchBackend {
        WATCH_BACKEND_INOTIFY,
        WATCH_BACKEND_DIRECTORY_MARKS,
        WATCH_BACKEND_FILE_SYSTEM_MARKS,
        _WATCH_BACKEND_MAX,
} WatchBackend;

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
         * was linked before it was closed, only a listing of NODE (or FILE's names) finds it. */
        WATCH_EVENT_UNNAMED = 1 << 6,
        /* A file changed of which only FILE is known: NODE and NAME are NULL. With CLOSED when its
         * writer closed it. */
        WATCH_EVENT_FILE = 1 << 7,
        /* With CHANGED: NAME was removed or renamed away; FILE, if known, is what had it. What was
         * done to the file through that name can be found at its other names alone. */
        WATCH_EVENT_LEFT = 1 << 8,
        /* With CHANGED: NAME appeared, so that the times of NODE moved as they did with LEFT. */
        WATCH_EVENT_ENTERED = 1 << 9,
} WatchEventFlags;

/* A file (no directory) by identity, as far as the backend tells: INODE 0: not known. DEVICE is
 * that of stat(2) of the directory that was watched on that file system. */
typedef struct WatchFile {
        uint64_t device;
        uint64_t inode;
} WatchFile;

typedef struct WatchEvent {
        Node *node;       /* borrowed for the call */
        const char *name; /* borrowed for the call */
        unsigned flags;
        WatchFile file;
} WatchEvent;

typedef void (*WatchHandler)(const WatchEvent *event, void *userdata);

/* Outcomes of watch_add beyond 0. */
enum {
        /* A limit of watches or marks is reached: rescans must cover the directory. */
        WATCH_E_LIMIT = 1,
        /* The node was not watched, or another directory was in its stead: what happened here
         * before is known to nobody but a listing. */
        WATCH_BEGUN = 2,
};

typedef struct WatchOptions {
        WatchSide side;
        WatchBackend backend;
        /* Events of this process's own doing are left out, where the backend can tell (fanotify
         * opened with CAP_SYS_ADMIN); see watch_skips_own. */
        bool skip_own;
} WatchOptions;

/* What fanotify allows this process: 1 everything, 0 marks on directories alone, without telling
 * who did something and up to a limit; -errno: nothing, or the kernel is older than 5.17. */
int watch_rights(void);

/* 0; -EMFILE when a limit of instances or descriptors is reached; with a fanotify backend -EPERM,
 * -ENOSYS, -EINVAL or -EOPNOTSUPP where it cannot be had at all, and another is to be tried;
 * -errno. ROOT_FD is the directory of this side's root (for file-system marks: whether it can be
 * marked is known only there; others may ignore it). */
int watch_new(Watch **ret, const WatchOptions *options, int root_fd);
Watch *watch_free(Watch *watch);
int watch_fd(const Watch *watch); /* readable when events wait */
WatchBackend watch_backend(const Watch *watch);
/* Whether events of this process's own doing are really left out. */
bool watch_skips_own(const Watch *watch);

/* Watches the directory open as DIRECTORY_FD for NODE, before it is listed. Idempotent: a directory
 * that is watched already keeps its watch and is moved to NODE when it was known under another (a
 * renamed or bind-mounted directory: the last caller wins, the former node counts as unwatched); a
 * watch that NODE had on another directory ends. 0 when this node had this watch already,
 * WATCH_BEGUN, WATCH_E_LIMIT, -EACCES, -ENOENT when /proc is not there, -ENOMEM, -errno. */
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
/* How many of these are watched with inotify although another backend was chosen. */
size_t watch_n_fallen_back(Watch *watch);
/* How many directories are left to rescans because of the limit: each counts once, until it is
 * watched or removed. watch_reset_refused starts the count anew, for a pass that adds everything
 * again. */
size_t watch_n_refused(Watch *watch);
void watch_reset_refused(Watch *watch);
