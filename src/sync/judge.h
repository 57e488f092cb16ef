#pragma once

/* The judgement on a file whose both sides were read back from the medium: what each reading showed
 * in, one verdict out. Pure: no system call, no clock, no memory. What it rests on: who writes
 * moves a file's times, and a medium that loses its content does not. */

#include <stdbool.h>

/* What one side showed, stat'ed before and after it was read. */
typedef enum Reading {
        READING_GOOD,       /* the recorded hash */
        READING_DIFFERENT,  /* another one, twice the same */
        READING_UNREADABLE, /* the medium refuses, for a part at least (EIO) */
        READING_UNSURE,     /* another one each time */
        READING_FAILED,     /* it could not be opened or read for another reason */
        READING_MOVED,      /* its metadata are not those of the catalog, or moved meanwhile */
        _READING_MAX,
} Reading;

/* How both sides' contents compare. */
typedef enum Likeness {
        LIKENESS_UNKNOWN,
        LIKENESS_EQUAL,
        LIKENESS_DIFFERENT,
        _LIKENESS_MAX,
} Likeness;

typedef struct Findings {
        Reading source, replica;
        Likeness likeness;
        bool has_hash; /* the catalog has one; without, a side that was read is DIFFERENT */
        bool source_has_medium; /* what lies in memory does not rot: a store through a mapping may
                                   have left no trace there */
} Findings;

typedef enum Verdict {
        VERDICT_FINE,
        VERDICT_LEARNT,      /* there was no hash, and both sides agree: that is it */
        VERDICT_MOVED,       /* somebody is at it: the next look handles it */
        VERDICT_UNTRACED,    /* the source was changed in a way that leaves no trace: copy it */
        VERDICT_SOURCE_ROT,  /* the replica has the good content */
        VERDICT_REPLICA_ROT, /* the source has it */
        VERDICT_BOTH_ROT,    /* neither has it as a whole */
        VERDICT_CATALOG,     /* both sides agree, the catalog alone has another hash */
        VERDICT_UNDECIDED,   /* they differ, and no hash tells which is right */
        VERDICT_FAILED,      /* one could not be read, which says nothing of its content */
        _VERDICT_MAX,
} Verdict;

/* Total over all findings. */
Verdict judge(const Findings *findings);

/* Whether it is damage: something that a person should know of. */
bool verdict_is_damage(Verdict verdict);

const char *verdict_to_string(Verdict verdict);
