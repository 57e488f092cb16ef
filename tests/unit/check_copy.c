#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "fs/copy.h"
#include "fs/entry.h"
#include "fs/writers.h"
#include "test-fs.h"

enum { KIB = 1024, MIB = 1024 * 1024, N_SEGMENTS_MAX = 3 };

/* How a source file is laid out: data in segments, holes (or fallocated space) between. */
static const struct Layout {
        const char *name;
        size_t size;
        struct {
                size_t offset, length;
        } segments[N_SEGMENTS_MAX];
        bool allocated;
} layouts[] = {
        { "empty", 0, {}, false },
        { "one byte", 1, { { 0, 1 } }, false },
        { "page - 1", 4 * KIB - 1, { { 0, 4 * KIB - 1 } }, false },
        { "page", 4 * KIB, { { 0, 4 * KIB } }, false },
        { "page + 1", 4 * KIB + 1, { { 0, 4 * KIB + 1 } }, false },
        { "asked", 64 * KIB + 1, { { 0, 64 * KIB + 1 } }, false },
        { "buffer - 1", 256 * KIB - 1, { { 0, 256 * KIB - 1 } }, false },
        { "buffer", 256 * KIB, { { 0, 256 * KIB } }, false },
        { "buffer + 1", 256 * KIB + 1, { { 0, 256 * KIB + 1 } }, false },
        { "large", 9 * MIB + 77, { { 0, 9 * MIB + 77 } }, false },
        { "only a hole", MIB, {}, false },
        { "only a small hole", 5000, {}, false },
        { "leading hole", 2 * MIB, { { MIB, MIB } }, false },
        { "trailing hole", 2 * MIB + 5, { { 0, MIB + 3 } }, false },
        { "islands",
          4 * MIB,
          { { 128 * KIB, 4 * KIB }, { MIB, 300 * KIB }, { 3 * MIB, 1 } },
          false },
        { "allocated, no data", MIB, {}, true },
        { "allocated, some data", MIB, { { 100 * KIB, 8 * KIB }, { 500 * KIB, 1 } }, true },
};
enum { N_LAYOUTS = sizeof(layouts) / sizeof(layouts[0]) };

static const char *const file_systems[] = { "tmpfs", "ext4", "xfs", "btrfs" };
enum { N_FILE_SYSTEMS = sizeof(file_systems) / sizeof(file_systems[0]) };

/* A source file with the content that it must show. */
typedef struct Sample {
        int fd;
        Entry entry;
        uint8_t *data;
        size_t size;
} Sample;

static Sample sample_new(int directory_fd, const char *name, const struct Layout *layout) {
        Sample sample = { .size = layout->size, .data = calloc(1, layout->size + 1) };

        sample.fd = test_file(directory_fd, name, NULL, 0);
        if (layout->allocated)
                TEST_SYS(fallocate(sample.fd, 0, 0, (off_t) layout->size));
        for (size_t i = 0; i < N_SEGMENTS_MAX; i++) {
                size_t offset = layout->segments[i].offset, length = layout->segments[i].length;

                if (length == 0)
                        break;
                test_fill(sample.data + offset, length, (unsigned) i);
                ck_assert_int_eq(pwrite(sample.fd, sample.data + offset, length, (off_t) offset),
                                 (ssize_t) length);
        }
        TEST_SYS(ftruncate(sample.fd, (off_t) layout->size));
        TEST_OK(entry_acquire(sample.fd, "", &sample.entry));
        return sample;
}

static void sample_done(Sample *sample) {
        (void) close(sample->fd);
        free(sample->data);
}

static CopyJob job_for(const Sample *sample, int target_fd, CopyAbilities *abilities) {
        return (CopyJob) {
                .source_fd = sample->fd,
                .target_fd = target_fd,
                .size = sample->entry.stamp.size,
                .maybe_sparse = copy_may_be_sparse(sample->entry.stamp.size,
                                                   sample->entry.n_blocks),
                .abilities = abilities,
        };
}

static void check_content(int fd, const uint8_t *data, size_t size, const char *what) {
        uint8_t *buffer = malloc(size + 1);

        ck_assert_msg(pread(fd, buffer, size + 1, 0) == (ssize_t) size, "%s: wrong size", what);
        ck_assert_msg(memcmp(buffer, data, size) == 0, "%s: wrong content", what);
        free(buffer);
}

static void check_hash(const Hash *hash, const uint8_t *data, size_t size) {
        uint8_t expected[HASH_BYTES];

        ck_assert_int_eq(EVP_Digest(data, size, expected, NULL, EVP_sha256(), NULL), 1);
        ck_assert_mem_eq(hash->bytes, expected, HASH_BYTES);
}

/* Copies every layout within SOURCE_FD's file system or to TARGET_FD's. Returns the method of the
 * large file. */
