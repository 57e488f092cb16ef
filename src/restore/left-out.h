#pragma once

/* What a pair leaves out, for those who look at both sides by themselves. */

#include "restore/both.h"

/* Takes out of BOTH, as if it were not there, what is excluded, and a directory that only the
 * replica has and that holds nothing else. REPLICA_FD is the replica's root. 0 or -errno. */
int left_out_hide(const RestorePair *pair, Both *both, int replica_fd);

/* Whether the directory of the source is a mount point that the pair does not enter. */
bool left_out_is_closed(const RestorePair *pair, const Both *both);
