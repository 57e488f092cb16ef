#include "test-config.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"

enum { TIMEOUT_SECONDS = 120 };

char test_root[64];

static void setup(void) {
        (void) snprintf(test_root, sizeof(test_root), "/dev/shm/check-config-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(test_root));
        ck_assert_int_eq(chdir("/"), 0);
        /* No configuration of whoever runs the tests. */
        ck_assert_int_eq(unsetenv("XDG_CONFIG_HOME"), 0);
        ck_assert_int_eq(unsetenv("HOME"), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void) st;
        (void) type;
        (void) ftw;

        return remove(path);
}

static void teardown(void) {
        ck_assert_int_eq(nftw(test_root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

Suite *test_config_suite(const char *name, TCase **ret) {
        Suite *suite = suite_create(name);

        *ret = tcase_create(name);
        tcase_add_checked_fixture(*ret, setup, teardown);
        tcase_set_timeout(*ret, TIMEOUT_SECONDS);
        suite_add_tcase(suite, *ret);
        return suite;
}

int test_config_run(Suite *suite) {
        SRunner *runner = srunner_create(suite);
        int n_failed;

        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void make_parents(char *path) {
        for (char *slash = strchr(path + strlen(test_root) + 1, '/'); slash;
             slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                ck_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
                *slash = '/';
        }
}

void test_write(const char *path, const void *data, size_t size) {
        char full[4096];
        int fd;

        ck_assert_int_lt(snprintf(full, sizeof(full), "%s%s", test_root, path), sizeof(full));
        make_parents(full);

        fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        ck_assert_msg(fd >= 0, "%s: %s", full, strerror(errno));
        ck_assert_int_eq(loop_write(fd, data, size), 0);
        ck_assert_int_eq(close(fd), 0);
}

void test_write_text(const char *path, const char *text) {
        test_write(path, text, strlen(text));
}

char *test_strip_root(char *text) {
        size_t length = strlen(test_root);

        for (char *found = text; (found = strstr(found, test_root));)
                memmove(found, found + length, strlen(found + length) + 1);

        return text;
}
