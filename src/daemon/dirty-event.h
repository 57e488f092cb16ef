#pragma once

/* What an event of the watch means for the dirty set. Pure. */

#include <stdbool.h>

#include "watch/watch.h"

typedef enum EventMeaning {
        EVENT_NOTHING,  /* another event tells more */
        EVENT_NAME,     /* an entry of the directory is to be looked at */
        EVENT_SELF,     /* the directory's own metadata */
        EVENT_LISTING,  /* the directory as a whole */
        EVENT_ROOT,     /* something happened to the source's root itself: the guards decide */
        EVENT_OVERFLOW, /* events were lost: everything is to be looked at */
} EventMeaning;

/* Whether EVENT tells of a file that has to be looked for by its identity, beside what its name
 * says. */
bool event_tells_file(const WatchEvent *event);

/* IS_ROOT: the event's node is the source's root. *RET_FLAGS gets the DirtyFlags for EVENT_NAME,
 * EVENT_SELF and EVENT_LISTING, else 0. */
EventMeaning event_meaning(const WatchEvent *event, bool is_root, unsigned *ret_flags);