static CopyMethod copy_all_layouts(int source_fd, int target_fd, bool want_hash) {
        CopyMethod method = _COPY_METHOD_INVALID;
        CopyAbilities abilities = {};
        Copier *copier;

        TEST_OK(copier_new(&copier));
        for (size_t i = 0; i < N_LAYOUTS; i++) {
                Sample sample = sample_new(source_fd, "source", layouts + i);
                int fd = test_file(target_fd, "target", NULL, 0);
                CopyJob job = job_for(&sample, fd, &abilities);
                CopyResult result;
                Entry entry;

                job.want_hash = want_hash;
                job.same_device = source_fd == target_fd;
                TEST_OK(copier_copy(copier, &job, &result, NULL));

                ck_assert_uint_eq(result.n_bytes, sample.size);
                ck_assert(result.has_hash == want_hash);
                check_content(fd, sample.data, sample.size, layouts[i].name);
                if (want_hash)
                        check_hash(&result.hash, sample.data, sample.size);

                /* Closed first: XFS gives back what it allocated ahead. */
                (void) close(fd);
                TEST_OK(entry_acquire(target_fd, "target", &entry));
                ck_assert_msg(entry.n_blocks <= sample.entry.n_blocks + 16, "%s: %ju blocks of %ju",
                              layouts[i].name, (uintmax_t) entry.n_blocks,
                              (uintmax_t) sample.entry.n_blocks);
                if (strcmp(layouts[i].name, "large") == 0)
                        method = result.method;

                sample_done(&sample);
                TEST_SYS(unlinkat(source_fd, "source", 0));
                TEST_SYS(unlinkat(target_fd, "target", 0));
        }
        (void) copier_free(copier);
        return method;
}

START_TEST(layouts_within_one_file_system) {
        static const CopyMethod expected[N_FILE_SYSTEMS] = { COPY_RANGE, COPY_RANGE, COPY_CLONE,
                                                             COPY_CLONE };
        int fd = test_mount(file_systems[_i], "a");

        if (fd < 0)
                return;

        ck_assert_int_eq(copy_all_layouts(fd, fd, false), expected[_i]);
        ck_assert_int_eq(copy_all_layouts(fd, fd, true),
                         expected[_i] == COPY_CLONE ? COPY_CLONE : COPY_READ_WRITE);
        (void) close(fd);
}
END_TEST

START_TEST(layouts_to_another_file_system) {
        int fd = test_mount(file_systems[_i], "a");

        if (fd < 0)
                return;

        ck_assert_int_eq(copy_all_layouts(fd, test_fd, false), COPY_READ_WRITE);
        ck_assert_int_eq(copy_all_layouts(test_fd, fd, true), COPY_READ_WRITE);
        (void) close(fd);
}
END_TEST

/* What happens to the source at the first tick. */
typedef struct Meddling {
        int fd;
        off_t new_size;
        bool done;
} Meddling;

static int meddle(uint64_t n_bytes, void *userdata) {
        Meddling *meddling = userdata;

        (void) n_bytes;
        if (!meddling->done) {
                meddling->done = true;
                TEST_SYS(ftruncate(meddling->fd, meddling->new_size));
                ck_assert_int_eq(pwrite(meddling->fd, "changed", 7, 0), 7);
        }
        return 0;
}

START_TEST(source_changes_meanwhile) {
        static const struct Layout layout = { "", MIB, { { 0, MIB } }, false };
        static const off_t new_sizes[] = { 0, 300000, MIB - 1, MIB, MIB + 1, 5 * MIB };
        CopyAbilities abilities = {};
        Copier *copier;

        TEST_OK(copier_new(&copier));
        for (size_t i = 0; i < 2 * sizeof(new_sizes) / sizeof(new_sizes[0]); i++) {
                Sample sample = sample_new(test_fd, "source", &layout);
                Meddling meddling = { .fd = sample.fd, .new_size = new_sizes[i / 2] };
                int fd = test_file(test_fd, "target", NULL, 0);
                CopyJob job = job_for(&sample, fd, &abilities);
                uint8_t *copy = malloc(6 * MIB);
                CopyResult result;
                ssize_t n;

                job.want_hash = true;
                job.maybe_sparse = i % 2;
                job.tick = meddle;
                job.userdata = &meddling;
                TEST_OK(copier_copy(copier, &job, &result, NULL));

                n = TEST_SYS(pread(fd, copy, 6 * MIB, 0));
                ck_assert_uint_eq(result.n_bytes, n);
                ck_assert_uint_le(result.n_bytes, MIB);
                check_hash(&result.hash, copy, (size_t) n);

                free(copy);
                (void) close(fd);
                sample_done(&sample);
                TEST_SYS(unlinkat(test_fd, "source", 0));
                TEST_SYS(unlinkat(test_fd, "target", 0));
        }
        (void) copier_free(copier);
}
END_TEST

