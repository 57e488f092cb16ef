/* A random test of the policies against a model. For each seed a script of random steps is drawn:
 * what somebody does to either side of a pair with few names, and what the engine does about it,
 * full passes, passes over what events tell, lost events, interruptions, kills, restarts, a lost
 * catalog. It is played against the real engine, and what the policy promises is checked whenever
 * the pair has come to rest. A script that fails is shortened for as long as it fails, and printed
 * as lines of a shell script, which --replay plays again.
 *
 * Exit: 0 all passed, 1 a script failed, 2 error. */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/macros.h"
#include "basic/time-span.h"
#include "model-run.h"

static const char *const watch_names[_ENGINE_WATCH_MAX] = { "off", "inotify", "marks" };

typedef struct Arguments {
        RunOptions run;
        unsigned n_runs;
        unsigned n_tries;
        unsigned seconds; /* 0: no limit */
        const char *replay;
        int watch;     /* -1: by the seed */
        int n_threads; /* -1: by the seed */
        bool keep_going;
} Arguments;

static int usage(FILE *f, int status) {
        (void) fputs(
                "Usage: policy-model [OPTION...]\n"
                "  --policy NAME    one-way, no-overwrite, no-delete, archive or two-way\n"
                "  --seed N         of the first run; each further one has the next (1)\n"
                "  --runs N         (100; of --replay 1)\n"
                "  --seconds N      begin no run after that time\n"
                "  --steps N        of each script (50)\n"
                "  --watch KIND     off, inotify or marks (fanotify); else each in its turn\n"
                "  --threads N      of the engine; else 1 or 3\n"
                "  --tries N        how often a shortened script is played, to see if it fails (3)\n"
                "  --ignore-links   do not compare which names are links to one file\n"
                "  --keep-going     do not end with the first script that fails\n"
                "  --replay FILE    plays what was printed of a failure\n"
                "  --directory DIR  to work in (below /dev/shm)\n"
                "  --trace          print each step and what the engine says\n",
                f);
        return status;
}

static unsigned parse_number(const char *text) {
        char *end;
        unsigned long n = strtoul(text, &end, 10);

        if (*end || !*text || n > 100000000)
                exit(usage(stderr, 2));
        return (unsigned) n;
}

static int parse_watch(const char *name) {
        for (int i = 0; i < _ENGINE_WATCH_MAX; i++)
                if (strcmp(name, watch_names[i]) == 0)
                        return i;
        exit(usage(stderr, 2));
}

static ModelPolicy parse_policy(const char *name) {
        int policy = model_policy_from_string(name);

        if (policy < 0)
                exit(usage(stderr, 2));
        return policy;
}

static const struct option long_options[] = {
        { "policy", required_argument, NULL, 'p' },
        { "seed", required_argument, NULL, 's' },
        { "runs", required_argument, NULL, 'r' },
        { "seconds", required_argument, NULL, 'S' },
        { "steps", required_argument, NULL, 'n' },
        { "watch", required_argument, NULL, 'w' },
        { "threads", required_argument, NULL, 't' },
        { "tries", required_argument, NULL, 'T' },
        { "keep-going", no_argument, NULL, 'k' },
        { "replay", required_argument, NULL, 'R' },
        { "directory", required_argument, NULL, 'd' },
        { "trace", no_argument, NULL, 'v' },
        { "ignore-links", no_argument, NULL, 'l' },
        { "help", no_argument, NULL, 'h' },
        {},
};

static void parse_option(Arguments *arguments, int c) {
        switch (c) {
        case 'p':
                arguments->run.policy = parse_policy(optarg);
                break;
        case 's':
                arguments->run.seed = parse_number(optarg);
                break;
        case 'r':
                arguments->n_runs = parse_number(optarg);
                break;
        case 'S':
                arguments->seconds = parse_number(optarg);
                break;
        case 'n':
                arguments->run.n_steps = MIN(parse_number(optarg), (unsigned) MODEL_STEPS_MAX);
                break;
        case 'w':
                arguments->watch = parse_watch(optarg);
                break;
        case 't':
                arguments->n_threads = (int) parse_number(optarg);
                break;
        case 'T':
                arguments->n_tries = parse_number(optarg);
                break;
        case 'k':
                arguments->keep_going = true;
                break;
        case 'l':
                arguments->run.ignore_links = true;
                break;
        case 'R':
                arguments->replay = optarg;
                break;
        case 'd':
                arguments->run.directory = optarg;
                break;
        case 'v':
                arguments->run.trace = true;
                break;
        default:
                exit(c == 'h' ? usage(stdout, 0) : usage(stderr, 2));
        }
}

