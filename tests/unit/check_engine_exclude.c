/* What is excluded: it is neither copied nor removed, on either side and whatever happens around
 * it; and what becomes excluded, or not any more. */

#include <sched.h>
#include <stdlib.h>
#include <syslog.h>

#include "test-engine.h"

#define DEADLINE_USEC (60 * USEC_PER_SEC)

#define EXCLUDE(...) ((const char *const[]) { __VA_ARGS__, NULL })

/* The names below NAME, sorted, in one line. */
static const char *tree_of(const char *name) {
        return test_output("cd %s && find . -mindepth 1 | sort | sed 's|^./||' | tr '\\n' ' '",
                           name);
}

/* Rows of removed directories go after a while. */
static void expect_rows(int64_t n) {
        usec_t deadline = now_usec(CLOCK_MONOTONIC) + DEADLINE_USEC;
        CatalogReader *reader;
        int64_t n_rows;

        TEST_OK(catalog_reader_open(test.pair->store.catalog, &reader));
        while ((n_rows = catalog_reader_count(reader)) != n) {
                ck_assert_msg(now_usec(CLOCK_MONOTONIC) < deadline, "%lld rows, not %lld",
                              (long long) n_rows, (long long) n);
                (void) sched_yield();
        }
        catalog_reader_close(reader);
}

static void reopen_with(const char *const *overrides) {
        test_close();
        test_open(overrides, TEST_WATCH);
}

START_TEST(nothing_excluded_is_copied) {
        test_run("mkdir -p s/cache/deep s/sub/cache s/keep && touch s/a.o s/sub/b.o s/keep/c.o "
                 "s/keep/text s/cache/x s/cache/deep/y s/sub/cache/z");
        test_open(EXCLUDE("Sync.Exclude=*.o", "Sync.Exclude=/cache/", "Sync.Exclude=!/keep/c.o"),
                  TEST_WATCH);
        ck_assert_str_eq(test_full(), "copy 3, mkdir 3");
        ck_assert_str_eq(tree_of("r"), "keep keep/c.o keep/text sub sub/cache sub/cache/z ");
        ck_assert_str_eq(test_full(), "");
        expect_rows(7);
        ck_assert_uint_eq(watch_n_watched(test.watch), 4);
}
END_TEST

START_TEST(nothing_excluded_is_removed) {
        test_run("mkdir s/d && touch s/d/text && mkdir -p r/d r/e/x.o && "
                 "touch r/d/a.o r/top.o r/d/old r/e/x.o/in");
        test_open(EXCLUDE("Sync.Exclude=*.o"), TEST_WATCH);
        ck_assert_str_eq(test_full(), "copy 1, remove 1, version 1");
        ck_assert_str_eq(tree_of("r"), "d d/a.o d/text e e/x.o e/x.o/in top.o ");
        ck_assert_str_eq(test_full(), "");
        ck_assert_str_eq(test_dirty("d", "a.o"), "");
        ck_assert_str_eq(test_dirty("", NULL), "");
        expect_rows(3);
}
END_TEST

START_TEST(newly_excluded_stays) {
        test_run("mkdir -p s/cache/deep && touch s/a.o s/text s/cache/x s/cache/deep/y");
        test_open(NULL, TEST_WATCH);
        (void) test_full();
        reopen_with(EXCLUDE("Sync.Exclude=*.o", "Sync.Exclude=cache/"));
        ck_assert_str_eq(test_full(), "");
        ck_assert_str_eq(tree_of("r"), "a.o cache cache/deep cache/deep/y cache/x text ");
        expect_rows(2);
        ck_assert_uint_eq(watch_n_watched(test.watch), 1);

        test_run("rm -r s/cache s/a.o && echo new >s/text");
        ck_assert_str_eq(test_full(), "update 1");
        ck_assert_str_eq(tree_of("r"), "a.o cache cache/deep cache/deep/y cache/x text ");
}
END_TEST

START_TEST(newly_included_is_adopted_or_copied) {
        test_run("mkdir s/cache && touch s/a.o s/cache/x");
        test_open(NULL, TEST_WATCH);
        (void) test_full();
        reopen_with(EXCLUDE("Sync.Exclude=*.o", "Sync.Exclude=cache"));
        (void) test_full();
        test_run("touch s/b.o s/cache/y");
        (void) test_full();
        reopen_with(NULL);
        ck_assert_str_eq(test_full(), "copy 2, adopt 2");
        test_expect_in_step();
}
END_TEST

