#pragma once

/* The batch: staged work on its way from the workers to the committer. Workers append items
 * (batch_push), the committer takes the whole batch (batch_take), flushes, publishes and commits
 * it.
 *
 * Bounded: who fills it are the workers, who drains it is the committer; when BATCH_ITEMS_MAX items
 * or BATCH_BYTES_MAX bytes are waiting, batch_push blocks until the committer has taken them. The
 * committer takes a batch when it is full, when it is BATCH_AGE_MAX_USEC old, or at once when a
 * pass waits at a barrier, so that a batch is as small as one item when little happens. */

#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "basic/time-span.h"
#include "state/catalog.h"
#include "sync/counters.h"
#include "watch/tree.h"

typedef struct Pass Pass;

enum {
        BATCH_ITEMS_MAX = 8192,
        STAGE_NAME_MAX = 24,
};
#define BATCH_BYTES_MAX (UINT64_C(256) * 1024 * 1024)
#define BATCH_AGE_MAX_USEC (1 * USEC_PER_SEC)

typedef enum ItemKind {
        ITEM_ENTRY,     /* a staged file, link or special file takes its name */
        ITEM_DIRECTORY, /* a staged directory takes its name; item->child is its node */
        ITEM_REMOVE,    /* the replica's entry leaves its name */
        ITEM_ROW,       /* nothing to publish: the catalog learns the row */
        ITEM_TOUCH,     /* the source directory's mtime moved: its replica's follows */
        ITEM_MOVED,     /* the replica was renamed already: the row goes to its new place and leaves
                           item->from */
        ITEM_FORGET,    /* nothing to publish: the catalog drops the row */
        ITEM_BIND,      /* a full pass is complete: the identities are bound */
} ItemKind;

typedef struct Item Item;
struct Item {
        Item *next;
        ItemKind kind;
        Pass *pass;
        Node *node;                 /* counted; the directory the name is in */
        Node *child;                /* counted; of directories */
        char stage[STAGE_NAME_MAX]; /* the name in the staging directory, "" for none */
        CatalogRow row;  /* what is committed; its name is the item's. row.parent is the node's
                            directory id */
        Node *from_node; /* counted; ITEM_MOVED: where the row was, and whose replica directory lost
                            the name */
        int64_t from_parent;
        char *from_name;
        char *from_path; /* for the message: the source path it had, or NULL */
        Operation operation;
        uint64_t n_bytes;
        usec_t duration;
        bool had_replica;       /* the look found something under its name */
        bool was_kept;          /* the row that it changes was one of CATALOG_KEPT */
        bool quiet;             /* no message and not counted: bookkeeping only */
        bool displaces_foreign; /* what that was is not what the catalog has there */
        bool is_guarded; /* two-way: only what SEEN tells of may lose the name, or nothing unless
                            IS_SEEN */
        bool is_seen;
        Stamp seen;
        bool stamped; /* row.replica is final: it was staged in a directory of its own and keeps its
                         ctime */
        bool claimed; /* the row's identity is claimed in Pending until this is committed */
        bool replica_claimed; /* the replica's inode as well, see PENDING_REPLICA */
        bool refresh; /* a link was added to the replica's inode: the stamps of its other names are
                         refreshed */
        bool redundant; /* what is displaced has the very content of what takes its place */
        bool is_copied; /* its content was read from the source and written just now */
        bool is_rot;    /* what is displaced had rotted: see verify.h */
        bool revisit; /* a hard-link group changed: its other names are looked at in the next round
                       */
        /* Filled by publishing: */
        int result;
        bool displaced; /* the old content sits in staging under item->stage */
        bool kept;      /* it is a version by now */
        bool parked;    /* it waits in staging under its displaced_row */
        bool committed;
        Stamp displaced_stamp;
        int64_t former_id; /* of a directory as which the row knew the entry before; 0: none */
        bool forgotten;    /* the row was deleted; rows below it follow */
        CatalogRow displaced_row; /* of a directory in the way: it is parked under item->stage,
                                     where a move may claim it */
        bool has_displaced_row;
        CatalogIdentity displaced_identity; /* of the old row, when other names share its inode */
        usec_t first;                       /* for a retry: see DirtyName */
        usec_t noticed;                     /* when its change was, CLOCK_MONOTONIC; 0: unknown */
        unsigned n_attempts;
};

/* Whether what ITEM displaced is the directory of its displaced_row: that may turn up elsewhere. */
static inline bool item_parks(const Item *item) {
        return item->has_displaced_row && item->displaced &&
               mode_type(item->displaced_stamp.mode) == S_IFDIR &&
               item->displaced_stamp.inode == item->displaced_row.replica.inode;
}

Item *item_new(ItemKind kind, Pass *pass, Node *node, const char *name);
Item *item_free(Item *item);

/* A chain of items in order. */
typedef struct ItemList {
        Item *first, **end;
        size_t n_items;
        uint64_t n_bytes;
} ItemList;

void item_list_init(ItemList *list);
void item_list_append(ItemList *list, Item *item);
void item_list_concat(ItemList *list, ItemList *more);
void item_list_done(ItemList *list);

typedef struct Batch {
        pthread_mutex_t mutex;
        pthread_cond_t room; /* waited for by workers */
        pthread_cond_t work; /* waited for by the committer */
        ItemList waiting;
        usec_t oldest;
        bool flush_wanted;
        bool closed; /* the committer ends when nothing is waiting */
} Batch;

int batch_init(Batch *batch);
void batch_done(Batch *batch);

/* Appends all of LIST as one: they are committed together. Blocks while the batch is full. */
void batch_push(Batch *batch, ItemList *list);
/* The same without waiting for room: for the few items that are not work but its end. */
void batch_push_unbounded(Batch *batch, ItemList *list);
/* Makes the committer take what is there without waiting for more. */
void batch_flush(Batch *batch);
void batch_close(Batch *batch);
/* For the committer: waits, at most until TIMEOUT_USEC from now when that is not USEC_INFINITY, and
 * moves what is waiting into RET. Returns false when the batch is closed and empty. */
bool batch_take(Batch *batch, usec_t timeout_usec, ItemList *ret);
