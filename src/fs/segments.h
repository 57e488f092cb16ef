#pragma once

/* Where a file has data, by SEEK_DATA and SEEK_HOLE. Internal to the copier. One thread's; borrows
 * the descriptor, whose offset it moves. */

#include <stdbool.h>
#include <stdint.h>

/* Begin and end of a segment that lies behind everything: only a hole is left. */
#define SEGMENT_NOWHERE UINT64_MAX

typedef struct Segments {
        int fd;
        bool sparse; /* false: the file counts as one segment without end, and nothing is asked */
        uint64_t begin, end; /* the segment found last */
} Segments;

#define SEGMENTS_INIT(FD, SPARSE) ((Segments) { .fd = (FD), .sparse = (SPARSE) })

/* Makes [begin, end) the first segment with data at or behind POSITION; what lies between POSITION
 * and begin is a hole. Asks the kernel only when POSITION has left the segment found last. 0 or
 * -errno. Source: lseek(2). */
int segments_find(Segments *segments, uint64_t position);
