#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fs/confined.h"
#include "test-fs.h"

enum { N_WAYS = 2 }; /* loop tests run with openat2(2) and with the fallback */

/* root/a/b/file, root/file, outside/secret, and symbolic links that lead in and out of root. */
static int make_tree(void) {
        int fd;

        TEST_SYS(mkdirat(test_fd, "outside", 0755));
        (void) close(test_file(test_fd, "outside/secret", "x", 1));
        TEST_SYS(mkdirat(test_fd, "root", 0755));
        fd = TEST_SYS(openat(test_fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

        TEST_SYS(mkdirat(fd, "a", 0755));
        TEST_SYS(mkdirat(fd, "a/b", 0755));
        (void) close(test_file(fd, "a/b/file", "inside", 6));
        (void) close(test_file(fd, "file", "top", 3));
        TEST_SYS(symlinkat("a", fd, "to-a"));
        TEST_SYS(symlinkat("b", fd, "a/to-b"));
        TEST_SYS(symlinkat("file", fd, "a/b/to-file"));
        TEST_SYS(symlinkat("../outside", fd, "to-outside"));
        TEST_SYS(symlinkat("/etc", fd, "a/to-etc"));
        TEST_SYS(symlinkat("/proc/self/root", fd, "a/to-root"));
        return fd;
}

static const struct {
        const char *path;
        int flags;
        int result; /* 0: opens */
} openings[] = {
        { "", O_RDONLY | O_DIRECTORY, 0 },
        { "a", O_RDONLY | O_DIRECTORY, 0 },
        { "a/b/file", O_RDONLY, 0 },
        { "a/b/file", O_PATH, 0 },
        { "file", O_RDWR, 0 },
        { "a/b", O_PATH | O_DIRECTORY | O_NONBLOCK, 0 },
        { "missing", O_RDONLY, -ENOENT },
        { "a/missing/file", O_RDONLY, -ENOENT },
        { "a/b/file/below", O_RDONLY, -ENOTDIR },
        { "file", O_RDONLY | O_DIRECTORY, -ENOTDIR },
        { "to-a", O_RDONLY, -ELOOP },
        { "to-a", O_RDONLY | O_DIRECTORY, -ELOOP },
        { "to-a", O_PATH, 0 },
        { "to-a/b/file", O_RDONLY, -ELOOP },
        { "a/to-b", O_RDONLY | O_DIRECTORY, -ELOOP },
        { "a/to-b/file", O_RDONLY, -ELOOP },
        { "a/b/to-file", O_RDONLY, -ELOOP },
        { "a/b/to-file", O_WRONLY, -ELOOP },
        { "to-outside/secret", O_RDONLY, -ELOOP },
        { "a/to-etc/passwd", O_RDONLY, -ELOOP },
        { "a/to-root/etc", O_RDONLY, -ELOOP },
        { "..", O_RDONLY, -EINVAL },
        { "../outside/secret", O_RDONLY, -EINVAL },
        { "a/../file", O_RDONLY, -EINVAL },
        { "a/..", O_RDONLY, -EINVAL },
        { "/etc/passwd", O_RDONLY, -EINVAL },
        { "/", O_RDONLY, -EINVAL },
        { ".", O_RDONLY, -EINVAL },
        { "./a", O_RDONLY, -EINVAL },
        { "a//b", O_RDONLY, -EINVAL },
        { "a/", O_RDONLY, -EINVAL },
};

static void check_openings(int root_fd) {
        for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
                int fd;

                fd = confined_open(root_fd, openings[i].path, openings[i].flags);
                ck_assert_msg(openings[i].result == 0 ? fd >= 0 : fd == openings[i].result,
                              "%s: %s", openings[i].path, fd < 0 ? strerror(-fd) : "opened");
                if (fd < 0)
                        continue;

                ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
                (void) close(fd);
        }
}

START_TEST(paths) {
        confined_force_fallback(_i);
        check_openings(make_tree());
}
END_TEST

/* Makes openat2(2) fail as a container's system call filter does. */
static void forbid_openat2(int error) {
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned) error),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = { .len = 4, .filter = code };

        TEST_SYS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
        TEST_SYS(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

START_TEST(system_call_filter) {
        static const int errors[] = { ENOSYS, EPERM };
        int root_fd = make_tree();

        forbid_openat2(errors[_i]);
        check_openings(root_fd);
}
END_TEST

START_TEST(names) {
        ck_assert(name_is_valid("a"));
        ck_assert(name_is_valid("..."));
        ck_assert(name_is_valid(".a"));
        ck_assert(name_is_valid("..a"));
        ck_assert(name_is_valid("\xff\n"));
        ck_assert(!name_is_valid(""));
        ck_assert(!name_is_valid("."));
        ck_assert(!name_is_valid(".."));
        ck_assert(!name_is_valid("a/b"));
        ck_assert(!name_is_valid("/"));
}
END_TEST

START_TEST(children) {
        int root_fd = make_tree(), fd;

        fd = TEST_OK(confined_open_child(root_fd, "file", O_RDONLY));
        (void) close(fd);
        ck_assert_int_eq(confined_open_child(root_fd, "a/b", O_RDONLY), -EINVAL);
        ck_assert_int_eq(confined_open_child(root_fd, "..", O_RDONLY), -EINVAL);
        ck_assert_int_eq(confined_open_child(root_fd, "", O_RDONLY), -EINVAL);
        ck_assert_int_eq(confined_open_child(root_fd, "to-a", O_RDONLY | O_DIRECTORY), -ELOOP);
        ck_assert_int_eq(confined_open_child(root_fd, "to-outside", O_RDONLY), -ELOOP);
}
END_TEST

START_TEST(roots) {
        char path[128];
        int fd;

        (void) close(make_tree());
        (void) snprintf(path, sizeof(path), "%s/root/to-a/b", test_path);
        fd = TEST_OK(confined_open_root(path));
        (void) close(fd);

        ck_assert_int_eq(confined_open_root("/no/such/root"), -ENOENT);
        ck_assert_int_eq(confined_open_root("/dev/null"), -ENOTDIR);
}
END_TEST

START_TEST(path_of_20_kilobytes) {
        enum { N_LEVELS = 100, COMPONENT = 200 };
        char *path = calloc(N_LEVELS, COMPONENT + 1), *too_long = calloc(1, 6001);
        int fd = dup(test_fd), root_fd = test_fd;

        confined_force_fallback(_i);

        for (size_t i = 0; i < N_LEVELS; i++) {
                char *name = path + i * (COMPONENT + 1);
                int child;

                (void) memset(name, 'd', COMPONENT);
                TEST_SYS(mkdirat(fd, name, 0755));
                child = TEST_OK(confined_open_child(fd, name, O_PATH | O_DIRECTORY));
                (void) close(fd);
                fd = child;
                if (i + 1 < N_LEVELS)
                        name[COMPONENT] = '/';
                else
                        (void) close(test_file(fd, "f", "x", 1));
        }
        (void) close(fd);

        fd = TEST_OK(confined_open_directory(root_fd, path));
        TEST_SYS(faccessat(fd, "f", F_OK, 0));
        (void) close(fd);

        (void) memset(too_long, 'x', 6000);
        ck_assert_int_eq(confined_open(root_fd, too_long, O_RDONLY), -ENAMETOOLONG);
        too_long[300] = '/';
        ck_assert_int_eq(confined_open(root_fd, too_long, O_RDONLY), -ENAMETOOLONG);

        free(path);
        free(too_long);
}
END_TEST

START_TEST(content_of_regular_files_only) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int root_fd = make_tree(), fd;
        char buffer[8];

        TEST_SYS(mkfifoat(root_fd, "fifo", 0600));
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s/root/socket", test_path);
        fd = TEST_SYS(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        TEST_SYS(bind(fd, (const struct sockaddr *) &address, sizeof(address)));
        (void) close(fd);

        ck_assert_int_eq(confined_open_content(root_fd, "fifo"), -ESTALE);
        ck_assert_int_eq(confined_open_content(root_fd, "socket"), -ESTALE);
        ck_assert_int_eq(confined_open_content(root_fd, "a"), -ESTALE);
        ck_assert_int_eq(confined_open_content(root_fd, "to-a"), -ESTALE);
        ck_assert_int_eq(confined_open_content(root_fd, "missing"), -ENOENT);
        ck_assert_int_eq(confined_open_content(root_fd, "a/b/file"), -EINVAL);

        if (geteuid() == 0 && mknodat(root_fd, "device", S_IFCHR | 0600, 0x0103) >= 0)
                ck_assert_int_eq(confined_open_content(root_fd, "device"), -ESTALE);

        fd = TEST_OK(confined_open_content(root_fd, "file"));
        ck_assert_int_eq(read(fd, buffer, sizeof(buffer)), 3);
        ck_assert_int_eq(write(fd, buffer, 1), -1);
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        (void) close(fd);
}
END_TEST

/* What is kept open for speed must not lead a child to the files of its parent. */
START_TEST(content_after_fork) {
        int root_fd = make_tree(), fd, status;
        char buffer[8];
        pid_t pid;

        fd = TEST_OK(confined_open_content(root_fd, "file"));
        (void) close(fd);

        /* Takes the number that the child will use. */
        fd = TEST_SYS(openat(root_fd, "a/b/file", O_RDONLY | O_CLOEXEC));
        pid = TEST_SYS(fork());
        if (pid == 0) {
                (void) close(fd);
                fd = TEST_OK(confined_open_content(root_fd, "file"));
                ck_assert_int_eq(read(fd, buffer, sizeof(buffer)), 3);
                _exit(EXIT_SUCCESS);
        }
        TEST_SYS(waitpid(pid, &status, 0));
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
        (void) close(fd);
}
END_TEST

START_TEST(access_times_stay) {
        struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 2000 } };
        int root_fd = make_tree(), fd;
        struct stat st;
        char byte;

        TEST_SYS(utimensat(root_fd, "file", times, 0));
        fd = TEST_OK(confined_open_content(root_fd, "file"));
        ck_assert_int_eq(read(fd, &byte, 1), 1);
        TEST_SYS(fstat(fd, &st));
        ck_assert_int_eq(st.st_atim.tv_sec, 1000);
        ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NOATIME, 0);
        (void) close(fd);

        fd = TEST_OK(confined_open_directory(root_fd, "a"));
        ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NOATIME, 0);
        (void) close(fd);
}
END_TEST

