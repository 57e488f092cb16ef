/* Reading back and healing through the engine. On tmpfs a store through a mapping leaves no trace:
 * in the replica that is as good as rot, in the source it is a change that nothing else finds. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "basic/macros.h"
#include "sync/verify-findings.h"
#include "test-engine.h"

/* A mapping that has been stored to: from then on stores through it move no time. */
typedef struct Mapping {
        const char *name;
        char *data;
} Mapping;

static Mapping mappings[8];
static size_t n_mappings;

static void map_file(const char *name) {
        int fd = TEST_SYS(openat(test_fd, name, O_RDWR | O_CLOEXEC));
        struct stat st;
        char *map;

        TEST_SYS(fstat(fd, &st));
        map = mmap(NULL, (size_t) st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ck_assert(map != MAP_FAILED);
        for (off_t i = 0; i < st.st_size; i += 4096)
                ((volatile char *) map)[i] = map[i];
        (void) close(fd);
        ck_assert_uint_lt(n_mappings, ELEMENTSOF(mappings));
        mappings[n_mappings++] = (Mapping) { name, map };
}

static void store_without_trace(const char *name, off_t offset) {
        struct stat before, after;

        TEST_SYS(fstatat(test_fd, name, &before, 0));
        for (size_t i = 0; i < n_mappings; i++)
                if (strcmp(mappings[i].name, name) == 0)
                        mappings[i].data[offset] ^= 1;
        TEST_SYS(fstatat(test_fd, name, &after, 0));
        ck_assert_int_eq(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
}

/* Reads PATH back, or everything; what was found and what was healed, "1 of 3 healed 1". */
static const char *verify(const char *path) {
        static char text[64];

        TEST_OK(engine_verify_start(test.engine, &(const VerifyRequest) { .path = path }));
        ck_assert_int_eq(test_await(), 0);
        (void) snprintf(text, sizeof text, "%d of %d healed %d",
                        (int) test.result.counters.n_rotten, (int) test.result.counters.n_verified,
                        (int) test.result.counters.n_rot_healed);
        return text;
}

static void make_pair(const char *const *overrides) {
        test_run("mkdir -p s/d/e && head -c 300000 /dev/urandom >s/f && "
                 "head -c 9000 /dev/urandom >s/d/g && head -c 20 /dev/urandom >s/d/e/h && "
                 "ln -s f s/link && mkfifo s/fifo && : >s/empty");
        test_open(overrides, 0);
        (void) test_full();
        map_file("s/f");
        map_file("r/f");
        map_file("r/d/g");
        (void) test_full();
        /* Nothing that is younger than the coarsest clock is judged in the source. */
        (void) usleep(2100 * 1000);
}

START_TEST(nothing_is_wrong) {
        make_pair(NULL);
        ck_assert_str_eq(verify(NULL), "0 of 4 healed 0");
        ck_assert_uint_eq(test.result.verify.coverage.n_files, 4);
        ck_assert_uint_eq(test.result.verify.coverage.n_never, 0);
        test_expect_in_step();
}
END_TEST

START_TEST(the_replica_is_healed) {
        make_pair(NULL);
        store_without_trace("r/f", 4097);
        store_without_trace("r/d/g", 1);
        ck_assert_str_eq(verify(NULL), "2 of 4 healed 2");
        ck_assert(test_logged(LOG_ERR, "rot in the replica: f (from byte 4097 on, 1 block"));
        (void) test_expect_equal();
        test_expect_in_step();
        ck_assert_str_eq(verify(NULL), "0 of 4 healed 0");
}
END_TEST

START_TEST(or_not) {
        make_pair((const char *const[]) { "Integrity.OnRot=report", NULL });
        store_without_trace("r/f", 0);
        ck_assert_str_eq(verify(NULL), "1 of 4 healed 0");
        ck_assert_uint_eq(test.result.verify.n_news, 1);
        ck_assert_uint_eq(test.result.verify.coverage.n_damaged, 1);
        ck_assert_str_eq(verify(NULL), "1 of 4 healed 0");
        ck_assert_uint_eq(test.result.verify.n_news, 0);
        test_run("echo new >s/f");
        (void) usleep(100 * 1000); /* whoever maps it must leave it alone for a while */
        (void) test_full();
        ck_assert_str_eq(verify(NULL), "0 of 4 healed 0");
        ck_assert_uint_eq(test.result.verify.coverage.n_damaged, 0);
}
END_TEST

/* Nothing but reading finds it. */
START_TEST(an_untraced_change_is_copied) {
        make_pair(NULL);
        store_without_trace("s/f", 70000);
        ck_assert_str_eq(test_full(), "");
        ck_assert_str_ne(test_output("cmp s/f r/f || echo differ"), "");
        ck_assert_str_eq(verify(NULL), "0 of 4 healed 0");
        (void) test_expect_equal();
        test_expect_in_step();
}
END_TEST

START_TEST(all_names_are_healed) {
        test_run("mkdir s/d && head -c 5000 /dev/urandom >s/a && ln s/a s/d/b && ln s/a s/c");
        test_open(NULL, 0);
        (void) test_full();
        map_file("r/a");
        (void) test_full();
        (void) usleep(2100 * 1000);
        store_without_trace("r/a", 9);
        ck_assert_str_eq(verify(NULL), "1 of 1 healed 1");
        ck_assert_uint_eq(test_inode("r/a"), test_inode("r/d/b"));
        ck_assert_uint_eq(test_inode("r/a"), test_inode("r/c"));
        (void) test_expect_equal();
        test_expect_in_step();
}
END_TEST

START_TEST(a_part) {
        make_pair(NULL);
        store_without_trace("r/f", 0);
        ck_assert_str_eq(verify("d"), "0 of 2 healed 0");
        ck_assert_str_eq(verify("d/e/h"), "0 of 1 healed 0");
        ck_assert_str_eq(verify("f"), "1 of 1 healed 1");
        TEST_OK(engine_verify_start(test.engine, &(const VerifyRequest) { .path = "none" }));
        ck_assert_int_eq(test_await(), -ENOENT);
        TEST_OK(engine_verify_start(test.engine, &(const VerifyRequest) { .path = "f/none" }));
        ck_assert_int_eq(test_await(), -ENOENT);
}
END_TEST

/* Whoever asks is told what and where, as far as he asked; the patrol keeps no list. */
START_TEST(findings_are_listed) {
        const VerifyFindings *findings = &test.result.verify.findings;

        make_pair((const char *const[]) { "Integrity.OnRot=report", NULL });
        store_without_trace("r/f", 8193);
        store_without_trace("r/d/g", 0);
        ck_assert_str_eq(verify("d"), "1 of 2 healed 0");
        ck_assert_uint_eq(findings->n_items, 1);
        ck_assert_str_eq(findings->items[0].path, "d/g");
        ck_assert_str_eq(verify("f"), "1 of 1 healed 0");
        ck_assert_uint_eq(findings->n_items, 1);
        ck_assert_str_eq(findings->items[0].path, "f");
        ck_assert_str_eq(findings->items[0].kind, "replica-rot");
        ck_assert_uint_eq(findings->items[0].first_byte, 8193);
        ck_assert_uint_eq(findings->items[0].n_blocks, 1);
        ck_assert_ptr_nonnull(strstr(findings->items[0].message, "rot in the replica: f ("));
        TEST_OK(engine_verify_start(
                test.engine, &(const VerifyRequest) { .patrol = true, .elapsed = USEC_INFINITY }));
        ck_assert_int_eq(test_await(), 0);
        ck_assert_uint_eq(test.result.counters.n_rotten, 2);
        ck_assert_uint_eq(findings->n_items, 0);
}
END_TEST

/* What was read since a point in time is not read again, whichever way it is looked for. */
START_TEST(it_goes_on) {
        VerifyRequest request = { .since = now_usec(CLOCK_REALTIME) };

        make_pair(NULL);
        ck_assert_str_eq(verify("d/e"), "0 of 1 healed 0");
        TEST_OK(engine_verify_start(test.engine, &request));
        ck_assert_int_eq(test_await(), 0);
        ck_assert_uint_eq(test.result.counters.n_verified, 3);
        request.path = "d";
        TEST_OK(engine_verify_start(test.engine, &request));
        ck_assert_int_eq(test_await(), 0);
        ck_assert_uint_eq(test.result.counters.n_verified, 0);
}
END_TEST

/* However many. */
START_TEST(the_list_is_bounded) {
        VerifyFindings all = {}, more = {};

        for (int i = 0; i < VERIFY_FINDINGS_MAX; i++)
                verify_findings_add(&more, &(const VerifyFinding) { .path = (char *) "a/b",
                                                                    .message = (char *) "rot",
                                                                    .kind = "both-rot" });
        verify_findings_add(&all, &(const VerifyFinding) { .message = (char *) "first" });
        verify_findings_take(&all, &more);
        ck_assert_uint_eq(more.n_items, 0);
        ck_assert_uint_eq(all.n_items, VERIFY_FINDINGS_MAX);
        ck_assert_uint_eq(all.n_unlisted, 1);
        ck_assert_str_eq(all.items[0].path, "");
        ck_assert_str_eq(all.items[1].path, "a/b");
        verify_findings_done(&all);
}
END_TEST

/* What is copied without a hash gets one. */
START_TEST(hashes_are_learnt) {
        make_pair((const char *const[]) { "Integrity.Checksum=off", NULL });
        ck_assert_int_eq(engine_verify_start(test.engine, &(const VerifyRequest) {}), -EOPNOTSUPP);
        test_close();
        test_open(NULL, 0);
        ck_assert_str_eq(verify(NULL), "0 of 4 healed 0");
        ck_assert_uint_eq(test.result.verify.coverage.n_without_hash, 0);
        store_without_trace("r/f", 0);
        ck_assert_str_eq(verify(NULL), "1 of 4 healed 1");
}
END_TEST

/* What rotted in the source does not take the place of what somebody touched in the replica. */
/* What a policy keeps is read back like everything else. The source has nothing to heal it with. */
START_TEST(what_is_kept) {
        static const char *const archive[] = { "Pair.Overwrite=no", "Pair.Delete=no", NULL };

        make_pair(archive);
        test_run("echo other >s/f && rm -r s/d");
        ck_assert_str_eq(test_full(), "keep 2");
        ck_assert_str_eq(verify(NULL), "0 of 4 healed 0");
        ck_assert_uint_eq(test.result.verify.coverage.n_never, 0);
        store_without_trace("r/f", 5000);
        store_without_trace("r/d/g", 5000);
        ck_assert_str_eq(verify(NULL), "2 of 4 healed 0");
        ck_assert(test_logged(LOG_ERR, "rot in the replica: f ("));
        ck_assert(test_logged(LOG_ERR, "rot in the replica: d/g ("));
        ck_assert(test_logged(LOG_ERR, "source not asked"));
        ck_assert_uint_eq(test.result.verify.coverage.n_damaged, 2);
        ck_assert_str_eq(test_full(), "");
        /* Good again. */
        store_without_trace("r/f", 5000);
        store_without_trace("r/d/g", 5000);
        ck_assert_str_eq(verify(NULL), "0 of 4 healed 0");
        ck_assert_uint_eq(test.result.verify.coverage.n_damaged, 0);
}
END_TEST

START_TEST(no_copy_of_rot) {
        make_pair(NULL);
        store_without_trace("s/f", 0);
        test_run("touch r/f");
        (void) test_full();
        ck_assert(test_logged(LOG_ERR, "rot in the source: f"));
        ck_assert_str_ne(test_output("cmp s/f r/f || echo differ"), "");
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("engine-verify", &tcase);

        tcase_add_test(tcase, nothing_is_wrong);
        tcase_add_test(tcase, the_replica_is_healed);
        tcase_add_test(tcase, or_not);
        tcase_add_test(tcase, an_untraced_change_is_copied);
        tcase_add_test(tcase, all_names_are_healed);
        tcase_add_test(tcase, a_part);
        tcase_add_test(tcase, findings_are_listed);
        tcase_add_test(tcase, it_goes_on);
        tcase_add_test(tcase, the_list_is_bounded);
        tcase_add_test(tcase, hashes_are_learnt);
        tcase_add_test(tcase, what_is_kept);
        tcase_add_test(tcase, no_copy_of_rot);
        return test_fs_run(suite);
}
