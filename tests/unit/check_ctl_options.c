/* The command line of rebackupctl: what each verb takes, and what is said of the rest. */

#include <stdlib.h>

#include "basic/macros.h"
#include "ctl/options.h"
#include "ctl/pair-names.h"
#include "test-fs.h"

enum { ARGUMENTS_MAX = 8 };

static const struct {
        char *argv[ARGUMENTS_MAX];
        CtlVerb verb;
        const char *pair, *error; /* ERROR: NULL for a command line that is right */
} lines[] = {
        { { "list" }, .verb = CTL_LIST },
        { { "status" }, .verb = CTL_STATUS },
        { { "status", "photos", "--json" }, .verb = CTL_STATUS, .pair = "photos" },
        { { "--watch", "status", "photos" }, .verb = CTL_STATUS, .pair = "photos" },
        { { "sync", "--full", "photos" }, .verb = CTL_SYNC, .pair = "photos" },
        { { "explain", "photos", "a/b" }, .verb = CTL_EXPLAIN, .pair = "photos" },
        { { "create", "photos", "/a", "/b", "Sync.Watch=off" },
          .verb = CTL_CREATE,
          .pair = "photos" },
        { { "approve", "/mnt/b", "--user" }, .verb = CTL_APPROVE, .pair = "/mnt/b" },
        { { "versions", "photos", "a" }, .verb = CTL_VERSIONS, .pair = "photos" },

        { { NULL }, .error = "a command is needed" },
        { { "stat" }, .error = "unknown command 'stat'; did you mean 'status'?" },
        { { "xyz" }, .error = "unknown command 'xyz'" },
        { { "--wach", "status" }, .error = "unknown option '--wach'; did you mean '--watch'?" },
        { { "--nothing", "list" }, .error = "unknown option '--nothing'" },
        { { "list", "photos" }, .error = "'list' takes no arguments" },
        { { "status", "a", "b" }, .error = "'status' takes at most the name of a pair" },
        { { "sync" }, .error = "'sync' takes the name of a pair" },
        { { "sync", "" }, .error = "an argument of 'sync' is an empty string" },
        { { "sync", "a", "--json" }, .error = "'sync' does not take --json" },
        { { "pause", "a", "--full" }, .error = "'pause' does not take --full" },
        { { "list", "--force" }, .error = "'list' does not take --force" },
        { { "status", "--watch" }, .error = "--watch needs the name of a pair" },
        { { "explain", "a" }, .error = "'explain' takes the name of a pair and a path in it" },
        { { "create", "a", "/b" },
          .error = "'create' takes a name, a source, a replica, and settings as "
                   "Section.Key=VALUE" },
        { { "restore", "a", "b", "--watch" },
          .error = "--watch is for other commands than 'versions' and 'restore'" },
};

START_TEST(command_line) {
        char *argv[ARGUMENTS_MAX + 2] = { (char *) "rebackupctl" }, *error = NULL;
        CtlOptions options = {};
        int argc = 1, r;

        for (size_t i = 0; i < ARGUMENTS_MAX && lines[_i].argv[i]; i++)
                argv[argc++] = lines[_i].argv[i];
        r = ctl_options_parse(argc, argv, &options, &error);
        if (lines[_i].error) {
                ck_assert_int_eq(r, -EINVAL);
                ck_assert_str_eq(error, lines[_i].error);
        } else {
                ck_assert_msg(r == 0, "%s", error ? error : "?");
                ck_assert_int_eq(options.verb, lines[_i].verb);
                ck_assert_pstr_eq(options.pair, lines[_i].pair);
        }
        free(error);
}
END_TEST

START_TEST(near_names_are_found) {
        PairName items[] = { { .name = (char *) "documents" },
                             { .name = (char *) "music" },
                             { .name = (char *) "photos" } };
        PairNames names = { items, ELEMENTSOF(items) };

        ck_assert_pstr_eq(pair_names_nearest(&names, "fotos"), "photos");
        ck_assert_pstr_eq(pair_names_nearest(&names, "doc"), "documents");
        ck_assert_pstr_eq(pair_names_nearest(&names, "musik"), "music");
        ck_assert_ptr_null(pair_names_nearest(&names, "x"));
        ck_assert_ptr_null(pair_names_nearest(&names, "videos of the cat"));
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("ctl-options", &tcase);

        tcase_add_loop_test(tcase, command_line, 0, ELEMENTSOF(lines));
        tcase_add_test(tcase, near_names_are_found);
        return test_fs_run(suite);
}
