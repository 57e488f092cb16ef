#pragma once

/* Directories that can be taken to stay while a pair runs, whatever happens below them: what is
 * opened to a service has to last as long as that. Pure; paths are absolute and normalised. Fresh
 * strings; NULL when memory is short. */

/* For PATH, which may be replaced, or be deleted together with directories above it and be made
 * again with them: the first component of what it is in, or the first two where the first holds the
 * system's own things, such as /var and /home. */
char *lasting_place(const char *path);

/* For the log file PATH: what its directory is in, since that may be deleted and made again; but
 * the directory itself where it stands in "/", /home or /var, of which more than the log would be
 * opened. */
char *lasting_place_of_log(const char *path);
