/* The engine is killed at a random moment: the next one converges by itself and leaves no litter.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test-engine.h"

enum { N_ROUNDS = 20, N_ROUNDS_OF_CHANGES = 8 };

static unsigned random_state;

static unsigned next_random(void) {
        random_state = random_state * 1103515245 + 12345;
        return random_state >> 8;
}

static void seed(const char *what) {
        random_state = (unsigned) now_usec(CLOCK_REALTIME);
        (void) fprintf(stderr, "%s: seed %u\n", what, random_state);
}

/* A pass in a process of its own, killed after DELAY. */
static void run_and_kill(usec_t delay) {
        pid_t pid = TEST_SYS(fork());

        if (pid == 0) {
                test_open(NULL, TEST_LITTER);
                TEST_OK(engine_start(test.engine, PASS_FULL));
                (void) test_await();
                (void) pause();
        }
        (void) usleep((useconds_t) delay);
        TEST_SYS(kill(pid, SIGKILL));
        TEST_SYS(waitpid(pid, NULL, 0));
}

/* How long opening and a pass take when nobody disturbs them. */
static usec_t measure(void) {
        usec_t began = now_usec(CLOCK_MONOTONIC);

        test_open(NULL, 0);
        (void) test_full();
        began = now_usec(CLOCK_MONOTONIC) - began;
        test_expect_in_step();
        test_close();
        return began;
}

/* A file is there as a whole or not at all, whenever it was killed. */
static void expect_whole(void) {
        test_run("mkdir -p r && ! diff -rq --no-dereference s r | grep -v '^Only in s'");
}

static void expect_convergence(void) {
        test_open(NULL, 0);
        ck_assert_uint_le(test_n_staged(), 2);
        (void) test_full();
        (void) test_expect_equal();
        (void) test_retry();
        test_expect_in_step();
        test_close();
}

static void make_source(void) {
        test_run("for i in $(seq 12); do mkdir -p s/$i/sub && for j in $(seq 9); do "
                 "head -c $((i * j * 197)) /dev/urandom >s/$i/$j && echo $j >s/$i/sub/$j; done && "
                 "ln s/$i/1 s/$i/sub/link && ln -s $i s/$i/symlink; done && "
                 "head -c 4M /dev/urandom >s/big");
}

START_TEST(first_pass) {
        seed("first pass");
        make_source();
        usec_t duration = measure();
        for (int i = 0; i < N_ROUNDS; i++) {
                test_run("rm -rf r .r.rebackup state");
                run_and_kill(next_random() % (duration * 3 / 2));
                expect_whole();
                expect_convergence();
        }
}
END_TEST

/* Killed again and again without a pass in between that completes. */
START_TEST(first_pass_again_and_again) {
        seed("first pass again and again");
        make_source();
        usec_t duration = measure();
        test_run("rm -rf r .r.rebackup state");
        for (int i = 0; i < N_ROUNDS; i++) {
                run_and_kill(next_random() % duration);
                expect_whole();
        }
        expect_convergence();
}
END_TEST

/* One of each kind of change, on different directories each time. */
static void change(unsigned n) {
        unsigned i = n % 12 + 1, k = (n + 7) % 12 + 1;

        test_run("cd s && rm -rf x* */symlink; echo more >>big; "
                 "for j in $(seq 9); do [ ! -e %u/$j ] || echo changed >>%u/$j; done; "
                 "rm -r %u/sub; mkdir %u/sub; echo new >%u/sub/new; "
                 "mv %u t && mv %u %u && mv t %u; mkdir -p x%u/y; "
                 "[ ! -e %u/2 ] || mv %u/2 x%u/y/2; ln %u/3 x%u/3; mkdir %u/symlink; chmod 0700 %u",
                 i, i, k, k, k, i, k, i, k, n, i, i, n, k, n, i, k);
}

START_TEST(pass_over_changes) {
        seed("pass over changes");
        make_source();
        usec_t duration = measure();
        for (unsigned i = 0; i < N_ROUNDS_OF_CHANGES; i++) {
                expect_convergence();
                change(i);
                run_and_kill(next_random() % duration);
                expect_convergence();
        }
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("engine_kill", &tcase);

        tcase_add_test(tcase, first_pass);
        tcase_add_test(tcase, first_pass_again_and_again);
        tcase_add_test(tcase, pass_over_changes);
        return test_fs_run(suite);
}
