#include "daemon/capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/macros.h"

/* CAP_SYS_ADMIN cannot be given up when the watches stand: attributes of the "trusted" name space
 * need it at any time, and so does a file system that is mounted later and watched by one mark. The
 * list of the unit, systemd/rebackup@.service.in, is the same. */
static const int needed[] = {
        CAP_CHOWN,           /* files of any owner */
        CAP_DAC_OVERRIDE,    /* directories into which nobody else may write */
        CAP_DAC_READ_SEARCH, /* files that nobody else may read; handles of directories */
        CAP_FOWNER,          /* modes, times and attributes of any owner's files; O_NOATIME */
        CAP_FSETID,          /* setgid that stays when a file is written */
        CAP_LEASE,           /* to see who has any owner's file mapped */
        CAP_MKNOD,           /* device nodes */
        CAP_SETFCAP,         /* file capabilities */
        CAP_SYS_ADMIN,       /* fanotify, attributes trusted.* and security.* */
        CAP_SYS_RESOURCE,    /* quotas do not bind a copy */
};

static bool is_needed(int capability) {
        for (size_t i = 0; i < ELEMENTSOF(needed); i++)
                if (needed[i] == capability)
                        return true;
        return false;
}

/* Beyond the last one that the kernel knows it says EINVAL. */
static int drop_bounding_set(void) {
        int r = 0;

        for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
                if (!is_needed(capability) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 &&
                    errno != EPERM)
                        r = -errno;
        return r;
}

int capabilities_drop(void) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
        uint32_t keep[_LINUX_CAPABILITY_U32S_3] = {};
        int r;

        for (size_t i = 0; i < ELEMENTSOF(needed); i++)
                keep[CAP_TO_INDEX(needed[i])] |= CAP_TO_MASK(needed[i]);
        /* First, as it needs one that is given up itself. */
        r = drop_bounding_set();
        (void) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        if (syscall(SYS_capget, &header, sets) < 0)
                return -errno;
        for (size_t i = 0; i < ELEMENTSOF(sets); i++) {
                sets[i].permitted &= keep[i];
                sets[i].effective &= keep[i];
                sets[i].inheritable = 0;
        }
        return syscall(SYS_capset, &header, sets) < 0 ? -errno : r;
}
