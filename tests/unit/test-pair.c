#include "test-pair.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/remove-tree.h"
#include "sync/binding.h"

enum { N_NAMES = 8 };

Config test_config;
char *test_error;

static void setup(void) {
        TEST_SYS(setenv("STATE_DIRECTORY", test_name("state"), 1));
}

Suite *test_pair_suite(const char *name, TCase **ret) {
        Suite *suite = test_fs_suite(name, ret);

        tcase_add_checked_fixture(*ret, setup, NULL);
        return suite;
}

const char *test_name(const char *name) {
        static char names[N_NAMES][512];
        static unsigned next;
        char *buffer = names[next++ % N_NAMES];

        (void) snprintf(buffer, sizeof names[0], "%s/%s", test_path, name);
        return buffer;
}

void test_pair_config(const char *source, const char *replica, const char *store) {
        free(test_config.source);
        free(test_config.replica);
        free(test_config.store);
        test_config = (Config) {
                .source = strdup(test_name(source)),
                .replica = strdup(test_name(replica)),
                .store = store ? strdup(test_name(store)) : NULL,
        };
}

/* A result other than 0 comes with a text of one line, 0 comes with none. */
static int checked(int r) {
        if (r == 0)
                ck_assert_ptr_null(test_error);
        else {
                ck_assert_ptr_nonnull(test_error);
                ck_assert_ptr_null(strchr(test_error, '\n'));
        }
        return r;
}

static char **fresh_error(void) {
        free(test_error);
        test_error = NULL;
        return &test_error;
}

int test_pair_open(bool dry_run, Pair **ret) {
        return checked(pair_open(&test_config, NULL, dry_run, ret, fresh_error()));
}

int test_pair_pass(Pair *pair) {
        int r = checked(pair_begin_pass(pair, fresh_error()));

        pair_end_pass(pair);
        return r;
}

int test_pair_recheck(Pair *pair) {
        return checked(pair_recheck(pair, fresh_error()));
}

void test_pair_complete(Pair *pair) {
        ck_assert_int_eq(checked(pair_begin_pass(pair, fresh_error())), 0);
        TEST_OK(catalog_begin(pair->store.catalog));
        TEST_OK(pair_bind(pair));
        TEST_OK(catalog_commit(pair->store.catalog));
        pair_note_bound(pair);
        pair_end_pass(pair);
}

void test_pair_run(void) {
        Pair *pair;

        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        test_pair_complete(pair);
        pair_close(pair);
}

char *test_tree(void) {
        char command[256], *text = NULL;
        size_t size = 0;
        FILE *pipe;
        ssize_t n;

        (void) snprintf(command, sizeof command,
                        "find %s -printf '%%P %%y %%m %%U %%n %%s %%i %%T@ %%C@ %%l\\n' | sort",
                        test_path);
        pipe = popen(command, "re");
        ck_assert_ptr_nonnull(pipe);
        n = getdelim(&text, &size, '\0', pipe);
        ck_assert_int_gt(n, 0);
        ck_assert_int_eq(pclose(pipe), 0);
        return text;
}

bool test_exists(const char *name) {
        struct stat st;

        return lstat(test_name(name), &st) >= 0;
}

void test_mkdir(const char *name) {
        TEST_SYS(mkdirat(test_fd, name, 0755));
}

void test_remove(const char *name) {
        char directory[512], *slash;
        int fd;

        (void) snprintf(directory, sizeof directory, "%s", test_name(name));
        slash = strrchr(directory, '/');
        *slash = '\0';
        fd = TEST_SYS(open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        TEST_OK(remove_tree(fd, slash + 1, NULL));
        (void) close(fd);
}

bool test_bind(const char *from, const char *to) {
        if (mount(test_name(from), test_name(to), NULL, MS_BIND, NULL) >= 0)
                return true;
        test_skip("bind mounts need root");
        return false;
}

void test_detach(const char *name) {
        TEST_SYS(umount2(test_name(name), MNT_DETACH));
}

void test_expect_text(const char *part) {
        ck_assert_msg(test_error && strstr(test_error, part), "'%s' does not name '%s'", test_error,
                      part);
}

char *test_state_directory(void) {
        char *directory;

        TEST_OK(binding_directory(&test_config, NULL, &directory));
        return directory;
}

void test_expect_refused(int expected, const char *part) {
        char *before = test_tree(), *after;
        Pair *pair;

        ck_assert_int_eq(test_pair_open(false, &pair), expected);
        test_expect_text(part);
        after = test_tree();
        ck_assert_str_eq(before, after);
        free(before);
        free(after);
}

void test_dry_run(void) {
        char *before = test_tree(), *after;
        Pair *pair;

        ck_assert_int_eq(test_pair_open(true, &pair), 0);
        ck_assert(pair->dry_run);
        ck_assert_int_lt(pair->store.fd, 0);
        ck_assert_ptr_nonnull(pair->store.catalog);
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(test_pair_pass(pair), 0);
                TEST_OK(pair_bind(pair));
                pair_note_bound(pair);
        }
        pair_close(pair);
        after = test_tree();
        ck_assert_str_eq(before, after);
        free(before);
        free(after);
}
