#pragma once

/* Names that the replica's file system does not take: for their bytes (FAT, exFAT, NTFS), or
 * because it tells no upper from lower case and another entry has the name. */

#include "sync/visit.h"

/* Whether ERROR (-errno) of making an entry called NAME comes from the name alone. Tries it in the
 * staging directory. */
bool name_is_refused(Engine *engine, const char *name, int error);

/* Whether NAME leads to an entry of DIRECTORY_FD (open for reading) that is called otherwise. */
bool name_is_folded(int directory_fd, const char *name);

/* After ERROR (-errno, -ENOTUNIQ for a name that is folded) in bringing LOOK into step: if it comes
 * from the name, that is told and counted as a failure. There is nothing to be tried again before
 * the next look. */
bool visit_refused_name(const Visit *visit, const Look *look, int error);

/* The same of an item that could not be published. */
bool item_refused_name(const Item *item);
