#pragma once

/* A fanotify group and its marks: which file systems it sees, and how. No locking: the Watch's
 * mutex guards it. */

#include <stdbool.h>
#include <stdint.h>

#include "watch/fanotify-event.h"
#include "watch/watch-slot.h"
#include "watch/watch.h"

typedef struct FanotifyMarks FanotifyMarks;

/* Room for any directory's handle, aligned as slots want it. */
typedef union DirectoryKey {
        DirectoryHandle handle;
        uint64_t align;
        unsigned char space[sizeof(DirectoryHandle) + FILE_HANDLE_SIZE_MAX];
} DirectoryKey;

/* As watch_rights. */
int fanotify_marks_rights(void);

/* Opens a group. FILE_SYSTEMS: whole file systems are marked wherever that is allowed, and that of
 * ROOT_FD must be; else directories one by one, and ROOT_FD must be one that can (-1: not asked).
 * 0; -EPERM, -ENOSYS, -EINVAL (a kernel before 5.17), -EXDEV, -ENODEV or -EOPNOTSUPP where that
 * cannot be; -EMFILE at the limit of groups; -errno. Source: fanotify_init(2), fanotify_mark(2). */
int fanotify_marks_new(bool file_systems, int root_fd, FanotifyMarks **ret);
FanotifyMarks *fanotify_marks_free(FanotifyMarks *marks); /* NULL is fine; returns NULL */

int fanotify_marks_fd(const FanotifyMarks *marks);
/* Whether events tell who did it. The kernel decides that when the group is opened. */
bool fanotify_marks_knows_pids(const FanotifyMarks *marks);

/* What a descriptor tells of a directory and its file system. */
typedef struct DirectoryPosition {
        dev_t device;
        int32_t fsid[2];
        FileHandleLayout layout;
        unsigned char buffer[FILE_HANDLE_SIZE_MAX];
        FileHandle handle;
} DirectoryPosition;

/* Of the directory open as FD. May take long: whoever serves the file system is asked. 0;
 * -EOPNOTSUPP where events could not be told apart, or where others change files behind the
 * kernel's back; -errno. */
int directory_position_acquire(int fd, DirectoryPosition *ret);

/* Whether the file system of DEVICE is left to inotify, as is known from earlier; or will be. */
bool fanotify_marks_refuses(const FanotifyMarks *marks, dev_t device);
void fanotify_marks_refuse(FanotifyMarks *marks, dev_t device);

/* Sees to it that what happens in the directory open as FD, which is at POSITION, comes as events
 * from now on, and gives the key they will have. 0; -EOPNOTSUPP where it is to be left to inotify;
 * -ENOSPC at a limit of marks; -errno. */
int fanotify_marks_cover(FanotifyMarks *marks, int fd, const DirectoryPosition *position,
                         DirectoryKey *ret);
/* From now on marks are set again when they are next asked for, in case they are not there any
 * more. */
void fanotify_marks_distrust(FanotifyMarks *marks);

/* The key of the directory that RECORD of an event names; false when nothing was ever covered on
 * its file system. */
bool fanotify_marks_find(const FanotifyMarks *marks, const FanotifyRecord *record,
                         DirectoryKey *ret);
/* Who the file is that RECORD names; the inode is 0 where that cannot be told. */
WatchFile fanotify_marks_identify(const FanotifyMarks *marks, const FanotifyRecord *record);

/* Marks of directories that are wanted no more. They can be taken away only with a descriptor of
 * their file system, so they wait until the next one is at hand; when too many wait, those beyond
 * that are dropped, and come again when they next report. */
void fanotify_marks_leave(FanotifyMarks *marks, const DirectoryHandle *handle);
/* Takes one of those that wait, of the file system of NEAR. False: none. */
bool fanotify_marks_next_left(FanotifyMarks *marks, const DirectoryHandle *near, DirectoryKey *ret);
/* Takes the mark of a directory away, if it still exists; FD is of its file system. */
void fanotify_marks_unmark(FanotifyMarks *marks, int fd, const DirectoryHandle *handle);

/* The inotify descriptor that guards a file system against being unmounted unseen; -1: none. */
int fanotify_marks_guard(const FanotifyMarks *marks, unsigned file_system);
void fanotify_marks_set_guard(FanotifyMarks *marks, unsigned file_system, int descriptor);
/* The file system that DESCRIPTOR guards, or -ENOENT. */
int fanotify_marks_find_guard(const FanotifyMarks *marks, int descriptor);
/* Forgets a file system that is unmounted; no slot must hold a handle of it any more. */
void fanotify_marks_forget(FanotifyMarks *marks, unsigned file_system);
