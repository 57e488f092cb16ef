#pragma once

/* The text of the drop-in by which a pair's service learns its paths. Pure. */

#include "generator/places.h"

typedef enum Scope {
        SCOPE_SYSTEM,
        SCOPE_USER, /* has no sandbox of paths */
} Scope;

/* FILE is the configuration that the person wrote. A fresh string; 0, -EINVAL when a path cannot be
 * written in a unit file, or -ENOMEM. */
int drop_in_format(Scope scope, const char *file, const Places *places, char **ret);
