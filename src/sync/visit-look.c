/* One name of a directory that is visited: what either side has under it, as far as the pair goes.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "basic/fd.h"
#include "fs/confined.h"
#include "sync/file-systems.h"
#include "sync/refused-name.h"
#include "sync/visit.h"

/* Samples one side. A name that a listing showed may be gone by now, and one that it did not show
 * may have come. */
static int sample(int directory_fd, const char *name, bool *ret_has, Entry *ret) {
        int r = directory_fd < 0 ? -ENOENT : entry_acquire(directory_fd, name, ret);

        *ret_has = r >= 0;
        return r == -ENOENT ? 0 : r;
}

/* Something of the source entry by which its file system can be told; what is no file has no
 * content to be opened. An overlay has its files, and not its directories, on other devices. */
static int open_inode(const Visit *visit, const Look *look) {
        if (look_is_directory(look))
                return confined_open_directory(visit->source_fd, look->name);
        if (S_ISREG(look->source.stamp.mode))
                return confined_open_content(visit->source_fd, look->name);
        return confined_open_child(visit->source_fd, look->name, O_PATH);
}

/* Files of an overlay are on other devices than its directories are. */
static bool is_closed(const Visit *visit, const Look *look) {
        return visit->engine->pair->config->one_file_system && look->has_source && look->name[0] &&
               (look->source.is_mount_root ||
                (look_is_directory(look) && look->source.device != visit->source_directory.device));
}

int visit_sample_file_system(Visit *visit, Look *look) {
        _cleanup_close_ int fd = -EBADF;

        look->file_system = visit->file_system;
        look->is_closed = is_closed(visit, look);
        if (!look->has_source || look->source.device == visit->source_directory.device)
                return 0;
        fd = open_inode(visit, look);
        if (fd < 0)
                return fd;
        return file_systems_number(visit->engine, fd, look->source.device, &look->file_system);
}

/* In a directory that was made for this visit there is nothing under the name of a file, or making
 * the file will tell (file systems that do not tell names apart). */
static bool cannot_be_there(const Visit *visit, const Look *look) {
        return visit->staged && look->has_source && S_ISREG(look->source.stamp.mode) &&
               !look->is_listed;
}

static void count_entries(Visit *visit, uint64_t n) {
        atomic_fetch_add_explicit(&visit->pass->result.counters.n_entries, n, memory_order_relaxed);
}

/* Whether the name alone tells that it belongs to neither side. */
static bool is_left_out(Visit *visit, const Look *look, Exclusion exclusion) {
        bool is_excluded = exclusion.as_file && exclusion.as_directory;

        if ((!is_excluded && !visit->job->is_closed) || visit->pass->drops_excluded)
                return false;
        visit_leave_out(visit, look->name);
        return true;
}

void visit_look_at(Visit *visit, Look *look) {
        Exclusion exclusion = exclusions_judge(&visit->exclusions, look->name);
        int r;

        if (is_left_out(visit, look, exclusion)) {
                if (look->has_row)
                        visit_entry(visit, look);
                return;
        }
        count_entries(visit, 1);
        r = visit->job->is_closed
                    ? 0
                    : sample(visit->source_fd, look->name, &look->has_source, &look->source);
        if (r >= 0)
                r = visit_sample_file_system(visit, look);
        if (r < 0) {
                visit_fail(visit, look, "examine", r);
                return;
        }
        r = cannot_be_there(visit, look)
                    ? 0
                    : sample(visit->replica_fd, look->name, &look->has_replica, &look->replica);
        if (r < 0) {
                if (!visit_refused_name(visit, look, r))
                        visit_fail(visit, look, "examine the replica of", r);
                return;
        }
        if (!visit_hide(visit, look, exclusion)) {
                count_entries(visit, (uint64_t) -1);
                return;
        }
        /* Something else answers to the name. */
        if (look->has_replica && look->has_source && !look->has_row && !look->is_listed &&
            look->name[0] && name_is_folded(visit->replica_fd, look->name)) {
                (void) visit_refused_name(visit, look, -ENOTUNIQ);
                return;
        }
        visit_entry(visit, look);
}
