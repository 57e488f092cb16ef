#pragma once

/* The limit of removals (MaxDelete), from the replica and, two-way, from the source. What a pass
 * would remove is counted before anything of it is; with what was removed within the last hour it
 * may not be more than a share of the pair's entries, and is held otherwise: a deletion that comes
 * in small pieces is one all the same. Everything else goes on. The hold ends when a full pass
 * finds no more to be removed than that, because what was gone is back, or when a person approves;
 * what it holds, and what was removed before it began, is noted in the catalog, so that a restart
 * ends nothing. */

#include "sync/visit.h"

/* Any number of removals up to this one is carried out. */
#define LIMIT_FREE 1000

typedef struct LimitFacts {
        uint64_t n_removals; /* that are at issue */
        uint64_t n_lately;   /* that were made within the last hour */
        uint64_t n_entries;  /* of the pair, without those */
        unsigned share;      /* in hundredths of a percent */
} LimitFacts;

/* Pure. */
bool limit_exceeds(const LimitFacts *facts);

/* Whether there is one. What then would leave the replica all at once, a directory whose place
 * another one takes, is removed entry by entry instead. */
bool limit_applies(const Engine *engine);

/* Learns of a hold of the last run. */
void limit_begin(Engine *engine);

/* Whether PASS has to count its removals before it carries them out. */
bool limit_must_judge_locked(const Pass *pass);
/* Judges what PASS has counted, and drops its removals if they are held. */
void job_limit(Worker *worker, Job *job);

/* Counts the removal of LOOK, with all that is below it. 0 or -errno. */
int limit_count(Visit *visit, const Look *look);
/* Whether the removal of LOOK was among those that were counted: 1; 0 when it has gone from the
 * source since, and is handed back for a pass that counts it; -errno. */
int limit_admits(Visit *visit, const Look *look);
/* Whether a directory in the replica must stay that another entry is to displace: 1, 0, -errno. */
int limit_refuses(Visit *visit, const Look *look);
/* After the end of PASS. */
void limit_end_pass(Pass *pass);