START_TEST(hash_of_clone_is_of_what_was_cloned) {
        static const struct Layout layout = { "", MIB, { { 0, MIB } }, false };
        int fs_fd = test_mount(_i == 0 ? "xfs" : "btrfs", "a"), fd;
        CopyAbilities abilities = {};
        Meddling meddling;
        CopyResult result;
        Copier *copier;
        Sample sample;
        CopyJob job;

        if (fs_fd < 0)
                return;

        TEST_OK(copier_new(&copier));
        sample = sample_new(fs_fd, "source", &layout);
        fd = test_file(fs_fd, "target", NULL, 0);
        meddling = (Meddling) { .fd = sample.fd, .new_size = 2 * MIB };
        job = job_for(&sample, fd, &abilities);
        job.want_hash = job.same_device = true;
        job.tick = meddle;
        job.userdata = &meddling;

        TEST_OK(copier_copy(copier, &job, &result, NULL));
        ck_assert_int_eq(result.method, COPY_CLONE);
        ck_assert_uint_eq(result.n_bytes, MIB);
        check_content(fd, sample.data, sample.size, "clone");
        check_hash(&result.hash, sample.data, sample.size);

        (void) close(fd);
        sample_done(&sample);
        (void) copier_free(copier);
        (void) close(fs_fd);
}
END_TEST

static int give_up(uint64_t n_bytes, void *userdata) {
        *(uint64_t *) userdata += n_bytes;
        return -ECANCELED;
}

START_TEST(stops_when_told) {
        static const struct Layout layout = { "", MIB, { { 0, MIB } }, false };
        Sample sample = sample_new(test_fd, "source", &layout);
        int fd = test_file(test_fd, "target", NULL, 0);
        CopyAbilities abilities = {};
        CopyJob job = job_for(&sample, fd, &abilities);
        CopyResult result = { .n_bytes = 42 };
        uint64_t n_bytes = 0;
        Copier *copier;

        TEST_OK(copier_new(&copier));
        job.tick = give_up;
        job.userdata = &n_bytes;
        ck_assert_int_eq(copier_copy(copier, &job, &result, NULL), -ECANCELED);
        ck_assert_uint_eq(n_bytes, 256 * KIB);
        ck_assert_uint_eq(result.n_bytes, 42);
        ck_assert_int_eq(copier_hash(copier, sample.fd, &result.hash, give_up, &n_bytes),
                         -ECANCELED);

        (void) copier_free(copier);
        (void) close(fd);
        sample_done(&sample);
}
END_TEST

START_TEST(tells_whose_fault_it_is) {
        static const struct Layout layout = { "", MIB, { { 0, MIB } }, false };
        Sample sample = sample_new(test_fd, "source", &layout);
        int fd = test_file(test_fd, "target", NULL, 0);
        struct rlimit limit = { .rlim_cur = 300 * KIB, .rlim_max = RLIM_INFINITY };
        CopyAbilities abilities = {};
        CopyJob job = job_for(&sample, fd, &abilities);
        CopyResult result;
        Copier *copier;
        bool source_failed;

        TEST_OK(copier_new(&copier));

        job.same_device = true;
        job.target_fd = TEST_SYS(openat(test_fd, "target", O_RDONLY | O_CLOEXEC));
        source_failed = true;
        ck_assert_int_eq(copier_copy(copier, &job, &result, &source_failed), -EBADF);
        ck_assert(!source_failed);
        (void) close(job.target_fd);

        job.target_fd = fd;
        job.source_fd = TEST_SYS(openat(test_fd, "source", O_WRONLY | O_CLOEXEC));
        ck_assert_int_eq(copier_copy(copier, &job, &result, &source_failed), -EBADF);
        ck_assert(source_failed);
        (void) close(job.source_fd);

        /* A write that ends short, as on a full disk. */
        ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
        TEST_SYS(getrlimit(RLIMIT_FSIZE, &limit));
        limit.rlim_cur = 300 * KIB;
        TEST_SYS(setrlimit(RLIMIT_FSIZE, &limit));
        job.source_fd = sample.fd;
        ck_assert_int_eq(copier_copy(copier, &job, &result, &source_failed), -EFBIG);
        ck_assert(!source_failed);
        limit.rlim_cur = limit.rlim_max;
        TEST_SYS(setrlimit(RLIMIT_FSIZE, &limit));

        (void) copier_free(copier);
        (void) close(fd);
        sample_done(&sample);
}
END_TEST

