#include "restore/both.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/string-util.h"
#include "fs/attributes.h"
#include "fs/confined.h"
#include "fs/special.h"

static unsigned compare_stamps(const Stamp *a, const Stamp *b) {
        return (a->rdev != b->rdev ? DIFFERENCE_DEVICE : 0U) |
               (a->mode != b->mode ? DIFFERENCE_MODE : 0U) |
               (a->uid != b->uid ? DIFFERENCE_OWNER : 0U) |
               (a->gid != b->gid ? DIFFERENCE_GROUP : 0U) |
               (a->mtime != b->mtime ? DIFFERENCE_MTIME : 0U);
}

static bool is_acl(const Attribute *attribute) {
        return startswith(attribute->name, "system.posix_acl_") != NULL;
}

static bool attribute_equal(const Attribute *a, const Attribute *b) {
        return streq(a->name, b->name) && a->size == b->size &&
               (a->size == 0 || memcmp(a->value, b->value, a->size) == 0);
}

/* What A has that is not in B. */
static unsigned attributes_beyond(const Attributes *a, const Attributes *b) {
        unsigned differences = 0;

        for (size_t i = 0; i < a->n_items; i++) {
                bool found = false;

                for (size_t j = 0; j < b->n_items && !found; j++)
                        found = attribute_equal(&a->items[i], &b->items[j]);
                if (!found)
                        differences |= is_acl(&a->items[i]) ? DIFFERENCE_ACL
                                                            : DIFFERENCE_ATTRIBUTES;
        }
        return differences;
}

static int acquire_attributes(const Both *both, Side side, Attributes *ret) {
        _cleanup_close_ int fd = -EBADF;

        if (!*both->name)
                return attributes_acquire(both->directories[side], ret);
        fd = confined_open_child(both->directories[side], both->name, O_PATH);
        return fd < 0 ? fd : attributes_acquire(fd, ret);
}

static int compare_attributes(const Both *both, unsigned *differences) {
        Attributes attributes[N_SIDES] = { ATTRIBUTES_NULL, ATTRIBUTES_NULL };
        int r;

        r = acquire_attributes(both, SIDE_SOURCE, &attributes[SIDE_SOURCE]);
        if (r >= 0)
                r = acquire_attributes(both, SIDE_REPLICA, &attributes[SIDE_REPLICA]);
        if (r >= 0 && !attributes_equal(&attributes[SIDE_SOURCE], &attributes[SIDE_REPLICA]))
                *differences |= attributes_beyond(&attributes[SIDE_SOURCE],
                                                  &attributes[SIDE_REPLICA]) |
                                attributes_beyond(&attributes[SIDE_REPLICA],
                                                  &attributes[SIDE_SOURCE]);
        attributes_done(&attributes[SIDE_SOURCE]);
        attributes_done(&attributes[SIDE_REPLICA]);
        return r;
}

static int compare_targets(const Both *both, unsigned *differences) {
        _cleanup_free_ char *source = NULL, *replica = NULL;
        int r;

        r = symlink_read(both->directories[SIDE_SOURCE], both->name, &source);
        if (r >= 0)
                r = symlink_read(both->directories[SIDE_REPLICA], both->name, &replica);
        if (r >= 0 && !streq(source, replica))
                *differences |= DIFFERENCE_CONTENT;
        return r;
}

static int compare_files(const Both *both, Copier *copier, const DifferencesRequest *request,
                         unsigned *differences) {
        _cleanup_close_ int source_fd = -EBADF, replica_fd = -EBADF;
        int r;

        source_fd = confined_open_content(both->directories[SIDE_SOURCE], both->name);
        if (source_fd < 0)
                return source_fd;
        replica_fd = confined_open_content(both->directories[SIDE_REPLICA], both->name);
        if (replica_fd < 0)
                return replica_fd;
        const CompareJob job = {
                .a_fd = source_fd,
                .b_fd = replica_fd,
                .tick = request->tick,
                .userdata = request->userdata,
        };
        r = copier_compare(copier, &job, NULL, NULL);
        if (r == 0)
                *differences |= DIFFERENCE_CONTENT;
        return r;
}

/* Where size and mtime are the same, content is taken to be unless it is asked for. */
static int compare_contents(const Both *both, Copier *copier, const DifferencesRequest *request,
                            unsigned *differences) {
        const Stamp *a = &both->entries[SIDE_SOURCE].stamp;
        const Stamp *b = &both->entries[SIDE_REPLICA].stamp;

        if (S_ISLNK(a->mode))
                return compare_targets(both, differences);
        if (!S_ISREG(a->mode))
                return 0;
        if (a->size != b->size) {
                *differences |= DIFFERENCE_CONTENT;
                return 0;
        }
        return a->mtime == b->mtime && !request->content
                       ? 0
                       : compare_files(both, copier, request, differences);
}

int both_compare(const Both *both, Copier *copier, const DifferencesRequest *request,
                 unsigned *differences) {
        int r;

        *differences = compare_stamps(&both->entries[SIDE_SOURCE].stamp,
                                      &both->entries[SIDE_REPLICA].stamp);
        r = compare_contents(both, copier, request, differences);
        return r < 0 ? r : compare_attributes(both, differences);
}
