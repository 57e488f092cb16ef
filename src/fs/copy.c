#include "fs/copy.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "basic/macros.h"
#include "fs/copy-internal.h"
#include "fs/entry.h"
#include "fs/segments.h"

enum {
        SIZE_WITHOUT_ASKING = 64 * 1024,
        BLOCK_BYTES = 512, /* unit of st_blocks */
};

/* One walk over a file's content, from its beginning to SIZE or to where the file ends before. */
typedef struct Transfer {
        Copier *copier;
        const CopyJob *job;
        int target_fd; /* -EBADF: only the hash is wanted */
        uint64_t size;
        Segments segments;
        CopyMethod method;
        uint64_t position;
        bool has_holes;
        bool source_failed;
} Transfer;

const char *copy_method_to_string(CopyMethod method) {
        static const char *const table[_COPY_METHOD_MAX] = {
                [COPY_CLONE] = "clone",
                [COPY_RANGE] = "copy_file_range",
                [COPY_READ_WRITE] = "read and write",
        };

        return method >= 0 && method < _COPY_METHOD_MAX ? table[method] : NULL;
}

bool copy_may_be_sparse(uint64_t size, uint64_t n_blocks) {
        return size > SIZE_WITHOUT_ASKING || n_blocks < (size + BLOCK_BYTES - 1) / BLOCK_BYTES;
}

int copier_new(Copier **ret) {
        _cleanup_(copier_freep) Copier *copier = NULL;
        int r;

        assert(ret);

        copier = calloc(1, sizeof(*copier));
        if (!copier)
                return -ENOMEM;

        copier->buffer = aligned_alloc(COPY_ALIGNMENT, COPY_BUFFER_BYTES);
        if (!copier->buffer)
                return -ENOMEM;

        r = hasher_new(&copier->hasher);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(copier);
        return 0;
}

Copier *copier_free(Copier *copier) {
        if (!copier)
                return NULL;

        (void) hasher_free(copier->hasher);
        free(copier->buffer);
        free(copier);
        return NULL;
}

int copy_hash_hole(Hasher *hasher, uint64_t n_bytes, CopyTick tick, void *userdata) {
        while (n_bytes > 0) {
                uint64_t n = MIN(n_bytes, (uint64_t) COPY_PIECE_BYTES);
                int r;

                r = hasher_update_zeros(hasher, n);
                if (r < 0)
                        return r;
                r = copy_tick(tick, 0, userdata);
                if (r < 0)
                        return r;

                n_bytes -= n;
        }

        return 0;
}

static int write_all(int fd, const uint8_t *data, size_t size, uint64_t position) {
        while (size > 0) {
                ssize_t n;

                n = TEMP_FAILURE_RETRY(pwrite(fd, data, size, (off_t) position));
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -EIO;

                data += n;
                size -= (size_t) n;
                position += (size_t) n;
        }

        return 0;
}

/* The steps below move t->position on: 1 when there may be more, 0 at the end of the file. */

static int step_over_hole(Transfer *t) {
        uint64_t end = t->segments.begin;
        int r;

        if (end == SEGMENT_NOWHERE) {
                off_t file_end = lseek(t->job->source_fd, 0, SEEK_END);

                if (file_end < 0) {
                        t->source_failed = true;
                        return -errno;
                }
                end = (uint64_t) file_end;
        }

        end = MIN(end, t->size);
        if (end <= t->position)
                return 0;

        if (t->job->want_hash) {
                r = copy_hash_hole(t->copier->hasher, end - t->position, t->job->tick,
                                   t->job->userdata);
                if (r < 0)
                        return r;
        }

        t->position = end;
        return 1;
}

/* How many bytes are to be copied in this step. */
static int64_t step_limit(const Transfer *t, uint64_t max) {
        uint64_t end = MIN(t->segments.end, t->size), limit = MIN(end - t->position, max);

        return t->job->pace && t->target_fd >= 0 ? t->job->pace(limit, t->job->userdata)
                                                 : (int64_t) limit;
}

