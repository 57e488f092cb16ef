#pragma once

/* The pair on the message bus, org.rebackup.Pair1(5): the system bus for root and for services of
 * the system, the user's own for everybody else. Mirroring never depends on it: without a bus the
 * pair runs as well, one that goes is waited for, and nothing here waits for a peer. For the event
 * loop's thread. */

typedef struct Manager Manager;
typedef struct Bus Bus;

/* NAME is that of the pair. Connects as soon as there is a bus. 0 or -errno. */
int bus_new(Manager *manager, const char *name, Bus **ret);
/* Leaves the bus; what callers wait for is not answered. NULL is allowed. */
Bus *bus_free(Bus *bus);

/* Something about the pair may have changed: those who listen are told, but not at once each time.
 * BUS may be NULL. */
void bus_note_change(Bus *bus);
