#include "ctl/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include "basic/macros.h"

static volatile sig_atomic_t caught_signal;

static void catch_signal(int signal) {
        caught_signal = signal;
}

void interrupt_catch(void) {
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
        const struct sigaction action = { .sa_handler = catch_signal, .sa_flags = SA_RESETHAND };

        for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
                struct sigaction before;

                if (sigaction(signals[i], NULL, &before) >= 0 && before.sa_handler != SIG_IGN)
                        (void) sigaction(signals[i], &action, NULL);
        }
        (void) signal(SIGPIPE, SIG_IGN);
}

int interrupt_check(void *userdata) {
        (void) userdata;
        return caught_signal ? -EINTR : 0;
}

int interrupt_tick(uint64_t n_bytes, void *userdata) {
        (void) n_bytes;
        return interrupt_check(userdata);
}

void interrupt_end(void) {
        if (!caught_signal)
                return;
        (void) signal(caught_signal, SIG_DFL);
        (void) raise(caught_signal);
}
