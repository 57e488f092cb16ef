#include "restore/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/remove-tree.h"
#include "fs/rename.h"

int beside_name(char buffer[BESIDE_NAME_MAX]) {
        uint64_t random[2];

        if (getrandom(random, sizeof random, 0) != sizeof random)
                return -EIO;
        (void) snprintf(buffer, BESIDE_NAME_MAX, ".restore-%016" PRIx64 "%08" PRIx32, random[0],
                        (uint32_t) random[1]);
        return 0;
}

int publish_new(int directory_fd, const char *temporary, const char *name) {
        return rename_new(directory_fd, temporary, directory_fd, name);
}

int remove_old(int directory_fd, const char *name, const Entry *old) {
        Entry entry;
        int r;

        r = entry_acquire(directory_fd, name, &entry);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (entry.device != old->device || entry.stamp.inode != old->stamp.inode)
                return -ESTALE;
        return remove_tree(directory_fd, name, NULL);
}

/* Without flags the name is missing for a moment. */
static int swap_by_hand(int directory_fd, const char *temporary, const char *name,
                        const Entry *old) {
        char aside[BESIDE_NAME_MAX];
        int r;

        r = beside_name(aside);
        if (r < 0)
                return r;
        if (renameat(directory_fd, name, directory_fd, aside) < 0)
                return -errno;
        r = rename_new(directory_fd, temporary, directory_fd, name);
        if (r < 0) {
                (void) rename_new(directory_fd, aside, directory_fd, name);
                return r;
        }
        return remove_old(directory_fd, aside, old);
}

int publish_over(int directory_fd, const char *temporary, const char *name, mode_t mode,
                 const Entry *old) {
        if (!S_ISDIR(mode) && !S_ISDIR(old->stamp.mode)) {
                if (renameat(directory_fd, temporary, directory_fd, name) < 0)
                        return -errno;
                /* Two names of one inode stay both. */
                if (unlinkat(directory_fd, temporary, 0) < 0 && errno != ENOENT)
                        return -errno;
                return 0;
        }
        if (renameat2(directory_fd, temporary, directory_fd, name, RENAME_EXCHANGE) >= 0)
                return remove_old(directory_fd, temporary, old);
        return rename_lacks_flags(errno) ? swap_by_hand(directory_fd, temporary, name, old)
                                         : -errno;
}
