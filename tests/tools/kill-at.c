/* Kills a command just before its Nth system call that changes a file: what a crash at that very
 * moment leaves can then be looked at, and so can every moment in turn.
 *
 * The command, its threads and its children are traced. A seccomp filter stops them at the calls of
 * the table below alone, all others cost nothing. What they print is not counted, neither are
 * writes to what is no regular file (pipes, sockets, eventfd), nor stores to mapped memory. Calls
 * are counted when they begin, whether or not they succeed. A call that another thread is already
 * carrying out may come to its end; the counted one is not begun.
 *
 * Exit: 0 killed, 10 the command ended by itself, 2 error.
 *
 * Source: ptrace(2), seccomp(2), Documentation/userspace-api/seccomp_filter.rst. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#        define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#        define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#        error "the audit architecture of this machine is not known here"
#endif

/* Newer than the headers of Debian 12; the same numbers on all architectures. */
#ifndef SYS_fchmodat2
#        define SYS_fchmodat2 452
#endif
#ifndef SYS_setxattrat
#        define SYS_setxattrat 463
#endif
#ifndef SYS_removexattrat
#        define SYS_removexattrat 466
#endif

#define EXIT_ENDED 10
#define EXIT_TROUBLE 2
#define PAGE_BYTES 4096
#define TARGET_MAX (2 * PATH_MAX)

/* Which arguments of a call name a file; counted from 1, 0: there is none. */
typedef struct Place {
        unsigned char fd, path;
} Place;

typedef struct Call {
        long number;
        const char *name;
        /* Whether this one counts; NULL: always. Sees the arguments. */
        bool (*counts)(pid_t thread, const uint64_t *arguments);
        Place places[2];
} Call;

static _Noreturn void die(const char *what) {
        fprintf(stderr, "kill-at: %s: %s\n", what, strerror(errno));
        exit(EXIT_TROUBLE);
}

static long must(long r, const char *what) {
        if (r < 0)
                die(what);
        return r;
}

/* --- looking at the traced --------------------------------------------------------------- */

/* Returns the bytes that could be read, at most up to the end of the page. */
static ssize_t read_memory(pid_t thread, uint64_t address, void *buffer, size_t size) {
        size_t n = PAGE_BYTES - address % PAGE_BYTES;
        struct iovec local = { buffer, n < size ? n : size };
        struct iovec remote = { (void *) (uintptr_t) address, local.iov_len };

        return process_vm_readv(thread, &local, 1, &remote, 1, 0);
}

static bool read_exactly(pid_t thread, uint64_t address, void *buffer, size_t size) {
        for (size_t done = 0; done < size;) {
                ssize_t n = read_memory(thread, address + done, (char *) buffer + done,
                                        size - done);

                if (n <= 0)
                        return false;
                done += n;
        }
        return true;
}

static void read_string(pid_t thread, uint64_t address, char *buffer, size_t size) {
        size_t done = 0;

        while (done < size - 1) {
                ssize_t n = read_memory(thread, address + done, buffer + done, size - 1 - done);

                if (n <= 0)
                        break;
                if (memchr(buffer + done, '\0', n))
                        return;
                done += n;
        }
        buffer[done] = '\0';
}

static void fd_link(pid_t thread, uint64_t fd, char *buffer, size_t size) {
        (void) snprintf(buffer, size, "/proc/%d/fd/%d", thread, (int) fd);
}

