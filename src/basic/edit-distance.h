#pragma once

/* How much two names differ, so that what was mistyped can be guessed. */

#include <stddef.h>

enum { EDIT_DISTANCE_MAX = 255 };

/* How many letters have to be put in, taken out or exchanged to make one name of the other,
 * whatever the case of ASCII letters; SIZE_MAX when B has more than EDIT_DISTANCE_MAX. Source: R.
 * A. Wagner and M. J. Fischer, The String-to-String Correction Problem, 1974. */
size_t edit_distance(const char *a, const char *b);
