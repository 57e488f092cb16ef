#include "generator/generator.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/string-util.h"
#include "config/config-names.h"
#include "config/config-search.h"
#include "generator/machine.h"
#include "generator/pair-units.h"
#include "generator/report.h"

typedef struct Arguments {
        const char *root;      /* "": the machine's own */
        const char *directory; /* into which to write */
        Scope scope;
        bool help, version;
} Arguments;

enum { OPTION_ROOT = 0x100, OPTION_USER, OPTION_HELP, OPTION_VERSION };

static const struct option long_options[] = {
        { "help", no_argument, NULL, OPTION_HELP },
        { "root", required_argument, NULL, OPTION_ROOT },
        { "user", no_argument, NULL, OPTION_USER },
        { "version", no_argument, NULL, OPTION_VERSION },
        {},
};

static int print_help(void) {
        (void) puts("rebackup-generator [OPTIONS] DIRECTORY [EARLY-DIRECTORY LATE-DIRECTORY]\n"
                    "\n"
                    "Tell systemd the paths of all configured pairs, by files in DIRECTORY.\n"
                    "\n"
                    "     --root DIR   look at the machine whose root directory is DIR\n"
                    "     --user       for the services of a user, not of the system\n"
                    "     --help       show this help\n"
                    "     --version    show the version\n"
                    "\n"
                    "See rebackup-generator(8).");
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool take_option(Arguments *arguments, int option) {
        switch (option) {
        case OPTION_ROOT:
                arguments->root = streq(optarg, "/") ? "" : optarg;
                return true;
        case OPTION_USER:
                arguments->scope = SCOPE_USER;
                return true;
        case OPTION_HELP:
                return arguments->help = true;
        case OPTION_VERSION:
                return arguments->version = true;
        default:
                return false;
        }
}

/* The service manager says for whom it asks by its environment. */
static bool parse(int argc, char **argv, Arguments *ret) {
        const char *scope = secure_getenv("SYSTEMD_SCOPE");
        Arguments arguments = { .root = "",
                                .scope = scope && streq(scope, "user") ? SCOPE_USER
                                                                       : SCOPE_SYSTEM };
        int option;

        while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0)
                if (!take_option(&arguments, option))
                        return false;
        if (!arguments.help && !arguments.version && argc - optind != 1 && argc - optind != 3)
                return false;
        arguments.directory = argv[optind];
        *ret = arguments;
        return true;
}

static int write_all(const Arguments *arguments, Machine *machine, char *const *names) {
        PairUnits pair = { .root = arguments->root, .scope = arguments->scope, .machine = machine };
        _cleanup_close_ int directory_fd = -EBADF;
        int code = EXIT_SUCCESS;

        directory_fd = open(arguments->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directory_fd < 0) {
                report("cannot open %s: %s", arguments->directory, strerror(errno));
                return EXIT_FAILURE;
        }
        pair.directory_fd = directory_fd;
        for (size_t i = 0; names[i]; i++) {
                pair.name = names[i];
                if (pair_units_write(&pair) < 0)
                        code = EXIT_FAILURE;
        }
        return code;
}

static int generate(const Arguments *arguments) {
        _cleanup_(config_paths_freep) char **names = NULL;
        _cleanup_(machine_freep) Machine *machine = NULL;
        _cleanup_free_ char *failed = NULL;
        int r, code;

        /* Pairs that root configures are the system's. */
        if (arguments->scope == SCOPE_USER && geteuid() == 0)
                return EXIT_SUCCESS;
        r = config_names(arguments->root, &names, &failed);
        if (r >= 0 && names[0])
                r = machine_new(arguments->root, arguments->scope, &machine);
        if (r < 0) {
                report("%s", strerror(-r));
                return EXIT_FAILURE;
        }
        code = machine ? write_all(arguments, machine, names) : EXIT_SUCCESS;
        if (!failed)
                return code;
        report("%s cannot be read: the pairs in it are left out", failed);
        return EXIT_FAILURE;
}

int generator_run(int argc, char **argv) {
        Arguments arguments;

        if (!parse(argc, argv, &arguments)) {
                (void) fputs("Try 'rebackup-generator --help'.\n", stderr);
                return EX_USAGE;
        }
        if (arguments.help)
                return print_help();
        if (arguments.version)
                return puts("rebackup-generator " PACKAGE_VERSION) < 0;
        return generate(&arguments);
}
