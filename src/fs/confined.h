#pragma once

/* Confined access: every way into the source, the replica and the store goes through a descriptor
 * of its root and stays beneath it. Nothing here follows a symbolic link, a magic link or "..",
 * whatever an attacker renames meanwhile. Where openat2(2) is missing (old kernels, seccomp) each
 * component is opened by itself with O_PATH|O_DIRECTORY|O_NOFOLLOW, which is as strict. Callable
 * from any thread. */

#include <stdbool.h>
#include <sys/types.h>

/* Opens a root by its path as an administrator wrote it, following symbolic links in it;
 * O_RDONLY|O_DIRECTORY (listing works). Returns a descriptor or -errno. The only function of the
 * project that takes a path of a root. */
int confined_open_root(const char *path);

/* Opens PATH (relative, "" for the root itself, components separated by single slashes, of any
 * length, also beyond PATH_MAX) beneath ROOT_FD. O_CLOEXEC|O_NOFOLLOW|O_NOCTTY are added to FLAGS.
 * Returns a descriptor or -errno: -ELOOP when a component is a symbolic link, -EXDEV when it would
 * leave the root, -EINVAL for ".", ".." or empty components. Long paths are resolved in pieces of
 * less than PATH_MAX. Source: openat2(2). */
int confined_open(int root_fd, const char *path, int flags);

/* Opens one entry of DIRECTORY_FD with FLAGS as above; NAME must be one component. */
int confined_open_child(int directory_fd, const char *name, int flags);

/* Opens the directory PATH for listing: O_RDONLY|O_DIRECTORY|O_NONBLOCK, with O_NOATIME where
 * permitted. */
int confined_open_directory(int root_fd, const char *path);

/* Opens a regular file of DIRECTORY_FD for reading its content: O_NONBLOCK, O_NOATIME where
 * permitted. Never waits on and never opens for reading anything else: the inode is examined
 * through O_PATH first, then re-opened, so that a FIFO or device swapped in by an attacker is never
 * opened; -ESTALE when it is not a regular file. */
int confined_open_content(int directory_fd, const char *name);

/* Whether NAME can stand as one component below a root: not empty, not "." or "..", no slash. */
bool name_is_valid(const char *name);

/* For tests: pretend that openat2(2) is missing. */
void confined_force_fallback(bool force);

/* A path for the few system calls that have no descriptor form: "/proc/self/fd/N". Buffer of at
 * least PROC_FD_PATH_MAX bytes; returns it. */
enum { PROC_FD_PATH_MAX = 32 };
const char *proc_fd_path(int fd, char *buffer);
