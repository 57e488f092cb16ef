#include <errno.h>
#include <signal.h>
#include <string.h>

#include "basic/log.h"
#include "basic/macros.h"
#include "daemon/manager.h"

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Manager *manager = ASSERT_PTR(userdata);

        (void) source;
        log_debug("received SIG%s", sigabbrev_np((int) info->ssi_signo));
        manager_stop(manager);
        return 0;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        (void) source, (void) info;
        manager_reload(ASSERT_PTR(userdata));
        return 0;
}

static int on_rescan(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Manager *manager = ASSERT_PTR(userdata);

        (void) source, (void) info;
        log_info("rescan asked for by signal");
        manager_rescan(manager);
        return 0;
}

static const struct {
        int signal;
        sd_event_signal_handler_t handler;
} signals[] = {
        { SIGTERM, on_end },
        { SIGINT, on_end },
        { SIGHUP, on_reload },
        { SIGUSR1, on_rescan },
};

int manager_block_signals(void) {
        sigset_t set;

        (void) sigemptyset(&set);
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                (void) sigaddset(&set, signals[i].signal);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        /* Writing to a closed pipe and a broken lease are results of system calls, not reasons to
         * die. */
        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGIO, SIG_IGN) == SIG_ERR)
                return -errno;
        return 0;
}

int manager_add_signals(Manager *manager) {
        int r;

        for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
                sd_event_source *source;

                r = sd_event_add_signal(manager->event, &source, signals[i].signal,
                                        signals[i].handler, manager);
                if (r < 0)
                        return r;
                r = sd_event_source_set_floating(source, true);
                sd_event_source_unref(source);
                if (r < 0)
                        return r;
        }
        return 0;
}
