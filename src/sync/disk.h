#pragma once

/* The replica's file system as a whole: what fails for each path alike is one fact, which is told
 * once and ends the pass. Any thread of the engine. */

#include "sync/engine-internal.h"

/* Right after the roots were opened: 0, or -errno with *RET_ERROR when nothing can be written. */
int disk_check(Engine *engine, char **ret_error);

/* ERROR was met in PASS: true when it is the file system's and no single path's. Then the pass is
 * aborted, and nothing need be said or retried. */
bool disk_ended_pass(Pass *pass, int error);

/* What is free for us on the replica's file system. Zeros where that cannot be told. */
Room disk_room(const Engine *engine);
