#include "fs/attributes.h"

#include <assert.h>
#include <errno.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/xattr.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "fs/confined.h"

enum {
        NAMES_ON_STACK_BYTES = 1024,
        VALUE_ON_STACK_BYTES = 4096,
};

/* The inode that attributes are read from or given to. */
typedef struct Subject {
        int fd;
        bool by_path; /* FD is O_PATH, which the calls on descriptors refuse */
        char path[PROC_FD_PATH_MAX];
} Subject;

static ssize_t subject_list(Subject *s, char *names, size_t size) {
        ssize_t n;

        if (!s->by_path) {
                n = flistxattr(s->fd, names, size);
                if (n >= 0 || errno != EBADF)
                        return n < 0 ? -errno : n;

                s->by_path = true;
                (void) proc_fd_path(s->fd, s->path);
        }

        n = listxattr(s->path, names, size);
        return n < 0 ? -errno : n;
}

static ssize_t subject_get(const Subject *s, const char *name, void *value, size_t size) {
        ssize_t n;

        n = s->by_path ? getxattr(s->path, name, value, size) : fgetxattr(s->fd, name, value, size);
        return n < 0 ? -errno : n;
}

static int subject_set(const Subject *s, const Attribute *a) {
        int r;

        r = s->by_path ? setxattr(s->path, a->name, a->value, a->size, 0)
                       : fsetxattr(s->fd, a->name, a->value, a->size, 0);
        return r < 0 ? -errno : 0;
}

static int subject_remove(const Subject *s, const char *name) {
        int r;

        r = s->by_path ? removexattr(s->path, name) : fremovexattr(s->fd, name);
        return r < 0 ? -errno : 0;
}

void attributes_done(Attributes *attributes) {
        assert(attributes);

        for (size_t i = 0; i < attributes->n_items; i++) {
                free(attributes->items[i].name);
                free(attributes->items[i].value);
        }

        free(attributes->items);
        *attributes = ATTRIBUTES_NULL;
}

static int attribute_compare(const void *a, const void *b) {
        return strcmp(((const Attribute *) a)->name, ((const Attribute *) b)->name);
}

static bool value_equal(const Attribute *a, const Attribute *b) {
        return a->size == b->size && (a->size == 0 || memcmp(a->value, b->value, a->size) == 0);
}

bool attributes_equal(const Attributes *a, const Attributes *b) {
        if (a->n_items != b->n_items)
                return false;

        for (size_t i = 0; i < a->n_items; i++)
                if (attribute_compare(a->items + i, b->items + i) != 0 ||
                    !value_equal(a->items + i, b->items + i))
                        return false;

        return true;
}

/* Copies one attribute into *RET. -ENODATA: it is gone meanwhile. */
static int acquire_one(const Subject *s, const char *name, Attribute *ret) {
        _cleanup_free_ char *copied_name = NULL;
        _cleanup_free_ void *large = NULL;
        char small[VALUE_ON_STACK_BYTES];
        void *value = small, *copied_value;
        ssize_t n;

        n = subject_get(s, name, small, sizeof(small));
        if (n == -ERANGE) {
                value = large = malloc(XATTR_SIZE_MAX);
                if (!large)
                        return -ENOMEM;
                n = subject_get(s, name, large, XATTR_SIZE_MAX);
        }
        if (n < 0)
                return (int) n;

        copied_name = strdup(name);
        copied_value = malloc(n > 0 ? (size_t) n : 1);
        if (!copied_name || !copied_value) {
                free(copied_value);
                return -ENOMEM;
        }

        *ret = (Attribute) {
                .name = TAKE_PTR(copied_name),
                .value = memcpy(copied_value, value, (size_t) n),
                .size = (size_t) n,
        };
        return 0;
}

