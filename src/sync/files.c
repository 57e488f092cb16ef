/* Files that changed through a name that tells nothing any more: one that was removed or renamed
 * since, the kernel's makeshift for a file without a name, or none at all. The catalog knows what
 * other names the file has, and those that show the change are looked at. */

#include <errno.h>
#include <stdlib.h>

#include "basic/fd.h"
#include "basic/macros.h"
#include "sync/file-systems.h"
#include "sync/visit.h"

enum {
        NAMES_CHUNK = 16,
        ATTEMPTS_BEFORE_REMOVALS = 1, /* in the first and the second round of the pass */
        ATTEMPTS_MAX = 3,             /* among the removals, and after them */
};

/* The source directory of NODE, opened. -ESTALE when it is not where the tree has it: it was
 * renamed, and the pass has not come to its new name yet, or it is gone. */
static int open_directory(Engine *engine, Node *node) {
        _cleanup_close_ int fd = -EBADF;
        uint64_t inode = node->source_inode;
        Entry entry;
        int r;

        fd = locate_source(engine, node);
        if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
                return -ESTALE;
        if (fd < 0)
                return fd;
        r = entry_acquire(fd, "", &entry);
        if (r < 0)
                return r;
        return inode != 0 && inode != entry.stamp.inode ? -ESTALE : TAKE_FD(fd);
}

/* Has the name looked at if it is still there and is not what it was. Most files whose name left
 * are gone altogether. -ESTALE: where it is now is not known yet. */
static int look_in(Worker *worker, Pass *pass, Node *node, const CatalogRow *row) {
        _cleanup_close_ int fd = -EBADF;
        Visit visit = { .engine = worker->engine, .pass = pass, .node = node };
        Entry entry;

        fd = open_directory(worker->engine, node);
        if (fd < 0)
                return fd;
        if (entry_acquire(fd, row->name, &entry) >= 0 && !stamp_equal(&entry.stamp, &row->source))
                visit_defer(&visit, &(Look) { .name = row->name, .regroup = true });
        return 0;
}

/* Whether it has to be asked again, since the name's directory is being renamed. When that is the
 * last time, the directory is looked at as a whole, wherever it turns up. */
static bool look_at_name(Worker *worker, Job *job, const CatalogRow *row) {
        _cleanup_(node_unrefp) Node *node = NULL;
        int r;

        r = locate_by_id(worker, row->parent, &node);
        if (r == -EBUSY)
                revisit_group(job->pass, (CatalogIdentity) { row->file_system, row->source.inode },
                              NULL, NULL);
        if (r < 0 || look_in(worker, job->pass, node, row) != -ESTALE)
                return false;
        if (job->n_attempts < ATTEMPTS_MAX)
                return true;
        pass_push_late_directory(job->pass, node);
        return false;
}

/* 1: it has to be asked again. */
static int look_at_file(Worker *worker, Job *job, CatalogReader *reader, WatchFile file) {
        CatalogRow rows[NAMES_CHUNK] = {};
        CatalogIdentity identity = { .source_inode = file.inode };
        int n = NAMES_CHUNK;
        bool again = false;

        /* No directory of that file system was looked at since the roots were opened: the root's is
         * known then, and what is below a mount point comes with the next full pass. */
        if (file_systems_find(worker->engine, file.device, &identity.file_system) < 0)
                return 0;
        for (int skip = 0; n == NAMES_CHUNK; skip += n) {
                n = catalog_reader_by_identity(reader, identity, skip, rows, NAMES_CHUNK);
                for (int i = 0; i < n; i++)
                        again = look_at_name(worker, job, &rows[i]) || again;
        }
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                catalog_row_done(&rows[i]);
        return n < 0 ? n : again;
}

/* Renames are followed in the first round of the pass; what was removed is known to be gone after
 * its removals. */
static void ask_again(Job *job) {
        Job *again = malloc(sizeof *again);

        if (!again) {
                pass_abort(job->pass, -ENOMEM, NULL);
                return;
        }
        *again = *job;
        *job = (Job) { .kind = job->kind };
        if (again->n_attempts++ == ATTEMPTS_BEFORE_REMOVALS)
                pass_push_removal(again->pass, again);
        else
                pass_hold_back(again->pass, again);
}

void job_files(Worker *worker, Job *job) {
        CatalogReader *reader;
        size_t n_again = 0;
        int r;

        r = worker_reader(worker, &reader);
        for (size_t i = 0; r >= 0 && i < job->n_files && !engine_is_cancelled(worker->engine);
             i++) {
                r = look_at_file(worker, job, reader, job->files[i]);
                if (r > 0)
                        job->files[n_again++] = job->files[i];
        }
        job->n_files = n_again;
        if (r < 0)
                pass_abort(job->pass, r, NULL);
        else if (n_again > 0)
                ask_again(job);
}
