#pragma once

/* Extended attributes as a sorted list: user, trusted, security (file capabilities, labels) and the
 * POSIX ACLs, which the kernel shows as system.posix_acl_access and system.posix_acl_default in a
 * form that does not depend on the file system. */

#include <stdbool.h>
#include <stddef.h>

typedef struct Attribute {
        char *name;
        void *value;
        size_t size;
} Attribute;

typedef struct Attributes {
        Attribute *items; /* sorted by name */
        size_t n_items;
} Attributes;

#define ATTRIBUTES_NULL ((Attributes) {})

/* Kinds of things that a replica's file system or the process's rights may be unable to hold. */
typedef enum Shortfall {
        SHORTFALL_OWNER = 1 << 0,
        SHORTFALL_MODE = 1 << 1,
        SHORTFALL_TIMES = 1 << 2,
        SHORTFALL_XATTR_USER = 1 << 3,
        SHORTFALL_XATTR_TRUSTED = 1 << 4,
        SHORTFALL_XATTR_SECURITY = 1 << 5,
        SHORTFALL_ACL = 1 << 6,
        SHORTFALL_XATTR_OTHER = 1 << 7,
        SHORTFALL_XATTR_SIZE = 1 << 8, /* no room for it: ENOSPC, E2BIG or ERANGE of setxattr(2) */
        SHORTFALL_DEVICE_NODE = 1 << 9,
        SHORTFALL_SPECIAL_FILE = 1 << 10, /* FIFO or socket */
        SHORTFALL_SYMLINK = 1 << 11,
        SHORTFALL_HARD_LINK = 1 << 12,
        SHORTFALL_NAME = 1 << 13, /* a name that the file system refuses */
        SHORTFALL_HOLES = 1 << 14,
} Shortfall;
enum { N_SHORTFALLS = 15 };

/* "owner and group", "user extended attributes", …: what a person reads; NULL for anything but one
 * bit. */
const char *shortfall_to_string(Shortfall one);

/* Reads all attributes of the inode behind FD (any descriptor; an O_PATH one goes through
 * /proc/self/fd). A file system without attributes gives an empty list. The caller owns what *RET
 * holds. 0 or -errno. Sources: listxattr(2), getxattr(2). */
int attributes_acquire(int fd, Attributes *ret);

/* Frees the list and leaves it empty. */
void attributes_done(Attributes *attributes);

bool attributes_equal(const Attributes *a, const Attributes *b);

/* Makes the inode behind FD carry exactly WANTED: removes others, sets what differs. What cannot be
 * held adds its bit to *SHORTFALLS and is no error; security.selinux and other labels that the
 * kernel manages itself are left alone when refused. Returns 1 when there was something to change,
 * 0 when not, -EACCES when the mode does not let us change user attributes (the others are done),
 * -errno of anything unexpected. Sources: setxattr(2), xattr(7). */
int attributes_apply(int fd, const Attributes *wanted, unsigned *shortfalls);
