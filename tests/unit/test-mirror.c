#include "test-mirror.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "fs/confined.h"
#include "test-fs.h"

enum { BUFFER_BYTES = 128 * 1024, ATTRIBUTES_BYTES_MAX = 8192 };

/* Two names of one source inode are two of one replica inode, and the reverse. */
typedef struct Link {
        uint64_t source, replica;
} Link;

typedef struct Comparison {
        CatalogReader *reader; /* NULL: the catalog is not asked */
        Hasher *hasher;
        CatalogRow row;
        Link *links;
        size_t n_links, n_allocated;
        int64_t n_entries;
} Comparison;

/* The directory of both sides in which entries are compared. */
typedef struct Place {
        int source_fd, replica_fd;
        const char *path;
        int64_t directory_id;
} Place;

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static char **list(int directory_fd, size_t *ret_n) {
        const struct dirent *entry;
        char **names = NULL;
        size_t n = 0;
        DIR *directory;

        directory = fdopendir(TEST_SYS(openat(directory_fd, ".", O_RDONLY | O_CLOEXEC)));
        ck_assert_ptr_nonnull(directory);
        while ((entry = readdir(directory))) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                if ((n & (n - 1)) == 0)
                        names = reallocarray(names, n ? n * 2 : 1, sizeof *names);
                ck_assert_ptr_nonnull(names);
                names[n++] = strdup(entry->d_name);
        }
        (void) closedir(directory);
        if (n > 1)
                qsort(names, n, sizeof *names, compare_names);
        *ret_n = n;
        return names;
}

static void free_names(char **names, size_t n) {
        for (size_t i = 0; i < n; i++)
                free(names[i]);
        free(names);
}

static void compare_metadata(const Stamp *source, const Stamp *replica, const char *path) {
        ck_assert_msg(source->mode == replica->mode, "%s: mode %o, replica %o", path, source->mode,
                      replica->mode);
        ck_assert_msg(source->uid == replica->uid && source->gid == replica->gid,
                      "%s: owner %u:%u, replica %u:%u", path, source->uid, source->gid,
                      replica->uid, replica->gid);
        ck_assert_msg(source->mtime == replica->mtime, "%s: mtime %lld, replica %lld", path,
                      (long long) source->mtime, (long long) replica->mtime);
        ck_assert_msg(source->rdev == replica->rdev, "%s: device number differs", path);
        ck_assert_msg(S_ISDIR(source->mode) || source->size == replica->size,
                      "%s: size %llu, replica %llu", path, (unsigned long long) source->size,
                      (unsigned long long) replica->size);
}

/* All attributes as text: NAME=VALUE in the order of the list. */
static size_t read_attributes(int directory_fd, const char *name, char *buffer) {
        char object[320], names[ATTRIBUTES_BYTES_MAX];
        ssize_t n_names, n;
        size_t size = 0;

        (void) snprintf(object, sizeof object, "/proc/self/fd/%d/%s", directory_fd, name);
        n_names = llistxattr(object, names, sizeof names);
        for (ssize_t i = 0; i < n_names; i += (ssize_t) strlen(names + i) + 1) {
                size += (size_t) sprintf(buffer + size, "%s=", names + i);
                n = TEST_SYS(
                        lgetxattr(object, names + i, buffer + size, ATTRIBUTES_BYTES_MAX - size));
                size += (size_t) n;
        }
        return size;
}

static void compare_attributes(const Place *place, const char *name, const char *path) {
        char source[ATTRIBUTES_BYTES_MAX + 256], replica[ATTRIBUTES_BYTES_MAX + 256];
        size_t n_source = read_attributes(place->source_fd, name, source);
        size_t n_replica = read_attributes(place->replica_fd, name, replica);

        ck_assert_msg(n_source == n_replica && memcmp(source, replica, n_source) == 0,
                      "%s: attributes differ", path);
}

