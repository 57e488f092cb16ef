/* Compares the contents, extended attributes and link groups of one entry of each tree. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tree-compare.h"

#define BLOCK_SIZE (128 * 1024)
/* File systems round allocation differently; more than this beyond the first side is a lost hole.
 */
#define HOLE_SLACK (256 * 1024)

/* One inode of each side that were met under the same name. */
typedef struct Pairing {
        dev_t dev[SIDES];
        ino_t ino[SIDES];
        bool used;
} Pairing;

/* Open addressing; one table keyed by side A, one by side B. */
typedef struct PairingTable {
        Pairing *slots;
        size_t n_slots, n_used;
} PairingTable;

static PairingTable pairings[SIDES];

static Pairing *pairing_slot(PairingTable *t, int side, dev_t dev, ino_t ino) {
        uint64_t h = ((uint64_t) ino ^ ((uint64_t) dev << 32)) * UINT64_C(0x9e3779b97f4a7c15);

        for (size_t i = h >> 20;; i++) {
                Pairing *p = &t->slots[i & (t->n_slots - 1)];

                if (!p->used || (p->dev[side] == dev && p->ino[side] == ino))
                        return p;
        }
}

static void pairing_grow(PairingTable *t, int side) {
        PairingTable bigger = { .n_slots = t->n_slots ? t->n_slots * 2 : 1024,
                                .n_used = t->n_used };

        bigger.slots = must(calloc(bigger.n_slots, sizeof(Pairing)));
        for (size_t i = 0; i < t->n_slots; i++)
                if (t->slots[i].used)
                        *pairing_slot(&bigger, side, t->slots[i].dev[side],
                                      t->slots[i].ino[side]) = t->slots[i];
        free(t->slots);
        *t = bigger;
}

/* The names of both trees must fall into the same groups: whenever an inode of one side is met
 * again, the other side must show the same partner as before. Returns true if this pair of inodes
 * was met before. */
static bool compare_hard_links(const Entry *e) {
        bool known = false;

        if (e->st[SIDE_A].st_nlink <= 1 && e->st[SIDE_B].st_nlink <= 1)
                return false;

        for (int side = 0; side < SIDES; side++) {
                PairingTable *t = &pairings[side];
                int other = !side;
                Pairing *p;

                if ((t->n_used + 1) * 2 > t->n_slots)
                        pairing_grow(t, side);
                p = pairing_slot(t, side, e->st[side].st_dev, e->st[side].st_ino);
                if (!p->used) {
                        t->n_used++;
                        *p = (Pairing) { .used = true };
                        for (int i = 0; i < SIDES; i++) {
                                p->dev[i] = e->st[i].st_dev;
                                p->ino[i] = e->st[i].st_ino;
                        }
                } else if (p->dev[other] == e->st[other].st_dev &&
                           p->ino[other] == e->st[other].st_ino)
                        known = true;
                else
                        differs("hardlink", "inode %ju with %ju names | inode %ju with %ju names",
                                (uintmax_t) e->st[SIDE_A].st_ino,
                                (uintmax_t) e->st[SIDE_A].st_nlink,
                                (uintmax_t) e->st[SIDE_B].st_ino,
                                (uintmax_t) e->st[SIDE_B].st_nlink);
        }
        return known;
}

/* Opened descriptors are asked directly. What must not be opened (symbolic links, FIFOs, devices)
 * is reached by its single name below the directory's own descriptor, which the l-calls do not
 * follow. */
static const char *attribute_path(int dir, const char *name) {
        static char buffer[sizeof("/proc/self/fd//") + 3 * sizeof(int) + NAME_MAX + 1];

        (void) snprintf(buffer, sizeof(buffer), "/proc/self/fd/%d/%s", dir, name);
        return buffer;
}

static ssize_t list_attributes(int fd, int dir, const char *name, char *buffer, size_t size) {
        if (fd >= 0)
                return flistxattr(fd, buffer, size);
        return llistxattr(attribute_path(dir, name), buffer, size);
}

