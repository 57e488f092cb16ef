#pragma once

/* Where others find what is true of a running service only: RuntimeDirectory= of its unit. */

/* The directory that the service manager made. *RET is a fresh string, or NULL when there is none,
 * as in the foreground. 0 or -ENOMEM. */
int runtime_directory(char **ret);
