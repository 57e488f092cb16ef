#pragma once

/* From the command line to the exit status. */

/* Everything main() does. Returns the exit status, see exit-code.h. */
int run(int argc, char **argv);
