#pragma once

/* Values in unit files, written so that systemd reads back what was meant: systemd.syntax(7). Pure.
 */

#include <stdbool.h>

#include "basic/string-util.h"

/* Whether TEXT can be a value at all: UTF-8 without control characters. */
bool unit_value_is_possible(const char *text);

/* Adds TEXT behind PREFIX as one word of a list of words. */
void unit_value_append_word(StringBuffer *buffer, const char *prefix, const char *text);

/* Adds TEXT as a value that is taken as a whole. */
void unit_value_append_whole(StringBuffer *buffer, const char *text);