static bool creates(uint64_t flags) {
        return (flags & (O_CREAT | O_TRUNC)) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

#ifdef SYS_open
static bool open_counts(pid_t thread, const uint64_t *arguments) {
        (void) thread;
        return creates(arguments[1]);
}
#endif

static bool openat_counts(pid_t thread, const uint64_t *arguments) {
        (void) thread;
        return creates(arguments[2]);
}

static bool openat2_counts(pid_t thread, const uint64_t *arguments) {
        struct open_how how;

        return read_exactly(thread, arguments[2], &how, sizeof(how)) && creates(how.flags);
}

static bool is_counted_file(pid_t thread, uint64_t fd) {
        char link[64];
        struct stat st;

        if ((int) fd == STDOUT_FILENO || (int) fd == STDERR_FILENO)
                return false;
        fd_link(thread, fd, link, sizeof(link));
        return stat(link, &st) >= 0 && S_ISREG(st.st_mode);
}

static bool write_counts(pid_t thread, const uint64_t *arguments) {
        return is_counted_file(thread, arguments[0]);
}

static bool copy_range_counts(pid_t thread, const uint64_t *arguments) {
        return is_counted_file(thread, arguments[2]);
}

static bool ioctl_counts(pid_t thread, const uint64_t *arguments) {
        (void) thread;
        return arguments[1] == FICLONE || arguments[1] == FICLONERANGE ||
               arguments[1] == FS_IOC_SETFLAGS;
}

/* --- the calls --------------------------------------------------------------------------- */

#define ALWAYS NULL
/* clang-format off */
#define CALL(name, counts, ...) { SYS_##name, #name, counts, { __VA_ARGS__ } }
/* clang-format on */

static const Call calls[] = {
        CALL(copy_file_range, copy_range_counts, { 1, 0 }, { 3, 0 }),
        CALL(fallocate, ALWAYS, { 1, 0 }),
        CALL(fchmod, ALWAYS, { 1, 0 }),
        CALL(fchmodat, ALWAYS, { 1, 2 }),
        CALL(fchmodat2, ALWAYS, { 1, 2 }),
        CALL(fchown, ALWAYS, { 1, 0 }),
        CALL(fchownat, ALWAYS, { 1, 2 }),
        CALL(fdatasync, ALWAYS, { 1, 0 }),
        CALL(fremovexattr, ALWAYS, { 1, 0 }),
        CALL(fsetxattr, ALWAYS, { 1, 0 }),
        CALL(fsync, ALWAYS, { 1, 0 }),
        CALL(ftruncate, ALWAYS, { 1, 0 }),
        CALL(ioctl, ioctl_counts, { 1, 0 }),
        CALL(linkat, ALWAYS, { 1, 2 }, { 3, 4 }),
        CALL(lremovexattr, ALWAYS, { 0, 1 }),
        CALL(lsetxattr, ALWAYS, { 0, 1 }),
        CALL(mkdirat, ALWAYS, { 1, 2 }),
        CALL(mknodat, ALWAYS, { 1, 2 }),
        CALL(openat, openat_counts, { 1, 2 }),
        CALL(openat2, openat2_counts, { 1, 2 }),
        CALL(pwrite64, write_counts, { 1, 0 }),
        CALL(pwritev, write_counts, { 1, 0 }),
        CALL(pwritev2, write_counts, { 1, 0 }),
        CALL(removexattr, ALWAYS, { 0, 1 }),
        CALL(removexattrat, ALWAYS, { 1, 2 }),
        CALL(renameat, ALWAYS, { 1, 2 }, { 3, 4 }),
        CALL(renameat2, ALWAYS, { 1, 2 }, { 3, 4 }),
        CALL(sendfile, write_counts, { 1, 0 }),
        CALL(setxattr, ALWAYS, { 0, 1 }),
        CALL(setxattrat, ALWAYS, { 1, 2 }),
        CALL(symlinkat, ALWAYS, { 2, 3 }),
        CALL(sync, ALWAYS),
        CALL(sync_file_range, ALWAYS, { 1, 0 }),
        CALL(syncfs, ALWAYS, { 1, 0 }),
        CALL(truncate, ALWAYS, { 0, 1 }),
        CALL(unlinkat, ALWAYS, { 1, 2 }),
        CALL(utimensat, ALWAYS, { 1, 2 }),
        CALL(write, write_counts, { 1, 0 }),
        CALL(writev, write_counts, { 1, 0 }),
#ifdef SYS_open /* architectures that are older than the calls with "at" */
        CALL(chmod, ALWAYS, { 0, 1 }),
        CALL(chown, ALWAYS, { 0, 1 }),
        CALL(creat, ALWAYS, { 0, 1 }),
        CALL(futimesat, ALWAYS, { 1, 2 }),
        CALL(lchown, ALWAYS, { 0, 1 }),
        CALL(link, ALWAYS, { 0, 1 }, { 0, 2 }),
        CALL(mkdir, ALWAYS, { 0, 1 }),
        CALL(mknod, ALWAYS, { 0, 1 }),
        CALL(open, open_counts, { 0, 1 }),
        CALL(rename, ALWAYS, { 0, 1 }, { 0, 2 }),
        CALL(rmdir, ALWAYS, { 0, 1 }),
        CALL(symlink, ALWAYS, { 0, 2 }),
        CALL(unlink, ALWAYS, { 0, 1 }),
        CALL(utime, ALWAYS, { 0, 1 }),
        CALL(utimes, ALWAYS, { 0, 1 }),
#endif
};

enum { N_CALLS = sizeof(calls) / sizeof(calls[0]) };

static const Call *find_call(uint64_t number) {
        for (size_t i = 0; i < N_CALLS; i++)
                if ((uint64_t) calls[i].number == number)
                        return &calls[i];
        return NULL;
}

/* Appends " DIRECTORY/PATH" as the call names it. */
static void describe_place(pid_t thread, const uint64_t *arguments, Place place, char *text,
                           size_t size) {
        char link[64], directory[PATH_MAX] = "", path[PATH_MAX] = "";
        ssize_t n;

        if (place.path != 0)
                read_string(thread, arguments[place.path - 1], path, sizeof(path));
        if (place.fd != 0 && path[0] != '/') {
                fd_link(thread, arguments[place.fd - 1], link, sizeof(link));
                n = readlink(link, directory, sizeof(directory) - 1);
                directory[n < 0 ? 0 : n] = '\0';
        }
        n = strlen(text);
        (void) snprintf(text + n, size - n, " %s%s%s", directory,
                        directory[0] && path[0] ? "/" : "", path);
}

static void describe(const Call *call, pid_t thread, const uint64_t *arguments, char *text,
                     size_t size) {
        (void) snprintf(text, size, "%s", call->name);
        for (size_t i = 0; i < 2 && (call->places[i].fd != 0 || call->places[i].path != 0); i++)
                describe_place(thread, arguments, call->places[i], text, size);
        for (char *p = text; *p; p++)
                if ((unsigned char) *p < 0x20 || (unsigned char) *p >= 0x7f)
                        *p = '?';
}

/* --- the command ------------------------------------------------------------------------- */

/* Stops the caller, from now on, at the calls of the table. */
static void install_filter(void) {
        struct sock_filter filter[N_CALLS + 5];
        struct sock_fprog program = { .filter = filter };
        size_t n = 0;

        filter[n++] = (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                    offsetof(struct seccomp_data, arch));
        filter[n++] = (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 0,
                                                    N_CALLS + 1);
        filter[n++] = (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                    offsetof(struct seccomp_data, nr));
        for (size_t i = 0; i < N_CALLS; i++)
                filter[n++] = (struct sock_filter) BPF_JUMP(
                        BPF_JMP | BPF_JEQ | BPF_K, (uint32_t) calls[i].number, N_CALLS - i, 0);
        filter[n++] = (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        filter[n++] = (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);

        program.len = n;
        must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges");
        must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "seccomp");
}

/* In a process group of its own, by which all of it can be killed. Waits until it is traced. */
static _Noreturn void become(char *argv[], int traced_fd) {
        char byte;

        must(setpgid(0, 0), "process group");
        if (read(traced_fd, &byte, 1) != 1)
                _exit(EXIT_TROUBLE);
        install_filter();
        (void) execvp(argv[0], argv);
        perror(argv[0]);
        _exit(127);
}

static pid_t start(char *argv[]) {
        const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                             PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP |
                             PTRACE_O_EXITKILL;
        int traced[2];
        pid_t pid;

        must(pipe2(traced, O_CLOEXEC), "pipe");
        pid = must(fork(), "fork");
        if (pid == 0) {
                (void) close(traced[1]);
                become(argv, traced[0]);
        }
        (void) setpgid(pid, pid); /* whoever is first */
        must(ptrace(PTRACE_SEIZE, pid, NULL, options), "trace");
        must(write(traced[1], "", 1), "pipe");
        (void) close(traced[0]);
        (void) close(traced[1]);
        return pid;
}

typedef struct Count {
        uint64_t wanted, n_calls;
        char last[TARGET_MAX]; /* the call before which it was killed */
} Count;

/* Whether the call at which THREAD has stopped is the one that must not happen. */
static bool count_call(Count *count, pid_t thread) {
        struct __ptrace_syscall_info info = {};
        const uint64_t *arguments = (const uint64_t *) info.seccomp.args;
        const Call *call;

        if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) <= 0) {
                if (errno == ESRCH)
                        return false;
                die("system call information");
        }
        if (info.op != PTRACE_SYSCALL_INFO_SECCOMP || info.arch != NATIVE_ARCH)
                return false;
        call = find_call(info.seccomp.nr);
        if (!call || (call->counts && !call->counts(thread, arguments)))
                return false;
        if (++count->n_calls != count->wanted)
                return false;
        describe(call, thread, arguments, count->last, sizeof(count->last));
        return true;
}

