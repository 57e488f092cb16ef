#pragma once

/* What differs between source and replica at this moment. Both are read and nothing is changed or
 * locked: it works beside a running service, whose work in between shows as a difference. */

#include "fs/copy.h"
#include "restore/pair.h"

typedef enum Difference {
        DIFFERENCE_MISSING = 1 << 0, /* in the replica, with all that is below it */
        DIFFERENCE_EXTRA = 1 << 1,   /* it is in the replica alone */
        DIFFERENCE_TYPE = 1 << 2,
        DIFFERENCE_CONTENT = 1 << 3, /* of a file, or a symbolic link's target */
        DIFFERENCE_DEVICE = 1 << 4,
        DIFFERENCE_MODE = 1 << 5,
        DIFFERENCE_OWNER = 1 << 6,
        DIFFERENCE_GROUP = 1 << 7,
        DIFFERENCE_MTIME = 1 << 8,
        DIFFERENCE_ATTRIBUTES = 1 << 9,
        DIFFERENCE_ACL = 1 << 10,
        DIFFERENCE_LINKS = 1 << 11, /* which names are links to one file */
} Difference;
enum { N_DIFFERENCES = 12 };

/* "missing", "content", …: what a person reads and a program finds in JSON; NULL for anything but
 * one bit. */
const char *difference_to_string(Difference one);

typedef struct DifferenceEvent {
        const char *path;     /* below the pair's root, "" for that itself */
        unsigned differences; /* bits; 0 where it could not be compared */
        const Stamp *source;  /* NULL: not there, or not seen */
        const Stamp *replica;
        int error; /* -errno */
} DifferenceEvent;

typedef struct DifferencesRequest {
        const char *path; /* below the pair's root */
        bool content;     /* compare contents also where size and mtime are the same */
        void (*tell)(const DifferenceEvent *event,
                     void *userdata); /* in order of path by directory */
        CopyTick tick;                /* ends the work when it returns an error; may be NULL */
        void *userdata;
} DifferencesRequest;

/* Tells what differs at and below a path. 0 with the number of entries that were compared, a
 * RestoreProblem or -errno; all but -ENOMEM with *RET_ERROR, the caller's. */
int differences_find(const RestorePair *pair, const DifferencesRequest *request,
                     uint64_t *ret_n_entries, char **ret_error);
