#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "basic/macros.h"
#include "fs/copy-internal.h"
#include "fs/copy.h"
#include "fs/entry.h"
#include "fs/segments.h"

enum { HALF_BYTES = COPY_BUFFER_BYTES / 2 };

typedef struct Comparison {
        Copier *copier;
        const CompareJob *job;
        uint64_t size, position;
        Segments a, b;
        bool a_failed;
} Comparison;

/* Reads at least WANTED bytes where the file has them; the number read or -errno. */
static ssize_t read_at_least(int fd, uint8_t *buffer, size_t wanted, uint64_t position) {
        size_t done = 0;

        while (done < wanted) {
                ssize_t n;

                n = TEMP_FAILURE_RETRY(pread(fd, buffer + done,
                                             read_size(wanted, HALF_BYTES) - done,
                                             (off_t) (position + done)));
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;

                done += (size_t) n;
        }

        return (ssize_t) (done < wanted ? done : wanted);
}

/* Finds where either file has data next. */
static int find_data(Comparison *c, uint64_t *ret) {
        uint64_t next;
        int r;

        r = segments_find(&c->a, c->position);
        if (r < 0) {
                c->a_failed = true;
                return r;
        }
        r = segments_find(&c->b, c->position);
        if (r < 0)
                return r;

        next = MIN(c->a.begin, c->b.begin);
        *ret = MIN(next, c->size);
        return 0;
}

/* Passes over what is a hole in both files. */
static int step_over_hole(Comparison *c, uint64_t end) {
        int r;

        if (c->job->want_hash) {
                r = copy_hash_hole(c->copier->hasher, end - c->position, c->job->tick,
                                   c->job->userdata);
                if (r < 0)
                        return r;
        }

        c->position = end;
        return 1;
}

static int step_over_data(Comparison *c) {
        uint8_t *a = c->copier->buffer, *b = a + HALF_BYTES;
        size_t wanted = (size_t) MIN(c->size - c->position, (uint64_t) HALF_BYTES);
        ssize_t n_a, n_b;
        int r;

        n_a = read_at_least(c->job->a_fd, a, wanted, c->position);
        if (n_a < 0) {
                c->a_failed = true;
                return (int) n_a;
        }
        n_b = read_at_least(c->job->b_fd, b, wanted, c->position);
        if (n_b < 0)
                return (int) n_b;

        /* Short: cut off meanwhile. */
        if ((size_t) n_a < wanted || (size_t) n_b < wanted || memcmp(a, b, wanted) != 0)
                return 0;

        if (c->job->want_hash) {
                r = hasher_update(c->copier->hasher, a, wanted);
                if (r < 0)
                        return r;
        }

        c->position += wanted;

        r = copy_tick(c->job->tick, wanted, c->job->userdata);
        return r < 0 ? r : 1;
}

/* 1 equal so far, 0 different. */
static int comparison_step(Comparison *c) {
        uint64_t data;
        int r;

        r = find_data(c, &data);
        if (r < 0)
                return r;

        return data > c->position ? step_over_hole(c, data) : step_over_data(c);
}

static int comparison_run(Comparison *c, Hash *ret_hash) {
        Entry a, b;
        int r;

        r = entry_acquire(c->job->a_fd, "", &a);
        if (r < 0) {
                c->a_failed = true;
                return r;
        }
        r = entry_acquire(c->job->b_fd, "", &b);
        if (r < 0)
                return r;
        if (a.stamp.size != b.stamp.size)
                return 0;

        c->size = a.stamp.size;
        c->a = SEGMENTS_INIT(c->job->a_fd, copy_may_be_sparse(c->size, a.n_blocks));
        c->b = SEGMENTS_INIT(c->job->b_fd, copy_may_be_sparse(c->size, b.n_blocks));

        r = c->job->want_hash ? hasher_begin(c->copier->hasher) : 0;
        if (r < 0)
                return r;

        while (c->position < c->size) {
                r = comparison_step(c);
                if (r <= 0)
                        return r;
        }

        r = c->job->want_hash ? hasher_finish(c->copier->hasher, ret_hash) : 0;
        return r < 0 ? r : 1;
}

int copier_compare(Copier *copier, const CompareJob *job, Hash *ret_hash, bool *ret_a_failed) {
        Comparison c = { .copier = copier, .job = job };
        int r;

        assert(copier);
        assert(job);
        assert(!job->want_hash || ret_hash);

        r = comparison_run(&c, ret_hash);
        if (r < 0 && ret_a_failed)
                *ret_a_failed = c.a_failed;

        return r;
}
