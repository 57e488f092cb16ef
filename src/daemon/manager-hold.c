#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "daemon/exit-code.h"
#include "daemon/log-message.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"

/* A mount that comes is told by the kernel; what cannot be (a network server that is back, a mount
 * elsewhere in the namespace tree) is looked for at this pace. */
#define HOLD_RECHECK_USEC (10 * USEC_PER_SEC)

/* Keeps the reason for the status line. True: it is news. */
static bool note_reason(Manager *manager, const char *reason) {
        char *copy;

        if (manager->reason && streq(manager->reason, reason))
                return false;
        copy = strdup(reason);
        if (!copy)
                return true;
        free(manager->reason);
        manager->reason = copy;
        return true;
}

static int on_mounts(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Manager *manager = ASSERT_PTR(userdata);

        (void) source, (void) fd, (void) revents;
        manager->not_before = 0;
        manager_continue(manager);
        return 0;
}

/* The kernel reports a change of the mount table as a priority event on this file, proc(5). */
static void watch_mounts(Manager *manager) {
        _cleanup_close_ int fd = -EBADF;

        if (manager->mounts_source)
                return;
        fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return;
        if (sd_event_add_io(manager->event, &manager->mounts_source, fd, EPOLLPRI, on_mounts,
                            manager) < 0)
                return;
        if (sd_event_source_set_io_fd_own(manager->mounts_source, true) >= 0)
                (void) TAKE_FD(fd);
}

void manager_begin_hold(Manager *manager, int outcome, const char *reason) {
        bool news = note_reason(manager, reason) || !manager->hold;

        manager->hold = outcome;
        if (news)
                log_message(LOG_ERR, REBACKUP_MSG_HOLD, "on hold: %s", reason);
        if (manager->options->once) {
                manager_finish(manager, exit_code_of_pair(outcome));
                return;
        }

        /* Whatever comes back may be another tree than the one that was watched: everything begins
         * anew. */
        manager->armed = manager->engine && !manager->watch;
        manager->live = false;
        manager->next_full = 0;
        manager->not_before = now_usec(CLOCK_MONOTONIC) + HOLD_RECHECK_USEC;
        watch_mounts(manager);
}

void manager_end_hold(Manager *manager) {
        if (manager->hold)
                log_message(LOG_NOTICE, REBACKUP_MSG_HOLD_ENDED,
                            "the hold ended: the disk is back; comparing everything");
        else if (manager->n_pass_failures > 0)
                log_notice("passes succeed again");
        manager->hold = 0;
        manager->n_pass_failures = 0;
        manager->not_before = 0;
        manager->mounts_source = sd_event_source_unref(manager->mounts_source);
        free(TAKE_PTR(manager->reason));
}

void manager_begin_back_off(Manager *manager, int error, const char *reason) {
        char span[SPAN_TEXT_MAX];
        usec_t delay;
        bool news;

        if (manager->options->once) {
                log_message_errno(LOG_ERR, REBACKUP_MSG_PASS_FAILED, error, "the pass failed: %s",
                                  reason);
                manager_finish(manager, exit_code_of_pair(error));
                return;
        }
        news = note_reason(manager, reason);
        delay = retry_delay(++manager->n_pass_failures);
        log_message_errno(news ? LOG_ERR : LOG_DEBUG, REBACKUP_MSG_PASS_FAILED, error,
                          "a pass failed: %s; everything is compared again in %s", reason,
                          span_format(span, sizeof span, delay));
        manager->not_before = now_usec(CLOCK_MONOTONIC) + delay;
        manager->next_full = manager->not_before;
}
