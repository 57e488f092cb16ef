/* Where a configuration comes from: the files of an instance and their order, and the command line.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "config/config-names.h"
#include "config/config-path.h"
#include "config/config-search.h"
#include "config/config.h"
#include "test-config.h"

#define PAIR "[Pair]\nSource=/s\nReplica=/r\n"
#define VENDOR "/usr/lib/rebackup/t.conf"
#define ETC "/etc/rebackup/t.conf"

static int load(const char *name, const char *const *overrides, Config **ret, char **ret_error) {
        int r;

        r = config_load_instance(test_root, name, overrides, ret, ret_error);
        if (*ret_error)
                test_strip_root(*ret_error);

        return r;
}

static Config *load_good(const char *const *overrides) {
        _cleanup_free_ char *error = NULL;
        Config *config = NULL;

        ck_assert_msg(load("t", overrides, &config, &error) == 0, "%s", error);
        return config;
}

static void load_bad(const char *name, const char *const *overrides, int expected_result,
                     const char *expected_error) {
        _cleanup_free_ char *error = NULL;
        Config *config = NULL;

        ck_assert_int_eq(load(name, overrides, &config, &error), expected_result);
        ck_assert_ptr_null(config);
        ck_assert_str_eq(error, expected_error);
}

static void write_setting(const char *path, const char *settle) {
        char text[64];

        (void) snprintf(text, sizeof(text), "[Sync]\nSettle=%s\n", settle);
        test_write_text(path, text);
}

static void make_path(char *buffer, size_t size, const char *path) {
        ck_assert_int_lt(snprintf(buffer, size, "%s%s", test_root, path), size);
}

static void check_settle(usec_t expected_msec) {
        _cleanup_(config_freep) Config *config = load_good(NULL);

        ck_assert_uint_eq(config->settle, expected_msec * USEC_PER_MSEC);
}

START_TEST(order) {
        const char *const overrides[] = { "Sync.Settle=7ms", "Sync.Settle=8ms", NULL };
        _cleanup_(config_freep) Config *config = NULL;

        test_write_text(VENDOR, PAIR "[Sync]\nSettle=1ms\nMaxDelay=11ms\nRescanInterval=1h\n");
        check_settle(1);
        test_write_text(ETC, "[Sync]\nSettle=2ms\nMaxDelay=12ms\n");
        check_settle(2);
        write_setting(ETC ".d/20-b.conf", "3ms");
        check_settle(3);
        write_setting(VENDOR ".d/30-c.conf",
                      "4ms"); /* a later name, though in the other directory */
        check_settle(4);
        write_setting(ETC ".d/10-a.conf", "5ms");
        check_settle(4);
        write_setting(ETC ".d/30-c.conf", "6ms"); /* hides the vendor's */
        check_settle(6);

        config = load_good(overrides);
        ck_assert_uint_eq(config->settle, 8 * USEC_PER_MSEC);
        ck_assert_uint_eq(config->max_delay, 12 * USEC_PER_MSEC);
        ck_assert_uint_eq(config->rescan_interval, USEC_PER_HOUR);
        ck_assert_str_eq(config->source, "/s");
}
END_TEST

START_TEST(hidden_drop_in) {
        char target[PATH_MAX];

        test_write_text(ETC, PAIR);
        write_setting(VENDOR ".d/10.conf", "rubbish");
        load_bad("t", NULL, -EINVAL,
                 VENDOR ".d/10.conf:2: Sync.Settle=rubbish: not a time span; write something like "
                        "20ms, 1s or 1min 30s");

        test_write_text(ETC ".d/x", "");
        make_path(target, sizeof(target), ETC ".d/10.conf");
        ck_assert_int_eq(symlink("/dev/null", target), 0);
        check_settle(20);
}
END_TEST

/* Whoever runs the tests, root is nobody's user. */
static void become_user(void) {
        ck_assert_int_eq(chmod(test_root, 0755), 0);
        ck_assert(geteuid() != 0 || seteuid(65534) == 0);
}

