#pragma once

/* The bus, as rebackupctl asks running pairs over it. */

#include <systemd/sd-bus.h>

#include "ctl/options.h"

/* Connects to the bus that OPTIONS choose: --system or --user, else root's is the system's. Returns
 * 0, or the exit status after saying what is wrong. */
int client_connect(const CtlOptions *options, sd_bus **ret);

/* Calls MEMBER of PAIR with the flags FLAGS and waits for the answer however long it takes. Returns
 * 0, or the exit status after saying what is wrong. */
int client_act(sd_bus *bus, const CtlOptions *options, const char *member, uint64_t flags);

/* Says what became of a call to OPTIONS->pair that returned R with ERROR, and returns the exit
 * status. */
int client_say_error(const CtlOptions *options, int r, const sd_bus_error *error);

/* Whether ERROR says that the pair does not run. */
bool client_is_absent(const sd_bus_error *error);

/* The unit's name as it is typed in a shell: "rebackup@NAME". A fresh string or NULL. */
char *client_unit(const char *pair);
/* The name on the bus of the pair called NAME, which, if it has a slash, is the path of a replica.
 * *RET is the caller's. Returns 0, or the exit status after saying what is wrong. */
int client_name(const char *name, char **ret);

/* What PATH, as a person gave it, is called below the root of the pair that owns NAME on the bus.
 * *RET is the caller's. Returns 0, or the exit status after saying what is wrong. */
int client_path(const CtlOptions *options, sd_bus *bus, const char *name, const char *path,
                char **ret);

/* Whether the user's own pairs are meant. */
bool client_is_user(const CtlOptions *options);
