#pragma once

/* What a pair was bound to at its last run, written down twice: in a directory of the pair's own
 * that outlives the replica's disk, and in the store. Files are read and written here and judged
 * elsewhere. From any thread. */

#include "config/config.h"
#include "state/store.h"

/* The name of the file in either directory. */
#define BINDING_FILE_NAME "identity"

/* The pair's directory for what must outlive the replica: $STATE_DIRECTORY or
 * /var/lib/rebackup/INSTANCE for an instance; in the foreground (INSTANCE is NULL)
 * foreground/REPLICA, with the path escaped, below $STATE_DIRECTORY or /var/lib/rebackup. Without
 * root's rights $XDG_STATE_HOME/rebackup or ~/.local/state/rebackup stands for /var/lib/rebackup. A
 * fresh path; -ENOENT when there is no home directory, -ENOMEM. Creates nothing. */
int binding_directory(const Config *config, const char *instance, char **ret);

/* Reads the file in DIRECTORY. 0; -ENOENT when it or the directory is missing; -EBADMSG; -errno. */
int binding_load(const char *directory, StoreIdentity *ret);
/* The same in the store at PATH; -EPERM as binding_open_store. */
int binding_load_store(const char *path, StoreIdentity *ret);
/* Writes it, making DIRECTORY (0700) and its parents at need. */
int binding_save(const char *directory, const StoreIdentity *identity);

/* Opens the store's directory at PATH for reading: neither a symbolic link nor somebody else's
 * (-EPERM). A descriptor or -errno. */
int binding_open_store(const char *path);

bool store_identity_equal(const StoreIdentity *a, const StoreIdentity *b);
