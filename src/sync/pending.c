#include "sync/pending.h"

#include <errno.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "basic/macros.h"

struct PendingEntry {
        CatalogIdentity identity;
        UT_hash_handle hh;
};

int pending_init(Pending *pending) {
        *pending = (Pending) {};
        return -pthread_mutex_init(&pending->mutex, NULL);
}

void pending_done(Pending *pending) {
        PendingEntry *entry, *next;

        HASH_ITER(hh, pending->entries, entry, next) {
                HASH_DEL(pending->entries, entry);
                free(entry);
        }
        (void) pthread_mutex_destroy(&pending->mutex);
}

static PendingEntry *pending_find(Pending *pending, CatalogIdentity identity) {
        PendingEntry *entry = NULL;

        HASH_FIND(hh, pending->entries, &identity, sizeof identity, entry);
        return entry;
}

int pending_claim(Pending *pending, CatalogIdentity identity) {
        int r = 0;

        (void) pthread_mutex_lock(&pending->mutex);
        if (!pending_find(pending, identity)) {
                PendingEntry *entry = calloc(1, sizeof *entry);
                r = -ENOMEM;
                if (entry) {
                        entry->identity = identity;
                        HASH_ADD(hh, pending->entries, identity, sizeof entry->identity, entry);
                        r = entry->hh.tbl ? 1 : -ENOMEM;
                        if (r < 0)
                                free(entry);
                }
        }
        (void) pthread_mutex_unlock(&pending->mutex);
        return r;
}

bool pending_is_claimed(Pending *pending, CatalogIdentity identity) {
        bool claimed;

        (void) pthread_mutex_lock(&pending->mutex);
        claimed = pending_find(pending, identity);
        (void) pthread_mutex_unlock(&pending->mutex);
        return claimed;
}

void pending_release(Pending *pending, CatalogIdentity identity) {
        PendingEntry *entry;

        (void) pthread_mutex_lock(&pending->mutex);
        entry = pending_find(pending, identity);
        if (entry) {
                HASH_DEL(pending->entries, entry);
                free(entry);
        }
        (void) pthread_mutex_unlock(&pending->mutex);
}
