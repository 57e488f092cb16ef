#pragma once

/* Content of one regular file from one descriptor to another by the cheapest way that the pair of
 * file systems allows, holes kept. A Copier is one thread's: it owns the buffer and the hasher.
 * What a pair of file systems cannot do (clone, copy_file_range) is learnt once and shared between
 * threads in a CopyAbilities (atomics). Descriptors may be O_DIRECT: reads are of whole blocks into
 * an aligned buffer. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "basic/macros.h"
#include "fs/hash.h"

typedef enum CopyMethod {
        COPY_CLONE,      /* FICLONE: shared extents, metadata cost only */
        COPY_RANGE,      /* copy_file_range(2), within one file system */
        COPY_READ_WRITE, /* 256 KiB through our buffer; the hash comes from the same buffer */
        _COPY_METHOD_MAX,
        _COPY_METHOD_INVALID = -22,
} CopyMethod;

const char *copy_method_to_string(CopyMethod method);

/* What one ordered pair of file systems was found to refuse; zero-initialised all is tried. */
typedef struct CopyAbilities {
        atomic_bool no_clone, no_range;
} CopyAbilities;

/* Called between bounded pieces of work (at most 8 MiB) with the bytes that went through since the
 * last call (zero while a hole is hashed); a negative return ends the work with that error. */
typedef int (*CopyTick)(uint64_t n_bytes, void *userdata);

/* Called before bytes are copied that cost something (no clones, no holes): how many of WANTED may
 * be, at least one, after as long as that takes. A negative return ends the work with that error.
 */
typedef int64_t (*CopyPace)(uint64_t wanted, void *userdata);

typedef struct Copier Copier;

typedef struct CopyJob {
        int source_fd;     /* open for reading; its offset is moved */
        int target_fd;     /* open for reading and writing, empty */
        uint64_t size;     /* bytes that statx showed before: no more are copied */
        bool maybe_sparse; /* copy_may_be_sparse() of the same statx: look for holes */
        bool want_hash;
        bool same_device; /* both on one st_dev */
        CopyAbilities *abilities;
        CopyTick tick; /* may be NULL */
        CopyPace pace; /* likewise */
        void *userdata;
} CopyJob;

typedef struct CopyResult {
        CopyMethod method;
        uint64_t n_bytes; /* of content, holes included */
        bool has_hash;
        Hash hash;
} CopyResult;

int copier_new(Copier **ret);
Copier *copier_free(Copier *copier);
DEFINE_TRIVIAL_CLEANUP_FUNC(Copier *, copier_free)

/* Whether a file of SIZE bytes that occupies N_BLOCKS units of 512 bytes is worth asking for holes.
 * Blocks beyond the end and blocks of metadata may hide a hole, so every file of more than 64 KiB
 * is asked. */
bool copy_may_be_sparse(uint64_t size, uint64_t n_blocks);

/* Copies JOB->size bytes, or fewer when the file ends before (somebody writes: the caller compares
 * stamps afterwards; a clone takes the file as long as it is then). The hash is that of exactly the
 * content now in the target, holes as zeros: taken in the same pass where the data passes through
 * the buffer, else read back while it is in the page cache. Order of ways: clone if same_device;
 * then the data segments (SEEK_DATA and SEEK_HOLE) by copy_file_range if same_device and no hash is
 * wanted, else by reading and writing. The target gets the source's length, so that trailing holes
 * stay. 0 or -errno; a failed read is told apart from a failed write by *RET_SOURCE_FAILED (may be
 * NULL, set on failure). Sources: ioctl_ficlone(2), lseek(2), copy_file_range(2). */
int copier_copy(Copier *copier, const CopyJob *job, CopyResult *ret, bool *ret_source_failed);

/* The hash of FD's content from offset 0, holes skipped by lseek and fed as zeros. TICK may be
 * NULL. */
int copier_hash(Copier *copier, int fd, Hash *ret, CopyTick tick, void *userdata);

typedef struct CompareJob {
        int a_fd, b_fd; /* open for reading; their offsets are moved */
        bool want_hash;
        CopyTick tick; /* may be NULL */
        void *userdata;
} CompareJob;

/* Compares two regular files' contents: 1 equal, 0 different, -errno; *RET_A_FAILED (may be NULL,
 * set on failure) tells whose read failed. When they are equal and JOB->want_hash, the hash of the
 * content is stored in *RET_HASH (same pass). */
int copier_compare(Copier *copier, const CompareJob *job, Hash *ret_hash, bool *ret_a_failed);
