#pragma once

/* Between pieces of long copies and reads: the heartbeat, the progress, and the chance to end
 * early. For the tick callbacks of fs/copy.h, whose userdata is the Visit. */

#include <stdint.h>

int tick(uint64_t n_bytes, void *userdata);
