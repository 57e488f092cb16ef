#pragma once

/* The directory into which a generator writes, systemd.generator(7). What is there already is left
 * as it is. */

/* Writes TEXT into UNIT.d/NAME below DIRECTORY_FD. 0 or -errno. */
int output_drop_in(int directory_fd, const char *unit, const char *name, const char *text);

/* Has WANTING want UNIT, which is made from the file TARGET. 0 or -errno. */
int output_want(int directory_fd, const char *wanting, const char *unit, const char *target);