static void compare_targets(Comparison *comparison, const Place *place, const char *name,
                            const char *path) {
        char source[PATH_MAX], replica[PATH_MAX];
        ssize_t n_source = TEST_SYS(readlinkat(place->source_fd, name, source, sizeof source));
        ssize_t n_replica = TEST_SYS(readlinkat(place->replica_fd, name, replica, sizeof replica));

        ck_assert_msg(n_source == n_replica && memcmp(source, replica, (size_t) n_source) == 0,
                      "%s: targets differ", path);
        if (!comparison->reader)
                return;
        Hash hash;

        TEST_OK(hasher_begin(comparison->hasher));
        TEST_OK(hasher_update(comparison->hasher, source, (size_t) n_source));
        TEST_OK(hasher_finish(comparison->hasher, &hash));
        ck_assert_msg(comparison->row.has_hash &&
                              memcmp(&comparison->row.hash, &hash, sizeof hash) == 0,
                      "%s: the catalog has another hash of the target, or none", path);
}

static void compare_contents(Comparison *comparison, const Place *place, const char *name,
                             const char *path) {
        static char source[BUFFER_BYTES], replica[BUFFER_BYTES];
        int source_fd, replica_fd;
        ssize_t n;
        Hash hash;

        source_fd = TEST_SYS(openat(place->source_fd, name, O_RDONLY | O_CLOEXEC));
        replica_fd = TEST_SYS(openat(place->replica_fd, name, O_RDONLY | O_CLOEXEC));
        TEST_OK(hasher_begin(comparison->hasher));
        do {
                n = TEST_SYS(read(source_fd, source, sizeof source));
                ck_assert_msg(read(replica_fd, replica, sizeof replica) == n &&
                                      memcmp(source, replica, (size_t) n) == 0,
                              "%s: contents differ", path);
                TEST_OK(hasher_update(comparison->hasher, source, (size_t) n));
        } while (n > 0);
        TEST_OK(hasher_finish(comparison->hasher, &hash));
        (void) close(source_fd);
        (void) close(replica_fd);
        if (!comparison->reader)
                return;
        ck_assert_msg(comparison->row.has_hash, "%s: the catalog has no hash", path);
        ck_assert_msg(memcmp(&hash, &comparison->row.hash, sizeof hash) == 0,
                      "%s: the catalog has another hash", path);
}

static void compare_links(Comparison *comparison, Link link, const char *path) {
        for (size_t i = 0; i < comparison->n_links; i++) {
                const Link *known = &comparison->links[i];

                ck_assert_msg((known->source == link.source) == (known->replica == link.replica),
                              "%s: hard links differ", path);
                if (known->source == link.source)
                        return;
        }
        if (comparison->n_links == comparison->n_allocated) {
                comparison->n_allocated = comparison->n_allocated * 2 + 64;
                comparison->links = reallocarray(comparison->links, comparison->n_allocated,
                                                 sizeof *comparison->links);
                ck_assert_ptr_nonnull(comparison->links);
        }
        comparison->links[comparison->n_links++] = link;
}

static void print_stamp(const char *what, const Stamp *stamp) {
        (void) fprintf(stderr,
                       "%s: inode %llu size %llu mtime %lld ctime %lld btime %lld mode %o %u:%u "
                       "links %u\n",
                       what, (unsigned long long) stamp->inode, (unsigned long long) stamp->size,
                       (long long) stamp->mtime, (long long) stamp->ctime, (long long) stamp->btime,
                       stamp->mode, stamp->uid, stamp->gid, stamp->n_links);
}

static void compare_stamp(const Stamp *known, const Stamp *now, const char *path,
                          const char *side) {
        if (stamp_equal(known, now))
                return;
        print_stamp("catalog", known);
        print_stamp("now", now);
        ck_abort_msg("%s: the catalog has another stamp of the %s", path, side);
}

static void check_row(Comparison *comparison, const Place *place, const char *name,
                      const Stamp *source, const Stamp *replica) {
        CatalogRow *row = &comparison->row;

        if (!comparison->reader)
                return;
        int r = catalog_reader_get(comparison->reader, place->directory_id, name, row);
        ck_assert_msg(r == 0, "%s/%s: the catalog does not have it: %s", place->path, name,
                      strerror(-r));
        compare_stamp(&row->source, source, place->path, "source");
        compare_stamp(&row->replica, replica, place->path, "replica");
        ck_assert_msg((row->directory_id != 0) == S_ISDIR(source->mode), "%s/%s: directory id %lld",
                      place->path, name, (long long) row->directory_id);
}

