#pragma once

/* What went wrong, told where somebody may read it: at boot there is neither a terminal nor the
 * journal, but the kernel's log. */

#include "basic/macros.h"

/* One line for each line of the message. */
void report(const char *format, ...) _printf_(1, 2);
