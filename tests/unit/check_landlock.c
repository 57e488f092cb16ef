/* What Landlock leaves and what it takes. Each test is a process of its own, which is confined for
 * the rest of its life; what it made is removed by its parent. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/landlock.h"

static char base[] = "/dev/shm/check-landlock-XXXXXX";

static void set_up(void) {
        static const char *const directories[] = { "list",    "read",    "write", "write/a",
                                                   "write/b", "outside", "read/d" };
        static const char *const files[] = { "list/f", "read/f", "write/f", "outside/f",
                                             "outside/alone" };

        ck_assert_ptr_nonnull(mkdtemp(base));
        ck_assert_int_eq(chdir(base), 0);
        for (size_t i = 0; i < ELEMENTSOF(directories); i++)
                ck_assert_int_eq(mkdir(directories[i], 0755), 0);
        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                int fd = open(files[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

                ck_assert_int_ge(fd, 0);
                ck_assert_int_eq(close(fd), 0);
        }
        ck_assert_int_eq(symlink("../outside/f", "write/link"), 0);
}

static void tear_down(void) {
        char command[sizeof(base) + 16];

        (void) snprintf(command, sizeof(command), "rm -rf %s", base);
        ck_assert_int_eq(system(command), 0);
}

/* False: this kernel has none. */
static bool confine_here(void) {
        Landlock landlock = LANDLOCK_NULL;
        int r = landlock_begin(&landlock);

        if (r == -EOPNOTSUPP) {
                (void) puts("this kernel has no Landlock");
                return false;
        }
        ck_assert_int_eq(r, 0);
        ck_assert_int_eq(landlock_allow(&landlock, "list", LANDLOCK_LIST), 0);
        ck_assert_int_eq(landlock_allow(&landlock, "read", LANDLOCK_READ), 0);
        ck_assert_int_eq(landlock_allow(&landlock, "write", LANDLOCK_WRITE), 0);
        ck_assert_int_eq(landlock_allow(&landlock, "outside/alone", LANDLOCK_READ), 0);
        /* For the sanitizers, which look around at the end. */
        ck_assert_int_eq(landlock_allow(&landlock, "/proc", LANDLOCK_READ), 0);
        ck_assert_int_eq(landlock_allow(&landlock, "missing", LANDLOCK_READ), -ENOENT);
        ck_assert_int_eq(landlock_enforce(&landlock), 0);
        landlock_done(&landlock);
        return true;
}

static int try_open(const char *path, int flags) {
        int fd = open(path, flags | O_CLOEXEC, 0644);

        if (fd < 0)
                return -errno;
        (void) close(fd);
        return 0;
}

typedef struct Attempt {
        const char *path;
        int flags;
        int expected;
} Attempt;

static const Attempt attempts[] = {
        { "list", O_RDONLY | O_DIRECTORY, 0 },
        { "list/f", O_RDONLY, -EACCES },
        { "list/f", O_WRONLY, -EACCES },
        { "read", O_RDONLY | O_DIRECTORY, 0 },
        { "read/f", O_RDONLY, 0 },
        { "read/d", O_RDONLY | O_DIRECTORY, 0 },
        { "read/f", O_WRONLY, -EACCES },
        { "read/f", O_RDONLY | O_TRUNC, -EACCES },
        { "read/new", O_WRONLY | O_CREAT, -EACCES },
        { "read/d", O_TMPFILE | O_WRONLY, -EACCES },
        { "write/f", O_RDWR, 0 },
        { "write/f", O_RDWR | O_TRUNC, 0 },
        { "write/new", O_RDWR | O_CREAT | O_EXCL, 0 },
        { "write/a", O_TMPFILE | O_RDWR, 0 },
        { "write/link", O_RDONLY, -EACCES },
        { "outside", O_RDONLY | O_DIRECTORY, -EACCES },
        { "outside/f", O_RDONLY, -EACCES },
        { "outside/f", O_WRONLY, -EACCES },
        { "outside/alone", O_RDONLY, 0 },
        { "outside/alone", O_WRONLY, -EACCES },
        { "/etc/passwd", O_RDONLY, -EACCES },
        { "outside/f", O_PATH, 0 }, /* which is no access */
};

START_TEST(opening) {
        const Attempt *is = &attempts[_i];

        if (confine_here())
                ck_assert_int_eq(try_open(is->path, is->flags), is->expected);
}
END_TEST

static void *open_outside(void *result) {
        *(int *) result = try_open("outside/f", O_RDONLY);
        return NULL;
}

START_TEST(later_threads) {
        pthread_t thread;
        int result = 0;

        if (!confine_here())
                return;
        ck_assert_int_eq(pthread_create(&thread, NULL, open_outside, &result), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_int_eq(result, -EACCES);
        ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
}
END_TEST

/* From one directory to another it depends on what else is forbidden. */
static bool is_refusal(int error) {
        return error == EACCES || error == EXDEV;
}

START_TEST(making) {
        int outside_fd = open("outside", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
            open_fd = open("outside/f", O_RDWR | O_CLOEXEC);

        ck_assert(outside_fd >= 0 && open_fd >= 0);
        if (!confine_here())
                return;
        ck_assert_int_eq(mkdir("write/a/d", 0755), 0);
        ck_assert_int_eq(mkfifo("write/a/fifo", 0644), 0);
        ck_assert_int_eq(symlink("x", "write/a/link"), 0);
        ck_assert_int_eq(rename("write/a/d", "write/b/d"), 0);
        ck_assert_int_eq(renameat2(AT_FDCWD, "write/b/d", AT_FDCWD, "write/f", RENAME_EXCHANGE), 0);
        ck_assert_int_eq(link("write/b/d", "write/a/second"), 0);
        ck_assert_int_eq(unlink("write/a/second"), 0);
        ck_assert_int_eq(rmdir("write/f"), 0);

        ck_assert(mkdir("read/new", 0755) < 0 && errno == EACCES);
        ck_assert(unlink("read/f") < 0 && errno == EACCES);
        ck_assert(rename("write/b/d", "outside/d") < 0 && is_refusal(errno));
        ck_assert(rename("outside/f", "write/stolen") < 0 && is_refusal(errno));
        ck_assert(link("outside/f", "write/stolen") < 0 && is_refusal(errno));
        /* What was opened before: a directory leads nowhere, a file goes on. */
        ck_assert(mkdirat(outside_fd, "new", 0755) < 0 && errno == EACCES);
        ck_assert(openat(outside_fd, "f", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
        ck_assert_int_eq(write(open_fd, "x", 1), 1);
        (void) close(outside_fd);
        (void) close(open_fd);
}
END_TEST

START_TEST(executing) {
        if (confine_here())
                ck_assert(execl("/bin/true", "true", NULL) < 0 && errno == EACCES);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("landlock");
        TCase *tcase = tcase_create("landlock");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        tcase_add_unchecked_fixture(tcase, set_up, tear_down);
        tcase_add_loop_test(tcase, opening, 0, ELEMENTSOF(attempts));
        tcase_add_test(tcase, later_threads);
        tcase_add_test(tcase, making);
        tcase_add_test(tcase, executing);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed > 0;
}
