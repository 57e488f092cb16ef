/* The command line, as a table of argument lists and what becomes of them. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "daemon/options.h"
#include "test-fs.h"

enum { ARGUMENTS_MAX = 8 };

typedef struct Case {
        const char *arguments[ARGUMENTS_MAX];
        const char *error; /* NULL: parsed */
        const char *instance, *source, *replica, *root, *level;
        bool once, dry_run;
        OptionsAction action;
        const char *overrides[4];
} Case;

/* Argument strings can be written to, and this one is. */
static char my_photos[] = "my\\x20photos-1";

static const Case cases[] = {
        { { "a", "b" }, .source = "a", .replica = "b" },
        { { "a", "b", "--once" }, .source = "a", .replica = "b", .once = true },
        { { "--once", "a", "b" }, .source = "a", .replica = "b", .once = true },
        { { "-n", "a", "b" }, .source = "a", .replica = "b", .once = true, .dry_run = true },
        { { "--dry-run", "a", "b" }, .source = "a", .replica = "b", .once = true, .dry_run = true },
        { { "--", "-a", "-b" }, .source = "-a", .replica = "-b" },
        { { "--instance", "photos" }, .instance = "photos" },
        { { "--instance=photos", "--config-root=/x" }, .instance = "photos", .root = "/x" },
        { { "--instance", my_photos }, .instance = "my photos-1" },
        { { "--log-level", "debug", "a", "b" }, .level = "debug", .source = "a", .replica = "b" },
        { { "--interval", "1h", "a", "b" },
          .source = "a",
          .replica = "b",
          .overrides = { "Sync.RescanInterval=1h" } },
        { { "--set", "Log.File=/x", "--log-file=/y", "--set=Sync.Watch=off", "a", "b" },
          .source = "a",
          .replica = "b",
          .overrides = { "Log.File=/x", "Log.File=/y", "Sync.Watch=off" } },
        { { "--help" }, .action = OPTIONS_HELP },
        { { "--version" }, .action = OPTIONS_VERSION },

        { {}, .error = "a source and a replica are needed, or --instance" },
        { { "a" }, .error = "a replica for 'a' is needed" },
        { { "a", "b", "c" }, .error = "too many arguments: 'c'" },
        { { "", "b" }, .error = "the source is an empty string" },
        { { "a", "" }, .error = "the replica is an empty string" },
        { { "--instance", "x", "a" },
          .error = "'a' beside --instance: the paths are those of x.conf" },
        { { "--bogus", "a", "b" }, .error = "unknown option '--bogus'" },
        { { "-x", "a", "b" }, .error = "unknown option '-x'" },
        { { "-nx", "a", "b" }, .error = "unknown option '-x'" },
        { { "--ver" }, .error = "unknown option '--ver'" },
        { { "--once=yes", "a", "b" }, .error = "option '--once=yes' takes no value" },
        { { "a", "b", "--set" }, .error = "option '--set' needs a value" },
        { { "--verify", "a", "b" },
          .error = "--verify goes with --once; a pair that keeps running verifies by itself "
                   "(Integrity.VerifyInterval)" },
        { { "--verify", "-n", "a", "b" },
          .error = "--verify heals what it finds: not with --dry-run" },
};

static void assert_text(const char *is, const char *wanted) {
        if (wanted)
                ck_assert_str_eq(is, wanted);
        else
                ck_assert_ptr_null(is);
}

static void assert_parsed(const Options *options, const Case *c) {
        ck_assert_int_eq(options->action, c->action);
        assert_text(options->instance, c->instance);
        assert_text(options->source, c->source);
        assert_text(options->replica, c->replica);
        assert_text(options->config_root, c->root);
        assert_text(options->log_level, c->level);
        ck_assert_int_eq(options->once, c->once);
        ck_assert_int_eq(options->dry_run, c->dry_run);
        for (size_t i = 0; i < options->n_overrides; i++)
                assert_text(options->overrides[i], c->overrides[i]);
        assert_text(c->overrides[options->n_overrides], NULL);
        if (options->overrides)
                assert_text(options->overrides[options->n_overrides], NULL);
}

START_TEST(table) {
        const Case *c = &cases[_i];
        _cleanup_(options_done) Options options = OPTIONS_NULL;
        _cleanup_free_ char *error = NULL;
        char *argv[ARGUMENTS_MAX + 2] = { (char *) "rebackupd" };
        int argc = 1, r;

        for (size_t i = 0; i < ARGUMENTS_MAX && c->arguments[i]; i++)
                argv[argc++] = (char *) c->arguments[i];
        r = options_parse(argc, argv, &options, &error);
        ck_assert_int_eq(r, c->error ? -EINVAL : 0);
        assert_text(error, c->error);
        if (!c->error)
                assert_parsed(&options, c);
}
END_TEST

START_TEST(help_is_narrow_and_complete) {
        _cleanup_free_ char *help = NULL;
        size_t size;
        FILE *file = open_memstream(&help, &size);

        ck_assert_ptr_nonnull(file);
        options_print_help(file);
        ck_assert_int_eq(fclose(file), 0);
        ck_assert_ptr_nonnull(strstr(help, "--set SECTION.KEY=VALUE"));
        for (char *rest = help, *line; (line = strsep(&rest, "\n"));)
                ck_assert_uint_le(strlen(line), 80);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("daemon-options");
        TCase *tcase = tcase_create("daemon-options");

        tcase_add_loop_test(tcase, table, 0, (int) ELEMENTSOF(cases));
        tcase_add_test(tcase, help_is_narrow_and_complete);
        suite_add_tcase(suite, tcase);
        return test_fs_run(suite);
}
