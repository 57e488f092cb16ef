#pragma once

/* The file "statistics" in a pair's state directory. Lines are appended, each with a checksum, so
 * that a reader needs no lock and damage costs no more than the lines that it is in; now and then
 * the file is written anew, shorter. What was appended last may be lost in a power cut, since it is
 * not flushed: these are no numbers to wait for. */

#include <stdbool.h>
#include <stddef.h>

#include "state/statistics.h"

typedef struct StatisticsCondition {
        size_t n_lines;
        size_t n_bad; /* of these, not as they were written */
        bool is_torn; /* the last line has no end: its writer died */
} StatisticsCondition;

/* Reads the file in DIRECTORY. *RET is the caller's. 0; -ENOENT; -errno. */
int statistics_load(const char *directory, Statistics *ret, StatisticsCondition *ret_condition);

/* Appends LINES as a whole or not at all, making the file if need be. -errno; -ENOENT when there is
 * no such directory. */
int statistics_append(const char *directory, const char *lines);

/* Writes the file anew, with just what is in STATISTICS. What is in it now is kept under another
 * name if it is DAMAGED, in place of what was kept there before. 0 or -errno. */
int statistics_replace(const char *directory, const Statistics *statistics, bool damaged);

#define STATISTICS_NAME "statistics"
#define STATISTICS_DAMAGED_NAME "statistics.damaged"