/* What has died in between is told by its next status. */
static void resume(pid_t thread, int status) {
        int event = status >> 16, signal = WSTOPSIG(status);
        bool is_job_control = signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN ||
                              signal == SIGTTOU;

        if (event == PTRACE_EVENT_STOP && is_job_control)
                (void) ptrace(PTRACE_LISTEN, thread, NULL, NULL);
        else
                (void) ptrace(PTRACE_CONT, thread, NULL, event == 0 ? (long) signal : 0);
}

/* Until all of it is gone, so that nothing of it holds a lock any more. Returns the status of the
 * command, as a shell would tell it. */
static int follow(pid_t command, Count *count) {
        int status, result = -1;
        bool killing = false;
        pid_t thread;

        while ((thread = waitpid(-1, &status, __WALL)) >= 0 || errno == EINTR) {
                if (thread < 0)
                        continue;
                if (!WIFSTOPPED(status)) {
                        if (thread == command)
                                result = WIFEXITED(status) ? WEXITSTATUS(status)
                                                           : 128 + WTERMSIG(status);
                        continue;
                }
                if (!killing && status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) {
                        killing = count_call(count, thread);
                        if (killing)
                                (void) kill(-command, SIGKILL);
                }
                if (killing)
                        (void) kill(thread, SIGKILL); /* if it left the group */
                else
                        resume(thread, status);
        }
        return errno == ECHILD ? result : (int) must(-1, "wait");
}

static int usage(FILE *f, int status) {
        fprintf(f, "Usage: kill-at N -- COMMAND [ARGUMENT...]\n"
                   "N: before which call to kill it, counted from 1; 0: never\n");
        return status;
}

int main(int argc, char *argv[]) {
        static Count count;
        char *end;
        int status;

        if (argc == 2 && strcmp(argv[1], "--help") == 0)
                return usage(stdout, 0);
        if (argc < 4 || strcmp(argv[2], "--") != 0 || argv[1][0] < '0' || argv[1][0] > '9')
                return usage(stderr, EXIT_TROUBLE);
        count.wanted = strtoull(argv[1], &end, 10);
        if (*end)
                return usage(stderr, EXIT_TROUBLE);

        status = follow(start(argv + 3), &count);
        if (count.wanted != 0 && count.n_calls >= count.wanted) {
                printf("killed before %s: %s\n", argv[1], count.last);
                return 0;
        }
        printf("ended with %d after %llu calls\n", status, (unsigned long long) count.n_calls);
        return EXIT_ENDED;
}
