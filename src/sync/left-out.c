/* What is excluded: neither side shows it to a visit. It stays in the replica, and so does a
 * directory that the source lacks as long as anything excluded is in it; everything else in there
 * goes, entry by entry. */

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "sync/purge.h"
#include "sync/visit.h"

/* A search below a directory of the replica for anything excluded, or else for anything that is
 * not. */
typedef struct Search {
        Visit *visit;
        bool for_excluded;
        char **waiting; /* directories still to be looked into, relative to the visit's; owned */
        size_t n_waiting, n_allocated;
} Search;

static void search_done(Search *search) {
        for (size_t i = 0; i < search->n_waiting; i++)
                free(search->waiting[i]);
        free(search->waiting);
}

static int wait_for(Search *search, const char *directory, const char *name) {
        char *path;

        if (search->n_waiting == search->n_allocated) {
                size_t n = search->n_allocated * 2 + 16;
                char **waiting = reallocarray(search->waiting, n, sizeof *waiting);

                if (!waiting)
                        return -ENOMEM;
                search->waiting = waiting;
                search->n_allocated = n;
        }
        path = malloc(strlen(directory) + strlen(name) + 2);
        if (!path)
                return -ENOMEM;
        (void) stpcpy(stpcpy(stpcpy(path, directory), *directory ? "/" : ""), name);
        search->waiting[search->n_waiting++] = path;
        return 0;
}

/* The list as the entries of a directory below the visit's see it. */
static int exclusions_below(const Visit *visit, const char *path, Exclusions *ret) {
        const StringBuffer *above = &visit->exclusions.path;

        *ret = (Exclusions) { .list = visit->exclusions.list };
        if (!ret->list->needs_paths)
                return 0;
        if (above->length > 0) {
                string_buffer_append(&ret->path, above->text);
                string_buffer_append(&ret->path, "/");
        }
        string_buffer_append(&ret->path, path);
        return ret->path.failed ? -ENOMEM : 0;
}

static bool is_directory(int fd, const Listing *listing, size_t i) {
        Entry entry;

        if (listing_type(listing, i) != DT_UNKNOWN)
                return listing_type(listing, i) == DT_DIR;
        return entry_acquire(fd, listing_name(listing, i), &entry) >= 0 &&
               S_ISDIR(entry.stamp.mode);
}

/* 1 found, 0 not here, -errno. A directory that is not excluded counts for what is in it, or for
 * itself when that is nothing. */
static int search_listing(Search *search, const char *path, int fd, const Listing *listing,
                          Exclusions *exclusions) {
        for (size_t i = 0; i < listing->n_entries; i++) {
                const char *name = listing_name(listing, i);
                bool hidden = exclusions_hide(exclusions, fd, name, listing_type(listing, i));
                int r = 0;

                if (hidden) {
                        if (search->for_excluded)
                                return 1;
                } else if (is_directory(fd, listing, i))
                        r = wait_for(search, path, name);
                else if (!search->for_excluded)
                        return 1;
                if (r < 0)
                        return r;
        }
        return listing->n_entries == 0 && !search->for_excluded;
}

static int search_directory(Search *search, const char *path) {
        _cleanup_(listing_done) Listing listing = LISTING_NULL;
        _cleanup_(exclusions_done) Exclusions exclusions = {};
        _cleanup_close_ int fd = -EBADF;
        int r;

        fd = confined_open_directory(search->visit->replica_fd, path);
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        r = listing_read(&listing, fd);
        if (r >= 0)
                r = exclusions_below(search->visit, path, &exclusions);
        return r < 0 ? r : search_listing(search, path, fd, &listing, &exclusions);
}

/* Whether there is anything of the kind at or below the directory NAME. 1, 0, -errno. */
static int find_below(Visit *visit, const char *name, bool excluded) {
        _cleanup_(search_done) Search search = { .visit = visit, .for_excluded = excluded };
        int r;

        r = wait_for(&search, "", name);
        while (r == 0 && search.n_waiting > 0) {
                _cleanup_free_ char *path = search.waiting[--search.n_waiting];

                r = search_directory(&search, path);
                engine_beat(visit->engine);
        }
        return r;
}

int visit_spares(Visit *visit, const Look *look) {
        if (!visit->exclusions.list || visit->pass->drops_excluded || visit->replica_fd < 0)
                return 0;
        return find_below(visit, look->name, true);
}

void visit_leave_out(Visit *visit, const char *name) {
        _cleanup_(node_unrefp) Node *child = NULL;

        if (tree_find(visit->engine->tree, visit->node, name, &child) >= 0)
                purge_node(visit->engine, child);
}

/* The directory holds nothing but what is excluded: it is left over. One that the catalog knows may
 * still turn up under another name, until removals come. */
static bool is_left_over(Visit *visit, const Look *look) {
        return visit->exclusions.list && !look->has_source && (!look->has_row || visit->removing) &&
               look->has_replica && look->name[0] && S_ISDIR(look->replica.stamp.mode) &&
               find_below(visit, look->name, false) == 0;
}

void visit_close_off(Visit *visit, const Look *look) {
        Watch *watch = visit->engine->watch;
        _cleanup_(node_unrefp) Node *child = NULL;

        if (tree_find(visit->engine->tree, visit->node, look->name, &child) >= 0 &&
            (child->source_inode != look->source.stamp.inode ||
             (watch && watch_covers(watch, child))))
                purge_node(visit->engine, child);
}

/* Whether the replica's entry belongs to no side. */
static bool is_hidden_in_replica(const Visit *visit, const Look *look, Exclusion exclusion) {
        return exclusion_hides(exclusion, &look->replica) || visit->job->is_closed ||
               (look->is_closed && !look_is_directory(look));
}

bool visit_hide(Visit *visit, Look *look, Exclusion exclusion) {
        bool was_there = look->has_source || look->has_replica;

        if (look->has_source && (exclusion_hides(exclusion, &look->source) ||
                                 (look->is_closed && !look_is_directory(look))))
                look->has_source = false;
        if (look->has_replica &&
            (is_hidden_in_replica(visit, look, exclusion) || is_left_over(visit, look))) {
                look->is_dropped = visit->pass->drops_excluded && !look->has_source;
                look->has_replica = look->is_dropped;
        }
        if (look->has_source || look->has_replica || look->has_row || !was_there)
                return true;
        visit_leave_out(visit, look->name);
        return false;
}

/* In this round what is in it goes; in the next one it is looked at again, and if nothing but what
 * is excluded is left, it is forgotten. */
int visit_strip(Visit *visit, Look *look) {
        _cleanup_(node_unrefp) Node *child = NULL;
        Job *inside, *again;
        int r;

        if (visit->job->is_stripped)
                return 0; /* what would not go has been told, and the next full pass tries again */
        r = visit_know_directory(visit, look, &child);
        if (r < 0)
                return r;
        inside = job_new(JOB_REMOVE, visit->pass, child);
        again = job_new(JOB_REMOVE, visit->pass, visit->node);
        if (again)
                again->names = new0(DirtyName, 1);
        if (again && again->names)
                again->names[again->n_names++].name = strdup(look->name);
        if (!inside || !again || !again->names || !again->names->name) {
                job_free(inside);
                job_free(again);
                return -ENOMEM;
        }
        inside->is_orphan = true;
        again->is_stripped = true;
        pass_push_job(visit->pass, inside);
        pass_push_removal(visit->pass, again);
        return 0;
}