static int step_by_range(Transfer *t) {
        int64_t limit = step_limit(t, COPY_PIECE_BYTES);
        off_t source = (off_t) t->position, target = source;
        ssize_t n;
        int r;

        if (limit < 0)
                return (int) limit;
        n = copy_file_range(t->job->source_fd, &source, t->target_fd, &target, (size_t) limit, 0);
        if (n <= 0) {
                /* Whatever it is, reading and writing finds out, and whose fault it is. */
                if (n < 0 && (errno == EXDEV || errno == EOPNOTSUPP || errno == ENOSYS))
                        atomic_store(&t->job->abilities->no_range, true);
                t->method = COPY_READ_WRITE;
                return 1;
        }

        t->position += (uint64_t) n;

        r = copy_tick(t->job->tick, (uint64_t) n, t->job->userdata);
        return r < 0 ? r : 1;
}

static int step_by_read_write(Transfer *t) {
        int64_t limit = step_limit(t, COPY_BUFFER_BYTES);
        uint8_t *buffer = t->copier->buffer;
        ssize_t n;
        size_t size;
        int r;

        if (limit < 0)
                return (int) limit;
        n = TEMP_FAILURE_RETRY(pread(t->job->source_fd, buffer,
                                     read_size((uint64_t) limit, COPY_BUFFER_BYTES),
                                     (off_t) t->position));
        if (n < 0)
                t->source_failed = true;
        if (n <= 0)
                return n < 0 ? -errno : 0;

        size = (size_t) MIN((int64_t) n, limit);

        if (t->target_fd >= 0) {
                r = write_all(t->target_fd, buffer, size, t->position);
                if (r < 0)
                        return r;
        }
        if (t->job->want_hash) {
                r = hasher_update(t->copier->hasher, buffer, size);
                if (r < 0)
                        return r;
        }

        t->position += size;

        r = copy_tick(t->job->tick, size, t->job->userdata);
        return r < 0 ? r : 1;
}

static int transfer_step(Transfer *t) {
        int r;

        r = segments_find(&t->segments, t->position);
        if (r < 0) {
                t->source_failed = true;
                return r;
        }

        if (t->segments.begin > t->position)
                return step_over_hole(t);

        return t->method == COPY_RANGE ? step_by_range(t) : step_by_read_write(t);
}

/* A target that will have holes gets its length first: what XFS allocates ahead of writes at the
 * end of a file would fill them. */
static int transfer_prepare(Transfer *t) {
        int r;

        r = segments_find(&t->segments, 0);
        if (r < 0) {
                t->source_failed = true;
                return r;
        }

        t->has_holes = t->segments.begin > 0 || t->segments.end < t->size;
        if (t->has_holes && t->target_fd >= 0 && ftruncate(t->target_fd, (off_t) t->size) < 0)
                return -errno;

        return t->job->want_hash ? hasher_begin(t->copier->hasher) : 0;
}

static int transfer_run(Transfer *t, CopyResult *result) {
        int r;

        r = transfer_prepare(t);
        if (r < 0)
                return r;

        /* The end is known from SIZE: no read is spent on finding it. */
        while (t->position < t->size) {
                r = transfer_step(t);
                if (r < 0)
                        return r;
                if (r == 0)
                        break;
        }

        /* The file ended before. */
        if (t->has_holes && t->position < t->size && t->target_fd >= 0 &&
            ftruncate(t->target_fd, (off_t) t->position) < 0)
                return -errno;

        if (t->job->want_hash) {
                r = hasher_finish(t->copier->hasher, &result->hash);
                if (r < 0)
                        return r;
                result->has_hash = true;
        }

        result->method = t->method;
        result->n_bytes = t->position;
        return 0;
}

/* Hashes all content of FD as ENTRY shows it. */
static int hash_content(Copier *copier, const CopyJob *job, const Entry *entry, CopyResult *result,
                        bool *source_failed) {
        Transfer t = {
                .copier = copier,
                .job = job,
                .target_fd = -EBADF,
                .size = entry->stamp.size,
                .segments = SEGMENTS_INIT(job->source_fd,
                                          copy_may_be_sparse(entry->stamp.size, entry->n_blocks)),
                .method = COPY_READ_WRITE,
        };
        int r;

        r = transfer_run(&t, result);
        if (r < 0)
                *source_failed = t.source_failed;

        return r;
}

