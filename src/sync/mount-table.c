#include "sync/mount-table.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/alloc.h"
#include "basic/macros.h"

static bool is_octal(char c) {
        return c >= '0' && c <= '7';
}

/* Blanks, newlines and backslashes in paths are written as "\" and three octal digits. */
static void unescape(char *text) {
        char *to = text;

        for (const char *from = text; *from;)
                if (from[0] == '\\' && is_octal(from[1]) && is_octal(from[2]) &&
                    is_octal(from[3])) {
                        *to++ = (char) ((from[1] - '0') * 64 + (from[2] - '0') * 8 +
                                        (from[3] - '0'));
                        from += 4;
                } else
                        *to++ = *from++;
        *to = '\0';
}

/* Fields: id, parent's id, major:minor, root, mount point, and more that plays no part here. 1
 * parsed, 0 not a line of the known form, -ENOMEM. */
static int mount_parse(const char *line, Mount *ret) {
        unsigned major, minor;
        uint64_t id;
        char *root = NULL, *point = NULL;

        if (sscanf(line, "%" SCNu64 " %*u %u:%u %ms %ms", &id, &major, &minor, &root, &point) !=
            5) {
                free(root);
                free(point);
                return 0;
        }
        unescape(root);
        unescape(point);
        *ret = (Mount) { .id = id, .device = makedev(major, minor), .root = root, .point = point };
        return 1;
}

static void mount_done(Mount *mount) {
        free(mount->root);
        free(mount->point);
}

void mount_table_done(MountTable *table) {
        for (size_t i = 0; i < table->n_mounts; i++)
                mount_done(&table->mounts[i]);
        free(table->mounts);
        *table = (MountTable) {};
}

static int mount_table_append(MountTable *table, Mount *mount) {
        Mount *mounts = reallocarray(table->mounts, table->n_mounts + 1, sizeof *mounts);

        if (!mounts) {
                mount_done(mount);
                return -ENOMEM;
        }
        table->mounts = mounts;
        mounts[table->n_mounts++] = *mount;
        return 0;
}

static int mount_table_read(MountTable *table, FILE *file) {
        _cleanup_free_ char *line = NULL;
        size_t allocated = 0;

        while (getline(&line, &allocated, file) >= 0) {
                Mount mount;
                int r = mount_parse(line, &mount);

                if (r > 0)
                        r = mount_table_append(table, &mount);
                if (r < 0)
                        return r;
        }
        return ferror(file) ? -EIO : 0;
}

int mount_table_load(MountTable *ret) {
        MountTable table = {};
        FILE *file = fopen("/proc/self/mountinfo", "re");
        int r;

        if (!file)
                return -errno;
        r = mount_table_read(&table, file);
        (void) fclose(file);
        if (r < 0) {
                mount_table_done(&table);
                return r;
        }
        *ret = table;
        return 0;
}

const Mount *mount_table_find(const MountTable *table, int fd) {
        struct statx stx;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) < 0 || !(stx.stx_mask & STATX_MNT_ID))
                return NULL;
        for (size_t i = 0; i < table->n_mounts; i++)
                if (table->mounts[i].id == stx.stx_mnt_id)
                        return &table->mounts[i];
        return NULL;
}
