#pragma once

/* Giving a replica entry the source entry's owner, mode, attributes and times, in the one order
 * that keeps them all. */

#include "fs/attributes.h"
#include "fs/entry.h"

/* Applies WANTED (uid, gid, mode, mtime) and ATTRIBUTES (NULL: leave as they are) to the inode
 * behind FD, which is a regular file or directory opened for reading or writing, or an
 * O_PATH|O_NOFOLLOW descriptor of anything (symbolic links: owner, times). Order: owner (chown
 * clears setuid bits and capabilities), attributes (an access ACL brings permission bits along, and
 * user attributes need write permission), mode, times last. HAVE is the inode's present state (NULL
 * when unknown), so that calls that would change nothing are left out. atime is left alone
 * (UTIME_OMIT).
 *
 * Rights that are missing (EPERM) and numbers that cannot be mapped (EINVAL) add to *SHORTFALLS and
 * are no error: an owner that cannot be given is tried as group alone too; setuid and setgid bits
 * are not given to anything but a directory whose owner could not be given. 0 or -errno. Sources:
 * chown(2), chmod(2), capabilities(7), acl(5), utimensat(2). */
int metadata_apply(int fd, const Stamp *wanted, const Stamp *have, const Attributes *attributes,
                   unsigned *shortfalls);

/* Sets only the modification time, nanoseconds since the epoch. FD as above. 0 or -errno. */
int metadata_set_mtime(int fd, int64_t mtime_nsec);
