#include "daemon/heartbeat.h"

bool heartbeat_note(Heartbeat *heartbeat, bool running, uint64_t beat) {
        bool alive = !running || !heartbeat->was_running || beat != heartbeat->last;

        *heartbeat = (Heartbeat) { .last = beat, .was_running = running };
        return alive;
}
