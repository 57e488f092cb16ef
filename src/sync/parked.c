/* Displaced directories that no move claimed by the end of the pass: they are gone from the source
 * and leave the replica for good. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "basic/log.h"
#include "basic/macros.h"
#include "sync/visit.h"

static int retire_parked(Worker *worker, Job *job, const CatalogRow *row) {
        Visit visit = { .engine = worker->engine, .pass = job->pass };
        Item *item = item_new(ITEM_FORGET, job->pass, NULL, row->name);

        if (!item)
                return -ENOMEM;
        item->row.parent = CATALOG_PARKED;
        item->displaced = true;
        item->displaced_stamp = row->replica;
        item->row.directory_id = row->directory_id;
        item->row.file_system = row->file_system;
        item->row.source = row->source;
        (void) snprintf(item->stage, sizeof item->stage, "%s", row->name);
        item->quiet = true;
        visit_push(&visit, item);
        return 0;
}

void job_parked(Worker *worker, Job *job) {
        char after[NAME_MAX + 1] = "";
        CatalogReader *reader;
        int n = ROWS_CHUNK;
        int r = worker_reader(worker, &reader);

        while (r >= 0 && n == ROWS_CHUNK) {
                n = catalog_reader_list(reader, CATALOG_PARKED, after, worker->rows, ROWS_CHUNK);
                for (int i = 0; r >= 0 && i < n; i++)
                        r = retire_parked(worker, job, &worker->rows[i]);
                if (n > 0)
                        (void) snprintf(after, sizeof after, "%s", worker->rows[n - 1].name);
        }
        if (r < 0)
                (void) log_warning_errno(
                        r, "failed to retire displaced directories, the next pass will: %m");
}
