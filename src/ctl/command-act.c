/* rebackupctl sync, pause, resume, rescan, drop-excluded, reload, approve: one call each. */

#include <stdio.h>
#include <sysexits.h>

#include "basic/macros.h"
#include "ctl/bus-client.h"
#include "ctl/commands.h"

/* Flags of the method Sync, see org.rebackup.Pair1(5). */
#define SYNC_FULL UINT64_C(1)

static const struct {
        CtlVerb verb;
        const char *member;
} calls[] = {
        { CTL_SYNC, "Sync" },
        { CTL_PAUSE, "Pause" },
        { CTL_RESUME, "Resume" },
        { CTL_RESCAN, "Rescan" },
        { CTL_RELOAD, "Reload" },
        { CTL_APPROVE, "Approve" },
        { CTL_DROP_EXCLUDED, "DropExcluded" },
};

int command_act(const CtlOptions *options) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        uint64_t flags = options->full ? SYNC_FULL : 0;
        int r;

        r = client_connect(options, &bus);
        if (r != EX_OK)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(calls); i++)
                if (calls[i].verb == options->verb)
                        return client_act(bus, options, calls[i].member, flags);
        return EX_SOFTWARE;
}
