#pragma once

/* What makes a process and the next one of the same service understand each other: the names of the
 * descriptors, and facts about the pair. For manager-leave.c and manager-resume.c. */

#include "daemon/manager.h"
#include "daemon/restart-facts.h"
#include "watch/watch-pack.h"

#define RESTART_STATE_NAME "rebackup-state"

/* The names of the descriptors of each side. */
typedef struct RestartNames {
        const char *inotify, *fanotify;
} RestartNames;
extern const RestartNames restart_names[_WATCH_SIDE_MAX];

/* The key of the token among the catalog's facts. */
#define RESTART_TOKEN_FACT "left-off"

/* Fills in what can be told of a pair that is open, but the catalog's stamp and token. 0 or -errno.
 */
int restart_facts_sample(const Manager *manager, RestartFacts *ret);
