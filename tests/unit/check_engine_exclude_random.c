/* Exclusion under random changes: of the source, of what the replica has besides, and of the
 * patterns. After each full pass the replica has what the source has and no pattern excludes, with
 * its content; nothing else but what is excluded, and the directories that it is in; and whatever
 * was planted in it under an excluded name is still somewhere. The next pass finds nothing to do.
 * Of a two-way pair the same holds, whichever side changes. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "test-engine.h"
#include "watch-random.h"

enum {
        N_SEEDS = 4,
        N_ROUNDS = 20,
        N_OPERATIONS = 6, /* a round */
        PATHS_MAX = 4096,
};

static uint64_t seed;
static bool is_two_way;

/* The paths below a directory, "file" or "dir/" as find(1) gives them. */
typedef struct Paths {
        char *items[PATHS_MAX];
        size_t n;
} Paths;

static const char *pick(const char *const *from, size_t n) {
        return from[random_below(&seed, (unsigned) n)];
}

/* Names of files and of directories differ, so that none takes the place of the other. */
static void append_directory(StringBuffer *text) {
        static const char *const names[] = { "d", "e", "tmp", "x" };
        unsigned depth = random_below(&seed, 4);

        for (unsigned i = 0; i < depth; i++)
                string_buffer_appendf(text, "%s/", pick(names, ELEMENTSOF(names)));
}

static void append_file(StringBuffer *text) {
        static const char *const names[] = { "1", "2", "3.o", "4.o", "5.t", "6.t" };

        append_directory(text);
        string_buffer_append(text, pick(names, ELEMENTSOF(names)));
}

static void append_operation(StringBuffer *text, unsigned round) {
        const char *side = is_two_way && random_below(&seed, 2) == 0 ? "r" : "s";

        switch (random_below(&seed, 9)) {
        case 0:
        case 1:
                string_buffer_appendf(text, "mkdir -p %s/", side);
                append_directory(text);
                break;
        case 2:
        case 3:
        case 4:
                string_buffer_appendf(text, "echo %u.%u >%s/", round, random_below(&seed, 1000),
                                      side);
                append_file(text);
                break;
        case 5:
                string_buffer_appendf(text, "mv -T %s/", side);
                append_file(text);
                string_buffer_appendf(text, " %s/", side);
                append_file(text);
                break;
        case 6:
                string_buffer_appendf(text, "mv -T %s/d/", side);
                append_directory(text);
                string_buffer_appendf(text, " %s/", side);
                append_directory(text);
                string_buffer_append(text, "e");
                break;
        case 7:
                string_buffer_appendf(text, "ln %s/", side);
                append_file(text);
                string_buffer_appendf(text, " %s/", side);
                append_file(text);
                break;
        default:
                string_buffer_appendf(text, "rm -r %s/d/", side);
                append_directory(text);
        }
        string_buffer_append(text, " 2>/dev/null\n");
}

static void change_source(unsigned round) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;

        for (unsigned i = 0; i < N_OPERATIONS; i++)
                append_operation(&text, round);
        test_run("(%s)2>/dev/null || :", text.text);
}

/* What is planted is called m-ROUND and excluded always. */
static void plant(unsigned round) {
        _cleanup_(string_buffer_done) StringBuffer directory = STRING_BUFFER_NULL;

        append_directory(&directory);
        string_buffer_append(&directory, "");
        test_run("[ ! -d r/%s ] || echo %u >r/%sm-%u", directory.text, round, directory.text,
                 round);
}

static void reopen(void) {
        static const char *const patterns[] = { "Sync.Exclude=*.o",     "Sync.Exclude=tmp/",
                                                "Sync.Exclude=/d/e/",   "Sync.Exclude=!3.o",
                                                "Sync.Exclude=e/**/x/", "Sync.Exclude=/e/*.t" };
        const char *overrides[ELEMENTSOF(patterns) + 3] = {
                "Sync.Exclude=m-*",
                is_two_way ? "Pair.Direction=two-way" : "Pair.Direction=one-way",
        };
        size_t n = 2;

        for (size_t i = 0; i < ELEMENTSOF(patterns); i++)
                if (random_below(&seed, 2) == 0)
                        overrides[n++] = patterns[i];
        if (test.engine)
                test_close();
        test_open(overrides, TEST_WATCH);
}

