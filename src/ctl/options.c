#include "ctl/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "basic/edit-distance.h"
#include "basic/macros.h"
#include "basic/refuse.h"
#include "basic/string-util.h"
#include "ctl/verbs.h"

enum { OPTION_DISTANCE_MAX = 2 };

enum {
        OPTION_AT = 0x100,
        OPTION_CONFIG_ROOT,
        OPTION_CONTENT,
        OPTION_FORCE,
        OPTION_FULL,
        OPTION_HELP,
        OPTION_HTML,
        OPTION_JSON,
        OPTION_SINCE,
        OPTION_START,
        OPTION_SYSTEM,
        OPTION_TAR,
        OPTION_TO,
        OPTION_USER,
        OPTION_VERSION,
        OPTION_WATCH,
};

static const struct option long_options[] = {
        { "at", required_argument, NULL, OPTION_AT },
        { "config-root", required_argument, NULL, OPTION_CONFIG_ROOT },
        { "content", no_argument, NULL, OPTION_CONTENT },
        { "dry-run", no_argument, NULL, 'n' },
        { "force", no_argument, NULL, OPTION_FORCE },
        { "full", no_argument, NULL, OPTION_FULL },
        { "help", no_argument, NULL, OPTION_HELP },
        { "html", required_argument, NULL, OPTION_HTML },
        { "json", no_argument, NULL, OPTION_JSON },
        { "since", required_argument, NULL, OPTION_SINCE },
        { "start", no_argument, NULL, OPTION_START },
        { "system", no_argument, NULL, OPTION_SYSTEM },
        { "tar", no_argument, NULL, OPTION_TAR },
        { "to", required_argument, NULL, OPTION_TO },
        { "user", no_argument, NULL, OPTION_USER },
        { "version", no_argument, NULL, OPTION_VERSION },
        { "watch", no_argument, NULL, OPTION_WATCH },
        {},
};

void ctl_options_print_help(FILE *file) {
        (void) fputs(
                "rebackupctl [OPTIONS] COMMAND [ARGUMENTS]\n"
                "\n"
                "Ask and direct pairs that run, and bring back what they have kept.\n"
                "\n"
                "  create NAME SOURCE REPLICA [Section.Key=VALUE...]\n"
                "                        configure a new pair\n"
                "  check NAME            what its configuration would meet here\n"
                "  list                  all pairs, configured and running\n"
                "  status [NAME]         what a pair is doing\n"
                "  failures NAME         what cannot be mirrored at present, and why\n"
                "  explain NAME PATH     what the pair knows of a path\n"
                "  report NAME           what was done: counts, lags, and their pictures\n"
                "  sync NAME             wait until all that is in the source now is in the\n"
                "                        replica, safe on its disk\n"
                "  verify NAME [PATH]    read everything back from both disks, or a part of it\n"
                "  pause NAME            leave source and replica alone for a while\n"
                "  resume NAME           go on\n"
                "  approve NAME          end a hold: the disks that are there now are meant\n"
                "  rescan NAME           compare everything now\n"
                "  drop-excluded NAME    remove from the replica what is excluded\n"
                "  reload NAME           read the configuration again\n"
                "  diff PAIR [PATH]      what differs between source and replica\n"
                "  manifest PAIR [PATH]  the replica's files and their hashes, for sha256sum -c\n"
                "  versions PAIR PATH    what was kept of a path\n"
                "  restore PAIR PATH     bring a path back\n"
                "\n"
                "NAME is that of an instance, or, if it contains a slash, the path of the\n"
                "replica of a pair that was started without one. PAIR may also be the path of a\n"
                "replica or a store. PATH is relative to the pair's root, or absolute.\n"
                "\n"
                "     --json            write JSON\n"
                "     --watch           status: go on showing it until Ctrl+C\n"
                "     --start           create: have it run, now and at each boot\n"
                "     --full            sync: compare everything, whatever events told\n"
                "     --since TIME      report: since when, as with --at; without it a week\n"
                "     --html PATH       report: write it as a page\n"
                "     --system, --user  the pairs of the system, or of this user; without them\n"
                "                       root's are the system's\n"
                "     --at TIME         as it was then: 2026-11-21T06:25:38.123Z, or\n"
                "                       '2026-11-21 07:25' (local), or an age such as 2h; without\n"
                "                       it: as it was before the last change\n"
                "     --to DIR          restore below DIR instead of to the source\n"
                "     --force           replace what is there already\n"
                "     --tar             write a tar archive to the standard output\n"
                "  -n --dry-run         say what would be restored and change nothing\n"
                "     --content         diff: compare contents too, not only sizes and times\n"
                "     --config-root DIR look for configuration files below DIR\n"
                "     --help            show this help\n"
                "     --version         show the version\n"
                "\n"
                "Exit status: 0 done, 1 not all of it, or it differs, 64 usage, 66 nothing there,\n"
                "69 the pair is not running, 70 internal error, 73 target cannot be had,\n"
                "74 input/output error, 75 busy, try again later, 77 no permission,\n"
                "78 configuration. See rebackupctl(1).\n",
                file);
}

