#include "daemon/dirty-event.h"

#include "watch/dirty.h"

bool event_tells_file(const WatchEvent *event) {
        return event->file.inode != 0 &&
               event->flags & (WATCH_EVENT_FILE | WATCH_EVENT_LEFT | WATCH_EVENT_UNNAMED);
}

EventMeaning event_meaning(const WatchEvent *event, bool is_root, unsigned *ret_flags) {
        *ret_flags = 0;

        if (event->flags & WATCH_EVENT_OVERFLOW)
                return EVENT_OVERFLOW;
        if (event->flags & WATCH_EVENT_FILE)
                return EVENT_NOTHING;
        if (event->flags & (WATCH_EVENT_UNMOUNTED | WATCH_EVENT_GONE) && is_root)
                return EVENT_ROOT;
        if (event->flags & WATCH_EVENT_UNMOUNTED) {
                *ret_flags = DIRTY_LISTING | DIRTY_SELF | DIRTY_SETTLED;
                return EVENT_LISTING;
        }
        if (event->name) {
                if (!(event->flags & (WATCH_EVENT_CHANGED | WATCH_EVENT_CLOSED)))
                        return EVENT_NOTHING;
                *ret_flags = event->flags & WATCH_EVENT_CLOSED ? DIRTY_SETTLED : 0;
                if (!(event->flags & WATCH_EVENT_UNNAMED))
                        return EVENT_NAME;
                *ret_flags |= DIRTY_LISTING;
                return EVENT_LISTING;
        }
        if (event->flags & WATCH_EVENT_SELF) {
                *ret_flags = DIRTY_SELF | DIRTY_SETTLED;
                return EVENT_SELF;
        }
        /* A directory that went away is an entry of its parent, whose event says so as well. */
        return EVENT_NOTHING;
}