static void open_as_nobody(void) {
        int root_fd, fd;

        root_fd = TEST_OK(confined_open_directory(test_fd, "root"));
        TEST_SYS(fcntl(root_fd, F_GETFL));
        fd = TEST_OK(confined_open_content(root_fd, "readable"));
        (void) close(fd);

        ck_assert_int_eq(confined_open_content(root_fd, "private"), -EACCES);
        ck_assert_int_eq(confined_open_directory(root_fd, "closed"), -EACCES);
}

START_TEST(without_rights) {
        int root_fd = make_tree(), fd;

        confined_force_fallback(_i);
        if (geteuid() != 0) {
                test_skip("needs root to make what others own");
                return;
        }

        fd = test_file(root_fd, "readable", "x", 1);
        TEST_SYS(fchmod(fd, 0644));
        (void) close(fd);
        (void) close(test_file(root_fd, "private", "x", 1));
        TEST_SYS(mkdirat(root_fd, "closed", 0700));
        test_as_nobody(open_as_nobody);
}
END_TEST

/* Exchanges PATH with "decoy" as fast as it can. */
typedef struct Attack {
        int root_fd;
        const char *path, *decoy;
        atomic_bool stop;
} Attack;

static void *attack_run(void *userdata) {
        Attack *attack = userdata;

        while (!atomic_load(&attack->stop))
                (void) syscall(SYS_renameat2, attack->root_fd, attack->path, attack->root_fd,
                               attack->decoy, RENAME_EXCHANGE);
        return NULL;
}

