#pragma once

/* How long something takes that has come so far, and how far that is. Pure. */

#include <stdint.h>

#include "basic/time-span.h"

/* DONE of EXPECTED, in thousandths: 999 at most, since what is expected is what was there before;
 * -1: EXPECTED is 0, nobody knows. */
int estimate_progress(uint64_t done, uint64_t expected);

/* How much longer, after ELAPSED, if it goes on as it did; 0: too early to tell, or unknown. */
usec_t estimate_left(usec_t elapsed, uint64_t done, uint64_t expected);

/* The work of reading files back, in one number: many small ones take longer than their bytes do.
 */
uint64_t estimate_reading(uint64_t n_files, uint64_t n_bytes);
