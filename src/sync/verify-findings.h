#pragma once

/* What a verification has found wrong, for whoever asked for it: a list of some length, and how
 * many more there were. Kinds: "source-rot", "replica-rot", "both-rot", "catalog" (both sides agree
 * with each other and not with the recorded hash), "undecided" (they differ and no hash tells which
 * is right), "failed" (could not be read back, or healed). */

#include "sync/engine.h"

enum { VERIFY_FINDINGS_MAX = 1024 };

/* Adds a copy of FINDING, of which PATH may be NULL; counts it where there is no room or no memory.
 */
void verify_findings_add(VerifyFindings *findings, const VerifyFinding *finding);
/* Moves what MORE has to the end of FINDINGS. */
void verify_findings_take(VerifyFindings *findings, VerifyFindings *more);
void verify_findings_done(VerifyFindings *findings);
