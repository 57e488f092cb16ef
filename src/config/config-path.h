#pragma once

/* Paths as they are written in a configuration: made absolute and normalised by their text alone.
 */

/* What is wrong with a path, beyond 0 and -errno. */
typedef enum PathOutcome {
        PATH_RELATIVE = 1, /* and there is no base to take it from */
        PATH_DOT_DOT,  /* a ".." component, which cannot be taken away without following links */
        PATH_TOO_LONG, /* longer than the kernel takes in one piece */
} PathOutcome;

/* Takes away repeated slashes, a slash at the end, and "." components. A relative TEXT is taken
 * from BASE, an absolute path without symbolic links as getcwd(3) gives it; that is why ".." may
 * stand at the beginning of a relative path and nowhere else. BASE may be NULL. *RET is the
 * caller's. */
int config_path_normalize(const char *text, const char *base, char **ret);