static void print_script(FILE *f, const RunOptions *options, const Script *script,
                         const RunOutcome *outcome) {
        const char *const *settings = model_policy_settings(options->policy);

        (void) fprintf(f, "#!/bin/bash\n# %s: %s\n", model_failure_to_string(outcome->failure),
                       outcome->text);
        (void) fprintf(f, "#! %s %s %u %" PRIu64 "\n", model_policy_to_string(options->policy),
                       watch_names[options->watch], options->n_threads, options->seed);
        (void) fputs("OPTIONS=\"--set Versions.MinInterval=0", f);
        for (size_t i = 0; settings[i]; i++)
                (void) fprintf(f, " --set %s", settings[i]);
        (void) fputs("\"\ncd \"$(mktemp -d /dev/shm/XXXXXX)\" && mkdir s r out\n", f);
        for (size_t i = 0; i < script->n_steps; i++)
                step_print(f, &script->steps[i]);
        (void) fputs("rebackupd --once $OPTIONS s r # repeated until there is nothing to do\n", f);
}

/* What --replay is given stands for itself; without it, the seed says how it is watched. */
static RunOptions options_of(const Arguments *arguments, unsigned i) {
        RunOptions options = arguments->run;

        options.seed += i;
        options.watch = arguments->watch >= 0 ? (EngineWatch) arguments->watch
                                              : (EngineWatch) (options.seed % _ENGINE_WATCH_MAX);
        options.n_threads = arguments->n_threads > 0 ? (unsigned) arguments->n_threads
                            : options.seed / 3 % 3   ? 1
                                                     : 3;
        return options;
}

static bool run_seed(const Arguments *arguments, unsigned i, uint64_t *n_operations) {
        RunOptions options = options_of(arguments, i);
        Script *script = must(calloc(1, sizeof *script));
        RunOutcome outcome;
        bool passed;

        run_script(&options, script, true, &outcome);
        *n_operations += outcome.n_operations;
        passed = outcome.failure == MODEL_PASSED;
        if (!passed) {
                (void) fprintf(stderr, "seed %" PRIu64 ": %s: %s\n", options.seed,
                               model_failure_to_string(outcome.failure), outcome.text);
                if (arguments->n_tries > 0)
                        run_shrink(&options, script, &outcome, arguments->n_tries);
                print_script(stdout, &options, script, &outcome);
                (void) fflush(stdout);
        }
        free(script);
        return passed;
}

static int run_seeds(const Arguments *arguments) {
        usec_t begun = now_usec(CLOCK_MONOTONIC), elapsed = 0;
        unsigned n_failed = 0, i = 0;
        uint64_t n_operations = 0;

        while (i < arguments->n_runs && (n_failed == 0 || arguments->keep_going) &&
               (arguments->seconds == 0 || elapsed < arguments->seconds * USEC_PER_SEC)) {
                n_failed += !run_seed(arguments, i++, &n_operations);
                elapsed = now_usec(CLOCK_MONOTONIC) - begun;
        }
        (void) fprintf(stderr, "%s: %u runs in %.1f s, %" PRIu64 " operations, %u failed\n",
                       model_policy_to_string(arguments->run.policy), i,
                       (double) elapsed / USEC_PER_SEC, n_operations, n_failed);
        return n_failed > 0;
}

static void read_script(const char *path, RunOptions *options, Script *script) {
        char line[256], policy[32], watch[32];
        FILE *f = must(fopen(path, "re"));

        while (fgets(line, sizeof line, f)) {
                int r = script_is_full(script) ? 0
                                               : step_parse(line, &script->steps[script->n_steps]);

                if (r < 0)
                        model_die("%s: %s", path, line);
                script->n_steps += r > 0;
                if (sscanf(line, "#! %31s %31s %u %" SCNu64, policy, watch, &options->n_threads,
                           &options->seed) != 4)
                        continue;
                options->policy = parse_policy(policy);
                options->watch = parse_watch(watch);
        }
        (void) fclose(f);
}

static int replay(const Arguments *arguments) {
        RunOptions options = arguments->run;
        Script *script = must(calloc(1, sizeof *script));
        RunOutcome outcome = {};

        read_script(arguments->replay, &options, script);
        if (arguments->watch >= 0)
                options.watch = arguments->watch;
        if (arguments->n_threads > 0)
                options.n_threads = (unsigned) arguments->n_threads;
        for (unsigned i = 0; i < arguments->n_runs && outcome.failure == MODEL_PASSED; i++)
                run_script(&options, script, false, &outcome);
        (void) printf("%s: %s\n", model_failure_to_string(outcome.failure), outcome.text);
        free(script);
        return outcome.failure != MODEL_PASSED;
}

int main(int argc, char *argv[]) {
        static char directory[64];
        Arguments arguments = {
                .run = { .directory = directory, .seed = 1, .n_steps = 50 },
                .n_tries = 3,
                .watch = -1,
                .n_threads = -1,
        };
        int c;

        (void) snprintf(directory, sizeof directory, "/dev/shm/policy-model.%d", (int) getpid());
        while ((c = getopt_long(argc, argv, "", long_options, NULL)) >= 0)
                parse_option(&arguments, c);
        if (optind != argc)
                exit(usage(stderr, 2));
        (void) umask(022);
        if (arguments.n_runs == 0)
                arguments.n_runs = arguments.replay ? 1 : 100;
        return arguments.replay ? replay(&arguments) : run_seeds(&arguments);
}
