/* Finding a pair, and a path in it. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "restore/pair.h"
#include "test-restore.h"

static RestorePair pair;
static char *error;

/* NAME is relative to the test's directory unless it is an instance. */
static int open_pair(const char *name, const char *config_root) {
        char path[256];

        restore_pair_close(&pair);
        free(error);
        error = NULL;
        (void) snprintf(path, sizeof path, "%s/%s", test_path, name);
        return restore_pair_open(config_root ? name : path, config_root, &pair, &error);
}

static void save_identity(const char *store) {
        char source[128], replica[128];
        StoreIdentity identity = {
                .pair_id = (char *) "00112233445566778899aabbccddeeff",
                .source = source,
                .replica = replica,
        };
        int fd;

        (void) snprintf(source, sizeof source, "%s/source", test_path);
        (void) snprintf(replica, sizeof replica, "%s/elsewhere", test_path);
        fd = TEST_SYS(openat(test_fd, store, O_RDONLY | O_DIRECTORY));
        TEST_OK(store_identity_save(fd, "identity", &identity));
        (void) close(fd);
}

static void check_found(const char *replica, const char *store) {
        char path[256];

        ck_assert_msg(!error, "%s", error);
        (void) snprintf(path, sizeof path, "%s/%s", test_path, store);
        ck_assert_str_eq(pair.store, path);
        ck_assert_int_ge(pair.store_fd, 0);
        if (!replica) {
                ck_assert_ptr_null(pair.replica);
                return;
        }
        (void) snprintf(path, sizeof path, "%s/%s", test_path, replica);
        ck_assert_str_eq(pair.replica, path);
        ck_assert_int_ge(pair.replica_fd, 0);
}

START_TEST(by_path) {
        pair = RESTORE_PAIR_NULL;
        test_restore_setup();
        ck_assert_int_eq(open_pair("replica", NULL), 0);
        check_found("replica", ".replica.rebackup");
        ck_assert_int_eq(open_pair(".replica.rebackup", NULL), 0);
        check_found("replica", ".replica.rebackup");
        ck_assert_ptr_null(pair.source);

        save_identity(".replica.rebackup");
        ck_assert_int_eq(open_pair("replica/", NULL), 0);
        check_found("replica", ".replica.rebackup");
        ck_assert_str_eq(strrchr(pair.source, '/'), "/source");

        test_shell("mkdir deep; ln -s ../replica deep/link");
        ck_assert_int_eq(open_pair("deep/link", NULL), 0);
        check_found("replica", ".replica.rebackup");

        test_shell("mkdir r2; mv .replica.rebackup r2/.rebackup");
        ck_assert_int_eq(open_pair("r2", NULL), 0);
        check_found("r2", "r2/.rebackup");
        ck_assert(pair.store_inside_replica);
        ck_assert_int_eq(open_pair("r2/.rebackup", NULL), 0);
        check_found("r2", "r2/.rebackup");
        ck_assert(pair.store_inside_replica);

        /* A store of any name, whose replica is where it says, or nowhere. */
        test_shell("mv r2/.rebackup store; mkdir elsewhere");
        ck_assert_int_eq(open_pair("store", NULL), 0);
        check_found("elsewhere", "store");
        test_shell("rmdir elsewhere");
        ck_assert_int_eq(open_pair("store", NULL), 0);
        check_found(NULL, "store");

        ck_assert_int_eq(open_pair("r2", NULL), RESTORE_NOT_FOUND);
        ck_assert_ptr_nonnull(strstr(error, "has no store"));
        ck_assert_int_eq(open_pair("missing\n", NULL), RESTORE_NOT_FOUND);
        ck_assert_ptr_nonnull(strstr(error, "missing\\n: No such file"));
        restore_pair_close(&pair);
        free(error);
}
END_TEST

START_TEST(by_name) {
        pair = RESTORE_PAIR_NULL;
        error = NULL;
        test_restore_setup();
        test_shell(
                "mkdir -p root/etc/rebackup; printf '[Pair]\\nSource=%s/source\\nReplica=%s/replica\\n' "
                ">root/etc/rebackup/photos.conf",
                test_path, test_path);
        char root[128];
        (void) snprintf(root, sizeof root, "%s/root", test_path);
        ck_assert_int_eq(open_pair("photos", root), 0);
        check_found("replica", ".replica.rebackup");
        ck_assert_str_eq(strrchr(pair.source, '/'), "/source");

        ck_assert_int_eq(open_pair("other", root), RESTORE_BAD_CONFIG);
        ck_assert_ptr_nonnull(error);
        test_shell("echo Nonsense=1 >>root/etc/rebackup/photos.conf");
        ck_assert_int_eq(open_pair("photos", root), RESTORE_BAD_CONFIG);
        test_shell("sed -i /Nonsense/d root/etc/rebackup/photos.conf; mv replica gone");
        ck_assert_int_eq(open_pair("photos", root), RESTORE_NOT_FOUND);
        ck_assert_ptr_nonnull(strstr(error, "is its disk mounted?"));
        restore_pair_close(&pair);
        free(error);
}
END_TEST

static const struct {
        const char *text;   /* "@" stands for the test's directory */
        const char *wanted; /* NULL: refused */
} paths[] = {
        { ".", "" },
        { "a/b", "a/b" },
        { "./a//b/./", "a/b" },
        { "@/source", "" },
        { "@/source/a/b/", "a/b" },
        { "@/replica/a", "a" },
        { "@//source/./a", "a" },
        { "@/sources/a", NULL },
        { "/", NULL },
        { "a/../b", NULL },
        { "..", NULL },
        { "a/...", "a/..." },
        { ".rebackup", ".rebackup" },
};

START_TEST(path) {
        _cleanup_(restore_pair_close) RestorePair p = RESTORE_PAIR_NULL;
        const char *rest = paths[_i].text + (paths[_i].text[0] == '@');
        char text[256], *got = NULL, *why = NULL;
        int r;

        ck_assert_int_ge(asprintf(&p.source, "%s/source", test_path), 0);
        ck_assert_int_ge(asprintf(&p.replica, "%s/replica", test_path), 0);
        (void) snprintf(text, sizeof text, "%s%s", rest > paths[_i].text ? test_path : "", rest);
        r = restore_pair_path(&p, text, &got, &why);
        if (paths[_i].wanted) {
                ck_assert_msg(r == 0, "%s: %s", text, why);
                ck_assert_str_eq(got, paths[_i].wanted);
        } else
                ck_assert_int_eq(r, RESTORE_BAD_REQUEST);
        free(got);
        free(why);
}
END_TEST

START_TEST(path_of_the_store) {
        _cleanup_(restore_pair_close) RestorePair p = RESTORE_PAIR_NULL;
        char *got = NULL, *why = NULL;

        p.store_inside_replica = true;
        ck_assert_int_eq(restore_pair_path(&p, ".rebackup/versions", &got, &why),
                         RESTORE_BAD_REQUEST);
        free(why);
        why = NULL;
        ck_assert_int_eq(restore_pair_path(&p, ".rebackups", &got, &why), 0);
        free(got);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("restore-pair", &tcase);

        tcase_add_test(tcase, by_path);
        tcase_add_test(tcase, by_name);
        tcase_add_loop_test(tcase, path, 0, ELEMENTSOF(paths));
        tcase_add_test(tcase, path_of_the_store);
        return test_fs_run(suite);
}
