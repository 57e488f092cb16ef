#include "sync/tick.h"

#include <errno.h>

#include "basic/macros.h"
#include "sync/visit.h"

int tick(uint64_t n_bytes, void *userdata) {
        Visit *visit = ASSERT_PTR(userdata);

        atomic_fetch_add(&visit->worker->pass->n_bytes_read, n_bytes);
        engine_beat(visit->engine);
        return engine_is_cancelled(visit->engine) ? -ECANCELED : 0;
}
