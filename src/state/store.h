#pragma once

/* The store: the pair's own directory on the replica's file system, with identity, lock, catalog
 * and staging. Opened by one thread, afterwards read-only and usable from any. */

#include <stdbool.h>

#include "state/catalog.h"

typedef struct Store {
        char *path;                 /* absolute, for messages */
        int fd;                     /* the store's directory */
        int staging_fd;             /* staging/, emptied of what the catalog does not know */
        int lock_fd;                /* the file `lock`, locked while the store is open */
        bool inside_replica;        /* REPLICA/.rebackup: no part of the mirrored tree */
        bool created;               /* nothing was here before */
        bool catalog_was_set_aside; /* damaged; kept as catalog.db.damaged-TIME */
        Catalog *catalog;           /* for the committer thread */
} Store;

/* The name of a store inside the replica, which is excluded at the top of both trees. */
#define STORE_NAME_INSIDE ".rebackup"

typedef struct StorePlan {
        char *path; /* where the store is or will be */
        bool exists;
        bool inside_replica;
} StorePlan;
void store_plan_done(StorePlan *plan);

/* Decides where the store of REPLICA is: CONFIGURED (absolute path, or NULL); else the one that
 * exists at PARENT/.NAME.rebackup or REPLICA/.rebackup, that is, a directory of ours with a catalog
 * from where renames into the replica are possible; else beside the replica unless the replica is a
 * mount point or its parent cannot be written (then inside). While there is no replica, REPLICA_FD
 * is negative and the place is beside it. Changes nothing. -EXDEV when CONFIGURED is on another
 * file system, or reached by another mount, than the replica; -ENOENT when its parent is missing;
 * -EINVAL when a path has no last component. */
int store_plan(const char *replica, int replica_fd, const char *configured, StorePlan *ret);

typedef enum MountPoints {
        MOUNT_POINT_SOURCE = 1 << 0,
        MOUNT_POINT_REPLICA = 1 << 1,
} MountPoints;

/* Who the pair is, in the store's `identity` file (text, KEY=VALUE lines; control characters and
 * backslashes in values as \xHH). */
typedef struct StoreIdentity {
        char *pair_id; /* 32 hex digits, random at creation */
        char *source;
        char *replica;
        FileSystemId source_file_system, replica_file_system;
        uint64_t source_inode, replica_inode;
        uint64_t mount_points; /* which roots are mount points: MountPoints */
} StoreIdentity;
void store_identity_done(StoreIdentity *identity);

/* 0, -ENOENT, -EBADMSG when it is not whole or of another format, -ELOOP when it is a symbolic
 * link. */
int store_identity_load(int directory_fd, const char *name, StoreIdentity *ret);
/* Written aside as NAME.new, flushed, renamed, and the directory flushed. All strings must be set.
 */
int store_identity_save(int directory_fd, const char *name, const StoreIdentity *identity);

/* Opens (creating it with mode 0700 when missing) and locks the store. -EBUSY: another process runs
 * this pair. A damaged catalog is set aside and a new one begun. Staging is opened, not yet
 * emptied. -EPERM when an existing store directory belongs to somebody else than us (unless its
 * file system keeps no owners) or is a symbolic link. */
int store_open(const StorePlan *plan, Store *ret);
/* Closes the catalog, whose readers must be closed, and gives up the lock. A store that is not open
 * has its descriptors negative and its pointers NULL. */
void store_close(Store *store);

/* Whether the store's path still leads to the directory that is open: 1 yes, 0 gone, emptied or
 * another, or the same by another mount (its disk was unmounted in use, and mounted again), -errno.
 */
int store_is_present(const Store *store);
