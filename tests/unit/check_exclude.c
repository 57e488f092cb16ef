/* Exclusion: patterns by the rules of gitignore(5). */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <check.h>

#include "basic/alloc.h"
#include "config/exclude.h"

/* A trailing slash of the path says that it is a directory. */
static const struct {
        const char *pattern, *path;
        bool matches;
} matches[] = {
        { "a", "a", true },
        { "a", "x/a", true },
        { "a", "ab", false },
        { "a", "a/b", true },
        { "/a", "a", true },
        { "/a", "x/a", false },
        { "x/a", "x/a", true },
        { "x/a", "y/x/a", false },
        { "a/", "a", false },
        { "a/", "a/", true },
        { "a/", "x/a/", true },
        { "a/", "a/b", true },
        { "/a/", "x/a/", false },
        { "*.o", "b.o", true },
        { "*.o", "x/b.o", true },
        { "*.o", ".o", true },
        { "*.o", "b.oo", false },
        { "/*.o", "x/b.o", false },
        { "x/*.o", "x/y/b.o", false },
        { "x/*", "x/y/b.o", true },
        { "*", "anything/at/all", true },
        { "?", "a", true },
        { "?", "", false },
        { "?", "\xc3\xa9", false },
        { "??", "\xc3\xa9", true },
        { "x?y", "x/y", false },
        { "x[/]y", "x/y", false },
        { "x[!a]y/z", "x/y/z", false },
        { "**/a", "a", true },
        { "**/a", "x/y/a", true },
        { "**/a", "x/ya", false },
        { "a/**", "a", false },
        { "a/**", "a/", false },
        { "a/**", "a/b/c", true },
        { "a/**/b", "a/b", true },
        { "a/**/b", "a/x/y/b", true },
        { "a/**/b", "a/x/yb", false },
        { "a/**/b/**/c", "a/b/x/b/c", true },
        { "**/a/*/b", "x/a/a/b", true },
        { "x/a**b", "x/aqqb", true },
        { "x/a**b", "x/aq/b", false },
        { "a**b", "aqqb", true },
        { "*a*b*c", "xxaxxbxxbxc", true },
        { "*a*b*c", "xxaxxbxxbxcx", false },
        { "[abc]", "b", true },
        { "[!abc]", "b", false },
        { "[^abc]", "d", true },
        { "[a-c]", "b", true },
        { "[c-a]", "b", false },
        { "[]]", "]", true },
        { "[]-a]", "^", true },
        { "[a-]", "-", true },
        { "[\\]]", "]", true },
        { "[[:digit:]x]", "7", true },
        { "[[:digit:]x]", "x", true },
        { "[[:digit:]x]", "d", false },
        { "[![:upper:]]", "A", false },
        { "[[:alpha:]]", "\xe9", false },
        { "[[:]", ":", true },
        { "[\x80-\xff]", "\xe9", true },
        { "\\*", "*", true },
        { "\\*", "a", false },
        { "\\!a", "!a", true },
        { "\\#a", "#a", true },
        { "a\\ ", "a ", true },
        { "a  ", "a", true },
        { "a b", "a b", true },
        { "\\a", "a", true },
        { "a//b", "a/b", false },
        { "!a", "a", false },
};

START_TEST(one_pattern) {
        _cleanup_free_ char *path = strdup(matches[_i].path);
        size_t n = strlen(path), n_matched = 0;
        bool is_directory = n > 0 && path[n - 1] == '/';
        ExcludeList *list = NULL;
        const char *found;

        if (is_directory)
                path[n - 1] = '\0';
        ck_assert_int_eq(exclude_list_add(&list, matches[_i].pattern), 0);
        found = exclude_list_find(list, path, is_directory, &n_matched);
        ck_assert_msg(!!found == matches[_i].matches, "%s and %s", matches[_i].pattern,
                      matches[_i].path);
        if (found)
                ck_assert_str_eq(found, matches[_i].pattern);
        exclude_list_free(list);
}
END_TEST

static const struct {
        const char *pattern;
        PatternOutcome outcome;
} mistakes[] = {
        { "", PATTERN_EMPTY },           { "!", PATTERN_EMPTY },
        { "/", PATTERN_EMPTY },          { "   ", PATTERN_EMPTY },
        { "# x", PATTERN_COMMENT },      { "a\\", PATTERN_BACKSLASH },
        { "[", PATTERN_BRACKET },        { "[]", PATTERN_BRACKET },
        { "[!]", PATTERN_BRACKET },      { "a[b", PATTERN_BRACKET },
        { "[a\\", PATTERN_BRACKET },     { "[[:alpha:]", PATTERN_BRACKET },
        { "[[:alpha", PATTERN_BRACKET }, { "[a-\\", PATTERN_BRACKET },
        { "[[:word:]]", PATTERN_CLASS }, { "[[::]]", PATTERN_CLASS },
};

START_TEST(mistake) {
        ExcludePattern *pattern = NULL;

        ck_assert_int_eq(exclude_pattern_new(mistakes[_i].pattern, &pattern), mistakes[_i].outcome);
        ck_assert_ptr_null(pattern);
}
END_TEST

START_TEST(too_long) {
        char text[PATTERN_LENGTH_MAX + 2];
        ExcludePattern *pattern = NULL;

        memset(text, 'a', sizeof text);
        text[PATTERN_LENGTH_MAX + 1] = '\0';
        ck_assert_int_eq(exclude_pattern_new(text, &pattern), PATTERN_TOO_LONG);
        text[PATTERN_LENGTH_MAX] = '\0';
        ck_assert_int_eq(exclude_pattern_new(text, &pattern), 0);
        ck_assert(exclude_pattern_matches(pattern, text, PATTERN_LENGTH_MAX));
        exclude_pattern_free(pattern);
}
END_TEST

