#pragma once

/* Saying no to what a person wrote. */

#include "basic/macros.h"

/* Makes the line that tells what is wrong: -EINVAL with *RET_ERROR, the caller's; -ENOMEM with
 * NULL. */
_printf_(2, 3) int refuse(char **ret_error, const char *format, ...);
