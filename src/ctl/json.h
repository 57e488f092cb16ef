#pragma once

/* JSON as programs want it: names are text where they are valid UTF-8, else arrays of their bytes,
 * as in journalctl(1), so that nothing is lost. */

#include <stdio.h>

#include "fs/entry.h"

/* A string, or an array of numbers. */
void json_print_name(FILE *file, const char *text);

/* "type":…,"size":…,"mode":"0644","uid":…,"gid":…,"mtime":"…", without braces. */
void json_print_stamp(FILE *file, const Stamp *stamp);

/* A time of a version as a string; 0: null. */
void json_print_time(FILE *file, usec_t at);
