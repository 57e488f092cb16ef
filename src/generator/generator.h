#pragma once

/* From the command line to the exit status. */

/* Everything main() does: 0, or 1 when something was wrong with a pair or could not be written; all
 * others are done. */
int generator_run(int argc, char **argv);