static ssize_t get_attribute(int fd, const Entry *e, int side, const char *key, void *buffer) {
        if (fd >= 0)
                return fgetxattr(fd, key, buffer, XATTR_SIZE_MAX);
        return lgetxattr(attribute_path(e->dir[side], e->name), key, buffer, XATTR_SIZE_MAX);
}

int compare_strings(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* XFS shows every ACL a second time under its own name; btrfs shows its properties. */
static bool is_made_up(const char *key) {
        return strncmp(key, "btrfs.", 6) == 0 || strncmp(key, "trusted.SGI_ACL_", 16) == 0;
}

/* Points ret into buffer. */
static size_t sorted_keys(char *buffer, ssize_t length, const char **ret) {
        size_t n = 0;

        for (const char *p = buffer; p < buffer + length; p += strlen(p) + 1)
                if (!is_made_up(p))
                        ret[n++] = p;
        qsort(ret, n, sizeof(*ret), compare_strings);
        return n;
}

static void compare_attribute_value(const Entry *e, const int fd[SIDES], const char *key) {
        static char value[SIDES][XATTR_SIZE_MAX];
        ssize_t n[SIDES];

        for (int side = 0; side < SIDES; side++)
                n[side] = get_attribute(fd[side], e, side, key, value[side]);
        if (n[SIDE_A] != n[SIDE_B] ||
            (n[SIDE_A] > 0 && memcmp(value[SIDE_A], value[SIDE_B], n[SIDE_A]) != 0))
                differs("xattr", "%s of %zd bytes | %zd bytes with another value", key, n[SIDE_A],
                        n[SIDE_B]);
}

void compare_attributes(const Entry *e, int fd_a, int fd_b) {
        static char list[SIDES][XATTR_LIST_MAX];
        static const char *keys[SIDES][XATTR_LIST_MAX / 2];
        const int fd[SIDES] = { fd_a, fd_b };
        size_t n[SIDES], i = 0, j = 0;

        for (int side = 0; side < SIDES; side++) {
                ssize_t length = list_attributes(fd[side], e->dir[side], e->name, list[side],
                                                 XATTR_LIST_MAX);

                if (length < 0 && errno != EOPNOTSUPP && errno != ENOENT)
                        die("cannot list extended attributes");
                n[side] = length > 0 ? sorted_keys(list[side], length, keys[side]) : 0;
        }

        while (i < n[SIDE_A] || j < n[SIDE_B]) {
                int c = i >= n[SIDE_A]   ? 1
                        : j >= n[SIDE_B] ? -1
                                         : strcmp(keys[SIDE_A][i], keys[SIDE_B][j]);

                if (c < 0)
                        differs("xattr", "%s | -", keys[SIDE_A][i++]);
                else if (c > 0)
                        differs("xattr", "- | %s", keys[SIDE_B][j++]);
                else {
                        compare_attribute_value(e, fd, keys[SIDE_A][i]);
                        i++;
                        j++;
                }
        }
}

int open_entry(int dir, const char *name, int flags) {
        int fd;

        flags |= O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        fd = openat(dir, name, flags | O_NOATIME);
        if (fd < 0 && errno == EPERM)
                fd = openat(dir, name, flags);
        return fd;
}

static off_t next_data(int fd, off_t offset, off_t size) {
        off_t r = lseek(fd, offset, SEEK_DATA);

        if (r >= 0)
                return r;
        if (errno == ENXIO)
                return size;
        return offset;
}

static uint64_t data_bytes(int fd, off_t size) {
        uint64_t sum = 0;
        off_t data, hole = 0;

        while ((data = next_data(fd, hole, size)) < size) {
                hole = lseek(fd, data, SEEK_HOLE);
                if (hole <= data)
                        return size;
                sum += hole - data;
        }
        return sum;
}

static uint64_t allocated(const struct stat *st) {
        return (uint64_t) st->st_blocks * 512;
}

static bool is_sparse(const struct stat *st) {
        return allocated(st) + HOLE_SLACK < (uint64_t) st->st_size;
}

/* The second side may have fewer blocks (compression, inlined data), but not many more. */
static void compare_holes(const Entry *e, int fd_a, int fd_b) {
        uint64_t a, b;

        if (!arg_blocks || !is_sparse(&e->st[SIDE_A]))
                return;

        a = data_bytes(fd_a, e->st[SIDE_A].st_size);
        b = data_bytes(fd_b, e->st[SIDE_B].st_size);
        if (b > a + a / 4 + HOLE_SLACK)
                differs("holes", "%" PRIu64 " bytes of data | %" PRIu64 " bytes of data", a, b);

        a = allocated(&e->st[SIDE_A]);
        b = allocated(&e->st[SIDE_B]);
        if (b > a + a / 2 + 4 * HOLE_SLACK)
                differs("blocks", "%" PRIu64 " bytes allocated | %" PRIu64 " bytes allocated", a,
                        b);
}

static ssize_t read_block(int fd, char *buffer, off_t offset) {
        size_t done = 0;

        while (done < BLOCK_SIZE) {
                ssize_t n = pread(fd, buffer + done, BLOCK_SIZE - done, offset + (off_t) done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        die("cannot read");
                if (n == 0)
                        break;
                done += n;
        }
        return done;
}

static void compare_content(const Entry *e, int fd_a, int fd_b) {
        static char block[SIDES][BLOCK_SIZE];
        bool sparse = is_sparse(&e->st[SIDE_A]) && is_sparse(&e->st[SIDE_B]);
        off_t size = e->st[SIDE_A].st_size, offset = 0;

        while (offset < size) {
                ssize_t n;

                if (sparse) {
                        off_t a = next_data(fd_a, offset, size), b = next_data(fd_b, offset, size);

                        offset = a < b ? a : b;
                        if (offset >= size)
                                return;
                }
                n = read_block(fd_a, block[SIDE_A], offset);
                if (read_block(fd_b, block[SIDE_B], offset) != n ||
                    memcmp(block[SIDE_A], block[SIDE_B], n) != 0) {
                        differs("content", "bytes from %jd on | other bytes", (intmax_t) offset);
                        return;
                }
                if (n < BLOCK_SIZE)
                        return;
                offset += n;
        }
}

void compare_file(const Entry *e) {
        int fd[SIDES];

        if (compare_hard_links(e))
                return;

        for (int side = 0; side < SIDES; side++) {
                fd[side] = open_entry(e->dir[side], e->name, 0);
                if (fd[side] < 0 && errno != ENOENT)
                        die(side == SIDE_A ? "cannot open the first" : "cannot open the second");
        }
        if (fd[SIDE_A] < 0 || fd[SIDE_B] < 0)
                differs("vanished", "%s | %s", fd[SIDE_A] < 0 ? "gone" : "there",
                        fd[SIDE_B] < 0 ? "gone" : "there");
        else {
                compare_attributes(e, fd[SIDE_A], fd[SIDE_B]);
                if (e->st[SIDE_A].st_size != e->st[SIDE_B].st_size)
                        differs("size", "%jd | %jd", (intmax_t) e->st[SIDE_A].st_size,
                                (intmax_t) e->st[SIDE_B].st_size);
                else {
                        compare_content(e, fd[SIDE_A], fd[SIDE_B]);
                        compare_holes(e, fd[SIDE_A], fd[SIDE_B]);
                }
        }
        for (int side = 0; side < SIDES; side++)
                if (fd[side] >= 0)
                        (void) close(fd[side]);
}

static void compare_symlink(const Entry *e) {
        char target[SIDES][PATH_MAX];

        for (int side = 0; side < SIDES; side++) {
                ssize_t n = readlinkat(e->dir[side], e->name, target[side], PATH_MAX - 1);

                target[side][n > 0 ? n : 0] = '\0';
        }
        if (strcmp(target[SIDE_A], target[SIDE_B]) != 0)
                differs("target", "%s | %s", target[SIDE_A], target[SIDE_B]);
}

void compare_special(const Entry *e) {
        (void) compare_hard_links(e);
        if (S_ISLNK(e->st[SIDE_A].st_mode))
                compare_symlink(e);
        compare_attributes(e, -1, -1);
}
