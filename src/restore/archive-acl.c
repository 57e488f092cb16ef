#include "restore/archive-acl.h"

#include <endian.h>
#include <linux/posix_acl_xattr.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "basic/string-util.h"

/* The tag of libarchive for that of the kernel, or 0. */
static int tag_of(unsigned tag) {
        switch (tag) {
        case 0x01: /* ACL_USER_OBJ of acl(5) */
                return ARCHIVE_ENTRY_ACL_USER_OBJ;
        case 0x02:
                return ARCHIVE_ENTRY_ACL_USER;
        case 0x04:
                return ARCHIVE_ENTRY_ACL_GROUP_OBJ;
        case 0x08:
                return ARCHIVE_ENTRY_ACL_GROUP;
        case 0x10:
                return ARCHIVE_ENTRY_ACL_MASK;
        case 0x20:
                return ARCHIVE_ENTRY_ACL_OTHER;
        default:
                return 0;
        }
}

static bool is_whole(const Attribute *a) {
        struct posix_acl_xattr_header header;

        if (a->size < sizeof header ||
            (a->size - sizeof header) % sizeof(struct posix_acl_xattr_entry) != 0)
                return false;
        (void) memcpy(&header, a->value, sizeof header);
        return le32toh(header.a_version) == POSIX_ACL_XATTR_VERSION;
}

static void give_acl(struct archive_entry *entry, const Attribute *a, int type) {
        const char *p = (const char *) a->value + sizeof(struct posix_acl_xattr_header);
        const char *end = (const char *) a->value + a->size;

        for (; p < end; p += sizeof(struct posix_acl_xattr_entry)) {
                struct posix_acl_xattr_entry one;
                int tag;

                (void) memcpy(&one, p, sizeof one);
                tag = tag_of(le16toh(one.e_tag));
                if (tag != 0)
                        (void) archive_entry_acl_add_entry(entry, type, le16toh(one.e_perm) & 7,
                                                           tag, (int) le32toh(one.e_id), NULL);
        }
}

void archive_give_attributes(struct archive_entry *entry, const Attributes *attributes) {
        for (size_t i = 0; i < attributes->n_items; i++) {
                const Attribute *a = attributes->items + i;

                if (streq(a->name, "system.posix_acl_access") && is_whole(a))
                        give_acl(entry, a, ARCHIVE_ENTRY_ACL_TYPE_ACCESS);
                else if (streq(a->name, "system.posix_acl_default") && is_whole(a))
                        give_acl(entry, a, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT);
                else
                        archive_entry_xattr_add_entry(entry, a->name, a->value, a->size);
        }
}
