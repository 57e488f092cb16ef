#pragma once

/* The lines that sum work up: of a pass, of a run. Pure: numbers in, one line out. */

#include <stdbool.h>

#include "config/config.h"
#include "sync/engine.h"

/* "pass done in 2.1s: 84,123 entries, 3 copied, nothing failed; 1.4 MiB copied", or "pass done in
 * 210ms: 84,123 entries in step" when there was nothing to do. Of a dry run: what would be done. A
 * fresh string; 0 or -ENOMEM. */
int summary_format_pass(Counters *counters, usec_t duration, bool dry_run, char **ret);

/* "verified 84,123 files, 2.6 GiB in 3.1s: all sound", or "… : 3 damaged, 2 healed, 1 stays so". */
int summary_format_verify(Counters *counters, const VerifyResult *result, usec_t duration,
                          char **ret);

/* "rescan of the source after lost events done in 210ms: 84,123 entries, 2 directories compared, 3
 * copied, nothing failed; 1.4 MiB copied". SIDE is "source" or "replica". */
int summary_format_survey(Counters *counters, usec_t duration, const char *side,
                          uint64_t n_deviating, char **ret);

/* "stopped after 1h 2min: 84,123 copied, 12 updated, …, 0 failed; 1.4 GiB copied", every number
 * said, zeroes too. */
int summary_format_totals(Counters *counters, usec_t duration, char **ret);

/* "mirroring /a to /b (store /.b.rebackup, watching with inotify, rescan every 10min)". BACKEND is
 * NULL when nothing is watched. */
int summary_format_start(const Config *config, const char *store, const char *backend, char **ret);
