#pragma once

/* What fanotify tells, out of the bytes that it is told in; pure. Sources: fanotify(7), and
 * linux/fanotify.h for the records' layout. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "watch/file-handle.h"

/* A directory or file and, for a directory, a name in it ("." for itself). */
typedef struct FanotifyRecord {
        int32_t fsid[2];
        FileHandle handle; /* size 0: the event has no such record */
        const char *name;  /* NULL: none */
} FanotifyRecord;

/* An event; its records point into the buffer. */
typedef struct FanotifyEvent {
        uint64_t mask;
        pid_t pid;
        FanotifyRecord directory; /* where it happened, save for a rename */
        FanotifyRecord old, new;  /* of a rename, as far as these directories are marked */
        FanotifyRecord file;      /* whom it happened to */
} FanotifyEvent;

/* Takes the event apart that BUFFER begins with. Its length; 0 at the end of the buffer (SIZE is
 * 0); -EBADMSG when these are no whole, well-formed records. */
ssize_t fanotify_event_parse(const void *buffer, size_t size, FanotifyEvent *ret);

/* Something an event says in the terms of the watch contract. */
typedef struct FanotifyHint {
        unsigned flags;                  /* WatchEventFlags */
        const FanotifyRecord *directory; /* which is to be known, else the hint is nobody's;
                                            NULL for OVERFLOW and FILE */
        const char *name;                /* with CHANGED */
        const FanotifyRecord *file;      /* NULL: not known, or a directory */
        bool deleted; /* what DIRECTORY names is no more: its record is to be dropped */
} FanotifyHint;

enum { FANOTIFY_HINTS_MAX = 3 };

/* How many hints EVENT gives. */
unsigned fanotify_event_hints(const FanotifyEvent *event,
                              FanotifyHint hints[static FANOTIFY_HINTS_MAX]);
