#pragma once

/* The daemon confines itself by Landlock, however it was started: it reads the source and its
 * configuration, writes to replica, store, state and log, and has nothing else. */

#include "daemon/manager.h"

/* Confines the process to what the open pair needs: before it begins any thread, and after all that
 * is needed once was read. Where the kernel cannot, everything goes on without. Logs. */
void confine(const Manager *manager);