START_TEST(users) {
        test_write_text(ETC, PAIR);
        write_setting("/home/me/.config/rebackup/t.conf", "2ms");
        write_setting(ETC ".d/10.conf", "3ms");
        write_setting(ETC ".d/20.conf", "4ms");
        ck_assert_int_eq(setenv("HOME", "/home/me", 1), 0);
        if (geteuid() == 0)
                check_settle(4);
        become_user();
        check_settle(4);
        ck_assert(getuid() != 0 || seteuid(0) == 0);
        write_setting("/home/me/.config/rebackup/t.conf.d/20.conf", "5ms");
        write_setting("/elsewhere/rebackup/t.conf.d/20.conf", "6ms");
        become_user();
        check_settle(5);
        ck_assert_int_eq(setenv("XDG_CONFIG_HOME", "/elsewhere", 1), 0);
        check_settle(6);
        load_bad("none", NULL, -ENOENT,
                 "/elsewhere/rebackup/none.conf: does not exist, nor does /etc/rebackup/none.conf, "
                 "nor does /usr/lib/rebackup/none.conf; write it, or check the name");
        ck_assert(getuid() != 0 || seteuid(0) == 0);
}
END_TEST

START_TEST(all_names) {
        static const char *const expected[] = { "a b", "drop-in-only", "t", "vendor" };
        _cleanup_(config_paths_freep) char **found = NULL;
        _cleanup_free_ char *failed = NULL;
        size_t n = 0;

        test_write_text(ETC, "");
        test_write_text(VENDOR, "");
        test_write_text("/usr/lib/rebackup/vendor.conf", "");
        test_write_text("/usr/lib/rebackup/README", "");
        test_write_text("/etc/rebackup/a b.conf", "");
        test_write_text("/etc/rebackup/.hidden.conf", "");
        test_write_text("/etc/rebackup/.conf", "");
        test_write_text("/etc/rebackup/t.conf~", "");
        test_write_text(ETC ".d/x", "");
        test_write_text("/etc/rebackup/drop-in-only.conf.d/x", "");
        ck_assert_int_eq(config_names(test_root, &found, &failed), 0);
        ck_assert_ptr_null(failed);
        for (; found[n]; n++) {
                ck_assert_uint_lt(n, ELEMENTSOF(expected));
                ck_assert_str_eq(found[n], expected[n]);
        }
        ck_assert_uint_eq(n, ELEMENTSOF(expected));
}
END_TEST

START_TEST(names_of_nothing) {
        _cleanup_(config_paths_freep) char **found = NULL;
        _cleanup_free_ char *failed = NULL;

        ck_assert_int_eq(config_names(test_root, &found, &failed), 0);
        ck_assert_ptr_null(found[0]);
        test_write_text("/etc/rebackup", "not a directory");
        config_paths_free(found);
        ck_assert_int_eq(config_names(test_root, &found, &failed), 0);
        ck_assert_ptr_null(found[0]);
        ck_assert_str_eq(test_strip_root(failed), "/etc/rebackup");
}
END_TEST

START_TEST(other_files_of_the_directory) {
        test_write_text(ETC, PAIR);
        write_setting(ETC ".d/10.conf~", "rubbish");
        write_setting(ETC ".d/.hidden.conf", "rubbish");
        write_setting(ETC ".d/.conf", "rubbish");
        write_setting(ETC ".d/README", "rubbish");
        check_settle(20);
}
END_TEST

START_TEST(reset_by_drop_in) {
        test_write_text(ETC, PAIR "[Sync]\nSettle=1s\n");
        write_setting(ETC ".d/10.conf", "");
        check_settle(20);

        test_write_text(ETC ".d/20.conf", "[Pair]\nSource=\n");
        load_bad("t", NULL, -EINVAL, ETC ": Pair.Source: not set; give it the path of a directory");
}
END_TEST

START_TEST(drop_ins_alone) {
        test_write_text(ETC ".d/10.conf", PAIR);
        check_settle(20);
}
END_TEST

