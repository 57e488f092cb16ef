#pragma once

/* The limit on the bytes that are copied in a second, shared by all who copy: each gets its turn,
 * portion by portion, so that large files progress alike and small ones do not wait for them. */

#include <stdint.h>

typedef struct Engine Engine;
typedef struct Bandwidth Bandwidth;

int bandwidth_new(uint64_t rate, Bandwidth **ret);
Bandwidth *bandwidth_free(Bandwidth *bandwidth);

/* Bytes a second; 0: no limit. At once, for those who wait as well. Any thread. */
void bandwidth_set(Bandwidth *bandwidth, uint64_t rate);
/* Has those who wait look whether they should still. */
void bandwidth_wake(Bandwidth *bandwidth);

/* From which size on a file is copied beside the others, and not on the way: what would take a
 * second or more is too long for those behind it. */
uint64_t bandwidth_large_file(const Bandwidth *bandwidth);

/* For CopyJob's PACE, whose userdata is the Visit. */
int64_t bandwidth_pace(uint64_t wanted, void *userdata);
