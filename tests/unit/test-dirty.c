#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test-dirty.h"

static const DirtyTimes times = { .settle = SETTLE, .max_delay = MAX_DELAY };

Tree *tree;
Node *nodes[N_NODES];
DirtySet *set;

void setup(void) {
        ck_assert_int_eq(tree_new(&tree), 0);
        nodes[0] = tree_root(tree);
        for (int i = 1; i < N_NODES; i++)
                ck_assert_int_eq(
                        tree_child(tree, nodes[0], (char[]) { (char) ('0' + i), 0 }, &nodes[i]), 1);
        ck_assert_int_eq(dirty_new(&set, times), 0);
}

void teardown(void) {
        set = dirty_free(set);
        for (int i = 0; i < N_NODES; i++) {
                ck_assert_uint_eq(atomic_load(&nodes[i]->n_references), nodes[i]->detached ? 1 : 2);
                nodes[i] = node_unref(nodes[i]);
        }
        tree = tree_free(tree);
}

int compare_names(const void *a, const void *b) {
        return strcmp(((const DirtyName *) a)->name, ((const DirtyName *) b)->name);
}

char *take(usec_t now) {
        DirtyBatch batch = DIRTY_BATCH_NULL;
        size_t size;
        char *text;
        FILE *f = open_memstream(&text, &size);

        ck_assert_ptr_nonnull(f);
        ck_assert_int_eq(dirty_take(set, now, &batch), 0);
        for (int i = 0; i < N_NODES; i++)
                for (size_t j = 0; j < batch.n_directories; j++) {
                        DirtyDirectory *d = &batch.directories[j];

                        if (d->node != nodes[i])
                                continue;
                        fprintf(f, "%d%s%s", i, d->listing ? "L" : "", d->self ? "S" : "");
                        if (d->n_names > 0)
                                qsort(d->names, d->n_names, sizeof(DirtyName), compare_names);
                        for (size_t k = 0; k < d->n_names; k++)
                                fprintf(f, " %s", d->names[k].name);
                        fputc(';', f);
                }
        dirty_batch_done(&batch);
        ck_assert_int_eq(fclose(f), 0);
        return text;
}
