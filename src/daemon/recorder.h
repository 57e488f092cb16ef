#pragma once

/* Records what a pair does in its statistics (state/statistics.h), a minute after something
 * happened and at the end, and sums it up in the journal once in Report.Interval. Nothing is
 * written, and nobody woken, while nothing happens, but for that summary. For the event loop's
 * thread. All functions take NULL. */

#include "sync/engine.h"

typedef struct Manager Manager;
typedef struct Recorder Recorder;

/* The pair is open. *RET is NULL when there is no place for statistics. 0 or -ENOMEM. */
int recorder_new(Manager *manager, Recorder **ret);
Recorder *recorder_free(Recorder *recorder);

/* Something may be other than it was. */
void recorder_note_change(Recorder *recorder);
/* RESULT, which has been added to the manager's totals, is kept by the caller. */
void recorder_note_pass(Recorder *recorder, const PassResult *result);
/* Writes what was not written yet. */
void recorder_end(Recorder *recorder);
/* Report.Interval is another one. */
void recorder_plan_report(Recorder *recorder);
