#pragma once

/* Words for people, and the exit status that goes with them. */

#include <stdint.h>
#include <sys/types.h>

#include "basic/macros.h"

enum {
        EXIT_SOME_FAILED = 1, /* done, but for some entries */
        EXIT_DIFFERENT = 1,   /* as diff(1) */
};

/* A line on the standard error that begins with the program's name, made safe for a terminal. */
void say_error(const char *format, ...) _printf_(1, 2);

/* Says ERROR (may be NULL; freed) of a call that returned R, a RestoreProblem or -errno, and
 * returns the exit status. */
int say_problem(int r, char *error);

/* The exit status of R alone. */
int say_exit_code(int r);

/* "file", "directory", "symlink", …: what a person reads and a program finds in JSON. */
const char *type_to_string(uint32_t mode);

/* Flushes the standard output: STATUS, or that of a failed write, which is told. */
int finish_output(int status);
