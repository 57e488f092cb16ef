#pragma once

/* Publishing: staged entries take their names. One Publisher per batch, in the committer thread: it
 * keeps the last directory open and remembers the directories that were touched, whose times are
 * put right at the end. */

#include "sync/engine-internal.h"

typedef struct Publisher {
        Engine *engine;
        Node *node; /* counted; of the open directory */
        int fd;
        Node **touched; /* counted */
        size_t n_touched, n_allocated;
        Node *failed; /* counted; the last new directory that could not be published: what was
                         staged in it is void */
} Publisher;

void publisher_init(Publisher *publisher, Engine *engine);
void publisher_done(Publisher *publisher);

/* Carries out one item; its result and what it displaced are in the item afterwards. */
void publish_item(Publisher *publisher, Item *item);

/* Restores the times of all touched directories and puts their replica stamps into the catalog
 * through STAMP, unless that is NULL because the catalog cannot be written. Flushes those
 * directories where that has to be done one by one: 0 or -errno of that. May be called
 * again. */
int publisher_restore(Publisher *publisher,
                      int (*stamp)(Catalog *catalog, int64_t directory_id, const Stamp *replica));