static int compare_text(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static void paths_read(Paths *paths, const char *directory) {
        char command[512];
        char line[1024];
        FILE *find;

        (void) snprintf(command, sizeof command,
                        "cd %s && find . -mindepth 1 -type d -printf '%%P/\\n' -o -printf '%%P\\n'",
                        test_name(directory));
        find = popen(command, "re");
        ck_assert_ptr_nonnull(find);
        paths->n = 0;
        while (fgets(line, sizeof line, find)) {
                line[strcspn(line, "\n")] = '\0';
                ck_assert_uint_lt(paths->n, PATHS_MAX);
                paths->items[paths->n++] = strdup(line);
        }
        ck_assert_int_eq(pclose(find), 0);
        qsort(paths->items, paths->n, sizeof *paths->items, compare_text);
}

static void paths_done(Paths *paths) {
        while (paths->n > 0)
                free(paths->items[--paths->n]);
}

static bool is_excluded(const char *path) {
        _cleanup_free_ char *copy = strdup(path);
        size_t length = strlen(copy);
        bool is_directory = copy[length - 1] == '/';

        if (is_directory)
                copy[length - 1] = '\0';
        return exclude_list_find(test.config->exclude, copy, is_directory, NULL);
}

static bool has(const Paths *paths, const char *path) {
        return bsearch(&path, paths->items, paths->n, sizeof *paths->items, compare_text);
}

static bool holds_excluded(const Paths *paths, const char *directory) {
        for (size_t i = 0; i < paths->n; i++)
                if (startswith(paths->items[i], directory) && is_excluded(paths->items[i]))
                        return true;
        return false;
}

static void read_content(const char *side, const char *path, char *buffer, size_t size) {
        _cleanup_(string_buffer_done) StringBuffer name = STRING_BUFFER_NULL;
        FILE *file;

        string_buffer_appendf(&name, "%s/%s", side, path);
        file = fopen(test_name(name.text), "re");
        ck_assert_ptr_nonnull(file);
        buffer[fread(buffer, 1, size - 1, file)] = '\0';
        (void) fclose(file);
}

static void expect_content(const char *path) {
        char source[64], replica[64];

        read_content("s", path, source, sizeof source);
        read_content("r", path, replica, sizeof replica);
        ck_assert_str_eq(source, replica);
}

static void expect_replica(const Paths *source, const Paths *replica) {
        for (size_t i = 0; i < source->n; i++)
                ck_assert_msg(is_excluded(source->items[i]) || has(replica, source->items[i]),
                              "%s is not in the replica", source->items[i]);
        for (size_t i = 0; i < replica->n; i++) {
                const char *path = replica->items[i];

                ck_assert_msg(
                        is_excluded(path) || has(source, path) ||
                                (path[strlen(path) - 1] == '/' && holds_excluded(replica, path)),
                        "%s is in the replica", path);
        }
        for (size_t i = 0; i < source->n; i++)
                if (!is_excluded(source->items[i]) &&
                    source->items[i][strlen(source->items[i]) - 1] != '/')
                        expect_content(source->items[i]);
}

static size_t n_planted(const Paths *replica) {
        size_t n = 0;

        for (size_t i = 0; i < replica->n; i++)
                n += !!strstr(replica->items[i], "m-");
        return n;
}

static void expect_all(size_t *n) {
        static Paths source, replica;

        paths_read(&source, "s");
        paths_read(&replica, "r");
        expect_replica(&source, &replica);
        ck_assert_uint_eq(n_planted(&replica), *n);
        ck_assert_uint_eq(n_planted(&source), 0);
        paths_done(&source);
        paths_done(&replica);
}

static size_t count_planted(void) {
        return (size_t) atoi(test_output("find r -name 'm-*' | wc -l"));
}

START_TEST(random_changes) {
        size_t n;

        seed = random_seed("check_engine_exclude_random") + (uint64_t) _i;
        is_two_way = _i % 2 == 1;
        reopen();
        (void) test_full();
        for (unsigned round = 0; round < N_ROUNDS; round++) {
                plant(round);
                change_source(round);
                n = count_planted();
                if (random_below(&seed, 4) == 0)
                        reopen();
                else if (random_below(&seed, 2) == 0)
                        (void) test_dirty("", NULL);
                (void) test_full();
                expect_all(&n);
                ck_assert_str_eq(test_full(), "");
        }
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("engine_exclude_random", &tcase);

        tcase_add_loop_test(tcase, random_changes, 0, N_SEEDS);
        return test_fs_run(suite);
}
