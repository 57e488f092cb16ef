#pragma once

/* Versions: earlier content, under versions/TIME/…path… of the store, made by rename. Below a time
 * there are frames, directories that were made only to hold what is below them, and what was
 * retired into them: files, and directories as a whole with everything in them. Whoever owned a
 * retired directory may still hold it open and change what is in it, so that nothing in there is
 * trusted. Entries of versions/ that are no directories named by a time are left alone. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/macros.h"
#include "basic/time-span.h"

enum { VERSION_TIME_BYTES = 32 };

/* "2026-11-21T06:25:38.123Z" of AT (CLOCK_REALTIME, microseconds; cut to milliseconds). */
void version_time_format(usec_t at, char buffer[VERSION_TIME_BYTES]);
/* "2026-11-21T06-25-38.123Z": what the directory of a time is called on file systems that take no
 * colons (FAT, exFAT, NTFS). */
void version_time_format_plain(usec_t at, char buffer[VERSION_TIME_BYTES]);
/* Of exactly what the above write, else -EINVAL. */
int version_time_parse(const char *text, usec_t *ret);

/* An open versions directory; for one thread at a time, each thread its own. They may work on the
 * same versions: what one drops another may be keeping at. */
typedef struct Versions Versions;

/* STORE_FD is the store's directory; it is duplicated. CREATE: versions/ is made (0700) when it is
 * missing, also later; else -ENOENT. -EPERM when it is somebody else's, -ELOOP when it is a
 * symbolic link. */
int versions_open(int store_fd, bool create, Versions **ret);
Versions *versions_close(Versions *versions);
DEFINE_TRIVIAL_CLEANUP_FUNC(Versions *, versions_close)

/* Moves NAME of STAGING_FD to versions/AT/PATH by rename, making frames above it. Where an entry is
 * in the place of this one or of a frame, ".1", ".2" … is appended to the name of what comes later;
 * a frame in the place of an entry goes aside. 0 or -errno; then it stays where it was. Keeps the
 * last directory open: a batch's moves into one directory cost one rename each. Frames are made in
 * STAGING_FD, too, as ".frame-NUMBER", so that a crash leaves none without its mark. */
int versions_keep(Versions *versions, int staging_fd, const char *name, const char *path,
                  usec_t at);

/* On a file system where syncfs(2) does not do: from now on each directory that versions_keep()
 * leaves is flushed by itself, the last one and all errors with versions_flush(). */
void versions_flush_each(Versions *versions);
/* 0, or the first -errno of those flushes since the last call. */
int versions_flush(Versions *versions);

/* An O_PATH descriptor of the time AT below the descriptor of versions/, or -errno. */
int versions_open_time(int versions_fd, usec_t at);

/* All times that are whole, oldest first; a fresh array (free(3)), NULL for none. */
int versions_list(Versions *versions, usec_t **ret, size_t *ret_n);

typedef enum VersionKind {
        VERSION_NONE,
        VERSION_ENTRY, /* retired itself, or within a directory that was retired as a whole */
        VERSION_FRAME, /* a directory with nothing of its own: only something below it */
} VersionKind;

/* What there is of PATH ("" for all) at the time AT, one of versions_list(). With RET_FD (may be
 * NULL) an O_PATH descriptor of it, -EBADF for none. Confined: never follows a link. Where a file
 * system has no extended attributes frames are not known as such and count as entries. VersionKind
 * or -errno. */
int versions_find(Versions *versions, usec_t at, const char *path, int *ret_fd);

/* The oldest time that versions_drop_oldest() would work on; -ENOENT: none. Cheap when called again
 * and again. */
int versions_oldest(Versions *versions, usec_t *ret);

/* Removes at most LIMIT (at least 1) entries of the oldest time, which is not among those that are
 * whole from then on: it is renamed to .dropping-TIME. *RET_BYTES (may be NULL) is
 * increased by the allocated bytes that became free: those of directories and of inodes that had no
 * other link. 1: there was something to remove; 0: there are no versions, -errno. What cannot be
 * removed (-EBUSY: a mount point, -EPERM: immutable, -EIO …) is passed over until VERSIONS is
 * closed, and so is its time once nothing else is left of it; the first such error is returned once
 * no other time is left. */
int versions_drop_oldest(Versions *versions, uint64_t limit, uint64_t *ret_bytes);

/* Allocated bytes of all versions, counted as above (a walk); -ECANCELED. What cannot be read is
 * not counted. */
int versions_measure(Versions *versions, uint64_t *ret_bytes);
/* From any thread: versions_measure(), if it runs or when it is called later, gives up. */
void versions_cancel(Versions *versions);
