#include "ctl/run.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "basic/alloc.h"
#include "ctl/commands.h"
#include "ctl/pair-names.h"
#include "ctl/say.h"

static int run_command(const CtlOptions *options) {
        _cleanup_(restore_pair_close) RestorePair pair = RESTORE_PAIR_NULL;
        _cleanup_free_ char *path = NULL;
        char *error = NULL;
        int r;

        r = restore_pair_open(options->pair, options->config_root, &pair, &error);
        if (r == 0)
                r = restore_pair_path(&pair, options->path, &path, &error);
        if (r != 0) {
                int code = say_problem(r, error);

                if (r == RESTORE_BAD_CONFIG)
                        pair_names_suggest(options);
                return code;
        }
        switch (options->verb) {
        case CTL_DIFF:
                return command_diff(options, &pair, path);
        case CTL_MANIFEST:
                return command_manifest(options, &pair, path);
        case CTL_VERSIONS:
                return command_versions(options, &pair, path);
        default:
                return command_restore(options, &pair, path);
        }
}

int run(int argc, char **argv) {
        _cleanup_free_ char *error = NULL;
        CtlOptions options;
        int r;

        (void) setlocale(LC_CTYPE, "");

        r = ctl_options_parse(argc, argv, &options, &error);
        if (r < 0) {
                say_error("%s", error ? error : strerror(-r));
                if (r != -EINVAL)
                        return EX_SOFTWARE;
                (void) fputs("Try 'rebackupctl --help'.\n", stderr);
                return EX_USAGE;
        }

        switch (options.verb) {
        case CTL_HELP:
                ctl_options_print_help(stdout);
                return finish_output(EX_OK);
        case CTL_VERSION:
                (void) puts("rebackupctl " PACKAGE_VERSION);
                return finish_output(EX_OK);
        case CTL_LIST:
                return command_list(&options);
        case CTL_STATUS:
                return command_status(&options);
        case CTL_REPORT:
                return command_report(&options);
        case CTL_FAILURES:
                return command_failures(&options);
        case CTL_EXPLAIN:
                return command_explain(&options);
        case CTL_CREATE:
                return command_create(&options);
        case CTL_CHECK:
                return command_check(&options);
        case CTL_VERIFY:
                return command_verify(&options);
        case CTL_SYNC:
        case CTL_PAUSE:
        case CTL_RESUME:
        case CTL_RESCAN:
        case CTL_DROP_EXCLUDED:
        case CTL_RELOAD:
        case CTL_APPROVE:
                return command_act(&options);
        default:
                return run_command(&options);
        }
}
