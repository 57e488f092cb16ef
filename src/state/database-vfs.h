#pragma once

/* How SQLite reaches the catalog's files. Not for users of the catalog.
 *
 * The files belong to this process alone, which the store's lock sees to, so the index of the
 * write-ahead log is kept in memory. A mapped file in its place would end the process by SIGBUS as
 * soon as its disk is gone. Who opens the database from outside meanwhile is told that it is
 * locked.
 *
 * The log has some room of its own in advance: a catalog that could not be written on a full disk
 * would keep it full. */

#define DATABASE_VFS_NAME "rebackup"

/* Makes DATABASE_VFS_NAME known to SQLite, once. 0 or a code of SQLite's. Any thread. */
int database_vfs_register(void);
