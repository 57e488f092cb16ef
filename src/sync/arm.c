/* Arming: every directory of the source is watched before anything is looked at, so that a pass
 * that follows misses nothing that happens meanwhile. What it lists it counts: before a first pass
 * nothing else tells how much there is to do. */

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "sync/engine-internal.h"
#include "sync/report.h"
#include "sync/visit.h"

static bool is_store(const Engine *engine, const Job *job, const char *name) {
        return engine->pair->store.inside_replica && job->node->directory_id == CATALOG_ROOT &&
               strcmp(name, STORE_NAME_INSIDE) == 0;
}

static bool is_directory(int directory_fd, const char *name, unsigned char type) {
        Entry entry;

        if (type != DT_UNKNOWN)
                return type == DT_DIR;
        return entry_acquire(directory_fd, name, &entry) >= 0 && S_ISDIR(entry.stamp.mode);
}

/* Another file system is mounted there, and not entered. */
static bool is_closed(const Engine *engine, int directory_fd, const char *name) {
        Entry above, entry;

        return engine->pair->config->one_file_system &&
               entry_acquire(directory_fd, "", &above) >= 0 &&
               entry_acquire(directory_fd, name, &entry) >= 0 &&
               (entry.is_mount_root || entry.device != above.device);
}

static int arm_child(Job *job, const char *name) {
        Node *child;
        Job *below;
        int r;

        r = tree_child(job->pass->engine->tree, job->node, name, &child);
        if (r < 0)
                return r;
        below = job_new(JOB_ARM, job->pass, child);
        node_unref(child);
        if (!below)
                return -ENOMEM;
        pass_push_job(job->pass, below);
        return 0;
}

/* Watches and goes into what is not excluded. */
static int arm_children(Worker *worker, Job *job, int fd, Exclusions *exclusions) {
        const Listing *listing = &worker->source_listing;

        for (size_t i = 0; i < listing->n_entries; i++) {
                const char *name = listing_name(listing, i);
                unsigned char type = listing_type(listing, i);
                int r;

                if (!is_directory(fd, name, type) || is_closed(worker->engine, fd, name) ||
                    is_store(worker->engine, job, name) ||
                    exclusions_judge(exclusions, name).as_directory)
                        continue;
                r = arm_child(job, name);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int arm(Worker *worker, Job *job) {
        _cleanup_(exclusions_done) Exclusions exclusions = {};
        _cleanup_close_ int fd = -EBADF;
        Engine *engine = worker->engine;
        Listing *listing = &worker->source_listing;
        int r;

        fd = locate_source(engine, job->node);
        if (fd < 0)
                return fd;
        if (engine->watch) {
                r = watch_add(engine->watch, job->node, fd);
                if (r < 0)
                        return r;
        }
        r = listing_read(listing, fd);
        if (r < 0)
                return r;
        r = exclusions_open(&exclusions, engine->pair->config->exclude, engine->tree, job->node);
        if (r < 0)
                return r;
        atomic_fetch_add(&job->pass->result.counters.n_directories, 1);
        atomic_fetch_add(&engine->n_listed, listing->n_entries);
        return arm_children(worker, job, fd, &exclusions);
}

void job_arm(Worker *worker, Job *job) {
        int r = arm(worker, job);

        /* What cannot be read now is told by the full pass that follows. */
        if (r < 0)
                log_debug_errno(r, "failed to watch a directory, the first pass will tell: %m");
}
