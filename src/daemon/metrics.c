#include "daemon/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "daemon/manager.h"
#include "daemon/metrics-text.h"
#include "daemon/pair-facts.h"
#include "daemon/runtime-directory.h"

#define FILE_NAME "metrics.prom"
#define NEW_NAME "metrics.prom.new" /* the collector takes what ends in ".prom" */

/* Behind the mirroring, and behind those who ask. */
#define METRICS_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 20)
#define INTERVAL_USEC (15 * USEC_PER_SEC)
/* What happens takes a moment; its end is what is to be seen. */
#define DELAY_USEC (1 * USEC_PER_SEC)
#define ACCURACY_USEC (500 * USEC_PER_MSEC)

struct Metrics {
        Manager *manager; /* borrowed */
        char *pair;       /* owned, as the next two */
        char *directory;
        char *text; /* as last written; NULL: not yet, or in vain */
        sd_event_source *timer;
        usec_t written; /* CLOCK_MONOTONIC */
        bool waits;     /* for the timer */
        bool failed;    /* and that was said */
};

/* Who collects metrics is no root: the file is everybody's to read, whatever the umask. */
static int write_new(int directory_fd, const char *text) {
        _cleanup_close_ int fd = -EBADF;

        fd = openat(directory_fd, NEW_NAME,
                    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                    0600);
        if (fd < 0)
                return -errno;
        if (fchmod(fd, 0644) < 0)
                return -errno;
        return loop_write(fd, text, strlen(text));
}

static int write_file(const char *directory, const char *text) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = write_new(fd, text);
        if (r >= 0 && renameat(fd, NEW_NAME, fd, FILE_NAME) < 0)
                r = -errno;
        if (r < 0)
                (void) unlinkat(fd, NEW_NAME, 0);
        return r;
}

static int update(Metrics *metrics) {
        _cleanup_(pair_facts_done) PairFacts facts = PAIR_FACTS_NULL;
        _cleanup_free_ char *text = NULL;
        int r;

        r = pair_facts_acquire(metrics->manager, metrics->pair, &facts);
        if (r >= 0)
                r = metrics_format(&facts, &text);
        if (r < 0 || (metrics->text && streq(metrics->text, text)))
                return r;
        r = write_file(metrics->directory, text);
        free(metrics->text);
        metrics->text = r < 0 ? NULL : TAKE_PTR(text);
        return r;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Metrics *metrics = ASSERT_PTR(userdata);
        int r;

        (void) source, (void) usec;
        metrics->waits = false;
        metrics->written = now_usec(CLOCK_MONOTONIC);
        r = update(metrics);
        if (r < 0 && !metrics->failed)
                (void) log_warning_errno(
                        r, "cannot write %s/" FILE_NAME ", trying again with each change: %m",
                        metrics->directory);
        metrics->failed = r < 0;
        return 0;
}

static int set_timer(Metrics *metrics, usec_t after) {
        int r;

        if (metrics->timer) {
                r = sd_event_source_set_time_relative(metrics->timer, after);
                return r < 0 ? r : sd_event_source_set_enabled(metrics->timer, SD_EVENT_ONESHOT);
        }
        r = sd_event_add_time_relative(metrics->manager->event, &metrics->timer, CLOCK_MONOTONIC,
                                       after, ACCURACY_USEC, on_timer, metrics);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(metrics->timer, "metrics");
        return sd_event_source_set_priority(metrics->timer, METRICS_PRIORITY);
}

void metrics_note_change(Metrics *metrics) {
        usec_t now = now_usec(CLOCK_MONOTONIC), due;

        if (!metrics || metrics->waits)
                return;
        due = metrics->written > 0 ? metrics->written + INTERVAL_USEC : 0;
        metrics->waits = set_timer(metrics, MAX(due, now + DELAY_USEC) - now) >= 0;
}

DEFINE_TRIVIAL_CLEANUP_FUNC(Metrics *, metrics_free)

int metrics_new(Manager *manager, const char *name, Metrics **ret) {
        _cleanup_(metrics_freep) Metrics *metrics = NULL;
        _cleanup_free_ char *directory = NULL;
        int r;

        *ret = NULL;
        r = runtime_directory(&directory);
        if (r < 0 || !directory)
                return r;
        metrics = new0(Metrics, 1);
        if (!metrics)
                return -ENOMEM;
        metrics->manager = manager;
        metrics->directory = TAKE_PTR(directory);
        metrics->pair = strdup(name);
        if (!metrics->pair)
                return -ENOMEM;
        *ret = TAKE_PTR(metrics);
        return 0;
}

Metrics *metrics_free(Metrics *metrics) {
        char *path;

        if (!metrics)
                return NULL;
        if (metrics->text && asprintf(&path, "%s/" FILE_NAME, metrics->directory) >= 0) {
                (void) unlink(path);
                free(path);
        }
        sd_event_source_disable_unref(metrics->timer);
        free(metrics->directory);
        free(metrics->pair);
        free(metrics->text);
        free(metrics);
        return NULL;
}