/* As a reload does it, while the engine goes on. */
START_TEST(watches_of_the_newly_excluded_end) {
        Config *config, *former = test.config;
        char *error = NULL;

        test_run("mkdir -p s/cache/deep && touch s/cache/x s/cache/deep/y");
        test_open(NULL, TEST_WATCH);
        (void) test_full();
        ck_assert_uint_eq(watch_n_watched(test.watch), 3);
        former = test.config;
        ck_assert_int_eq(config_from_arguments(former->source, former->replica,
                                               EXCLUDE("Versions.Keep=no", "Sync.Exclude=cache"),
                                               &config, &error),
                         0);
        engine_set_config(test.engine, config);
        test.config = config;
        config_free(former);
        /* What was noted before is not acted on. */
        test_run("echo more >s/cache/deep/y && touch s/cache/new");
        ck_assert_str_eq(test_dirty("cache/deep", "y"), "");
        ck_assert_uint_eq(watch_n_watched(test.watch), 1);
        ck_assert_str_eq(test_full(), "");
        expect_rows(1);
        ck_assert_str_eq(tree_of("r"), "cache cache/deep cache/deep/y cache/x ");
}
END_TEST

static const struct {
        const char *command; /* in the source, once everything is in step */
        const char *expected;
        const char *directory; /* in which an event tells of it */
} leftovers[] = {
        { "rm -r s/d", "d d/e d/e/f d/e/f/a.o d/k.o other ", "" },
        { "rm -r s/d/e", "d d/e d/e/f d/e/f/a.o d/g d/g/t d/k.o d/text other ", "d" },
        { "rm -r s/d/e/f", "d d/e d/e/f d/e/f/a.o d/e/text d/g d/g/t d/k.o d/text other ", "d/e" },
        { "rm -r s/d/g", "d d/e d/e/f d/e/f/a.o d/e/f/text d/e/text d/k.o d/text other ", "d" },
        { "rm -r s/d && mkdir -p s/d/e && touch s/d/e/new",
          "d d/e d/e/f d/e/f/a.o d/e/new d/k.o other ", "" },
        /* What moves takes along what the replica has in it. */
        { "mv s/d s/z", "other z z/e z/e/f z/e/f/a.o z/e/f/text z/e/text z/g z/g/t z/k.o z/text ",
          "" },
        { "rm -r s/d && mv s/other s/d", "d d/e d/e/f d/e/f/a.o d/k.o ", "" },
        { "mv s/d/g s/t && rm -r s/d && mv s/t s/d", "d d/e d/e/f d/e/f/a.o d/k.o d/t other ", "" },
        { "rm -r s/d && mkdir s/d && mv s/other s/d/e", "d d/e d/e/f d/e/f/a.o d/k.o ", "" },
};

static void make_leftovers(unsigned i, bool live) {
        test_run("mkdir -p s/d/e/f s/d/g s/other && "
                 "touch s/d/text s/d/e/text s/d/e/f/text s/d/g/t");
        test_open(EXCLUDE("Sync.Exclude=*.o"), TEST_WATCH);
        (void) test_full();
        test_run("touch r/d/k.o r/d/e/f/a.o");
        (void) test_full();
        test_run("%s", leftovers[i].command);
        (void) (live ? test_dirty(leftovers[i].directory, NULL) : test_full());
        ck_assert_str_eq(tree_of("r"), leftovers[i].expected);
        ck_assert_str_eq(test_full(), "");
        ck_assert_str_eq(test_full(), "");
        ck_assert_str_eq(tree_of("r"), leftovers[i].expected);
        expect_rows(atoi(test_output("find s | wc -l")));
        test_run("find r -name '*.o' -delete");
        (void) test_full();
        test_expect_in_step();
}

START_TEST(leftovers_of_a_pass) {
        make_leftovers((unsigned) _i, false);
}
END_TEST

START_TEST(leftovers_live) {
        make_leftovers((unsigned) _i, true);
}
END_TEST

