#pragma once

/* The decision: three records of one entry (source now, replica now, catalog) and a policy in, one
 * action out. Pure: no system call, no clock, no memory. Every policy of the product is a row of
 * this table. */

#include <stdbool.h>

/* One side of an entry compared with what the catalog remembers of it. */
typedef enum EntryState {
        STATE_SAME,    /* as remembered, to the nanosecond of ctime */
        STATE_CHANGED, /* of the remembered type, but something moved */
        STATE_NEW,     /* there, and the catalog knows nothing of it */
        STATE_GONE,    /* not there */
        STATE_RETYPED, /* there as another type than the catalog remembers or, unknown to it, than
                          the source has */
        _STATE_MAX,
        _STATE_INVALID = -22,
} EntryState;

/* What is known of the two sides' contents. For directories there is nothing to compare: equal. */
typedef enum Evidence {
        EVIDENCE_NONE, /* nobody has looked */
        EVIDENCE_EQUAL,
        EVIDENCE_DIFFERENT, /* or certain enough without reading: another size, another inode */
        EVIDENCE_ONLY_REPLICA_MOVED, /* different, and the source's is the recorded one */
        EVIDENCE_ONLY_SOURCE_MOVED,  /* different, and the replica's is the recorded one */
        _EVIDENCE_MAX,
} Evidence;

typedef enum Action {
        ACTION_NONE,     /* in step */
        ACTION_COMPARE,  /* read the contents, then decide again with the evidence */
        ACTION_CREATE,   /* the replica lacks it */
        ACTION_UPDATE,   /* new content under the old name, same type */
        ACTION_REPLACE,  /* another type under the old name */
        ACTION_METADATA, /* content is right: owner, mode, times, attributes are made right in place
                          */
        ACTION_ADOPT, /* as METADATA, and the catalog learns of an entry that both sides already had
                       */
        ACTION_REMOVE,   /* the replica alone has it */
        ACTION_FORGET,   /* the catalog alone has it */
        ACTION_KEEP,     /* policy keeps the replica's as it is */
        ACTION_TOLERATE, /* likewise what somebody else did to it */
        /* Two-way alone: the source follows the replica. */
        ACTION_RETURN_CREATE,   /* the source lacks it */
        ACTION_RETURN_UPDATE,   /* new content under the old name, same type */
        ACTION_RETURN_REPLACE,  /* another type under the old name */
        ACTION_RETURN_METADATA, /* content is right; what changed of the metadata of each side
                                   reaches the other */
        ACTION_RETURN_REMOVE,   /* the source alone has it, and the replica had it */
        ACTION_CONFLICT,        /* both changed and differ: both are kept */
        _ACTION_MAX,
        _ACTION_INVALID = -22,
} Action;

typedef struct Policy {
        bool overwrite; /* may replace what the replica has, when the source's has changed */
        bool remove;    /* may remove what the source no longer has */
        bool tolerate;  /* what somebody else did to the replica is told and left as it is */
        bool two_way;   /* the side that changed since wins; the other three play no part */
} Policy;

/* Total over all states and evidence; combinations that cannot be (one side NEW, the other known to
 * the catalog) get the action that is safe for both readings. */
Action decide(EntryState source, EntryState replica, Evidence content, Policy policy);

const char *entry_state_to_string(EntryState state);
const char *action_to_string(Action action);
