#include "basic/estimate.h"

#include "basic/macros.h"

/* Below this an estimate says more about noise than about what is left. */
#define ESTIMATE_AFTER_USEC (2 * USEC_PER_SEC)
/* Opening a file on both sides takes about as long as reading so many bytes. */
#define FILE_COST_BYTES (UINT64_C(128) * 1024)

int estimate_progress(uint64_t done, uint64_t expected) {
        if (expected == 0)
                return -1;
        return done >= expected ? 999 : (int) MIN((double) done * 1000 / (double) expected, 999.0);
}

usec_t estimate_left(usec_t elapsed, uint64_t done, uint64_t expected) {
        double left;

        if (elapsed < ESTIMATE_AFTER_USEC || done == 0 || done >= expected)
                return 0;
        left = (double) elapsed * (double) (expected - done) / (double) done;
        return (usec_t) (left / USEC_PER_SEC + 1) * USEC_PER_SEC;
}

uint64_t estimate_reading(uint64_t n_files, uint64_t n_bytes) {
        return n_bytes + n_files * FILE_COST_BYTES;
}