static ExcludeList *list_of(const char *const *patterns) {
        ExcludeList *list = NULL;

        for (; *patterns; patterns++)
                ck_assert_int_eq(exclude_list_add(&list, *patterns), 0);
        return list;
}

START_TEST(last_one_decides) {
        ExcludeList *list = list_of((const char *const[]) { "*.o", "!keep.o", "d/", "!d/x", NULL });
        Exclusion exclusion;
        size_t n = 0;

        ck_assert_ptr_nonnull(exclude_list_find(list, "a.o", false, NULL));
        ck_assert_ptr_null(exclude_list_find(list, "keep.o", false, NULL));
        /* What is in an excluded directory cannot be brought back. */
        ck_assert_str_eq(exclude_list_find(list, "s/d/x", false, &n), "d/");
        ck_assert_uint_eq(n, 3);
        ck_assert_ptr_null(exclude_list_find(list, "d", false, NULL));

        exclusion = exclude_list_judge(list, "d");
        ck_assert_ptr_null(exclusion.as_file);
        ck_assert_str_eq(exclusion.as_directory, "d/");
        exclusion = exclude_list_judge(list, "a.o");
        ck_assert_ptr_eq(exclusion.as_file, exclusion.as_directory);
        ck_assert(list->needs_paths);
        exclude_list_free(list);
}
END_TEST

START_TEST(files_of_a_directory_pattern) {
        ExcludeList *list = list_of((const char *const[]) { "a", "!a/", NULL });
        Exclusion exclusion = exclude_list_judge(list, "a");

        ck_assert_str_eq(exclusion.as_file, "a");
        ck_assert_ptr_null(exclusion.as_directory);
        ck_assert(!list->needs_paths);
        exclude_list_free(list);
}
END_TEST

START_TEST(nothing_excludes_nothing) {
        ck_assert_ptr_null(exclude_list_find(NULL, "a", true, NULL));
        ck_assert_ptr_null(exclude_list_judge(NULL, "a").as_file);
        ck_assert(!exclude_list_reaches(NULL, "a"));
        ck_assert(exclude_list_equal(NULL, NULL));
}
END_TEST

static const struct {
        const char *pattern, *directory;
        bool reaches;
} reaches[] = {
        { "a", "x", false },        { "/a", "a", false },     { "/a/b", "a", true },
        { "/a/b", "ab", false },    { "/a/b", "x", false },   { "/a/b", "a/b", false },
        { "/a/b", "a/b/c", false }, { "**/a/b", "x", true },  { "/a/*/c", "a", true },
        { "/a/*/c", "a/b", true },  { "/a/*/c", "b", false }, { "a*/c", "ab", true },
};

START_TEST(reach) {
        ExcludeList *list = list_of((const char *const[]) { reaches[_i].pattern, NULL });

        ck_assert_msg(exclude_list_reaches(list, reaches[_i].directory) == reaches[_i].reaches,
                      "%s and %s", reaches[_i].pattern, reaches[_i].directory);
        exclude_list_free(list);
}
END_TEST

START_TEST(equality) {
        ExcludeList *a = list_of((const char *const[]) { "a", "b", NULL }),
                    *b = list_of((const char *const[]) { "b", "a", NULL }),
                    *c = list_of((const char *const[]) { "a", "b", NULL });

        ck_assert(!exclude_list_equal(a, b));
        ck_assert(exclude_list_equal(a, c));
        ck_assert(!exclude_list_equal(a, NULL));
        exclude_list_free(a);
        exclude_list_free(b);
        exclude_list_free(c);
}
END_TEST

/* Names that make backtracking matchers try for years. */
START_TEST(hostile_names) {
        enum { N = 100000 };
        static char path[N + 1];
        static const char *const patterns[] = {
                "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
                "**/a/**/a/**/a/**/a/**/a/**/a/**/b",
                "**/*a*a*a*/**/*a*a*a*/**/b",
                "a/*a*a*a*a*a*a*a*a*a*b",
        };
        struct timespec begin, end;

        ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin), 0);
        for (size_t i = 0; i < ELEMENTSOF(patterns); i++) {
                ExcludeList *list = list_of((const char *const[]) { patterns[i], NULL });

                memset(path, 'a', N);
                ck_assert_ptr_null(exclude_list_judge(list, path).as_file);
                for (size_t j = 1; j < N; j += 2)
                        path[j] = '/';
                ck_assert_ptr_null(exclude_list_judge(list, path).as_file);
                exclude_list_free(list);
        }
        ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end), 0);
        ck_assert_int_lt(end.tv_sec - begin.tv_sec, 10);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("exclude");
        TCase *tcase = tcase_create("exclude");
        SRunner *runner;
        int n_failed;

        tcase_add_loop_test(tcase, one_pattern, 0, ELEMENTSOF(matches));
        tcase_add_loop_test(tcase, mistake, 0, ELEMENTSOF(mistakes));
        tcase_add_loop_test(tcase, reach, 0, ELEMENTSOF(reaches));
        tcase_add_test(tcase, too_long);
        tcase_add_test(tcase, last_one_decides);
        tcase_add_test(tcase, files_of_a_directory_pattern);
        tcase_add_test(tcase, nothing_excludes_nothing);
        tcase_add_test(tcase, equality);
        tcase_add_test(tcase, hostile_names);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
