#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test-watch.h"

/* The race of making directories against watching them: nothing may be missed */

enum { N_CHAINS = 300, CHAIN_LENGTH = 5 };

typedef struct Walk {
        Node **stack; /* directories to be opened, watched and listed; counted */
        size_t n_stack;
        size_t n_stack_max;
        bool found[N_CHAINS][CHAIN_LENGTH];
} Walk;

static void *make_chains(void *userdata) {
        char path[256];
        int r = 0;

        for (int i = 0; i < N_CHAINS; i++) {
                size_t n = (size_t) snprintf(path, sizeof(path), "c%d", i);

                for (int j = 0; j < CHAIN_LENGTH; j++) {
                        int fd;

                        r |= mkdirat(base_fd, path, 0755);
                        (void) snprintf(path + n, sizeof(path) - n, "/f-%d-%d", i, j);
                        fd = openat(base_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
                        r |= close(fd);
                        n += (size_t) snprintf(path + n, sizeof(path) - n, "/d%d", j);
                }
        }
        *(int *) userdata = r;
        return userdata;
}

static void walk_push(Walk *walk, Node *node) {
        if (walk->n_stack == walk->n_stack_max) {
                walk->n_stack_max = walk->n_stack_max * 2 + 64;
                walk->stack = reallocarray(walk->stack, walk->n_stack_max, sizeof(Node *));
                ck_assert_ptr_nonnull(walk->stack);
        }
        walk->stack[walk->n_stack++] = node;
}

/* An entry of PARENT was seen, in an event or a listing. */
static void walk_see(Walk *walk, Node *parent, const char *name) {
        int chain, level;
        Node *node;

        if (sscanf(name, "f-%d-%d", &chain, &level) == 2)
                walk->found[chain][level] = true;
        else if (tree_child(tree, parent, name, &node) >= 0)
                walk_push(walk, node);
}

static void walk_hear(const WatchEvent *event, void *userdata) {
        if (event->flags & WATCH_EVENT_OVERFLOW)
                ck_abort_msg("the queue ran over");
        if (event->name)
                walk_see(userdata, event->node, event->name);
}

static void walk_list(Walk *walk, Node *node) {
        struct dirent *entry;
        char *path;
        DIR *dir;
        int fd;

        if (tree_source_path(tree, node, NULL, &path) < 0)
                ck_abort_msg("no path");
        fd = openat(base_fd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        free(path);
        if (fd < 0 || watch_add(watch, node, fd) < 0 || !(dir = fdopendir(fd)))
                ck_abort_msg("cannot watch: %m");
        while ((entry = readdir(dir)))
                if (entry->d_name[0] != '.')
                        walk_see(walk, node, entry->d_name);
        (void) closedir(dir);
}

/* Walks what there is to walk and hears what there is to hear, until both are at an end. */
static void walk_all(Walk *walk) {
        int r;

        do {
                r = watch_drain(watch, walk_hear, walk);
                while (walk->n_stack > 0) {
                        Node *node = walk->stack[--walk->n_stack];

                        if (!watch_covers(watch, node))
                                walk_list(walk, node);
                        node_unref(node);
                        r = 1;
                }
        } while (r > 0);
}

START_TEST(test_race) {
        static Walk walk;
        struct pollfd hint;
        pthread_t thread;
        int made = -1, n_lost = 0;

        if (!test_begin(_i))
                return;
        hint = (struct pollfd) { .fd = watch_fd(watch), .events = POLLIN };
        walk_list(&walk, root);
        ck_assert_int_eq(pthread_create(&thread, NULL, make_chains, &made), 0);
        while (tree_n_nodes(tree) < N_CHAINS * CHAIN_LENGTH + 1 && poll(&hint, 1, 1000) > 0)
                walk_all(&walk);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        walk_all(&walk);
        ck_assert_int_eq(made, 0);

        for (int i = 0; i < N_CHAINS; i++)
                for (int j = 0; j < CHAIN_LENGTH; j++)
                        n_lost += !walk.found[i][j];
        ck_assert_int_eq(n_lost, 0);
        ck_assert_uint_eq(tree_n_nodes(tree), N_CHAINS * CHAIN_LENGTH + 1);
        free(walk.stack);
        test_finish();
}
END_TEST

/* Several threads at once */

enum { N_THREADS = 4, N_DIRECTORIES = 50, N_ROUNDS = 100 };

static Node *shared[N_DIRECTORIES];
static atomic_int n_running;

static void *add_and_remove(void *userdata) {
        uintptr_t n = (uintptr_t) userdata;
        int failed = 0;

        for (uintptr_t i = 0; i < N_ROUNDS * N_DIRECTORIES; i++) {
                uintptr_t d = i * (2 * n + 1) % N_DIRECTORIES;
                char name[32];
                int fd;

                (void) snprintf(name, sizeof(name), "%zu", (size_t) d);
                fd = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                failed |= watch_add(watch, shared[d], fd) < 0;
                /* An event to be drained while others add, move and remove. */
                failed |= fchmod(fd, 0755);
                (void) close(fd);
                if (i % 3 == n % 3)
                        watch_remove(watch, shared[d]);
                (void) watch_covers(watch, shared[d]);
        }
        n_running--;
        return failed ? userdata : NULL;
}

static void hear_nothing(const WatchEvent *event, void *userdata) {
        size_t *n = userdata;

        *n += event->flags & WATCH_EVENT_SELF ? 1 : 0;
}

START_TEST(test_threads) {
        pthread_t threads[N_THREADS];
        size_t n_heard = 0;
        char name[32];

        if (!test_begin(_i))
                return;
        for (int i = 0; i < N_DIRECTORIES; i++) {
                (void) snprintf(name, sizeof(name), "%d", i);
                ck_assert_int_eq(mkdirat(base_fd, name, 0755), 0);
                ck_assert_int_eq(tree_child(tree, root, name, &shared[i]), 1);
        }
        n_running = N_THREADS;
        for (uintptr_t i = 0; i < N_THREADS; i++)
                ck_assert_int_eq(
                        pthread_create(&threads[i], NULL, add_and_remove, (void *) (i + 1)), 0);
        while (n_running > 0)
                if (watch_drain(watch, hear_nothing, &n_heard) < 0)
                        ck_abort_msg("cannot drain");
        for (int i = 0; i < N_THREADS; i++) {
                void *failed;

                ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
                ck_assert_ptr_null(failed);
        }
        while (watch_drain(watch, hear_nothing, &n_heard) > 0)
                ;
        ck_assert_uint_gt(n_heard, 0);

        /* The map is still true. */
        for (int i = 0; i < N_DIRECTORIES; i++) {
                bool covered = watch_covers(watch, shared[i]);

                ck_assert_uint_eq(atomic_load(&shared[i]->n_references), covered ? 3 : 2);
                (void) snprintf(name, sizeof(name), "%d", i);
                (void) watched(root, name, name);
                node_unref(shared[i]);
        }
        ck_assert_uint_eq(watch_n_watched(watch), N_DIRECTORIES);
        test_finish();
}
END_TEST

static Suite *race_suite(void) {
        Suite *suite = suite_create("watch-race");
        TCase *tests = tcase_create("backends");

        tcase_set_timeout(tests, 120);
        tcase_add_loop_test(tests, test_race, 0, TEST_N_PLACES);
        tcase_add_loop_test(tests, test_threads, 0, TEST_N_PLACES);
        suite_add_tcase(suite, tests);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(race_suite());
        int n_failed;

        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
