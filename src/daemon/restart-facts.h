#pragma once

/* What must still be so for a process to go on where the one before it left off: who wrote it, when
 * and of what. Together with tree, watches and dirty set it is handed over when the service is
 * restarted. */

#include <stdbool.h>
#include <stdint.h>

#include "basic/pack.h"
#include "basic/time-span.h"
#include "sync/engine.h"
#include "sync/mount-table.h"

/* By what a file or directory is known as long as the machine runs. */
typedef struct FileStamp {
        uint64_t device, inode;
        uint64_t size, mtime, ctime; /* of the catalog; 0 for directories */
} FileStamp;

/* All strings are owned. */
typedef struct RestartFacts {
        char *version; /* of the program */
        char *boot_id;
        char *pair_id;
        char *token;  /* random; the catalog has it too, until it is used again */
        char *config; /* what cannot be changed by reloading, as text */
        char *store;  /* its path */
        FileStamp catalog, source, replica;
        MountTable mounts;

        EngineLegacy engine;
        usec_t next_full; /* CLOCK_MONOTONIC */
        uint64_t n_failed;
        bool failures_dropped;
        bool has_replica_watch;
        char *watch_text; /* by what means the source is watched, in words; may be NULL */
} RestartFacts;

#define RESTART_FACTS_NULL ((RestartFacts) {})
void restart_facts_done(RestartFacts *facts);

void restart_facts_save(const RestartFacts *facts, Packer *packer);
/* 0, -EBADMSG, -ENOMEM. */
int restart_facts_load(Unpacker *unpacker, RestartFacts *ret);

/* Why a process to which NOW applies cannot go on from WAS, for a person; NULL: it can, as far as
 * these tell. Of mounts nothing is said. Pure. */
const char *restart_facts_differ(const RestartFacts *was, const RestartFacts *now);

/* Of the catalog in the store at PATH, while nobody uses it. 0; -EBUSY when there is a log that was
 * not carried over; -errno. */
int file_stamp_of_catalog(const char *store, FileStamp *ret);
/* Of the directory at PATH. 0 or -errno. */
int file_stamp_of_directory(const char *path, FileStamp *ret);
