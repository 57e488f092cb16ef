#include "state/digest-changes.h"

#include <errno.h>
#include <stdlib.h>

#include "basic/macros.h"

static void change_free(DigestChanges *changes, DigestChange *change) {
        digest_change_clear(changes, change);
        HASH_DEL(changes->first, change);
        free(change);
}

void digest_changes_done(DigestChanges *changes) {
        DigestChange *change, *next;

        HASH_ITER(hh, changes->first, change, next)
                change_free(changes, change);
}

int digest_changes_get(DigestChanges *changes, int64_t id, DigestChange **ret) {
        DigestChange *change = NULL;

        HASH_FIND(hh, changes->first, &id, sizeof id, change);
        if (!change) {
                change = calloc(1, sizeof *change);
                if (!change)
                        return -ENOMEM;
                change->id = id;
                HASH_ADD(hh, changes->first, id, sizeof change->id, change);
                if (!change->hh.tbl) {
                        free(change);
                        return -ENOMEM;
                }
        }
        *ret = change;
        return 0;
}

/* The sum of one side, which from now on is one of its own. */
static int need_sum(DigestChanges *changes, DigestChange *change, int side) {
        if (change->sums[side])
                return 0;
        change->sums[side] = calloc(1, sizeof *change->sums[side]);
        if (!change->sums[side])
                return -ENOMEM;
        if (side == 1)
                *change->sums[1] = *change->sums[0];
        changes->n_sums++;
        return 0;
}

static void count(DigestSum *sum, int sign, const DigestSum *summand) {
        if (sign > 0)
                digest_sum_add(sum, summand);
        else
                digest_sum_subtract(sum, summand);
}

int digest_changes_note(DigestChanges *changes, int64_t id, int sign, const DigestSum *source,
                        const DigestSum *replica) {
        DigestChange *change;
        int r;

        r = digest_changes_get(changes, id, &change);
        if (r >= 0)
                r = need_sum(changes, change, 0);
        if (r >= 0 && replica)
                r = need_sum(changes, change, 1);
        if (r < 0)
                return r;
        change->is_stale = true;
        change->n_entries += sign;
        count(change->sums[0], sign, source);
        if (change->sums[1])
                count(change->sums[1], sign, replica ?: source);
        return 0;
}

void digest_change_clear(DigestChanges *changes, DigestChange *change) {
        for (size_t i = 0; i < ELEMENTSOF(change->sums); i++) {
                changes->n_sums -= change->sums[i] != NULL;
                free(change->sums[i]);
                change->sums[i] = NULL;
        }
        change->n_entries = 0;
}

/* How many are above CHANGE. A ring, in which each would be above the others, is cut somewhere. */
static unsigned find_depth(DigestChange *change) {
        unsigned n = 0, depth;
        DigestChange *top;

        for (top = change; top && !top->is_ordered; top = top->parent, n++)
                top->is_ordered = true;
        depth = n + (top ? top->depth : 0);
        for (DigestChange *c = change; n > 0; c = c->parent, n--)
                c->depth = depth--;
        return change->depth;
}

static int compare_depths(const void *a, const void *b) {
        const DigestChange *x = *(DigestChange *const *) a, *y = *(DigestChange *const *) b;

        return (x->depth < y->depth) - (x->depth > y->depth);
}

int digest_changes_order(DigestChanges *changes, DigestChange ***ret) {
        size_t n = HASH_COUNT(changes->first), i = 0;
        DigestChange **order = calloc(n + 1, sizeof(*order));

        if (!order)
                return -ENOMEM;
        for (DigestChange *c = changes->first; c; c = c->hh.next) {
                c->is_ordered = false;
                c->depth = 0;
        }
        for (DigestChange *c = changes->first; c; c = c->hh.next) {
                (void) find_depth(c);
                order[i++] = c;
        }
        qsort(order, n, sizeof(*order), compare_depths);
        *ret = order;
        return (int) n;
}

bool digest_changes_are_stale(const DigestChanges *changes) {
        for (const DigestChange *c = changes->first; c; c = c->hh.next)
                if (c->is_stale)
                        return true;
        return false;
}

void digest_changes_carry(DigestChanges *changes) {
        DigestChange *change, *next;

        HASH_ITER(hh, changes->first, change, next) {
                if (!change->is_stale)
                        change_free(changes, change);
                else {
                        digest_change_clear(changes, change);
                        change->is_carried = true;
                }
        }
}

void digest_changes_forget(DigestChanges *changes) {
        DigestChange *change, *next;

        HASH_ITER(hh, changes->first, change, next) {
                if (!change->is_carried)
                        change_free(changes, change);
                else {
                        digest_change_clear(changes, change);
                        change->is_stale = true;
                }
        }
}