START_TEST(renames_in_and_out) {
        test_run("mkdir s/d && echo 1 >s/a && echo 2 >s/d/x && touch -d 2001-01-01 s/a");
        test_open(EXCLUDE("Sync.Exclude=*.o"), TEST_WATCH);
        (void) test_full();
        test_run("mv s/a s/a.o && mv s/d s/d.o");
        ck_assert_str_eq(test_full(), "remove 2");
        ck_assert_str_eq(tree_of("r"), "");
        ck_assert_uint_eq(watch_n_watched(test.watch), 1);
        test_run("mv s/a.o s/b && mv s/d.o s/e");
        ck_assert_str_eq(test_full(), "copy 2, mkdir 1");
        ck_assert_str_eq(tree_of("r"), "b e e/x ");
        test_expect_in_step();
}
END_TEST

START_TEST(links_with_an_excluded_name) {
        test_run("echo 1 >s/a && ln s/a s/a.o && ln s/a s/b && echo 2 >s/c && ln s/c s/c.o");
        test_open(EXCLUDE("Sync.Exclude=*.o"), TEST_WATCH);
        ck_assert_str_eq(test_full(), "copy 2, link 1");
        ck_assert_str_eq(tree_of("r"), "a b c ");
        ck_assert_uint_eq(test_inode("r/a"), test_inode("r/b"));
        ck_assert_str_eq(test_full(), "");
        /* A change through the excluded name is found by the full pass. */
        test_run("echo more >>s/a.o && echo more >>s/c.o");
        (void) test_full();
        test_run("cmp s/a r/a && cmp s/b r/b && cmp s/c r/c");
        ck_assert_uint_eq(test_inode("r/a"), test_inode("r/b"));
        test_run("rm s/a.o s/b");
        (void) test_full();
        ck_assert_str_eq(tree_of("r"), "a c ");
        ck_assert_str_eq(test_full(), "");
        test_run("mv s/c.o s/c2");
        (void) test_full();
        ck_assert_uint_eq(test_inode("r/c"), test_inode("r/c2"));
        test_expect_in_step();
}
END_TEST

/* The patterns go by where the directory is now. */
START_TEST(moved_under_an_anchor) {
        test_run("mkdir -p s/a/tmp/x s/b/tmp/x && touch s/a/tmp/x/1 s/b/tmp/x/2 s/a/f s/b/f");
        test_open(EXCLUDE("Sync.Exclude=/a/tmp/"), TEST_WATCH);
        (void) test_full();
        ck_assert_str_eq(tree_of("r"), "a a/f b b/f b/tmp b/tmp/x b/tmp/x/2 ");
        test_run("mv s/a s/c");
        (void) test_dirty("", "c");
        ck_assert_str_eq(tree_of("r"),
                         "b b/f b/tmp b/tmp/x b/tmp/x/2 c c/f c/tmp c/tmp/x c/tmp/x/1 ");
        test_run("mv s/b s/a");
        (void) test_dirty("", "a");
        (void) test_full();
        /* What is excluded now stays as it is. */
        test_run("rm -r s/a/tmp");
        ck_assert_str_eq(test_full(), "");
        ck_assert_str_eq(tree_of("r"),
                         "a a/f a/tmp a/tmp/x a/tmp/x/2 c c/f c/tmp c/tmp/x c/tmp/x/1 ");
        expect_rows(8);
}
END_TEST

/* A pattern that ends with a slash goes by what the name stands for, on each side. */
START_TEST(type_decides) {
        test_run("echo file >s/x && mkdir s/y && touch s/y/in");
        test_open(EXCLUDE("Sync.Exclude=x/"), TEST_WATCH);
        (void) test_full();
        ck_assert_str_eq(tree_of("r"), "x y y/in ");
        test_run("rm s/x && mkdir s/x && touch s/x/in");
        ck_assert_str_eq(test_full(), "remove 1");
        ck_assert_str_eq(tree_of("r"), "y y/in ");
        /* A file that needs the name of an excluded directory takes it. */
        test_run("mkdir r/x && touch r/x/stays && rm -r s/x && echo file >s/x");
        (void) test_full();
        ck_assert_str_eq(tree_of("r"), "x y y/in ");
        test_expect_in_step();
}
END_TEST

