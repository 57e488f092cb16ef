/* Files that changed through a name that tells nothing any more: one that was removed or renamed
 * since, the kernel's makeshift for a file without a name, or none at all. The catalog knows what
 * other names the file has, and those that show the change are looked at. */

#include <errno.h>

#include "basic/fd.h"
#include "basic/macros.h"
#include "sync/file-systems.h"
#include "sync/visit.h"

enum { NAMES_CHUNK = 16 };

/* Whether the name is still there and is not what it was. Most files whose name left are gone
 * altogether. */
static bool shows_change(Worker *worker, Node *node, const CatalogRow *row) {
        _cleanup_close_ int fd = -EBADF;
        Entry entry;

        fd = locate_source(worker->engine, node);
        return fd >= 0 && entry_acquire(fd, row->name, &entry) >= 0 &&
               !stamp_equal(&entry.stamp, &row->source);
}

static void look_at_name(Worker *worker, Pass *pass, const CatalogRow *row) {
        _cleanup_(node_unrefp) Node *node = NULL;
        Visit visit = { .engine = worker->engine, .pass = pass };
        int r;

        r = locate_by_id(worker, row->parent, &node);
        if (r == -EBUSY)
                revisit_group(pass, (CatalogIdentity) { row->file_system, row->source.inode }, NULL,
                              NULL);
        if (r < 0 || !shows_change(worker, node, row))
                return;
        visit.node = node;
        visit_defer(&visit, &(Look) { .name = row->name, .regroup = true });
}

static int look_at_file(Worker *worker, Pass *pass, CatalogReader *reader, WatchFile file) {
        CatalogRow rows[NAMES_CHUNK] = {};
        CatalogIdentity identity = { .source_inode = file.inode };
        int n = NAMES_CHUNK;

        /* No directory of that file system was looked at since the roots were opened: the root's is
         * known then, and what is below a mount point comes with the next full pass. */
        if (file_systems_find(worker->engine, file.device, &identity.file_system) < 0)
                return 0;
        for (int skip = 0; n == NAMES_CHUNK; skip += n) {
                n = catalog_reader_by_identity(reader, identity, skip, rows, NAMES_CHUNK);
                for (int i = 0; i < n; i++)
                        look_at_name(worker, pass, &rows[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                catalog_row_done(&rows[i]);
        return MIN(n, 0);
}

void job_files(Worker *worker, Job *job) {
        CatalogReader *reader;
        int r;

        r = worker_reader(worker, &reader);
        for (size_t i = 0; r >= 0 && i < job->n_files && !engine_is_cancelled(worker->engine); i++)
                r = look_at_file(worker, job->pass, reader, job->files[i]);
        if (r < 0)
                pass_abort(job->pass, r, NULL);
}
