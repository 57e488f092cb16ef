#include "sync/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"

Item *item_new(ItemKind kind, Pass *pass, Node *node, const char *name) {
        Item *item = calloc(1, sizeof *item);
        if (!item)
                return NULL;
        item->row.name = strdup(name);
        if (!item->row.name) {
                free(item);
                return NULL;
        }
        item->kind = kind;
        item->pass = pass;
        item->node = node ? node_ref(node) : NULL;
        item->operation = _OPERATION_INVALID;
        return item;
}

Item *item_free(Item *item) {
        if (!item)
                return NULL;
        node_unref(item->node);
        node_unref(item->child);
        node_unref(item->from_node);
        catalog_row_done(&item->row);
        catalog_row_done(&item->displaced_row);
        free(item->from_name);
        free(item->from_path);
        free(item);
        return NULL;
}

void item_list_init(ItemList *list) {
        *list = (ItemList) {};
        list->end = &list->first;
}

void item_list_append(ItemList *list, Item *item) {
        item->next = NULL;
        *list->end = item;
        list->end = &item->next;
        list->n_items++;
        list->n_bytes += item->n_bytes;
}

void item_list_concat(ItemList *list, ItemList *more) {
        if (!more->first)
                return;
        *list->end = more->first;
        list->end = more->end;
        list->n_items += more->n_items;
        list->n_bytes += more->n_bytes;
        item_list_init(more);
}

void item_list_done(ItemList *list) {
        Item *item = list->first;
        while (item) {
                Item *next = item->next;
                item_free(item);
                item = next;
        }
        item_list_init(list);
}

int batch_init(Batch *batch) {
        pthread_condattr_t attributes;
        int r;

        *batch = (Batch) {};
        item_list_init(&batch->waiting);
        r = pthread_condattr_init(&attributes);
        if (r != 0)
                return -r;
        (void) pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        r = pthread_mutex_init(&batch->mutex, NULL);
        if (r == 0)
                r = pthread_cond_init(&batch->room, &attributes);
        if (r == 0)
                r = pthread_cond_init(&batch->work, &attributes);
        (void) pthread_condattr_destroy(&attributes);
        return -r;
}

void batch_done(Batch *batch) {
        item_list_done(&batch->waiting);
        (void) pthread_cond_destroy(&batch->work);
        (void) pthread_cond_destroy(&batch->room);
        (void) pthread_mutex_destroy(&batch->mutex);
}

static bool batch_is_full(const Batch *batch) {
        return batch->waiting.n_items >= BATCH_ITEMS_MAX ||
               batch->waiting.n_bytes >= BATCH_BYTES_MAX;
}

static void batch_push_locked(Batch *batch, ItemList *list) {
        bool was_empty = !batch->waiting.first;

        if (was_empty)
                batch->oldest = now_usec(CLOCK_MONOTONIC);
        item_list_concat(&batch->waiting, list);
        if (was_empty || batch->flush_wanted || batch_is_full(batch))
                (void) pthread_cond_signal(&batch->work);
}

void batch_push(Batch *batch, ItemList *list) {
        (void) pthread_mutex_lock(&batch->mutex);
        while (batch_is_full(batch) && !batch->closed)
                (void) pthread_cond_wait(&batch->room, &batch->mutex);
        if (list->first)
                batch_push_locked(batch, list);
        (void) pthread_mutex_unlock(&batch->mutex);
}

void batch_push_unbounded(Batch *batch, ItemList *list) {
        (void) pthread_mutex_lock(&batch->mutex);
        if (list->first)
                batch_push_locked(batch, list);
        (void) pthread_mutex_unlock(&batch->mutex);
}

void batch_flush(Batch *batch) {
        (void) pthread_mutex_lock(&batch->mutex);
        batch->flush_wanted = true;
        (void) pthread_cond_signal(&batch->work);
        (void) pthread_mutex_unlock(&batch->mutex);
}

void batch_close(Batch *batch) {
        (void) pthread_mutex_lock(&batch->mutex);
        batch->closed = true;
        (void) pthread_cond_signal(&batch->work);
        (void) pthread_cond_broadcast(&batch->room);
        (void) pthread_mutex_unlock(&batch->mutex);
}

/* When the batch that is gathering must be taken; USEC_INFINITY when there is none. */
static usec_t batch_due(const Batch *batch) {
        if (!batch->waiting.first)
                return USEC_INFINITY;
        if (batch->flush_wanted || batch->closed || batch_is_full(batch))
                return 0;
        return batch->oldest + BATCH_AGE_MAX_USEC;
}

bool batch_take(Batch *batch, usec_t timeout_usec, ItemList *ret) {
        usec_t now = now_usec(CLOCK_MONOTONIC);
        usec_t give_up = timeout_usec == USEC_INFINITY ? USEC_INFINITY : now + timeout_usec;
        bool goes_on;

        (void) pthread_mutex_lock(&batch->mutex);
        for (;;) {
                usec_t due = batch_due(batch);

                now = now_usec(CLOCK_MONOTONIC);
                if (due <= now || give_up <= now || batch->closed)
                        break;
                due = MIN(due, give_up);
                if (due == USEC_INFINITY) {
                        (void) pthread_cond_wait(&batch->work, &batch->mutex);
                        continue;
                }
                struct timespec until = { .tv_sec = (time_t) (due / USEC_PER_SEC),
                                          .tv_nsec = (long) (due % USEC_PER_SEC) * 1000 };
                (void) pthread_cond_timedwait(&batch->work, &batch->mutex, &until);
        }
        goes_on = !batch->closed || batch->waiting.first;
        if (batch_due(batch) <= now) {
                item_list_concat(ret, &batch->waiting);
                batch->flush_wanted = false;
                (void) pthread_cond_broadcast(&batch->room);
        }
        (void) pthread_mutex_unlock(&batch->mutex);
        return goes_on;
}
