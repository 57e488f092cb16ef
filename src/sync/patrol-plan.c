#include "sync/patrol-plan.h"

#include "basic/macros.h"

/* So many shares make an interval, unless that would be too many wake-ups or too few. */
enum { SHARES = 256 };
#define PERIOD_MIN_USEC (1 * USEC_PER_SEC)
#define PERIOD_MAX_USEC (1 * USEC_PER_HOUR)
/* What is read with a share beyond it, so that the last file is read before its time is up. */
enum { RESERVE_PARTS = 16 };

usec_t patrol_period(const PatrolFacts *facts, bool is_behind) {
        usec_t period = CLAMP(facts->interval / SHARES, (usec_t) PERIOD_MIN_USEC,
                              (usec_t) PERIOD_MAX_USEC);

        if (facts->n_files == 0)
                return USEC_INFINITY;
        if (is_behind || facts->n_without_hash > 0)
                return PERIOD_MIN_USEC;
        return MAX(period, facts->interval / facts->n_files);
}

uint64_t patrol_share(const PatrolFacts *facts, usec_t elapsed) {
        double part = (double) MIN(elapsed, facts->interval) / (double) facts->interval;

        part += part / RESERVE_PARTS;
        if (part >= 1)
                return MAX(facts->n_bytes, UINT64_C(1));
        return MAX((uint64_t) ((double) facts->n_bytes * part), UINT64_C(1));
}
