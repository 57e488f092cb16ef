#pragma once

/* The problems found while a configuration is put together, as the text that a person gets to read:
 * one line each, made of the place, what is wrong, and the remedy. */

#include "basic/macros.h"
#include "basic/string-util.h"

/* Where something was written. */
typedef struct ConfigPlace {
        const char *file; /* borrowed; NULL: on the command line */
        unsigned line;    /* 0: the file as a whole */
} ConfigPlace;

/* Adds a line, in which control characters and invalid UTF-8 are escaped: a file's text is shown to
 * terminals. Want of memory is remembered by PROBLEMS. */
void config_problem_add(StringBuffer *problems, const ConfigPlace *place, const char *format, ...)
        _printf_(3, 4);
