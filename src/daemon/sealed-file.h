#pragma once

/* A file in memory alone that nobody can change any more: written by one process, believed by the
 * next only as a whole. It begins with what it is, its length and the SHA-256 of what follows. */

#include <stddef.h>

#include "basic/pack.h"

/* Makes one and begins to write. The descriptor, or -errno. Source: memfd_create(2). */
int sealed_file_new(const char *name, Packer *packer);
/* Ends writing, and seals it. 0 or -errno. Source: F_ADD_SEALS in fcntl(2). */
int sealed_file_seal(int fd, Packer *packer);

typedef struct SealedFile {
        void *memory;
        size_t size;
        Unpacker unpacker; /* of what was packed */
} SealedFile;

#define SEALED_FILE_NULL ((SealedFile) {})

/* Opens what FD is for reading. 0; -EBADMSG when it is not such a file, whole and unchanged;
 * -errno. */
int sealed_file_open(int fd, SealedFile *ret);
void sealed_file_close(SealedFile *file);
