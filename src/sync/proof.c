#include "sync/proof.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/log.h"
#include "sync/visit.h"

static usec_t read_time(Catalog *catalog) {
        _cleanup_free_ char *text = NULL;

        return catalog_get_fact(catalog, CATALOG_FACT_PROVEN, &text) < 0 ? 0
                                                                         : strtoull(text, NULL, 10);
}

static int write_time(Catalog *catalog, usec_t at) {
        char text[24];

        (void) snprintf(text, sizeof text, "%" PRIu64, at);
        return catalog_commit_fact(catalog, CATALOG_FACT_PROVEN, text);
}

/* N_KEPT is how many are kept apart. Counting them takes time, which most batches need not spend.
 */
static void acquire(Engine *engine, uint64_t n_kept, bool count, Proof *ret) {
        CatalogDigests digests;
        CatalogReader *reader;
        int r;

        *ret = (Proof) { .n_kept = n_kept };
        r = worker_reader(&engine->committer_worker, &reader);
        if (r >= 0 && count)
                r = catalog_reader_count_kept(reader, &ret->n_kept);
        if (r >= 0)
                r = catalog_reader_digests(reader, CATALOG_NO_DIRECTORY, "", &digests);
        if (r < 0)
                return;
        ret->is_known = true;
        ret->source = digests.source;
        ret->replica = digests.replica;
        ret->is_identical = engine_n_held_removals(engine) == 0 &&
                            memcmp(&digests.source, &digests.replica, sizeof digests.source) == 0;
}

/* AT: 0 for as before. */
static void publish(Engine *engine, Proof *proof, usec_t at) {
        (void) pthread_mutex_lock(&engine->mutex);
        proof->at = at != 0 ? at : engine->proof.at;
        engine->proof = *proof;
        (void) pthread_mutex_unlock(&engine->mutex);
}

void proof_begin(Engine *engine) {
        Catalog *catalog = engine->pair->store.catalog;
        Proof proof;
        usec_t at;
        int r;

        (void) pthread_mutex_lock(&engine->catalog_mutex);
        r = catalog_complete_digests(catalog);
        at = read_time(catalog);
        (void) pthread_mutex_unlock(&engine->catalog_mutex);
        if (r < 0)
                (void) log_debug_errno(r, "failed to compute the catalog's digests: %m");
        acquire(engine, 0, true, &proof);
        publish(engine, &proof, at);
}

void proof_count_kept(Engine *engine) {
        CatalogReader *reader;
        uint64_t n_kept;

        if (engine->proof.n_kept == 0 || worker_reader(&engine->committer_worker, &reader) < 0 ||
            catalog_reader_count_kept(reader, &n_kept) < 0)
                return;
        (void) pthread_mutex_lock(&engine->mutex);
        engine->proof.n_kept = n_kept;
        (void) pthread_mutex_unlock(&engine->mutex);
}

static bool changes_kept(const ItemList *list) {
        for (const Item *item = list->first; item; item = item->next)
                if (item->kind == ITEM_BIND || item->was_kept || item->row.flags & CATALOG_KEPT)
                        return true;
        return false;
}

/* The full pass that ended with LIST, if it left nothing undone, alone or out: what it looked at it
 * found or made equal. */
static Pass *find_complete_pass(const ItemList *list) {
        const Counters *counters;

        for (const Item *item = list->first; item; item = item->next) {
                if (item->kind != ITEM_BIND || !item->committed)
                        continue;
                counters = &item->pass->result.counters;
                if (item->pass->result.result == 0 && counters->operations[OPERATION_FAIL] == 0 &&
                    counters->n_unstable == 0 && counters->n_held == 0 &&
                    counters->n_foreign == 0 && counters->n_limited == 0 &&
                    item->pass->result.retries.n_directories == 0)
                        return item->pass;
        }
        return NULL;
}

static void write_proof(Engine *engine, usec_t at) {
        int r;

        (void) pthread_mutex_lock(&engine->catalog_mutex);
        r = write_time(engine->pair->store.catalog, at);
        (void) pthread_mutex_unlock(&engine->catalog_mutex);
        if (r < 0)
                (void) log_debug_errno(r, "failed to note when everything was equal: %m");
}

void proof_note(Engine *engine, const ItemList *list) {
        Pass *pass = find_complete_pass(list);
        usec_t at = 0;
        Proof proof;

        acquire(engine, engine->proof.n_kept, changes_kept(list), &proof);
        if (pass && proof.is_identical) {
                at = now_usec(CLOCK_REALTIME);
                pass->result.proven = true;
                write_proof(engine, at);
        }
        publish(engine, &proof, at);
}

void engine_get_proof(Engine *engine, Proof *ret) {
        (void) pthread_mutex_lock(&engine->mutex);
        *ret = engine->proof;
        (void) pthread_mutex_unlock(&engine->mutex);
}
