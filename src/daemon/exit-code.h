#pragma once

/* What the process's exit status says: the one place where results become the codes of sysexits(3).
 * Pure. */

/* Of a configuration that could not be loaded: R is config_load_instance's or
 * config_from_arguments'. */
int exit_code_of_config(int r);

/* Of a pair: R is 0, a GuardOutcome, or -errno, of pair_open or of a pass that ended the service.
 */
int exit_code_of_pair(int r);

enum {
        EXIT_SOME_FAILED = 1, /* --once: done, but some entries failed */
};
