#include "fs/segments.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

static void set_segment(Segments *segments, uint64_t begin, uint64_t end) {
        segments->begin = begin;
        segments->end = end;
}

int segments_find(Segments *segments, uint64_t position) {
        off_t begin, end;

        assert(segments);

        if (position < segments->end)
                return 0;

        if (!segments->sparse) {
                set_segment(segments, 0, SEGMENT_NOWHERE);
                return 0;
        }

        begin = lseek(segments->fd, (off_t) position, SEEK_DATA);
        end = begin < 0 ? -1 : lseek(segments->fd, begin, SEEK_HOLE);
        if (end >= 0) {
                set_segment(segments, (uint64_t) begin, (uint64_t) end);
                return 0;
        }

        switch (errno) {
        case ENXIO: /* no data at or behind POSITION, or no longer */
                set_segment(segments, SEGMENT_NOWHERE, SEGMENT_NOWHERE);
                return 0;
        case EINVAL: /* this file system does not know its holes */
        case EOPNOTSUPP:
                segments->sparse = false;
                set_segment(segments, 0, SEGMENT_NOWHERE);
                return 0;
        default:
                return -errno;
        }
}