START_TEST(problems_of_all_files) {
        test_write_text(VENDOR, "[Pair]\nSource=s\n");
        test_write_text(ETC, "nonsense\n");
        test_write_text(ETC ".d/10.conf", "[Synx]\n");
        load_bad(
                "t", (const char *const[]) { "Sync.Settle=soon", NULL }, -EINVAL,
                VENDOR
                ":2: Pair.Source=s: not an absolute path; write one that begins with /\n" ETC
                ":1: nonsense: not an assignment; write Key=VALUE, or # before a comment\n" ETC
                ".d/10.conf:1: [Synx]: unknown section; did you mean [Sync]?\n"
                "command line: Sync.Settle=soon: not a time span; write something like 20ms, 1s or "
                "1min 30s\n" ETC ": Pair.Replica: not set; give it the path of a directory");
}
END_TEST

START_TEST(no_configuration) {
        load_bad("t", NULL, -ENOENT,
                 ETC ": does not exist, nor does " VENDOR "; write it, or check the name");
        load_bad("\xff", NULL, -ENOENT,
                 "/etc/rebackup/\\xff.conf: does not exist, nor does "
                 "/usr/lib/rebackup/\\xff.conf; write it, or check the name");
}
END_TEST

START_TEST(not_a_file) {
        char path[PATH_MAX];

        make_path(path, sizeof(path), ETC);
        test_write_text(ETC "/x", "");
        load_bad("t", NULL, -EINVAL,
                 ETC ": not a regular file; write a text file in its place\n" ETC
                     ": Pair.Source: not set; give it the path of a directory\n" ETC
                     ": Pair.Replica: not set; give it the path of a directory");

        test_write_text("/etc/rebackup/fifo.conf.d/x", "");
        make_path(path, sizeof(path), "/etc/rebackup/fifo.conf");
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        load_bad("fifo", (const char *const[]) { "Pair.Source=/s", "Pair.Replica=/r", NULL },
                 -EINVAL,
                 "/etc/rebackup/fifo.conf: not a regular file; write a text file in its place");
}
END_TEST

START_TEST(loop_of_links) {
        char path[PATH_MAX];

        test_write_text("/etc/rebackup/x", "");
        make_path(path, sizeof(path), ETC);
        ck_assert_int_eq(symlink("t.conf", path), 0);
        load_bad("t", NULL, -ELOOP, ETC ": cannot be read: Too many levels of symbolic links");
}
END_TEST

START_TEST(drop_in_directory_is_a_file) {
        test_write_text(ETC, PAIR);
        test_write_text(ETC ".d", "");
        load_bad("t", NULL, -ENOTDIR, ETC ".d: cannot be read: Not a directory");
}
END_TEST

START_TEST(names) {
        static const char refused[] =
                ": cannot be the name of an instance; use one without slashes and control "
                "characters, and without a dot in front";
        static const struct {
                const char *name, *shown;
        } bad[] = {
                { "", "" },       { ".", "." },        { "..", ".." },      { ".a", ".a" },
                { "a/b", "a/b" }, { "a\nb", "a\\nb" }, { "\177", "\\x7f" },
        };
        char name[NAME_MAX + 1], expected[256];

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                ck_assert(!config_name_is_valid(bad[i].name));
                (void) snprintf(expected, sizeof(expected), "command line: \"%s\"%s", bad[i].shown,
                                refused);
                load_bad(bad[i].name, NULL, -EINVAL, expected);
        }

        ck_assert(config_name_is_valid("photos"));
        ck_assert(config_name_is_valid("my photos-2.old"));
        ck_assert(config_name_is_valid("\xc3\xa9"));

        memset(name, 'a', sizeof(name));
        name[NAME_MAX - strlen(".conf.d")] = '\0';
        ck_assert(config_name_is_valid(name));
        strcat(name, "a");
        ck_assert(!config_name_is_valid(name));
}
END_TEST

