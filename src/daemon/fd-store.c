#include "daemon/fd-store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "basic/time-span.h"

#define SETTLE_USEC (1 * USEC_PER_SEC)

/* Takes NAMES over, one for each of N descriptors from the first on. */
static int keep(char **names, size_t n, InheritedFds *ret) {
        InheritedFd *items = new0(InheritedFd, n);

        if (!items)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                items[i] = (InheritedFd) { .fd = SD_LISTEN_FDS_START + (int) i, .name = names[i] };
        *ret = (InheritedFds) { .items = items, .n_items = n };
        return 0;
}

static void forget(const char *name) {
        (void) sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

int inherited_fds_receive(InheritedFds *ret) {
        char **names = NULL;
        int n, r;

        n = sd_listen_fds_with_names(1, &names);
        if (n <= 0)
                return n;
        for (int i = 0; i < n; i++)
                forget(names[i]);
        r = keep(names, (size_t) n, ret);
        for (int i = 0; r < 0 && i < n; i++) {
                (void) safe_close(SD_LISTEN_FDS_START + i);
                free(names[i]);
        }
        free(names);
        return r;
}

int inherited_fds_take(InheritedFds *fds, const char *name) {
        InheritedFd *found = NULL;

        for (size_t i = 0; i < fds->n_items; i++) {
                if (!streq(fds->items[i].name, name))
                        continue;
                if (found)
                        return -EBADF;
                found = &fds->items[i];
        }
        return found ? TAKE_FD(found->fd) : -EBADF;
}

void inherited_fds_done(InheritedFds *fds) {
        for (size_t i = 0; i < fds->n_items; i++) {
                (void) safe_close(fds->items[i].fd);
                free(fds->items[i].name);
        }
        free(fds->items);
        *fds = INHERITED_FDS_NULL;
}

void fd_store_settle(void) {
        (void) sd_notify_barrier(0, SETTLE_USEC);
}

int fd_store_push(const char *name, int fd) {
        char state[128];
        int r;

        (void) snprintf(state, sizeof state, "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
        r = sd_pid_notify_with_fds(0, 0, state, &fd, 1);
        return r == 0 ? -ENOTCONN : MIN(r, 0);
}
