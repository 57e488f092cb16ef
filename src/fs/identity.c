#include "fs/identity.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/msdos_fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "basic/alloc.h"
#include "basic/macros.h"

enum { UUID_BYTES = 16 };

/* Kernel interfaces that the headers of Debian 12 do not have. */

typedef struct GenericUuid {
        uint8_t length;
        uint8_t bytes[UUID_BYTES];
} GenericUuid;

typedef struct ExtUuid {
        uint32_t length;
        uint32_t flags;
        uint8_t bytes[UUID_BYTES];
} ExtUuid;

typedef struct XfsGeometry {
        uint32_t sizes_and_counts[8];
        uint64_t blocks[4];
        uint8_t uuid[UUID_BYTES];
        uint32_t rest[8]; /* and padding, to the size that is part of the request's number */
} XfsGeometry;

#define GENERIC_GET_UUID _IOR(0x15, 0, GenericUuid)
#define EXT_GET_UUID _IOC(_IOC_READ, 'f', 44, 8)
#define XFS_GET_GEOMETRY _IOR('X', 100, XfsGeometry)

/* Each stores the UUID and returns 0, or -errno. */

static int generic_uuid(int fd, uint8_t *ret) {
        GenericUuid uuid;

        if (ioctl(fd, GENERIC_GET_UUID, &uuid) < 0)
                return -errno;
        if (uuid.length != UUID_BYTES)
                return -EOPNOTSUPP;

        (void) memcpy(ret, uuid.bytes, UUID_BYTES);
        return 0;
}

static int ext_uuid(int fd, uint8_t *ret) {
        ExtUuid uuid = { .length = UUID_BYTES };

        if (ioctl(fd, EXT_GET_UUID, &uuid) < 0)
                return -errno;

        (void) memcpy(ret, uuid.bytes, UUID_BYTES);
        return 0;
}

static int xfs_uuid(int fd, uint8_t *ret) {
        XfsGeometry geometry;

        if (ioctl(fd, XFS_GET_GEOMETRY, &geometry) < 0)
                return -errno;

        (void) memcpy(ret, geometry.uuid, UUID_BYTES);
        return 0;
}

static int btrfs_uuid(int fd, uint8_t *ret) {
        struct btrfs_ioctl_fs_info_args info = {};

        if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) < 0)
                return -errno;

        (void) memcpy(ret, info.fsid, UUID_BYTES);
        return 0;
}

typedef struct Known {
        FileSystemKind kind;
        unsigned long magic;
        const char *name;
        int (*uuid)(int fd, uint8_t *ret);
} Known;

static const Known known_file_systems[] = {
        { FILE_SYSTEM_EXT, EXT4_SUPER_MAGIC, "ext4", ext_uuid },
        { FILE_SYSTEM_XFS, XFS_SUPER_MAGIC, "xfs", xfs_uuid },
        { FILE_SYSTEM_BTRFS, BTRFS_SUPER_MAGIC, "btrfs", btrfs_uuid },
        { FILE_SYSTEM_FAT, MSDOS_SUPER_MAGIC, "vfat", NULL },
        { FILE_SYSTEM_FAT, EXFAT_SUPER_MAGIC, "exfat", NULL },
        { FILE_SYSTEM_TMPFS, TMPFS_MAGIC, "tmpfs", NULL },
        { FILE_SYSTEM_TMPFS, RAMFS_MAGIC, "ramfs", NULL },
        { FILE_SYSTEM_FUSE, FUSE_SUPER_MAGIC, "fuse", NULL },
        { FILE_SYSTEM_NFS, NFS_SUPER_MAGIC, "nfs", NULL },
};

/* The table's row, or NULL. */
static const Known *find_known(const struct statfs *sfs) {
        for (size_t i = 0; i < ELEMENTSOF(known_file_systems); i++)
                if (known_file_systems[i].magic == (unsigned long) sfs->f_type)
                        return known_file_systems + i;

        return NULL;
}

static bool uuid_is_null(const uint8_t *uuid) {
        static const uint8_t null[UUID_BYTES];

        return memcmp(uuid, null, sizeof(null)) == 0;
}

/* The file system's own call comes first: it is older than the general one, so that a new kernel
 * does not change the answer, and it knows a UUID that the kernel did not pass on. */
static int acquire_uuid(int fd, const Known *known, uint8_t *ret) {
        uint8_t uuid[UUID_BYTES];

        if ((known && known->uuid && known->uuid(fd, uuid) >= 0 && !uuid_is_null(uuid)) ||
            (generic_uuid(fd, uuid) >= 0 && !uuid_is_null(uuid))) {
                (void) memcpy(ret, uuid, sizeof(uuid));
                return 0;
        }

        return -EOPNOTSUPP;
}

static int append(FileSystemId *id, const char *format, ...)
        __attribute__((__format__(__printf__, 2, 3)));

static int append(FileSystemId *id, const char *format, ...) {
        size_t length = strlen(id->text);
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vsnprintf(id->text + length, sizeof(id->text) - length, format, arguments);
        va_end(arguments);

        return n < 0 || (size_t) n >= sizeof(id->text) - length ? -ENAMETOOLONG : 0;
}

static int append_uuid(FileSystemId *id, const uint8_t *uuid) {
        int r;

        r = append(id, ":uuid=");
        for (size_t i = 0; r >= 0 && i < UUID_BYTES; i++)
                r = append(id, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);

        return r;
}