START_TEST(dropped_on_demand) {
        test_run(
                "mkdir -p s/cache/deep s/d && touch s/a.o s/text s/cache/x s/cache/deep/y s/d/b.o");
        test_open(NULL, TEST_WATCH);
        (void) test_full();
        reopen_with(EXCLUDE("Sync.Exclude=*.o", "Sync.Exclude=cache/"));
        (void) test_full();
        test_run("rm -r s/d");
        (void) test_full();
        ck_assert_str_eq(tree_of("r"), "a.o cache cache/deep cache/deep/y cache/x d d/b.o text ");
        ck_assert_int_eq(engine_start_dropping(test.engine), 0);
        ck_assert_int_eq(test_await(), 0);
        ck_assert(test.result.drops_excluded);
        ck_assert_str_eq(tree_of("r"), "text ");
        ck_assert_str_eq(tree_of("s"), "a.o cache cache/deep cache/deep/y cache/x text ");
        ck_assert_str_eq(test_full(), "");
}
END_TEST

/* What is excluded goes from the replica alone, and comes into neither side. */
START_TEST(two_way) {
        test_run("mkdir s/d && touch s/a.o s/text s/d/b.o s/d/1 && mkdir -p r/d r/e && "
                 "touch r/c.o r/d/e.o r/e/f.o r/more");
        test_open(EXCLUDE("Sync.Exclude=*.o", "Pair.Direction=two-way"), TEST_WATCH);
        (void) test_full();
        ck_assert_str_eq(tree_of("s"), "a.o d d/1 d/b.o more text ");
        ck_assert_str_eq(tree_of("r"), "c.o d d/1 d/e.o e e/f.o more text ");
        ck_assert_str_eq(test_full(), "");
        ck_assert_int_eq(engine_start_dropping(test.engine), 0);
        ck_assert_int_eq(test_await(), 0);
        ck_assert_str_eq(tree_of("s"), "a.o d d/1 d/b.o more text ");
        ck_assert_str_eq(tree_of("r"), "d d/1 more text ");
        ck_assert_str_eq(test_full(), "");
}
END_TEST

START_TEST(surveys_pass_over_it) {
        test_run("mkdir -p s/d/cache s/e && touch s/d/cache/x s/d/a.o s/d/text");
        test_open(EXCLUDE("Sync.Exclude=*.o", "Sync.Exclude=cache/"), TEST_WATCH);
        (void) test_full();
        test_run("touch r/e/b.o s/d/cache/y && touch -r s/e r/e");
        (void) test_full();
        ck_assert_str_eq(test_survey(WATCH_SOURCE), "");
        ck_assert_uint_eq(test.result.n_deviating, 0);
        ck_assert_str_eq(test_survey(WATCH_REPLICA), "");
        ck_assert_uint_eq(test.result.n_deviating, 0);
        ck_assert_uint_eq(test.result.counters.n_directories, 3);
}
END_TEST

START_TEST(dry_run_leaves_it_out) {
        test_run("mkdir -p s/d && touch s/d/text s/d/a.o s/b.o && mkdir -p r/gone && "
                 "touch r/gone/c.o r/gone/text");
        test_open(EXCLUDE("Sync.Exclude=*.o"), TEST_DRY_RUN);
        (void) test_full();
        ck_assert(test_logged(LOG_INFO, "would copy d/text"));
        ck_assert(!test_logged(LOG_INFO, "d/a.o"));
        ck_assert(!test_logged(LOG_INFO, "b.o"));
        ck_assert(test_logged(LOG_INFO, "would remove gone/text"));
        ck_assert(!test_logged(LOG_INFO, "gone/c.o"));
        ck_assert_str_eq(tree_of("r"), "gone gone/c.o gone/text ");
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("engine_exclude", &tcase);

        tcase_add_test(tcase, nothing_excluded_is_copied);
        tcase_add_test(tcase, nothing_excluded_is_removed);
        tcase_add_test(tcase, newly_excluded_stays);
        tcase_add_test(tcase, newly_included_is_adopted_or_copied);
        tcase_add_test(tcase, watches_of_the_newly_excluded_end);
        tcase_add_loop_test(tcase, leftovers_of_a_pass, 0, ELEMENTSOF(leftovers));
        tcase_add_loop_test(tcase, leftovers_live, 0, ELEMENTSOF(leftovers));
        tcase_add_test(tcase, renames_in_and_out);
        tcase_add_test(tcase, links_with_an_excluded_name);
        tcase_add_test(tcase, moved_under_an_anchor);
        tcase_add_test(tcase, type_decides);
        tcase_add_test(tcase, dropped_on_demand);
        tcase_add_test(tcase, two_way);
        tcase_add_test(tcase, surveys_pass_over_it);
        tcase_add_test(tcase, dry_run_leaves_it_out);
        return test_fs_run(suite);
}
