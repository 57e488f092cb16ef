#pragma once

/* Signals that ask for an end: noted, so that what is under way ends in good order and leaves
 * nothing half made behind. */

#include <stdbool.h>
#include <stdint.h>

/* From now on they are noted; a closed pipe shows as a failed write. */
void interrupt_catch(void);

/* 0, or -EINTR once a signal came: as CopyTick and as a hook of a walk. */
int interrupt_check(void *userdata);
int interrupt_tick(uint64_t n_bytes, void *userdata);

/* Ends the process as whoever sent the signal expects it, if one came. */
void interrupt_end(void);