static int from_arguments(const char *source, const char *replica, const char *override,
                          Config **ret, char **ret_error) {
        const char *const overrides[] = { override, NULL };

        return config_from_arguments(source, replica, override ? overrides : NULL, ret, ret_error);
}

START_TEST(arguments) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_free_ char *error = NULL, *here = NULL;
        char expected[PATH_MAX];

        ck_assert_int_eq(chdir(test_root), 0);
        here = getcwd(NULL, 0);
        ck_assert_int_eq(from_arguments("./a//b/", "../c", "Log.File=../../l", &config, &error), 0);
        ck_assert_ptr_null(error);

        (void) snprintf(expected, sizeof(expected), "%s/a/b", here);
        ck_assert_str_eq(config->source, expected);
        *strrchr(here, '/') = '\0';
        (void) snprintf(expected, sizeof(expected), "%s/c", here);
        ck_assert_str_eq(config->replica, expected);
        *strrchr(here, '/') = '\0';
        (void) snprintf(expected, sizeof(expected), "%s/l", here);
        ck_assert_str_eq(config->log_file, expected);
        ck_assert_uint_eq(config->settle, 20 * USEC_PER_MSEC);
}
END_TEST

#define CL "command line: "

static const struct {
        const char *source, *replica, *override;
        const char *error;
} bad_arguments[] = {
        { "", "/r", NULL, CL "Pair.Source: not set; give it the path of a directory" },
        { "/s", "", NULL, CL "Pair.Replica: not set; give it the path of a directory" },
        { "/s", "/", NULL, CL "Pair.Replica=/: the root directory; use a directory of its own" },
        { "a/../b", "/r", NULL, CL "Pair.Source=a/../b: has \"..\" in it; write the path without" },
        { "/s\n", "/r/..", NULL,
          CL "Pair.Replica=/r/..: has \"..\" in it; write the path without" },
        { "/s", "/r", "", CL ": not a setting; write Section.Key=VALUE" },
        { "/s", "/r", "Settle=1", CL "Settle=1: not a setting; write Section.Key=VALUE" },
        { "/s", "/r", "Sync.Settle", CL "Sync.Settle: not a setting; write Section.Key=VALUE" },
        { "/s", "/r", "Sync.=1", CL "Sync.=1: not a setting; write Section.Key=VALUE" },
        { "/s", "/r", ".Settle=1", CL ".Settle=1: not a setting; write Section.Key=VALUE" },
        { "/s", "/r", "Sync=a.Settle=1",
          CL "Sync=a.Settle=1: not a setting; write Section.Key=VALUE" },
        { "/s", "/r", "Syn.Settle=1", CL "[Syn]: unknown section; did you mean [Sync]?" },
        { "/s", "/r", "Sync.Settl=1", CL "Sync.Settl: unknown key; did you mean Sync.Settle?" },
        { "/s", "/r", "Sync.Settle=\033[1m",
          CL "Sync.Settle=\\x1b[1m: not a time span; write something like 20ms, 1s or 1min 30s" },
        { "/s", "/r", "Pair.Source=", CL "Pair.Source: not set; give it the path of a directory" },
        { "/s", "/r", "Sync.Settle=10s",
          CL "Sync.MaxDelay: shorter than Sync.Settle; make it at least as long" },
};

START_TEST(refused_arguments) {
        _cleanup_free_ char *error = NULL;
        Config *config = NULL;

        ck_assert_int_eq(from_arguments(bad_arguments[_i].source, bad_arguments[_i].replica,
                                        bad_arguments[_i].override, &config, &error),
                         -EINVAL);
        ck_assert_ptr_null(config);
        ck_assert_str_eq(error, bad_arguments[_i].error);
}
END_TEST

/* A name may hold any byte, and the command line can carry it. */
START_TEST(any_bytes) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_free_ char *error = NULL;

        ck_assert_int_eq(from_arguments("/a\n\033\xff #b", "/r", NULL, &config, &error), 0);
        ck_assert_str_eq(config->source, "/a\n\033\xff #b");
}
END_TEST

