/* What was found out goes into the catalog in transactions of many files: of what was read since
 * the last one, a crash makes the patrol read it again. */

#include <errno.h>

#include "basic/log.h"
#include "basic/macros.h"
#include "sync/verify.h"

#define MARKS_AGE_MAX_USEC (2 * USEC_PER_SEC)

static int commit_locked(Verify *verify) {
        Catalog *catalog = verify->engine->pair->store.catalog;
        int r = catalog_begin(catalog);

        for (unsigned i = 0; r >= 0 && i < verify->n_marks; i++)
                r = catalog_set_verified(catalog, &verify->marks[i]);
        if (r >= 0)
                return catalog_commit(catalog);
        (void) catalog_rollback(catalog);
        return r;
}

static void flush_locked(Verify *verify) {
        int r;

        if (verify->n_marks == 0)
                return;
        (void) pthread_mutex_lock(&verify->engine->catalog_mutex);
        r = commit_locked(verify);
        (void) pthread_mutex_unlock(&verify->engine->catalog_mutex);
        verify->n_marks = 0;
        if (r < 0)
                (void) log_warning_errno(r, "what was verified could not be noted in the catalog, "
                                            "it will be read again: %m");
}

void verify_flush_marks(Verify *verify) {
        (void) pthread_mutex_lock(&verify->mutex);
        flush_locked(verify);
        (void) pthread_mutex_unlock(&verify->mutex);
}

void verify_mark(VerifyFile *file, const Hash *hash, unsigned flags) {
        Verify *verify = file->verify;
        const CatalogRow *row = file->row;
        usec_t now = now_usec(CLOCK_MONOTONIC);
        unsigned i;

        (void) pthread_mutex_lock(&verify->mutex);
        i = verify->n_marks++;
        if (i == 0)
                verify->first_mark = now;
        if (hash)
                verify->hashes[i] = *hash;
        verify->marks[i] = (CatalogVerified) {
                .file_system = row->file_system,
                .source_inode = row->source.inode,
                .replica_inode = row->replica.inode,
                .source_ctime = row->source.ctime,
                .hash = hash ? &verify->hashes[i] : NULL,
                .flags = flags,
                .verified = (int64_t) now_usec(CLOCK_REALTIME),
        };
        /* Of a file with several names the others need not be read as well. */
        if (verify->n_marks == VERIFY_MARKS_MAX || now - verify->first_mark >= MARKS_AGE_MAX_USEC ||
            row->source.n_links > 1)
                flush_locked(verify);
        (void) pthread_mutex_unlock(&verify->mutex);
}
