/* Exclusion against git itself: random patterns and paths, and for each path the pattern that
 * decides, by exclude.h and by git-check-ignore(1). Skipped where there is no git. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "basic/alloc.h"
#include "basic/string-util.h"
#include "config/exclude.h"
#include "watch-random.h"

enum {
        N_ROUNDS = 200,
        N_PATTERNS = 12, /* a round */
        N_PATHS = 400,
        DEPTH_MAX = 4,
        SKIPPED = 77,
};

static uint64_t seed;
static char directory[] = "/tmp/rebackup-exclude-XXXXXX";
static char *paths[N_PATHS];
static bool is_directory[N_PATHS];
static size_t n_paths;

static const char *pick(const char *const *from, size_t n) {
        return from[random_below(&seed, (unsigned) n)];
}

static const char *random_name(void) {
        static const char *const names[] = { "a",        "b",   "ab", "ba",  "a.o", "b.c",
                                             "A",        "a b", "*",  "[a]", "aab", "a-b",
                                             "\xc3\xa9", "!a",  "#b", "\\" };

        return pick(names, ELEMENTSOF(names));
}

/* Makes a file or directory somewhere below the working directory. */
static void make_entry(void) {
        _cleanup_(string_buffer_done) StringBuffer path = STRING_BUFFER_NULL;
        unsigned depth = 1 + random_below(&seed, DEPTH_MAX);
        struct stat st;

        for (unsigned i = 0; i < depth; i++) {
                bool last = i + 1 == depth;

                string_buffer_appendf(&path, "%s%s", i > 0 ? "/" : "", random_name());
                if (lstat(path.text, &st) >= 0) {
                        if (last || !S_ISDIR(st.st_mode))
                                return;
                        continue;
                }
                is_directory[n_paths] = !last || random_below(&seed, 3) == 0;
                if (is_directory[n_paths])
                        ck_assert_int_eq(mkdir(path.text, 0755), 0);
                else
                        ck_assert_int_eq(close(creat(path.text, 0644)), 0);
                paths[n_paths++] = strdup(path.text);
                if (n_paths == N_PATHS)
                        return;
        }
}

static void append_piece(StringBuffer *text) {
        static const char *const pieces[] = {
                "a",
                "a",
                "b",
                "/",
                "/",
                "/",
                "*",
                "*",
                "**",
                "**/",
                "/**/",
                "/**",
                "***",
                "?",
                "[ab]",
                "[!a]",
                "[^b]",
                "[a-c]",
                "[]a]",
                "[a\\]]",
                "[-a]",
                "\\",
                "\\*",
                "\\a",
                ".o",
                "[[:alpha:]]",
                "[[:upper:]x]",
                "[![:punct:]]",
                " ",
                "\\ ",
                "[[:]",
                "\\/",
                "[a",
                "[[:x:]]",
                "A",
                "\xc3\xa9",
                "[\xc3]",
                "\\[",
                "[*-\\]]",
                "[/]",
        };

        string_buffer_append(text, random_below(&seed, 3) == 0 ? random_name()
                                                               : pick(pieces, ELEMENTSOF(pieces)));
}

static void random_pattern(StringBuffer *text) {
        unsigned n = 1 + random_below(&seed, 5);

        if (random_below(&seed, 5) == 0)
                string_buffer_append(text, "!");
        for (unsigned i = 0; i < n; i++)
                append_piece(text);
}

/* Writes patterns for git, and takes those that are right into LIST; what is no pattern there
 * matches nothing here. LINES tells the number of the line of each. */
static ExcludeList *write_patterns(unsigned *lines) {
        FILE *file = fopen(".git/info/exclude", "we");
        ExcludeList *list = NULL;

        ck_assert_ptr_nonnull(file);
        for (unsigned i = 0; i < N_PATTERNS; i++) {
                _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
                size_t n = list ? list->n_patterns : 0;
                int r;

                random_pattern(&text);
                ck_assert(fprintf(file, "%s\n", text.text) > 0);
                r = exclude_list_add(&list, text.text);
                ck_assert_int_ge(r, 0);
                if (r == 0)
                        lines[n] = i + 1;
        }
        ck_assert_int_eq(fclose(file), 0);
        return list;
}