START_TEST(removed_working_directory) {
        _cleanup_free_ char *error = NULL;
        Config *config = NULL;
        char path[PATH_MAX];

        make_path(path, sizeof(path), "/gone");
        ck_assert_int_eq(mkdir(path, 0700), 0);
        ck_assert_int_eq(chdir(path), 0);
        ck_assert_int_eq(rmdir(path), 0);

        ck_assert_int_eq(from_arguments("s", "/r", NULL, &config, &error), -EINVAL);
        ck_assert_str_eq(error,
                         CL "Pair.Source=s: not an absolute path; write one that begins with /");
}
END_TEST

static const struct {
        const char *text, *base;
        int result;
        const char *path;
} paths[] = {
        { "/", NULL, 0, "/" },
        { "//", NULL, 0, "/" },
        { "/.", NULL, 0, "/" },
        { "/a", NULL, 0, "/a" },
        { "///a//b///", NULL, 0, "/a/b" },
        { "/./a/././b/.", NULL, 0, "/a/b" },
        { "/a/..b/c..", NULL, 0, "/a/..b/c.." },
        { "/..", NULL, PATH_DOT_DOT, NULL },
        { "/a/..", "/x", PATH_DOT_DOT, NULL },
        { "a", NULL, PATH_RELATIVE, NULL },
        { "", NULL, PATH_RELATIVE, NULL },
        { "a", "/", 0, "/a" },
        { "a", "/x/y", 0, "/x/y/a" },
        { ".", "/x/y", 0, "/x/y" },
        { ".", "/", 0, "/" },
        { "..", "/x/y", 0, "/x" },
        { "..", "/x", 0, "/" },
        { "../../..", "/x/y", 0, "/" },
        { "./../a", "/x/y", 0, "/x/a" },
        { ".././../a/", "/x/y", 0, "/a" },
        { "a/..", "/x", PATH_DOT_DOT, NULL },
        { "../a/../b", "/x/y", PATH_DOT_DOT, NULL },
};

START_TEST(normalized_paths) {
        _cleanup_free_ char *path = NULL;

        ck_assert_int_eq(config_path_normalize(paths[_i].text, paths[_i].base, &path),
                         paths[_i].result);
        ck_assert_pstr_eq(path, paths[_i].path);
}
END_TEST

/* As rebackupctl is called by everybody. */
START_TEST(without_a_root) {
        _cleanup_(config_paths_freep) char **directories = NULL;
        bool found = false;

        ck_assert_int_eq(config_directories(NULL, &directories), 0);
        for (size_t i = 0; directories[i]; i++) {
                ck_assert_int_eq(directories[i][0], '/');
                found |= strcmp(directories[i], "/etc/rebackup") == 0;
        }
        ck_assert(found);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_config_suite("config-sources", &tcase);

        tcase_add_test(tcase, order);
        tcase_add_test(tcase, without_a_root);
        tcase_add_test(tcase, hidden_drop_in);
        tcase_add_test(tcase, users);
        tcase_add_test(tcase, all_names);
        tcase_add_test(tcase, names_of_nothing);
        tcase_add_test(tcase, other_files_of_the_directory);
        tcase_add_test(tcase, reset_by_drop_in);
        tcase_add_test(tcase, drop_ins_alone);
        tcase_add_test(tcase, problems_of_all_files);
        tcase_add_test(tcase, no_configuration);
        tcase_add_test(tcase, not_a_file);
        tcase_add_test(tcase, loop_of_links);
        tcase_add_test(tcase, drop_in_directory_is_a_file);
        tcase_add_test(tcase, names);
        tcase_add_test(tcase, arguments);
        tcase_add_loop_test(tcase, refused_arguments, 0, ELEMENTSOF(bad_arguments));
        tcase_add_test(tcase, any_bytes);
        tcase_add_test(tcase, removed_working_directory);
        tcase_add_loop_test(tcase, normalized_paths, 0, ELEMENTSOF(paths));
        return test_config_run(suite);
}
