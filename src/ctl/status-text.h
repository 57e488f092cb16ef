#pragma once

/* A pair's state as a person reads it. */

#include "ctl/pair-state.h"
#include "ctl/terminal.h"

/* In one or two words, and how they are to be taken: "in step", "copying", "on hold", … */
const char *status_word(const PairState *state, Colour *ret_colour);

/* Prints all that is worth knowing, NOW being CLOCK_REALTIME, or as much of it as goes into
 * N_LINES_MAX lines. Returns the number of lines. */
size_t status_print(const Terminal *terminal, const PairState *state, usec_t now,
                    size_t n_lines_max);