static void write_paths(void) {
        FILE *file = fopen(".git/paths", "we");

        ck_assert_ptr_nonnull(file);
        for (size_t i = 0; i < n_paths; i++)
                ck_assert_int_eq(fwrite(paths[i], 1, strlen(paths[i]) + 1, file),
                                 strlen(paths[i]) + 1);
        ck_assert_int_eq(fclose(file), 0);
}

/* The line of the pattern that excludes PATH, by our list: 0 none. */
static unsigned our_line(const ExcludeList *list, const unsigned *lines, size_t path) {
        const char *text = exclude_list_find(list, paths[path], is_directory[path], NULL);

        for (size_t i = 0; text && i < list->n_patterns; i++)
                if (exclude_pattern_text(list->patterns[i]) == text)
                        return lines[i];
        return 0;
}

static size_t read_field(FILE *file, char **field, size_t *size) {
        ssize_t n = getdelim(field, size, '\0', file);

        ck_assert_int_gt(n, 0);
        return (size_t) n - 1;
}

/* Reads git's answer about one path: the line of the pattern, 0 when it excludes nothing. */
static unsigned git_line(FILE *file, const char *path) {
        _cleanup_free_ char *field = NULL;
        size_t size = 0;
        unsigned line;
        bool negated;

        (void) read_field(file, &field, &size);
        (void) read_field(file, &field, &size);
        line = (unsigned) strtoul(field, NULL, 10);
        (void) read_field(file, &field, &size);
        negated = field[0] == '!';
        (void) read_field(file, &field, &size);
        ck_assert_str_eq(field, path);
        return negated ? 0 : line;
}

static void show(const ExcludeList *list) {
        for (size_t i = 0; list && i < list->n_patterns; i++)
                printf("  %s\n", exclude_pattern_text(list->patterns[i]));
}

static void compare_round(void) {
        unsigned lines[N_PATTERNS];
        ExcludeList *list = write_patterns(lines);
        FILE *git = popen("git check-ignore --no-index -v -n --stdin -z <.git/paths", "re");

        ck_assert_ptr_nonnull(git);
        for (size_t i = 0; i < n_paths; i++) {
                unsigned ours = our_line(list, lines, i), gits = git_line(git, paths[i]);

                if (ours != gits)
                        show(list);
                ck_assert_msg(ours == gits, "%s%s: line %u, by git line %u", paths[i],
                              is_directory[i] ? "/" : "", ours, gits);
        }
        (void) pclose(git);
        exclude_list_free(list);
}

START_TEST(as_git_does) {
        for (unsigned i = 0; i < 20 * N_PATHS && n_paths < N_PATHS; i++)
                make_entry();
        write_paths();
        for (unsigned i = 0; i < N_ROUNDS; i++)
                compare_round();
        for (size_t i = 0; i < n_paths; i++)
                free(paths[i]);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("exclude_git");
        TCase *tcase = tcase_create("exclude_git");
        char command[64];
        SRunner *runner;
        int n_failed;

        if (system("git --version >/dev/null 2>&1") != 0)
                return SKIPPED;
        seed = random_seed("check_exclude_git");
        if (!mkdtemp(directory) || chdir(directory) < 0 ||
            system("git -c init.defaultBranch=main init -q . && rm -rf .git/hooks") != 0)
                return EXIT_FAILURE;
        tcase_add_test(tcase, as_git_does);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        (void) snprintf(command, sizeof command, "rm -rf %s", directory);
        if (chdir("/") < 0 || system(command) != 0)
                return EXIT_FAILURE;
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
