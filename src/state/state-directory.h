#pragma once

/* Where what outlives the replica's disk is kept. */

/* The state directory of the pair: $STATE_DIRECTORY, else below /var/lib/rebackup, or for a user
 * other than root below $XDG_STATE_HOME or ~/.local/state. INSTANCE is NULL for a pair that was
 * started by its paths. *RET is the caller's. 0; -ENOENT when there is no such place; -ENOMEM. */
int state_directory_find(const char *replica, const char *instance, char **ret);
