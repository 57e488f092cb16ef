/* What is written down of a pair: where, that it ends adoption, and what becomes of it when it is
 * damaged. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "basic/log.h"
#include "basic/macros.h"
#include "sync/binding.h"
#include "test-pair.h"

START_TEST(binding_ends_adoption) {
        Pair *pair;
        char *fact;

        test_mkdir("s");
        test_pair_config("s", "r", NULL);
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        ck_assert_int_eq(test_pair_pass(pair), 0);
        pair_close(pair);
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        ck_assert(pair->adopting);
        test_pair_complete(pair);
        ck_assert(!pair->adopting);
        TEST_OK(catalog_get_fact(pair->store.catalog, "source-file-system", &fact));
        ck_assert_str_eq(fact, pair->bound.source_file_system.text);
        free(fact);
        pair_close(pair);
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        ck_assert(!pair->adopting);
        pair_close(pair);
}
END_TEST

static unsigned n_announcements;

static void count_announcements(const LogRecord *record, void *userdata) {
        if (strstr(record->message, userdata))
                n_announcements++;
}

START_TEST(adoption_is_announced) {
        Pair *pair;
        char text[] = "its 2 entries";

        TEST_OK(log_add_sink(count_announcements, text));
        test_mkdir("s");
        test_mkdir("r");
        test_mkdir("r/one");
        test_mkdir("r/two");
        test_pair_config("s", "r", NULL);
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        ck_assert_uint_eq(n_announcements, 1);
        test_pair_complete(pair);
        pair_close(pair);
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        ck_assert_uint_eq(n_announcements, 1);
        pair_close(pair);
        log_remove_sink(count_announcements, text);
}
END_TEST

START_TEST(catalog_is_damaged) {
        Pair *pair;
        int fd;

        test_mkdir("s");
        test_pair_config("s", "r", NULL);
        test_pair_run();
        fd = TEST_SYS(openat(test_fd, ".r.rebackup/catalog.db", O_WRONLY | O_CLOEXEC));
        TEST_SYS(pwrite(fd, "noise noise noise", 17, 0));
        (void) close(fd);
        test_dry_run();
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        ck_assert(pair->store.catalog_was_set_aside && pair->adopting);
        pair_close(pair);
}
END_TEST

START_TEST(record_is_damaged) {
        char *directory, path[1024];
        Pair *pair;

        test_mkdir("s");
        test_pair_config("s", "r", NULL);
        test_pair_run();
        directory = test_state_directory();
        (void) snprintf(path, sizeof path, "%s/" BINDING_FILE_NAME, directory);
        int fd = TEST_SYS(open(path, O_WRONLY | O_TRUNC | O_CLOEXEC));
        TEST_SYS(write(fd, "\0noise\n=\n", 9));
        (void) close(fd);
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        pair_close(pair);
        /* It was written anew. */
        StoreIdentity identity = {};
        TEST_OK(binding_load(directory, &identity));
        store_identity_done(&identity);
        free(directory);
}
END_TEST

typedef struct DirectoryCase {
        const char *state, *instance, *replica, *expected;
} DirectoryCase;

static const DirectoryCase directory_cases[] = {
        { "/var/lib/rebackup/photos", "photos", "/mnt/r", "/var/lib/rebackup/photos" },
        { "/one:/two", "photos", "/mnt/r", "/one" },
        { NULL, "photos", "/mnt/r", "/var/lib/rebackup/photos" },
        { "relative", "photos", "/mnt/r", "/var/lib/rebackup/photos" },
        { "/one", NULL, "/mnt/r", "/one/foreground/mnt-r" },
        { NULL, NULL, "/mnt/r", "/var/lib/rebackup/foreground/mnt-r" },
        { NULL, NULL, "/mnt-r", "/var/lib/rebackup/foreground/mnt%2dr" },
        { NULL, NULL, "/.r a\n", "/var/lib/rebackup/foreground/%2er%20a%0a" },
        { NULL, NULL, "/a.b/..c", "/var/lib/rebackup/foreground/a.b-..c" },
};

START_TEST(directories) {
        const DirectoryCase *c = &directory_cases[_i];
        char replica[64], *directory;
        const Config config = { .replica = replica };

        if (geteuid() != 0 && (!c->state || c->state[0] != '/')) {
                test_skip("these are root's directories");
                return;
        }
        (void) snprintf(replica, sizeof replica, "%s", c->replica);
        TEST_SYS(c->state ? setenv("STATE_DIRECTORY", c->state, 1) : unsetenv("STATE_DIRECTORY"));
        TEST_OK(binding_directory(&config, c->instance, &directory));
        ck_assert_str_eq(directory, c->expected);
        free(directory);
}
END_TEST

static void directories_as_nobody(void) {
        char replica[] = "/mnt/r", *directory;
        const Config config = { .replica = replica };

        TEST_SYS(unsetenv("STATE_DIRECTORY"));
        TEST_SYS(setenv("XDG_STATE_HOME", "/xdg", 1));
        TEST_SYS(setenv("HOME", "/home/me", 1));
        TEST_OK(binding_directory(&config, NULL, &directory));
        ck_assert_str_eq(directory, "/xdg/rebackup/foreground/mnt-r");
        free(directory);
        TEST_SYS(unsetenv("XDG_STATE_HOME"));
        TEST_OK(binding_directory(&config, "photos", &directory));
        ck_assert_str_eq(directory, "/home/me/.local/state/rebackup/photos");
        free(directory);
        TEST_SYS(unsetenv("HOME"));
        ck_assert_int_eq(binding_directory(&config, NULL, &directory), -ENOENT);
}

START_TEST(directories_without_rights) {
        test_as_nobody(directories_as_nobody);
}
END_TEST

/* A path too long to be a name has a place all the same, and one of its own. */
START_TEST(long_replica_path) {
        char name[600], *first, *second;

        memset(name, 'x', sizeof name);
        for (size_t i = 0; i < sizeof name; i += 100)
                name[i] = '/';
        name[sizeof name - 1] = '\0';
        Config config = { .replica = name };
        TEST_OK(binding_directory(&config, NULL, &first));
        ck_assert_uint_eq(strlen(strrchr(first, '/') + 1), 64);
        name[sizeof name - 2] = 'y';
        TEST_OK(binding_directory(&config, NULL, &second));
        ck_assert_str_ne(first, second);
        free(first);
        free(second);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_pair_suite("binding", &tcase);

        tcase_add_test(tcase, binding_ends_adoption);
        tcase_add_test(tcase, adoption_is_announced);
        tcase_add_test(tcase, catalog_is_damaged);
        tcase_add_test(tcase, record_is_damaged);
        tcase_add_loop_test(tcase, directories, 0, (int) ELEMENTSOF(directory_cases));
        tcase_add_test(tcase, directories_without_rights);
        tcase_add_test(tcase, long_replica_path);
        return test_fs_run(suite);
}
