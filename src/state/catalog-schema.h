#pragma once

/* The catalog's tables: how they are made and how a database is known to be one of ours. */

#include <sqlite3.h>

/* The columns of both stamps in the order of the structure's fields. */
#define SCHEMA_SOURCE_COLUMNS                                                                \
        "source_inode, source_size, source_mtime, source_ctime, source_btime, source_rdev, " \
        "source_mode, source_uid, source_gid, source_n_links"
#define SCHEMA_REPLICA_COLUMNS                                                                     \
        "replica_inode, replica_size, replica_mtime, replica_ctime, replica_btime, replica_rdev, " \
        "replica_mode, replica_uid, replica_gid, replica_n_links"

/* All columns of a row in the order in which they are bound and read: see RowColumn. The last
 * columns of the table go first: SQLite then finds where all of them begin in one go, which makes
 * reading a row a fifth cheaper. */
#define SCHEMA_ROW_COLUMNS                                                                       \
        "verified, hash, parent, name, directory_id, file_system, flags, " SCHEMA_SOURCE_COLUMNS \
        ", " SCHEMA_REPLICA_COLUMNS

/* The flags of rows whose content is known to be damaged: CATALOG_DAMAGED as a number. */
#define SCHEMA_DAMAGED "28"
/* Likewise CATALOG_KEPT, and CATALOG_NO_FILE_SYSTEM. */
#define SCHEMA_KEPT "96"
#define SCHEMA_NO_FILE_SYSTEM "0"

/* What the digests are made of, of ROW (a table or, in a trigger, old and new), and the call of the
 * function that takes it, see catalog-digests.c. CONTENTS are two expressions, of the digests of
 * what is in a directory. */
#define SCHEMA_NOTE_FUNCTION "rebackup_note"
#define SCHEMA_DIGEST_STAMP(side) \
        side "_mode, " side "_uid, " side "_gid, " side "_mtime, " side "_size, " side "_rdev"
#define SCHEMA_DIGEST_COLUMNS(row)                                               \
        row ".name, " row ".directory_id, " row ".flags & " SCHEMA_KEPT ", " row \
            ".hash, " SCHEMA_DIGEST_STAMP(row ".source") ", " SCHEMA_DIGEST_STAMP(row ".replica")
#define SCHEMA_NOTE(sign, row, contents)       \
        SCHEMA_NOTE_FUNCTION "(" sign ", " row \
                             ".parent, " SCHEMA_DIGEST_COLUMNS(row) ", " contents ")"
#define SCHEMA_CONTENT_OF(row, side)                                                         \
        "CASE WHEN " row ".directory_id <> 0 THEN (SELECT " side "_digest FROM digest WHERE" \
        " id = " row ".directory_id) END"
#define SCHEMA_CONTENT(row) SCHEMA_CONTENT_OF(row, "source") ", " SCHEMA_CONTENT_OF(row, "replica")
#define SCHEMA_DIGEST_UPDATES                                                                 \
        "directory_id, flags, hash, " SCHEMA_DIGEST_STAMP("source") ", " SCHEMA_DIGEST_STAMP( \
                "replica")

/* Facts that tell the next opening what became of this one. */
#define SCHEMA_FACT_OPEN "open"       /* there while the catalog is open: left behind by a crash */
#define SCHEMA_FACT_DAMAGED "damaged" /* damage was met while it was in use */
#define SCHEMA_FACT_DIGESTS "digests" /* the digests are right */
#define SCHEMA_HAS_DIGESTS "SELECT 1 FROM fact WHERE key = '" SCHEMA_FACT_DIGESTS "'"

/* Whose database it is: 1 ours, of this version or one that can be upgraded, 0 nobody's yet
 * (empty), -EBADMSG another program's or of a version that we do not know. Changes nothing. */
int catalog_schema_identify(sqlite3 *db);

/* Makes the tables of an empty database, all or nothing. */
int catalog_schema_create(sqlite3 *db);

/* Brings a database of an earlier version to the present one, all or nothing: 0, also when there is
 * nothing to do, or -errno. */
int catalog_schema_upgrade(sqlite3 *db);

/* Makes the index that came after the present version and that other programs of this version do
 * without. Where it fails, what it serves takes longer. */
void catalog_schema_add_index(sqlite3 *db);

/* Whether every table and index can be entered at its root: 0 or -EBADMSG. Costs the same for any
 * size. */
int catalog_schema_check_roots(sqlite3 *db);

/* Whether the structure of every page is sound: 0 or -EBADMSG. Reads the whole database. */
int catalog_schema_check_pages(sqlite3 *db);
