/* Displaced directories that no move claimed by the end of a pass: they are gone from the source
 * and leave the replica for good. A dirty pass knows only of the events so far: what it displaced
 * itself waits for the next one, which sees those of the new name as well. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
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

static bool is_too_early(const Pass *pass, const CatalogRow *row) {
        return pass->kind != PASS_FULL && strtoull(row->name, NULL, 16) >= pass->first_stage;
}

static void leave_for_next(Worker *worker, Pass *pass) {
        Node *root = tree_root(worker->engine->tree);

        worker->engine->parked_left = true;
        pass_retry(pass, &(const Retry) { .node = root, .name = "" });
        node_unref(root);
}

void job_parked(Worker *worker, Job *job) {
        char after[NAME_MAX + 1] = "";
        CatalogReader *reader;
        int n = ROWS_CHUNK;
        bool left = false;
        int r = worker_reader(worker, &reader);

        while (r >= 0 && n == ROWS_CHUNK) {
                n = catalog_reader_list(reader, CATALOG_PARKED, after, worker->rows, ROWS_CHUNK);
                for (int i = 0; r >= 0 && i < n; i++) {
                        if (is_too_early(job->pass, &worker->rows[i]))
                                left = true;
                        else
                                r = retire_parked(worker, job, &worker->rows[i]);
                }
                if (n > 0)
                        (void) snprintf(after, sizeof after, "%s", worker->rows[n - 1].name);
        }
        if (left)
                leave_for_next(worker, job->pass);
        if (r < 0)
                (void) log_warning_errno(
                        r, "failed to retire displaced directories, the next pass will: %m");
}
