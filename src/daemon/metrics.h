#pragma once

/* The file metrics.prom in the runtime directory, for node_exporter's textfile collector: replaced
 * as a whole some time after something happened, and removed when the service ends, since numbers
 * that nobody keeps up to date mislead. Nothing is written, and nobody woken, while nothing
 * happens. For the event loop's thread. */

typedef struct Manager Manager;
typedef struct Metrics Metrics;

/* NAME is that of the pair. Without a runtime directory *RET is NULL, which all functions take. 0
 * or -ENOMEM. */
int metrics_new(Manager *manager, const char *name, Metrics **ret);
/* Removes the file. */
Metrics *metrics_free(Metrics *metrics);

/* Something may be other than it was. */
void metrics_note_change(Metrics *metrics);
