#pragma once

/* Places of the source at which a file system is missing, was exchanged, or hides what was there:
 * their replica is left as it is. The catalog tells each time anew whether a place is held (so a
 * restart changes nothing); this list is only what was said of it, so that it is said once, and
 * counted. Any thread. */

#include "sync/engine-internal.h"

int held_new(Engine *engine);
void held_free(Engine *engine);

/* A full pass begins; and it has seen everything: places that it did not come across are held no
 * more. */
void held_begin_full(Engine *engine);
void held_end_full(Engine *engine);
