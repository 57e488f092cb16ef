#pragma once

/* Under which name a pair is found on the bus. Each pair that runs owns a name of its own there;
 * object and interface are the same for all. */

#define BUS_NAME_PREFIX "org.rebackup.Pair1."
#define BUS_PATH "/org/rebackup/Pair1"
#define BUS_INTERFACE "org.rebackup.Pair1"
#define BUS_ERROR(reason) "org.rebackup.Pair1.Error." reason

/* "org.rebackup.Pair1.LABEL" for the instance NAME, or for a pair that was started without one, for
 * the absolute path of its replica: what D-Bus does not allow in names stands as "_" and two
 * hexadecimal digits, as sd_bus_path_encode(3) does it. *RET is the caller's. 0, -ENAMETOOLONG
 * (names of the bus have at most 255 bytes), -ENOMEM. */
int bus_name_format(const char *name, char **ret);

/* The name that BUS_NAME was made of. 1 with *RET, the caller's; 0: it is no pair's; -ENOMEM. */
int bus_name_parse(const char *bus_name, char **ret);
