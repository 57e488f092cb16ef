#pragma once

/* What rebackupctl does. Each prints its results to the standard output and what is wrong to the
 * standard error, and returns the exit status. */

#include "ctl/options.h"
#include "restore/pair.h"

int command_list(const CtlOptions *options);
int command_status(const CtlOptions *options);
int command_create(const CtlOptions *options);
int command_check(const CtlOptions *options);
int command_report(const CtlOptions *options);
int command_failures(const CtlOptions *options);
int command_explain(const CtlOptions *options);
/* What is one call without an answer: sync, pause, … */
int command_act(const CtlOptions *options);

/* Has contents read back, and waits for what is found. */
int command_verify(const CtlOptions *options);

int command_versions(const CtlOptions *options, const RestorePair *pair, const char *path);
int command_diff(const CtlOptions *options, const RestorePair *pair, const char *path);
int command_manifest(const CtlOptions *options, const RestorePair *pair, const char *path);
int command_restore(const CtlOptions *options, const RestorePair *pair, const char *path);
