#pragma once

/* Whether the service manager's watchdog is fed: only while work that was begun gets on, so that a
 * worker that hangs is noticed although the event loop still turns. */

#include <stdbool.h>
#include <stdint.h>

typedef struct Heartbeat {
        uint64_t last;    /* the engine's heartbeat when it was looked at before */
        bool was_running; /* a pass ran then */
} Heartbeat;

/* Notes what the engine shows now. True: it gets on, or has nothing to do, or began since the last
 * look. */
bool heartbeat_note(Heartbeat *heartbeat, bool running, uint64_t beat);
