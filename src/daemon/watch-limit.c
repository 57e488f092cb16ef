#include "daemon/watch-limit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "basic/count-text.h"
#include "basic/fd.h"
#include "basic/macros.h"

enum { LIMIT_STEP = 65536 };

static bool is_inotify(WatchBackend backend) {
        return backend == WATCH_BACKEND_INOTIFY;
}

uint64_t watch_limit_acquire(WatchBackend backend) {
        _cleanup_close_ int fd = -EBADF;
        char text[32];
        ssize_t n;

        fd = open(is_inotify(backend) ? "/proc/sys/fs/inotify/max_user_watches"
                                      : "/proc/sys/fs/fanotify/max_user_marks",
                  O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return 0;
        n = read(fd, text, sizeof text - 1);
        if (n <= 0)
                return 0;
        text[n] = 0;
        return strtoull(text, NULL, 10);
}

uint64_t watch_limit_suggest(uint64_t limit, size_t n_watched, size_t n_refused) {
        uint64_t needed = MAX(limit, (uint64_t) n_watched) + n_refused;

        needed += needed / 4;
        return (needed + LIMIT_STEP - 1) / LIMIT_STEP * LIMIT_STEP;
}

int watch_limit_format(const WatchLimitFacts *facts, char **ret) {
        char refused[COUNT_TEXT_MAX], all[COUNT_TEXT_MAX], span[SPAN_TEXT_MAX];
        bool inotify = is_inotify(facts->backend);
        char *line;
        int r;

        (void) span_format(span, sizeof span, facts->rescan_interval);
        r = asprintf(&line,
                     "%s of %s directories are not watched: the limit of %s is reached. Their "
                     "changes are found by the rescan %s%s. To watch them: %ssysctl "
                     "%s=%" PRIu64 ", then restart",
                     count_format(refused, sizeof refused, facts->n_refused),
                     count_format(all, sizeof all, facts->n_watched + facts->n_refused),
                     inotify ? "watches" : "marks",
                     facts->rescan_interval > 0 ? "every " : "on demand alone",
                     facts->rescan_interval > 0 ? span : "",
                     inotify && facts->may_mark ? "Sync.Watch=fanotify, which has no limit; or "
                                                : "",
                     inotify ? "fs.inotify.max_user_watches" : "fs.fanotify.max_user_marks",
                     watch_limit_suggest(watch_limit_acquire(facts->backend), facts->n_watched,
                                         facts->n_refused));
        if (r < 0)
                return -ENOMEM;
        *ret = line;
        return 0;
}
