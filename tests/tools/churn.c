/* A seeded storm of random operations in one tree: every kind of entry, every kind of change,
 * renames of files and of whole directories; with --outside also moves to another directory and
 * back. Never leaves the root: all calls are relative to descriptors that were opened without
 * following links.
 *
 * The same seed on the same tree gives the same storm. Whoever else changes the tree makes
 * operations fail that should not; that ends the storm with status 1, unless --tolerant. */

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "churn-ops.h"

static size_t draw_operation(Tree *t) {
        static unsigned total;
        unsigned ticket;
        size_t i = 0;

        if (total == 0)
                for (size_t k = 0; k < n_operations; k++)
                        total += operations[k].weight;
        ticket = tree_random(t, total);
        while (ticket >= operations[i].weight)
                ticket -= operations[i++].weight;
        return i;
}

/* Refusals that depend on the file system and the rights, not on the state of the tree. */
static bool is_refusal(int r) {
        return r == -ENOSPC || r == -EDQUOT || r == -EOPNOTSUPP || r == -EPERM ||
               (r == -EACCES && geteuid() != 0) || r == -EMLINK || r == -EFBIG;
}

static void pace(uint64_t done, uint64_t rate, const struct timespec *start) {
        struct timespec due = *start;

        if (rate == 0)
                return;
        due.tv_sec += done / rate;
        due.tv_nsec += (done % rate) * 1000000000 / rate;
        if (due.tv_nsec >= 1000000000) {
                due.tv_nsec -= 1000000000;
                due.tv_sec++;
        }
        (void) clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

static int storm(Tree *t, uint64_t n_wanted, uint64_t rate, bool tolerant) {
        uint64_t n_done = 0, n_refused = 0, n_failed = 0;
        struct timespec start;

        (void) clock_gettime(CLOCK_MONOTONIC, &start);
        while (n_done + n_refused + n_failed < n_wanted) {
                size_t i = draw_operation(t);
                int r = operations[i].run(t);

                if (r == NOT_NOW)
                        continue;
                if (r >= 0)
                        n_done++;
                else if (is_refusal(r))
                        n_refused++;
                else {
                        n_failed++;
                        if (!tolerant) {
                                fprintf(stderr, "churn: %s: %s\n", operations[i].name,
                                        strerror(-r));
                                return 1;
                        }
                }
                pace(n_done + n_refused + n_failed, rate, &start);
        }
        printf("churn: %" PRIu64 " done, %" PRIu64 " refused, %" PRIu64
               " failed, %zu entries left\n",
               n_done, n_refused, n_failed, t->n_nodes);
        return 0;
}

static int open_root(const char *path) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0) {
                fprintf(stderr, "churn: %s: %s\n", path, strerror(errno));
                exit(2);
        }
        return fd;
}

static int usage(FILE *f, int status) {
        fprintf(f, "Usage: churn --root DIR [--seed N] [--operations N] [--rate PER-SECOND]\n"
                   "             [--entries MAX] [--steady-links] [--tolerant]\n"
                   "             [--outside DIR] [--watched-links]\n");
        return status;
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "root", required_argument, NULL, 'd' },
                { "seed", required_argument, NULL, 's' },
                { "operations", required_argument, NULL, 'n' },
                { "rate", required_argument, NULL, 'r' },
                { "entries", required_argument, NULL, 'e' },
                { "steady-links", no_argument, NULL, 'l' },
                { "outside", required_argument, NULL, 'o' },
                { "watched-links", no_argument, NULL, 'w' },
                { "tolerant", no_argument, NULL, 't' },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        uint64_t seed = 0, n = 1000, rate = 0;
        const char *root = NULL, *outside = NULL;
        bool tolerant = false;
        Tree tree, outside_tree;
        int c, r;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 'd':
                        root = optarg;
                        break;
                case 's':
                        seed = strtoull(optarg, NULL, 0);
                        break;
                case 'n':
                        n = strtoull(optarg, NULL, 0);
                        break;
                case 'r':
                        rate = strtoull(optarg, NULL, 0);
                        break;
                case 'e':
                        arg_entries = strtoull(optarg, NULL, 0);
                        break;
                case 'l':
                        arg_steady_links = true;
                        break;
                case 'w':
                        arg_watched_links = true;
                        break;
                case 'o':
                        outside = optarg;
                        break;
                case 't':
                        tolerant = true;
                        break;
                case 'h':
                        return usage(stdout, 0);
                default:
                        return usage(stderr, 2);
                }
        if (!root || optind != argc)
                return usage(stderr, 2);

        while (seed == 0)
                if (getrandom(&seed, sizeof(uint32_t), 0) < 0)
                        return 2;
        printf("churn: seed %" PRIu64 "\n", seed);
        (void) fflush(stdout);
        (void) umask(0);
        tree_init(&tree, open_root(root), seed);
        if (outside) {
                tree_init(&outside_tree, open_root(outside), seed ^ 1);
                arg_outside = &outside_tree;
        }
        r = storm(&tree, n, rate, tolerant);
        if (outside)
                tree_done(&outside_tree);
        tree_done(&tree);
        return r;
}
