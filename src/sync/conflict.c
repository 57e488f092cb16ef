/* Both sides changed an entry, and differ: the newer one keeps the name, the other is kept beside
 * it. All of it is done in the source; what comes of it reaches the replica as any change. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/special.h"
#include "sync/conflict-name.h"
#include "sync/give-back.h"
#include "sync/tick.h"

enum { NAMES_MAX = 1000 };

typedef struct Conflict {
        Visit *visit;
        Look *look;
        bool is_sources; /* the source's content loses the name */
        char name[NAME_MAX + 1];
} Conflict;

static bool is_directory(const Entry *entry) {
        return S_ISDIR(entry->stamp.mode);
}

/* Of a directory and something else the directory keeps the name; else the newer one does. */
static bool source_loses(const Look *look) {
        if (is_directory(&look->source) != is_directory(&look->replica))
                return is_directory(&look->replica);
        return look->replica.stamp.mtime > look->source.stamp.mtime;
}

static void format_name(Conflict *conflict, unsigned n_tried) {
        const Look *look = conflict->look;

        conflict_name_format(
                &(ConflictName) {
                        .name = look->name,
                        .side = conflict->is_sources ? "source" : "replica",
                        .mtime = conflict->is_sources ? look->source.stamp.mtime
                                                      : look->replica.stamp.mtime,
                        .n_tried = n_tried,
                },
                conflict->name);
}

static int same_content(Conflict *conflict, int directory_fd) {
        Visit *visit = conflict->visit;
        _cleanup_close_ int a = -EBADF, b = -EBADF;
        CompareJob job = { .tick = tick, .userdata = visit };

        a = confined_open_content(directory_fd, conflict->look->name);
        if (a < 0)
                return a;
        b = confined_open_content(visit->source_fd, conflict->name);
        if (b < 0)
                return b;
        job.a_fd = a;
        job.b_fd = b;
        return copier_compare(visit->worker->copier, &job, NULL, NULL);
}

static int same_target(const Conflict *conflict, int directory_fd) {
        _cleanup_free_ char *a = NULL, *b = NULL;
        int r = symlink_read(directory_fd, conflict->look->name, &a);

        if (r >= 0)
                r = symlink_read(conflict->visit->source_fd, conflict->name, &b);
        return r < 0 ? r : strcmp(a, b) == 0;
}

/* Whether what has the conflict's name is the losing content already: an earlier attempt was cut
 * off. */
static int is_there(Conflict *conflict, const Entry *found) {
        const Look *look = conflict->look;
        const Stamp *loser = conflict->is_sources ? &look->source.stamp : &look->replica.stamp;
        int directory_fd = conflict->is_sources ? conflict->visit->source_fd
                                                : conflict->visit->replica_fd;

        if (mode_type(loser->mode) != mode_type(found->stamp.mode) ||
            loser->size != found->stamp.size || loser->rdev != found->stamp.rdev)
                return 0;
        if (S_ISREG(loser->mode))
                return same_content(conflict, directory_fd);
        return S_ISLNK(loser->mode) ? same_target(conflict, directory_fd) : 1;
}

/* 1: the losing content has a name of its own already, 0: the name is free, -errno. */
static int choose_name(Conflict *conflict) {
        for (unsigned i = 0; i < NAMES_MAX; i++) {
                Entry found;
                int r;

                format_name(conflict, i);
                r = entry_acquire(conflict->visit->source_fd, conflict->name, &found);
                if (r == -ENOENT)
                        return 0;
                if (r >= 0)
                        r = is_there(conflict, &found);
                if (r != 0)
                        return r;
        }
        return -EEXIST;
}

static int source_gives_way(Conflict *conflict, bool is_kept) {
        Look *look = conflict->look;

        look->is_kept = true;
        look->aside = is_kept ? NULL : conflict->name;
        return give_back(conflict->visit, look,
                         is_directory(&look->replica) ? ACTION_RETURN_CREATE
                                                      : ACTION_RETURN_UPDATE);
}

static int replica_gives_way(Conflict *conflict, bool is_kept) {
        Visit *visit = conflict->visit;
        Look *look = conflict->look;
        int r = is_kept ? 0 : give_back_copy(visit, look, conflict->name);

        if (r == 0 && look->unlinkable)
                r = visit_group_join(visit, look);
        if (r != 0)
                return MIN(r, 0);
        if (mode_type(look->source.stamp.mode) == mode_type(look->replica.stamp.mode))
                return perform(visit, look, ACTION_UPDATE);
        return perform(visit, look, ACTION_REPLACE);
}

int visit_conflict(Visit *visit, Look *look) {
        Conflict conflict = { .visit = visit, .look = look, .is_sources = source_loses(look) };
        int r = choose_name(&conflict), is_kept = r > 0;

        if (r < 0)
                return r;
        r = conflict.is_sources ? source_gives_way(&conflict, is_kept)
                                : replica_gives_way(&conflict, is_kept);
        if (r < 0)
                return r;
        visit_conflicting(visit, look->name, conflict.name, conflict.is_sources);
        visit_defer(visit, &(Look) { .name = conflict.name });
        /* Both changes were made to all names of the files. */
        if (look->has_row && look->row->source.n_links > 1)
                visit_group_left(visit, look);
        return 0;
}
