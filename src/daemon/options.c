#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "basic/macros.h"
#include "basic/refuse.h"
#include "basic/string-util.h"

enum {
        OPTION_APPROVE = 0x100,
        OPTION_CONFIG_ROOT,
        OPTION_HELP,
        OPTION_INSTANCE,
        OPTION_INTERVAL,
        OPTION_LOG_FILE,
        OPTION_LOG_LEVEL,
        OPTION_ONCE,
        OPTION_SET,
        OPTION_VERIFY,
        OPTION_VERSION,
};

static const struct option long_options[] = {
        { "approve", no_argument, NULL, OPTION_APPROVE },
        { "config-root", required_argument, NULL, OPTION_CONFIG_ROOT },
        { "dry-run", no_argument, NULL, 'n' },
        { "help", no_argument, NULL, OPTION_HELP },
        { "instance", required_argument, NULL, OPTION_INSTANCE },
        { "interval", required_argument, NULL, OPTION_INTERVAL },
        { "log-file", required_argument, NULL, OPTION_LOG_FILE },
        { "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
        { "once", no_argument, NULL, OPTION_ONCE },
        { "set", required_argument, NULL, OPTION_SET },
        { "verify", no_argument, NULL, OPTION_VERIFY },
        { "version", no_argument, NULL, OPTION_VERSION },
        {},
};

void options_print_help(FILE *file) {
        (void) fputs(
                "rebackupd [OPTIONS] SOURCE REPLICA\n"
                "rebackupd [OPTIONS] --instance NAME\n"
                "\n"
                "Keep REPLICA an exact copy of the directory SOURCE, until Ctrl+C.\n"
                "\n"
                "     --instance NAME         run the pair configured in /etc/rebackup/NAME.conf\n"
                "     --once                  one pass over everything, then exit\n"
                "  -n --dry-run               say what a pass would do and change nothing\n"
                "     --verify                with --once: then read everything back from both\n"
                "                             disks and hold it against the recorded hashes\n"
                "     --approve               take source and replica as they are, although they\n"
                "                             lie on other disks than at the last run\n"
                "     --interval SPAN         compare everything this often (as 10min; 0: only\n"
                "                             at start and when events were lost)\n"
                "     --log-file PATH         also log to this file, or to NAME.log in this\n"
                "                             directory\n"
                "     --log-level LEVEL       least important level that is logged: err,\n"
                "                             warning, notice, info or debug\n"
                "     --set SECTION.KEY=VALUE set any key of rebackup.conf(5); may be repeated\n"
                "     --config-root DIR       look for configuration files below DIR\n"
                "     --help                  show this help\n"
                "     --version               show the version\n"
                "\n"
                "Exit status: 0 done, 1 some entries failed or were found damaged (--once), 64\n"
                "usage, 66 no source,\n"
                "69 on hold (--once), 70 internal error, 73 replica or store cannot be created,\n"
                "75 already running, 77 no permission, 78 configuration. See rebackupd(8).\n",
                file);
}

void options_done(Options *options) {
        for (size_t i = 0; i < options->n_overrides; i++)
                free(options->overrides[i]);
        free(options->overrides);
        *options = OPTIONS_NULL;
}

static int add_override(Options *options, const char *prefix, const char *text) {
        char **overrides = reallocarray(options->overrides, options->n_overrides + 2,
                                        sizeof *overrides);
        if (!overrides)
                return -ENOMEM;
        options->overrides = overrides;
        overrides[options->n_overrides] = NULL;
        if (asprintf(&overrides[options->n_overrides], "%s%s", prefix, text) < 0) {
                overrides[options->n_overrides] = NULL;
                return -ENOMEM;
        }
        overrides[++options->n_overrides] = NULL;
        return 0;
}

static int take_option(Options *options, int option) {
        switch (option) {
        case 'n':
                options->dry_run = options->once = true;
                return 0;
        case OPTION_ONCE:
                options->once = true;
                return 0;
        case OPTION_INSTANCE:
                unescape_hex(optarg); /* as a unit's name has what it cannot hold plainly */
                options->instance = optarg;
                return 0;
        case OPTION_CONFIG_ROOT:
                options->config_root = optarg;
                return 0;
        case OPTION_LOG_LEVEL:
                options->log_level = optarg;
                return 0;
        case OPTION_INTERVAL:
                return add_override(options, "Sync.RescanInterval=", optarg);
        case OPTION_LOG_FILE:
                return add_override(options, "Log.File=", optarg);
        case OPTION_SET:
                return add_override(options, "", optarg);
        case OPTION_HELP:
                options->action = OPTIONS_HELP;
                return 0;
        case OPTION_VERSION:
                options->action = OPTIONS_VERSION;
                return 0;
        case OPTION_VERIFY:
                options->verify = true;
                return 0;
        default:
                assert(option == OPTION_APPROVE);
                options->approve = true;
                return 0;
        }
}

/* getopt_long(3) tells a wrong short option by its letter and a wrong long one by its place. */
static int refuse_option(char **argv, bool lacks_value, char **ret_error) {
        if (lacks_value)
                return refuse(ret_error, "option '%s' needs a value", argv[optind - 1]);
        if (optopt > 0 && optopt < 0x100)
                return refuse(ret_error, "unknown option '-%c'", optopt);
        if (optopt >= 0x100)
                return refuse(ret_error, "option '%s' takes no value", argv[optind - 1]);
        return refuse(ret_error, "unknown option '%s'", argv[optind - 1]);
}

static int take_paths(Options *options, int n, char **paths, char **ret_error) {
        if (options->instance) {
                if (n > 0)
                        return refuse(ret_error,
                                      "'%s' beside --instance: the paths are those of %s.conf",
                                      paths[0], options->instance);
                return 0;
        }
        if (n == 0)
                return refuse(ret_error, "a source and a replica are needed, or --instance");
        if (n == 1)
                return refuse(ret_error, "a replica for '%s' is needed", paths[0]);
        if (n > 2)
                return refuse(ret_error, "too many arguments: '%s'", paths[2]);
        if (!paths[0][0] || !paths[1][0])
                return refuse(ret_error, "the %s is an empty string",
                              paths[0][0] ? "replica" : "source");
        options->source = paths[0];
        options->replica = paths[1];
        return 0;
}

static int check_verify(const Options *options, char **ret_error) {
        if (options->verify && options->dry_run)
                return refuse(ret_error, "--verify heals what it finds: not with --dry-run");
        if (options->verify && !options->once)
                return refuse(ret_error, "--verify goes with --once; a pair that keeps running "
                                         "verifies by itself (Integrity.VerifyInterval)");
        return 0;
}

int options_parse(int argc, char **argv, Options *ret, char **ret_error) {
        _cleanup_(options_done) Options options = OPTIONS_NULL;
        int option, r;

        optind = 0; /* getopt_long(3): start anew, whatever was parsed before */
        opterr = 0;
        while ((option = getopt_long(argc, argv, ":n", long_options, NULL)) >= 0) {
                if (option == '?' || option == ':')
                        return refuse_option(argv, option == ':', ret_error);
                r = take_option(&options, option);
                if (r < 0)
                        return r;
        }

        if (options.action == OPTIONS_RUN) {
                r = check_verify(&options, ret_error);
                if (r < 0)
                        return r;
                r = take_paths(&options, argc - optind, argv + optind, ret_error);
                if (r < 0)
                        return r;
        }
        *ret = options;
        options = OPTIONS_NULL;
        return 0;
}