static bool clone(const CopyJob *job) {
        if (ioctl(job->target_fd, FICLONE, job->source_fd) >= 0)
                return true;

        /* EINVAL, ENOSPC and the like speak of this one file; the other ways will say what is
         * wrong. */
        if (errno == EOPNOTSUPP || errno == EXDEV || errno == ENOTTY || errno == ENOSYS)
                atomic_store(&job->abilities->no_clone, true);

        return false;
}

/* The hash of what was cloned: read from the source, whose pages are more likely cached, if it is
 * seen to rest, otherwise from the clone. A store through a mapping after the clone is seen too:
 * cloning has written the pages back, and so it moves mtime. */
static int hash_clone(Copier *copier, const CopyJob *job, const Entry *before, CopyResult *result,
                      bool *source_failed) {
        CopyJob from_target = *job;
        Entry after, target;
        int r;

        r = hash_content(copier, job, before, result, source_failed);
        if (r < 0)
                return r;
        r = entry_acquire(job->source_fd, "", &after);
        if (r < 0)
                return r;
        r = entry_acquire(job->target_fd, "", &target);
        if (r < 0)
                return r;

        if (stamp_content_equal(&before->stamp, &after.stamp) &&
            result->n_bytes == target.stamp.size)
                return 0;

        from_target.source_fd = job->target_fd;
        r = hash_content(copier, &from_target, &target, result, source_failed);
        if (r < 0)
                *source_failed = false;

        return r;
}

/* 1 when it was done, 0 when another way is needed. */
static int copy_by_clone(Copier *copier, const CopyJob *job, CopyResult *result,
                         bool *source_failed) {
        Entry entry;
        int r;

        if (!job->same_device || job->size == 0 || atomic_load(&job->abilities->no_clone))
                return 0;

        r = entry_acquire(job->source_fd, "", &entry);
        if (r < 0) {
                *source_failed = true;
                return r;
        }
        if (!clone(job))
                return 0;

        if (job->want_hash)
                r = hash_clone(copier, job, &entry, result, source_failed);
        else {
                r = entry_acquire(job->target_fd, "", &entry);
                result->n_bytes = r < 0 ? 0 : entry.stamp.size;
        }
        if (r < 0)
                return r;

        result->method = COPY_CLONE;
        return 1;
}

static CopyMethod method_without_clone(const CopyJob *job) {
        if (job->want_hash || !job->same_device || atomic_load(&job->abilities->no_range))
                return COPY_READ_WRITE;

        return COPY_RANGE;
}

static int copy_by_transfer(Copier *copier, const CopyJob *job, CopyResult *result,
                            bool *source_failed) {
        Transfer t = {
                .copier = copier,
                .job = job,
                .target_fd = job->target_fd,
                .size = job->size,
                .segments = SEGMENTS_INIT(job->source_fd, job->maybe_sparse),
                .method = method_without_clone(job),
        };
        int r;

        r = transfer_run(&t, result);
        if (r < 0)
                *source_failed = t.source_failed;

        return r;
}

int copier_copy(Copier *copier, const CopyJob *job, CopyResult *ret, bool *ret_source_failed) {
        CopyResult result = {};
        bool source_failed = false;
        int r;

        assert(copier);
        assert(job);
        assert(job->abilities);
        assert(ret);

        r = copy_by_clone(copier, job, &result, &source_failed);
        if (r == 0)
                r = copy_by_transfer(copier, job, &result, &source_failed);
        if (r < 0) {
                if (ret_source_failed)
                        *ret_source_failed = source_failed;
                return r;
        }

        *ret = result;
        return 0;
}

int copier_hash(Copier *copier, int fd, Hash *ret, CopyTick tick, void *userdata) {
        CopyJob job = {
                .source_fd = fd,
                .target_fd = -EBADF,
                .want_hash = true,
                .tick = tick,
                .userdata = userdata,
        };
        CopyResult result = {};
        bool source_failed;
        Entry entry;
        int r;

        assert(copier);
        assert(ret);

        r = entry_acquire(fd, "", &entry);
        if (r < 0)
                return r;

        r = hash_content(copier, &job, &entry, &result, &source_failed);
        if (r < 0)
                return r;

        *ret = result.hash;
        return 0;
}