static void compare_directory(Comparison *comparison, const Place *place);

static void compare_entry(Comparison *comparison, const Place *place, const char *name) {
        _cleanup_free_ char *path = NULL;
        Entry source, replica;

        ck_assert_int_gt(asprintf(&path, "%s/%s", place->path, name), 0);
        TEST_OK(entry_acquire(place->source_fd, name, &source));
        TEST_OK(entry_acquire(place->replica_fd, name, &replica));
        comparison->n_entries++;
        compare_metadata(&source.stamp, &replica.stamp, path);
        compare_attributes(place, name, path);
        check_row(comparison, &(Place) { .path = path, .directory_id = place->directory_id }, name,
                  &source.stamp, &replica.stamp);
        /* Their numbers may differ: a version may be one more name of the replica's. */
        if (!S_ISDIR(source.stamp.mode) && MAX(source.stamp.n_links, replica.stamp.n_links) > 1)
                compare_links(comparison, (Link) { source.stamp.inode, replica.stamp.inode }, path);
        if (S_ISLNK(source.stamp.mode))
                compare_targets(comparison, place, name, path);
        else if (S_ISREG(source.stamp.mode))
                compare_contents(comparison, place, name, path);
        else if (S_ISDIR(source.stamp.mode)) {
                Place below = {
                        .source_fd = TEST_OK(confined_open_directory(place->source_fd, name)),
                        .replica_fd = TEST_OK(confined_open_directory(place->replica_fd, name)),
                        .path = path,
                        .directory_id = comparison->row.directory_id,
                };

                compare_directory(comparison, &below);
                (void) close(below.source_fd);
                (void) close(below.replica_fd);
        }
}

static void compare_directory(Comparison *comparison, const Place *place) {
        size_t n_source, n_replica;
        char **source = list(place->source_fd, &n_source);
        char **replica = list(place->replica_fd, &n_replica);

        for (size_t i = 0; i < n_source || i < n_replica; i++) {
                int order = i >= n_source ? 1 : i >= n_replica ? -1 : strcmp(source[i], replica[i]);

                ck_assert_msg(order == 0, "%s: only the %s has %s", place->path,
                              order < 0 ? "source" : "replica", order < 0 ? source[i] : replica[i]);
                compare_entry(comparison, place, source[i]);
        }
        free_names(source, n_source);
        free_names(replica, n_replica);
}

/* A descriptor of each side is open on every level. */
static void allow_descriptors(void) {
        struct rlimit limit;

        TEST_SYS(getrlimit(RLIMIT_NOFILE, &limit));
        limit.rlim_cur = limit.rlim_max;
        TEST_SYS(setrlimit(RLIMIT_NOFILE, &limit));
}

int64_t test_expect_mirrored(const char *source, const char *replica, const Catalog *catalog) {
        Comparison comparison = { .row = CATALOG_ROW_NULL };
        Entry source_root, replica_root;
        Place root = {
                .source_fd = TEST_OK(confined_open_root(source)),
                .replica_fd = TEST_OK(confined_open_root(replica)),
                .path = "",
        };

        allow_descriptors();
        TEST_OK(hasher_new(&comparison.hasher));
        if (catalog)
                TEST_OK(catalog_reader_open(catalog, &comparison.reader));
        TEST_OK(entry_acquire(root.source_fd, "", &source_root));
        TEST_OK(entry_acquire(root.replica_fd, "", &replica_root));
        compare_metadata(&source_root.stamp, &replica_root.stamp, "the root");
        check_row(&comparison, &root, "", &source_root.stamp, &replica_root.stamp);
        root.directory_id = CATALOG_ROOT;
        compare_directory(&comparison, &root);

        catalog_row_done(&comparison.row);
        catalog_reader_close(comparison.reader);
        hasher_free(comparison.hasher);
        free(comparison.links);
        (void) close(root.source_fd);
        (void) close(root.replica_fd);
        return comparison.n_entries + 1;
}