static void take_option(CtlOptions *options, int option) {
        switch (option) {
        case 'n':
                options->dry_run = true;
                break;
        case OPTION_AT:
                options->at = optarg;
                break;
        case OPTION_CONFIG_ROOT:
                options->config_root = optarg;
                break;
        case OPTION_CONTENT:
                options->content = true;
                break;
        case OPTION_FORCE:
                options->force = true;
                break;
        case OPTION_FULL:
                options->full = true;
                break;
        case OPTION_HTML:
                options->html = optarg;
                break;
        case OPTION_JSON:
                options->json = true;
                break;
        case OPTION_SINCE:
                options->since = optarg;
                break;
        case OPTION_START:
                options->start = true;
                break;
        case OPTION_SYSTEM:
        case OPTION_USER:
                options->system = option == OPTION_SYSTEM;
                options->user = option == OPTION_USER;
                break;
        case OPTION_WATCH:
                options->watch = true;
                break;
        case OPTION_TAR:
                options->tar = true;
                break;
        case OPTION_TO:
                options->to = optarg;
                break;
        }
}

/* The option that is most like TEXT, which begins with its hyphens; NULL: none is. */
static const char *nearest_option(const char *text) {
        size_t least = OPTION_DISTANCE_MAX + 1;
        const char *nearest = NULL;

        for (const struct option *option = long_options; option->name; option++) {
                size_t d = edit_distance(text + strspn(text, "-"), option->name);

                if (d < least) {
                        least = d;
                        nearest = option->name;
                }
        }
        return nearest;
}

/* getopt_long(3) tells a wrong short option by its letter and a wrong long one by its place. */
static int refuse_option(char **argv, bool lacks_value, char **ret_error) {
        const char *near;

        if (lacks_value)
                return refuse(ret_error, "option '%s' needs a value", argv[optind - 1]);
        if (optopt > 0 && optopt < 0x100)
                return refuse(ret_error, "unknown option '-%c'", optopt);
        if (optopt >= 0x100)
                return refuse(ret_error, "option '%s' takes no value", argv[optind - 1]);
        near = nearest_option(argv[optind - 1]);
        return refuse(ret_error, "unknown option '%s'%s%s%s", argv[optind - 1],
                      near ? "; did you mean '--" : "", near ?: "", near ? "'?" : "");
}

static const struct {
        const char *name;
        CtlVerb verb;
        bool needs_path;
} path_verbs[] = {
        { "versions", CTL_VERSIONS, true },
        { "restore", CTL_RESTORE, true },
        { "diff", CTL_DIFF, false },
        { "manifest", CTL_MANIFEST, false },
};

