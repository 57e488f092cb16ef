#pragma once

/* The capabilities of root that a mirror needs, and no others. */

/* Gives up, for good, every capability that is not needed, for the calling thread and those that it
 * begins later. Whoever has none loses none. 0 or -errno; what could be given up is. */
int capabilities_drop(void);
