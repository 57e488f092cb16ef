#include "fs/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/fd.h"

/* The headers of older systems know only a part of it. Source: linux/landlock.h. */
enum {
        EXECUTE = 1 << 0,
        WRITE_FILE = 1 << 1,
        READ_FILE = 1 << 2,
        READ_DIR = 1 << 3,
        ALL_OF_ABI_2 = (1 << 14) - 1,
        TRUNCATE = 1 << 14,     /* ABI 3 */
        IOCTL_DEVICE = 1 << 15, /* ABI 5 */
        OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE,

        TCP_BIND = 1 << 0,
        TCP_CONNECT = 1 << 1,
        SCOPE_SIGNAL = 1 << 1,

        CREATE_VERSION = 1 << 0,
        RULE_PATH_BENEATH = 1,
};

typedef struct RulesetAttributes {
        uint64_t handled_fs;
        uint64_t handled_net; /* ABI 4 */
        uint64_t scoped;      /* ABI 6 */
} RulesetAttributes;

typedef struct PathBeneath {
        uint64_t allowed;
        int32_t parent_fd;
} __attribute__((packed)) PathBeneath;

static int abi_version(void) {
        long n = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

        return n < 0 ? -errno : (int) n;
}

int landlock_begin(Landlock *ret) {
        RulesetAttributes attributes = { .handled_fs = ALL_OF_ABI_2 };
        int abi = abi_version(), fd;

        /* ENOSYS: not built in. EOPNOTSUPP: switched off. EPERM: not let by whoever confines us. */
        if (abi == -ENOSYS || abi == -EPERM || (abi >= 0 && abi < 2))
                return -EOPNOTSUPP;
        if (abi < 0)
                return abi;
        if (abi >= 3)
                attributes.handled_fs |= TRUNCATE;
        if (abi >= 4)
                attributes.handled_net = TCP_BIND | TCP_CONNECT;
        if (abi >= 5)
                attributes.handled_fs |= IOCTL_DEVICE;
        if (abi >= 6)
                attributes.scoped = SCOPE_SIGNAL;
        fd = (int) syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);
        if (fd < 0)
                return -errno;
        *ret = (Landlock) { .fd = fd, .handled = attributes.handled_fs };
        return 0;
}

static uint64_t bits_of(LandlockRights rights) {
        switch (rights) {
        case LANDLOCK_LIST:
                return READ_DIR;
        case LANDLOCK_READ:
                return READ_DIR | READ_FILE;
        default:
                return ~(uint64_t) (EXECUTE | IOCTL_DEVICE);
        }
}

int landlock_allow(const Landlock *landlock, const char *path, LandlockRights rights) {
        PathBeneath rule = { .allowed = bits_of(rights) & landlock->handled };
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        fd = open(path, O_PATH | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISDIR(st.st_mode))
                rule.allowed &= OF_FILES;
        rule.parent_fd = fd;
        if (syscall(SYS_landlock_add_rule, landlock->fd, RULE_PATH_BENEATH, &rule, 0) < 0)
                return -errno;
        return 0;
}

int landlock_enforce(const Landlock *landlock) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        return syscall(SYS_landlock_restrict_self, landlock->fd, 0) < 0 ? -errno : 0;
}

void landlock_done(Landlock *landlock) {
        landlock->fd = safe_close(landlock->fd);
}