static int take_arguments(CtlOptions *options, int n, char **arguments, char **ret_error) {
        const char *near;
        size_t i;
        int r;

        if (n == 0)
                return refuse(ret_error, "a command is needed");
        r = ctl_verb_take(options, n, arguments, ret_error);
        if (r != 0)
                return r;
        for (i = 0; i < ELEMENTSOF(path_verbs); i++)
                if (streq(arguments[0], path_verbs[i].name))
                        break;
        near = ctl_verb_nearest(arguments[0]);
        if (i == ELEMENTSOF(path_verbs))
                return refuse(ret_error, "unknown command '%s'%s%s%s", arguments[0],
                              near ? "; did you mean '" : "", near ?: "", near ? "'?" : "");
        if (n == 1)
                return refuse(ret_error, "'%s' needs a pair%s", arguments[0],
                              path_verbs[i].needs_path ? " and a path in it" : "");
        if (n == 2 && path_verbs[i].needs_path)
                return refuse(ret_error,
                              "'%s' needs a path in the pair '%s'; '.' stands for all of it",
                              arguments[0], arguments[1]);
        if (n > 3)
                return refuse(ret_error, "too many arguments: '%s'", arguments[3]);
        options->verb = path_verbs[i].verb;
        options->pair = arguments[1];
        options->path = n > 2 ? arguments[2] : ".";
        return 0;
}

static bool has_restore_options(const CtlOptions *options) {
        return options->at || options->to || options->force || options->tar || options->dry_run;
}

/* Each command takes its own options only. */
static int check_options(const CtlOptions *options, char **ret_error) {
        if (options->verb == CTL_VERSIONS && (has_restore_options(options) || options->content))
                return refuse(ret_error,
                              "'versions' takes --json and --config-root alone; to bring "
                              "something back use 'restore'");
        if (options->verb == CTL_DIFF && has_restore_options(options))
                return refuse(ret_error, "'diff' takes --content, --json and --config-root alone");
        if (options->verb == CTL_MANIFEST && (has_restore_options(options) || options->content))
                return refuse(ret_error, "'manifest' takes --json and --config-root alone");
        if (options->verb == CTL_RESTORE && options->content)
                return refuse(ret_error, "--content is an option of 'diff'");
        return 0;
}

static int check(const CtlOptions *options, char **ret_error) {
        if (options->watch || options->full || options->start || options->since || options->html)
                return refuse(ret_error, "--%s is for other commands than 'versions' and 'restore'",
                              options->watch   ? "watch"
                              : options->full  ? "full"
                              : options->since ? "since"
                              : options->html  ? "html"
                                               : "start");
        if (!*options->pair || !*options->path)
                return refuse(ret_error, "the %s is an empty string; '.' stands for all of a pair",
                              *options->pair ? "path" : "pair");
        if (options->to && !*options->to)
                return refuse(ret_error, "the directory of --to is an empty string");
        if (options->tar && (options->to || options->force || options->dry_run || options->json))
                return refuse(ret_error,
                              "--tar writes an archive and nothing else: leave out --to, --force, "
                              "--dry-run and --json");
        return check_options(options, ret_error);
}

int ctl_options_parse(int argc, char **argv, CtlOptions *ret, char **ret_error) {
        CtlOptions options = {};
        int option, r;

        optind = 0; /* getopt_long(3): start anew, whatever was parsed before */
        opterr = 0;
        while ((option = getopt_long(argc, argv, ":n", long_options, NULL)) >= 0) {
                if (option == '?' || option == ':')
                        return refuse_option(argv, option == ':', ret_error);
                if (option == OPTION_HELP || option == OPTION_VERSION) {
                        *ret = (CtlOptions) { .verb = option == OPTION_HELP ? CTL_HELP
                                                                            : CTL_VERSION };
                        return 0;
                }
                take_option(&options, option);
        }
        r = take_arguments(&options, argc - optind, argv + optind, ret_error);
        if (r == 0)
                r = check(&options, ret_error);
        if (r < 0)
                return r;
        *ret = options;
        return 0;
}
