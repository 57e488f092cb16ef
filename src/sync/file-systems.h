#pragma once

/* The source's file systems of one span of passes: device numbers as the kernel shows them now, and
 * the catalog's numbers, which last. */

#include "sync/engine-internal.h"

/* Forgets the devices (they may mean others after a remount) and learns the root's. Called when the
 * roots were opened. */
int file_systems_reset(Engine *engine);

/* The device of the file system with that number, if it was met since. Needs catalog_mutex. */
bool file_systems_device_locked(const Engine *engine, int64_t number, uint64_t *ret);

/* The catalog's number of the file system with device number DEVICE, if it was met since: 0 or
 * -ENOENT. Any worker. */
int file_systems_find(Engine *engine, uint64_t device, int64_t *ret);

/* The catalog's number of the file system of the directory DIRECTORY_FD with device number DEVICE.
 * Any worker. */
int file_systems_number(Engine *engine, int directory_fd, uint64_t device, int64_t *ret);

/* Has every device asked anew who it is: another disk may have come by under the number of one that
 * went. Takes no lock. */
void file_systems_expire(Engine *engine);
