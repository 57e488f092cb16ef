#pragma once

/* Access control lists as libarchive wants them. */

#include <archive_entry.h>

#include "fs/attributes.h"

/* Gives ENTRY the attributes: POSIX ACLs, which the kernel shows as attributes, as ACLs, all others
 * as they are. An ACL that is not whole is handed over as an attribute. */
void archive_give_attributes(struct archive_entry *entry, const Attributes *attributes);
