#pragma once

/* What it takes on the replica's file system until what was written, and names that were changed,
 * are on the disk: one syncfs(2), or where that stops in the kernel's cache, an fsync(2) of each
 * staged file and of each directory whose names changed. Chosen once, when the pair is opened. */

#include <stdbool.h>

typedef struct Flush {
        bool each; /* file and directory by itself */
} Flush;

/* By the file system of FD. 0 or -errno. */
int flush_choose(Flush *flush, int fd);

/* A staged file, complete. 0 or -errno. */
int flush_file(const Flush *flush, int fd);

/* A directory, open for reading, whose names changed. 0 or -errno. */
int flush_directory(const Flush *flush, int fd);

/* The same of the directory NAME of PARENT_FD. */
int flush_child(const Flush *flush, int parent_fd, const char *name);

/* Everything else: the file system as far as syncfs(2) reaches, and the staging directory. 0 or
 * -errno. */
int flush_all(const Flush *flush, int staging_fd);