static double seconds(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

/* Opens with ONE_TRY for a second while PATH flips. Both outcomes must have come up, and nothing
 * else. */
static void check_under_attack(Attack *attack, int (*one_try)(int root_fd), int refusal) {
        size_t n_opened = 0, n_refused = 0;
        double end = seconds() + 1;
        pthread_t thread;
        struct stat st;

        ck_assert_int_eq(pthread_create(&thread, NULL, attack_run, attack), 0);
        while (seconds() < end || n_opened == 0 || n_refused == 0) {
                int fd = one_try(attack->root_fd);

                /* By component a link may be a directory again before it is asked what it is. */
                if (fd == refusal || fd == -ENOTDIR) {
                        n_refused++;
                        continue;
                }
                TEST_OK(fd);
                TEST_SYS(fstat(fd, &st));
                ck_assert_int_eq(st.st_size, 6);
                ck_assert(S_ISREG(st.st_mode));
                n_opened++;
                (void) close(fd);
        }
        atomic_store(&attack->stop, true);
        (void) pthread_join(thread, NULL);
}

static int open_in_exchanged_directory(int root_fd) {
        return confined_open(root_fd, "a/b/file", O_RDONLY);
}

START_TEST(directory_exchanged_with_link) {
        Attack attack = { .root_fd = make_tree(), .path = "a", .decoy = "decoy" };

        confined_force_fallback(_i);
        TEST_SYS(symlinkat("../outside", attack.root_fd, "decoy"));
        TEST_SYS(mkdirat(test_fd, "outside/b", 0755));
        (void) close(test_file(test_fd, "outside/b/file", "x", 1));
        check_under_attack(&attack, open_in_exchanged_directory, -ELOOP);
}
END_TEST

static int open_exchanged_content(int root_fd) {
        int directory_fd = TEST_OK(confined_open_directory(root_fd, "a/b")), fd;

        fd = confined_open_content(directory_fd, "file");
        (void) close(directory_fd);
        return fd;
}

START_TEST(content_exchanged_with_fifo) {
        Attack attack = { .root_fd = make_tree(), .path = "a/b/file", .decoy = "fifo" };
        int writer;

        TEST_SYS(mkfifoat(attack.root_fd, "fifo", 0600));
        check_under_attack(&attack, open_exchanged_content, -ESTALE);

        /* Nobody ever held it open for reading. */
        writer = openat(attack.root_fd, "fifo", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        if (writer < 0)
                ck_assert_int_eq(errno, ENXIO);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("confined", &tcase);

        tcase_add_loop_test(tcase, paths, 0, N_WAYS);
        tcase_add_loop_test(tcase, system_call_filter, 0, 2);
        tcase_add_test(tcase, names);
        tcase_add_test(tcase, children);
        tcase_add_test(tcase, roots);
        tcase_add_loop_test(tcase, path_of_20_kilobytes, 0, N_WAYS);
        tcase_add_test(tcase, content_of_regular_files_only);
        tcase_add_test(tcase, content_after_fork);
        tcase_add_test(tcase, access_times_stay);
        tcase_add_loop_test(tcase, without_rights, 0, N_WAYS);
        tcase_add_loop_test(tcase, directory_exchanged_with_link, 0, N_WAYS);
        tcase_add_test(tcase, content_exchanged_with_fifo);
        return test_fs_run(suite);
}
