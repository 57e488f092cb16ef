#pragma once

/* What the process's exit status says: the one place where results become the codes of sysexits(3).
 * Pure. */

#include <stdint.h>

/* Of a configuration that could not be loaded: R is config_load_instance's or
 * config_from_arguments'. */
int exit_code_of_config(int r);

/* Of a pair: R is 0, a GuardOutcome, or -errno, of pair_open or of a pass that ended the service.
 */
int exit_code_of_pair(int r);

/* Of --once when its pass is done: what is held says more than what failed. */
int exit_code_of_once(uint64_t n_held, uint64_t n_failed);

enum {
        EXIT_SOME_FAILED = 1, /* --once: done, but some entries failed */
};
