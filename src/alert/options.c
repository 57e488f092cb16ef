#include "alert/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "alert/hooks.h"
#include "basic/macros.h"
#include "basic/refuse.h"
#include "basic/string-util.h"
#include "config/config.h"

enum {
        OPTION_CONFIG_ROOT = 0x100,
        OPTION_HELP,
        OPTION_HOOK_TIME,
        OPTION_LOG_LEVEL,
        OPTION_RUNTIME_DIRECTORY,
        OPTION_STDIN,
        OPTION_USER,
        OPTION_VERSION,
};

static const struct option long_options[] = {
        { "config-root", required_argument, NULL, OPTION_CONFIG_ROOT },
        { "help", no_argument, NULL, OPTION_HELP },
        { "hook-time", required_argument, NULL, OPTION_HOOK_TIME },
        { "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
        { "runtime-directory", required_argument, NULL, OPTION_RUNTIME_DIRECTORY },
        { "stdin", no_argument, NULL, OPTION_STDIN },
        { "user", no_argument, NULL, OPTION_USER },
        { "version", no_argument, NULL, OPTION_VERSION },
        {},
};

void alert_options_print_help(void) {
        (void) fputs(
                "rebackup-alert [OPTIONS] NAME\n"
                "rebackup-alert [OPTIONS] --stdin\n"
                "\n"
                "Tell people what the service of the pair NAME has to report: by sound, on\n"
                "terminals, and through the programs in /etc/rebackup/alert.d.\n"
                "\n"
                "     --runtime-directory DIR  where the service leaves its reports, in the\n"
                "                              directory alerts (usually /run/rebackup/NAME)\n"
                "     --stdin                  tell what is read from standard input\n"
                "     --user                   tell the user of a user's service: on the\n"
                "                              desktop, too\n"
                "     --config-root DIR        look for configuration and programs below DIR\n"
                "     --hook-time SPAN         how long each of these programs may take, 30s\n"
                "                              unless set\n"
                "     --log-level LEVEL        least important level that is logged: err,\n"
                "                              warning, notice, info or debug\n"
                "     --help                   show this help\n"
                "     --version                show the version\n"
                "\n"
                "Started by systemd and by rebackupd in the foreground. See rebackup-alert(8).\n",
                stdout);
}

static int take_option(AlertOptions *options, int option, char **ret_problem) {
        switch (option) {
        case OPTION_HOOK_TIME:
                if (span_parse(optarg, &options->hook_time) < 0 || options->hook_time == 0)
                        return refuse(ret_problem,
                                      "--hook-time: %s is no time span; write "
                                      "something like 30s",
                                      optarg);
                break;
        case OPTION_CONFIG_ROOT:
                options->config_root = optarg;
                break;
        case OPTION_HELP:
                options->action = ALERT_ACTION_HELP;
                break;
        case OPTION_LOG_LEVEL:
                options->log_level = optarg;
                break;
        case OPTION_RUNTIME_DIRECTORY:
                options->runtime_directory = optarg;
                break;
        case OPTION_STDIN:
                options->from_stdin = true;
                break;
        case OPTION_USER:
                options->user = true;
                break;
        default:
                options->action = ALERT_ACTION_VERSION;
        }
        return 0;
}

static int take_name(AlertOptions *options, int argc, char **argv, char **ret_problem) {
        if (options->from_stdin ? argc > 0 : argc != 1)
                return refuse(ret_problem, "one pair is to be named, or none with --stdin");
        if (options->from_stdin)
                return 0;
        unescape_hex(argv[0]); /* as a unit's name has what it cannot hold plainly */
        if (!config_name_is_valid(argv[0]))
                return refuse(ret_problem, "%s is no name of a pair", argv[0]);
        options->name = argv[0];
        return 0;
}

int alert_options_parse(int argc, char **argv, AlertOptions *ret, char **ret_problem) {
        AlertOptions options = { .hook_time = HOOK_TIME_USEC };
        int option, r;

        optind = 0;
        opterr = 0;
        while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
                if (option == '?')
                        return refuse(ret_problem, "%s is no option, or lacks its value",
                                      argv[optind - 1]);
                r = take_option(&options, option, ret_problem);
                if (r < 0)
                        return r;
                if (options.action != ALERT_ACTION_TELL) {
                        *ret = options;
                        return 0;
                }
        }
        r = take_name(&options, argc - optind, argv + optind, ret_problem);
        if (r >= 0)
                *ret = options;
        return r;
}