START_TEST(hash_alone) {
        Copier *copier;
        Hash hash;

        TEST_OK(copier_new(&copier));
        for (size_t i = 0; i < N_LAYOUTS; i++) {
                Sample sample = sample_new(test_fd, "source", layouts + i);

                TEST_OK(copier_hash(copier, sample.fd, &hash, NULL, NULL));
                check_hash(&hash, sample.data, sample.size);
                sample_done(&sample);
                TEST_SYS(unlinkat(test_fd, "source", 0));
        }
        (void) copier_free(copier);
}
END_TEST

START_TEST(hash_past_the_page_cache) {
        static const char *const types[] = { "ext4", "xfs" };
        int fs_fd = test_mount(types[_i], "a"), fd;
        Copier *copier;
        Hash hash;

        if (fs_fd < 0)
                return;

        TEST_OK(copier_new(&copier));
        for (size_t i = 0; i < N_LAYOUTS; i++) {
                Sample sample = sample_new(fs_fd, "source", layouts + i);

                TEST_SYS(fsync(sample.fd));
                fd = TEST_SYS(openat(fs_fd, "source", O_RDONLY | O_DIRECT | O_CLOEXEC));
                TEST_OK(copier_hash(copier, fd, &hash, NULL, NULL));
                check_hash(&hash, sample.data, sample.size);
                (void) close(fd);
                sample_done(&sample);
                TEST_SYS(unlinkat(fs_fd, "source", 0));
        }
        (void) copier_free(copier);
        (void) close(fs_fd);
}
END_TEST

START_TEST(names_of_methods) {
        for (CopyMethod method = 0; method < _COPY_METHOD_MAX; method++)
                ck_assert_ptr_nonnull(copy_method_to_string(method));
        ck_assert_ptr_null(copy_method_to_string(_COPY_METHOD_MAX));
        ck_assert_ptr_null(copy_method_to_string(_COPY_METHOD_INVALID));
}
END_TEST

static void settle_as_nobody(void) {
        int fd = TEST_SYS(openat(test_fd, "file", O_RDONLY | O_CLOEXEC));

        ck_assert_int_eq(content_settle_mapped(fd), 0);
        (void) close(fd);
}

START_TEST(settling_finds_writers) {
        int writer = test_file(test_fd, "file", "12345678", 8);
        int fd = TEST_SYS(openat(test_fd, "file", O_RDONLY | O_CLOEXEC));
        char *map;

        TEST_SYS(fchmod(writer, 0644));
        ck_assert_int_eq(content_settle_mapped(fd), 1);
        map = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, writer, 0);
        ck_assert_ptr_ne(map, MAP_FAILED);
        (void) close(writer);
        ck_assert_int_eq(content_settle_mapped(fd), 1);
        TEST_SYS(munmap(map, 8));
        ck_assert_int_eq(content_settle_mapped(fd), 0);

        /* The lease is not kept. */
        writer = TEST_SYS(openat(test_fd, "file", O_RDWR | O_NONBLOCK | O_CLOEXEC));
        (void) close(writer);
        (void) close(fd);

        if (geteuid() == 0)
                test_as_nobody(settle_as_nobody);
}
END_TEST

START_TEST(settling_makes_stores_visible) {
        int fs_fd = test_mount("ext4", "a"), fd;
        Entry before, after;
        char *map;

        if (fs_fd < 0)
                return;

        fd = test_file(fs_fd, "file", "12345678", 8);
        map = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ck_assert_ptr_ne(map, MAP_FAILED);
        map[0] = 'a';
        (void) close(fd);

        fd = TEST_SYS(openat(fs_fd, "file", O_RDONLY | O_CLOEXEC));
        ck_assert_int_eq(content_settle_mapped(fd), 1);
        TEST_OK(entry_acquire(fd, "", &before));
        map[1] = 'b';
        TEST_OK(entry_acquire(fd, "", &after));
        ck_assert(!stamp_content_equal(&before.stamp, &after.stamp));

        TEST_SYS(munmap(map, 8));
        (void) close(fd);
        (void) close(fs_fd);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("copy", &tcase);

        tcase_add_loop_test(tcase, layouts_within_one_file_system, 0, N_FILE_SYSTEMS);
        tcase_add_loop_test(tcase, layouts_to_another_file_system, 0, N_FILE_SYSTEMS);
        tcase_add_test(tcase, source_changes_meanwhile);
        tcase_add_loop_test(tcase, hash_of_clone_is_of_what_was_cloned, 0, 2);
        tcase_add_test(tcase, stops_when_told);
        tcase_add_test(tcase, tells_whose_fault_it_is);
        tcase_add_test(tcase, hash_alone);
        tcase_add_loop_test(tcase, hash_past_the_page_cache, 0, 2);
        tcase_add_test(tcase, names_of_methods);
        tcase_add_test(tcase, settling_finds_writers);
        tcase_add_test(tcase, settling_makes_stores_visible);
        return test_fs_run(suite);
}
