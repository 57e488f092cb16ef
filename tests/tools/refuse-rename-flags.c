/* refuse-rename-flags COMMAND [ARGUMENT...]
 *
 * Runs a command for which no file system knows the flags of renameat2(2): with any of them the
 * call fails with EINVAL, as it does on FAT and on many FUSE file systems.
 *
 * Source: seccomp(2). */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FLAGS_ARGUMENT = 4, FAILED = 99 };

static _Noreturn void die(const char *what) {
        (void) fprintf(stderr, "refuse-rename-flags: %s: %s\n", what, strerror(errno));
        exit(FAILED);
}

/* The flags are the lower half of a 64-bit argument. */
static unsigned flags_offset(void) {
        unsigned offset = offsetof(struct seccomp_data, args) + FLAGS_ARGUMENT * sizeof(__u64);

        return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? offset + (unsigned) sizeof(__u32) : offset;
}

int main(int argc, char **argv) {
        struct sock_filter filter[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, flags_offset()),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

        if (argc < 2) {
                (void) fprintf(stderr, "Usage: %s COMMAND [ARGUMENT...]\n", argv[0]);
                return FAILED;
        }
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                die("PR_SET_NO_NEW_PRIVS");
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
                die("seccomp");
        (void) execvp(argv[1], argv + 1);
        die(argv[1]);
}
