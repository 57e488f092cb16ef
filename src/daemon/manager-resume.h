#pragma once

/* Going on where the process before this one left off, when the service manager has kept what that
 * left behind and nothing has changed that matters. For manager-open.c. */

#include "daemon/fd-store.h"
#include "daemon/manager.h"
#include "daemon/restart-facts.h"
#include "daemon/sealed-file.h"

typedef struct Resume {
        InheritedFds fds;
        SealedFile state;
        RestartFacts was;
        int catalog_error;
        FileStamp catalog; /* before it was opened */
        bool offered;      /* there is something to go on from */
        const char *refusal;
} Resume;

#define RESUME_NULL ((Resume) {})
void resume_done(Resume *resume);

/* Takes what the service manager hands over, once for the life of the process; before the pair is
 * opened. */
void resume_receive(const Manager *manager, Resume *ret);

/* With the pair open, and before anything works on it. True: the manager's tree, watches and dirty
 * set are those of the process before; false: there are none. Either way what was left behind is
 * used up. */
bool resume_adopt(Manager *manager, Resume *resume);

/* The rest, when the engine is there. 0 or -errno. */
int resume_finish(Manager *manager, const Resume *resume);