static bool has_prefix(const char *s, const char *prefix) {
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* To root XFS shows where it stores an ACL beside the ACL. Taking that for an attribute of its own
 * would lose the ACL when a list without it is applied. */
static bool is_shadow(const char *name) {
        return has_prefix(name, "trusted.SGI_ACL_");
}

/* Copies the attributes in NAMES, a sequence of strings of SIZE bytes in all. */
static int acquire_named(const Subject *s, const char *names, size_t size, Attributes *ret) {
        _cleanup_(attributes_done) Attributes attributes = ATTRIBUTES_NULL;
        size_t n_names = 0;

        for (size_t i = 0; i < size; i++)
                n_names += names[i] == '\0';

        attributes.items = calloc(n_names, sizeof(*attributes.items));
        if (!attributes.items)
                return -ENOMEM;

        for (const char *name = names; name < names + size; name += strlen(name) + 1) {
                int r;

                if (is_shadow(name))
                        continue;

                r = acquire_one(s, name, attributes.items + attributes.n_items);
                if (r == -ENODATA)
                        continue;
                if (r < 0)
                        return r;

                attributes.n_items++;
        }

        qsort(attributes.items, attributes.n_items, sizeof(*attributes.items), attribute_compare);
        *ret = attributes;
        attributes = ATTRIBUTES_NULL;
        return 0;
}

static int subject_acquire(Subject *s, Attributes *ret) {
        _cleanup_free_ char *large = NULL;
        char small[NAMES_ON_STACK_BYTES];
        const char *names = small;
        ssize_t n;

        n = subject_list(s, small, sizeof(small));
        if (n == -ERANGE) {
                names = large = malloc(XATTR_LIST_MAX);
                if (!large)
                        return -ENOMEM;
                n = subject_list(s, large, XATTR_LIST_MAX);
        }
        if (n == 0 || n == -EOPNOTSUPP) {
                *ret = ATTRIBUTES_NULL;
                return 0;
        }
        if (n < 0)
                return (int) n;

        return acquire_named(s, names, (size_t) n, ret);
}

int attributes_acquire(int fd, Attributes *ret) {
        Subject s = { .fd = fd };

        assert(fd >= 0);
        assert(ret);

        return subject_acquire(&s, ret);
}

/* Labels that a security module or the kernel's integrity code gives by rules of its own. */
static bool is_managed_label(const char *name) {
        return strcmp(name, "security.selinux") == 0 || strcmp(name, "security.ima") == 0 ||
               strcmp(name, "security.evm") == 0 || has_prefix(name, "security.SMACK64");
}

static Shortfall shortfall_of(const char *name) {
        if (has_prefix(name, "user."))
                return SHORTFALL_XATTR_USER;
        if (has_prefix(name, "trusted."))
                return SHORTFALL_XATTR_TRUSTED;
        if (has_prefix(name, "security."))
                return SHORTFALL_XATTR_SECURITY;
        if (has_prefix(name, "system.posix_acl_"))
                return SHORTFALL_ACL;

        return SHORTFALL_XATTR_OTHER;
}

/* Turns the error R of changing NAME into a shortfall where it is one. */
static int absorb(int r, const char *name, unsigned *shortfalls) {
        switch (r) {
        case -EACCES:
                if (shortfall_of(name) == SHORTFALL_XATTR_USER)
                        return r;
                /* fall through */
        case -EPERM:
        case -EOPNOTSUPP:
        case -EINVAL:
                if (!is_managed_label(name))
                        *shortfalls |= shortfall_of(name);
                return 0;
        case -ENOSPC:
        case -E2BIG:
        case -ERANGE:
                *shortfalls |= SHORTFALL_XATTR_SIZE;
                return 0;
        default:
                return r;
        }
}

static int remove_one(const Subject *s, const char *name, unsigned *shortfalls) {
        int r;

        r = subject_remove(s, name);
        return r == -ENODATA ? 0 : absorb(r, name, shortfalls);
}

/* Combines the results of single changes: the first error counts, -EACCES less than any other. */
static int gather(int so_far, int r) {
        if (so_far < 0 && so_far != -EACCES)
                return so_far;
        if (r < 0)
                return r;

        return so_far;
}

/* Both lists are sorted: walks them side by side. What must go comes first, so that what is set
 * finds room. Returns 1 when there was something to change. */
static int remove_others(const Subject *s, const Attributes *have, const Attributes *wanted,
                         unsigned *shortfalls) {
        int result = 0;

        for (size_t i = 0, j = 0; i < have->n_items; i++) {
                const Attribute *a = have->items + i;

                while (j < wanted->n_items && attribute_compare(wanted->items + j, a) < 0)
                        j++;
                if (j < wanted->n_items && attribute_compare(wanted->items + j, a) == 0)
                        continue;

                result = gather(result >= 0 ? 1 : result, remove_one(s, a->name, shortfalls));
        }

        return result;
}

static int set_differing(const Subject *s, const Attributes *have, const Attributes *wanted,
                         unsigned *shortfalls) {
        int result = 0;

        for (size_t i = 0, j = 0; j < wanted->n_items; j++) {
                const Attribute *a = wanted->items + j;

                while (i < have->n_items && attribute_compare(have->items + i, a) < 0)
                        i++;
                if (i < have->n_items && attribute_compare(have->items + i, a) == 0 &&
                    value_equal(have->items + i, a))
                        continue;

                result = gather(result >= 0 ? 1 : result,
                                absorb(subject_set(s, a), a->name, shortfalls));
        }

        return result;
}

int attributes_apply(int fd, const Attributes *wanted, unsigned *shortfalls) {
        _cleanup_(attributes_done) Attributes have = ATTRIBUTES_NULL;
        Subject s = { .fd = fd };
        int removed, set, r;

        assert(fd >= 0);
        assert(wanted);
        assert(shortfalls);

        r = subject_acquire(&s, &have);
        if (r < 0)
                return r;

        removed = remove_others(&s, &have, wanted, shortfalls);
        set = set_differing(&s, &have, wanted, shortfalls);

        r = gather(removed, set);
        return r < 0 ? r : removed || set;
}

const char *shortfall_to_string(Shortfall one) {
        switch (one) {
        case SHORTFALL_OWNER:
                return "owner and group";
        case SHORTFALL_MODE:
                return "permission bits";
        case SHORTFALL_TIMES:
                return "modification times";
        case SHORTFALL_XATTR_USER:
                return "user extended attributes";
        case SHORTFALL_XATTR_TRUSTED:
                return "trusted extended attributes";
        case SHORTFALL_XATTR_SECURITY:
                return "security extended attributes";
        case SHORTFALL_ACL:
                return "access control lists";
        case SHORTFALL_XATTR_OTHER:
                return "other extended attributes";
        case SHORTFALL_XATTR_SIZE:
                return "extended attributes of this size";
        case SHORTFALL_DEVICE_NODE:
                return "device nodes";
        case SHORTFALL_SPECIAL_FILE:
                return "FIFOs and sockets";
        case SHORTFALL_SYMLINK:
                return "symbolic links";
        case SHORTFALL_HARD_LINK:
                return "hard links";
        case SHORTFALL_NAME:
                return "some names";
        case SHORTFALL_HOLES:
                return "holes in files";
        default:
                return NULL;
        }
}
