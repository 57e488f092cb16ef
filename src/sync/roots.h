#pragma once

/* A sample of both roots: opened, and asked who they are. The guards judge it; a pass that may
 * begin takes its descriptors. Owns them. */

#include "config/config.h"
#include "fs/entry.h"
#include "fs/identity.h"
#include "sync/location.h"

typedef struct Roots {
        int source_fd;
        int replica_fd;        /* -EBADF while the replica is missing */
        Entry source, replica; /* REPLICA is empty while it is missing */
        FileSystemId source_id;
        FileSystemId replica_id; /* while the replica is missing: of the directory in which it would
                                    be made */
        Location replica_location;
} Roots;

#define ROOTS_NULL \
        ((Roots) { .source_fd = -EBADF, .replica_fd = -EBADF, .replica_location = LOCATION_NULL })

/* Opens both and creates nothing: a missing replica is no failure. 0, GUARD_SOURCE_GONE or -errno,
 * both with *RET_ERROR. */
int roots_open(const Config *config, Roots *ret, char **ret_error);
/* Makes the replica where roots_open found it missing. 0 or -errno with *RET_ERROR. */
int roots_make_replica(const Config *config, Roots *roots, char **ret_error);
void roots_done(Roots *roots);