/* A snapshot and its origin are one file system with one UUID, but not one tree. */
static int append_subvolume(int fd, FileSystemId *id) {
        struct btrfs_ioctl_ino_lookup_args arguments = { .objectid = BTRFS_FIRST_FREE_OBJECTID };

        if (ioctl(fd, BTRFS_IOC_INO_LOOKUP, &arguments) < 0)
                return -errno;

        return append(id, ",subvolume=%" PRIu64, (uint64_t) arguments.treeid);
}

/* What a line of mountinfo tells of one mount. Points into the line. */
typedef struct Mount {
        const char *type;
        const char *source;
} Mount;

/* Splits LINE: "36 35 98:0 /root /point options optional... - type source options". */
static bool parse_mount(char *line, uint64_t mount_id, Mount *ret) {
        char *type, *source, *end;

        if (strtoull(line, &end, 10) != mount_id || *end != ' ')
                return false;

        type = strstr(line, " - ");
        if (!type)
                return false;
        type += strlen(" - ");

        source = strchr(type, ' ');
        if (!source)
                return false;
        *source++ = '\0';
        source[strcspn(source, " \n")] = '\0';

        *ret = (Mount) { .type = type, .source = source };
        return true;
}

DEFINE_TRIVIAL_CLEANUP_FUNC(FILE *, fclose)

/* Finds the mount that FD was opened through. LINE owns what *RET points to. */
static int find_mount(int fd, char **line, Mount *ret) {
        _cleanup_(fclosep) FILE *f = NULL;
        struct statx sx;
        size_t size = 0;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx) < 0)
                return -errno;

        f = fopen("/proc/self/mountinfo", "re");
        if (!f)
                return errno == ENOENT ? -EOPNOTSUPP : -errno;

        while (getline(line, &size, f) >= 0)
                if (parse_mount(*line, sx.stx_mnt_id, ret))
                        return 0;

        return ferror(f) ? -EIO : -EOPNOTSUPP;
}

/* The kernel writes blanks and backslashes as octal numbers; the same is done with all that is not
 * printable. What is too long is cut off. */
static void append_source(FileSystemId *id, const char *source) {
        int r;

        r = append(id, ":source=");
        for (; r >= 0 && *source; source++)
                r = append(id, *source > ' ' && *source < 127 ? "%c" : "\\%03o",
                           (unsigned char) *source);
}

static bool has_fsid(const struct statfs *sfs) {
        static const fsid_t none;

        return memcmp(&sfs->f_fsid, &none, sizeof(none)) != 0;
}

static uint64_t fsid_to_number(const struct statfs *sfs) {
        uint64_t number;

        static_assert(sizeof(sfs->f_fsid) == sizeof(number), "f_fsid is two words");
        (void) memcpy(&number, &sfs->f_fsid, sizeof(number));
        return number;
}

/* Those that need no look at the mount. -EOPNOTSUPP: not of those. */
static int describe_known(int fd, const Known *known, FileSystemId *id) {
        uint8_t uuid[UUID_BYTES];
        uint32_t volume;
        int r;

        /* A tmpfs has a UUID, but another one at each mount. */
        if (!known || known->kind == FILE_SYSTEM_TMPFS)
                return -EOPNOTSUPP;

        r = append(id, "%s", known->name);
        if (r < 0)
                return r;

        if (known->kind == FILE_SYSTEM_FAT && ioctl(fd, FAT_IOCTL_GET_VOLUME_ID, &volume) >= 0 &&
            volume != 0)
                return append(id, ":volume=%08" PRIx32, volume);

        if (acquire_uuid(fd, known, uuid) < 0)
                return -EOPNOTSUPP;

        r = append_uuid(id, uuid);
        return r >= 0 && known->kind == FILE_SYSTEM_BTRFS ? append_subvolume(fd, id) : r;
}

static int describe_by_mount(int fd, const struct statfs *sfs, FileSystemId *id) {
        _cleanup_free_ char *line = NULL;
        const Known *known = find_known(sfs);
        uint8_t uuid[UUID_BYTES];
        Mount mount = {};
        int r;

        r = find_mount(fd, &line, &mount);
        if (r < 0)
                return r;
        r = append(id, "%s", mount.type);
        if (r < 0)
                return r;

        if ((known && known->kind == FILE_SYSTEM_TMPFS) || !has_fsid(sfs)) {
                append_source(id, mount.source);
                return 0;
        }
        if (acquire_uuid(fd, known, uuid) >= 0)
                return append_uuid(id, uuid);

        return append(id, ":fsid=%016" PRIx64, fsid_to_number(sfs));
}

int file_system_id_acquire(int fd, FileSystemId *ret) {
        FileSystemId id = {};
        struct statfs sfs;
        int r;

        assert(fd >= 0);
        assert(ret);

        if (fstatfs(fd, &sfs) < 0)
                return -errno;

        r = describe_known(fd, find_known(&sfs), &id);
        if (r == -EOPNOTSUPP) {
                id.text[0] = '\0';
                r = describe_by_mount(fd, &sfs, &id);
        }
        if (r < 0)
                return r;

        *ret = id;
        return 0;
}

bool file_system_id_equal(const FileSystemId *a, const FileSystemId *b) {
        return strcmp(a->text, b->text) == 0;
}

int file_system_kind(int fd, FileSystemKind *ret) {
        const Known *known;
        struct statfs sfs;

        assert(fd >= 0);
        assert(ret);

        if (fstatfs(fd, &sfs) < 0)
                return -errno;

        known = find_known(&sfs);
        *ret = known ? known->kind : FILE_SYSTEM_OTHER;
        return 0;
}
