#include "daemon/watch-limit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macros.h"
#include "daemon/count-text.h"

enum { LIMIT_STEP = 65536 };

uint64_t watch_limit_acquire(void) {
        _cleanup_close_ int fd = -EBADF;
        char text[32];
        ssize_t n;

        fd = open("/proc/sys/fs/inotify/max_user_watches", O_RDONLY | O_CLOEXEC | O_NOCTTY);
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

int watch_limit_format(size_t n_watched, size_t n_refused, usec_t rescan_interval, char **ret) {
        char refused[COUNT_TEXT_MAX], all[COUNT_TEXT_MAX], span[SPAN_TEXT_MAX];
        char *line;
        int r;

        (void) span_format(span, sizeof span, rescan_interval);
        r = asprintf(&line,
                     "%s of %s directories are not watched: the limit of watches is reached. Their "
                     "changes are found by the rescan %s%s. To watch them: sysctl "
                     "fs.inotify.max_user_watches=%" PRIu64 ", then restart",
                     count_format(refused, sizeof refused, n_refused),
                     count_format(all, sizeof all, n_watched + n_refused),
                     rescan_interval > 0 ? "every " : "on demand alone",
                     rescan_interval > 0 ? span : "",
                     watch_limit_suggest(watch_limit_acquire(), n_watched, n_refused));
        if (r < 0)
                return -ENOMEM;
        *ret = line;
        return 0;
}
