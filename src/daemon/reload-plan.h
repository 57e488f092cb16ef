#pragma once

/* What of a reloaded configuration can be taken over while the pair runs. Pure. */

#include "config/config.h"

/* Makes FRESH safe to replace CURRENT with: keys that cannot change while running get their current
 * values back, so that nobody reads a source or a replica that is not the one that is open.
 * *RET_KEPT names those that would have changed, "Pair.Source, Sync.Exclude", the caller's; NULL:
 * none. 0 or -ENOMEM, with FRESH in an undefined but freeable state. */
int reload_plan(const Config *current, Config *fresh, char **ret_kept);

/* Whether what changed concerns entries that are in step as well, so that a full pass is due. */
bool reload_needs_pass(const Config *former, const Config *current);

/* All that cannot change while the pair runs, or not without a full pass, as a text of its own
 * kind: the same for configurations that are alike in it, and for no others. A fresh string; 0 or
 * -ENOMEM. */
int reload_text(const Config *config, char **ret);
