#pragma once

/* What the ways of bringing back share. Internal to the library. */

#include "restore/restore.h"

/* What restoring returns: R is what walk() gave. */
int problem_of_walk(char **ret_error, const RestoreRequest *request, int r);
