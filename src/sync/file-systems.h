#pragma once

/* The source's file systems of one span of passes: device numbers as the kernel shows them now, and
 * the catalog's numbers, which last. */

#include "sync/engine-internal.h"

/* Forgets the devices (they may mean others after a remount) and learns the root's. Called when the
 * roots were opened. */
int file_systems_reset(Engine *engine);

/* The catalog's number of the file system of the directory DIRECTORY_FD with device number DEVICE.
 * Any worker. */
int file_systems_number(Engine *engine, int directory_fd, uint64_t device, int64_t *ret);
