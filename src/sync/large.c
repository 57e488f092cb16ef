/* Large files. Copying or comparing one takes as long as everything else together: done on the way,
 * it would hold up its directory and the pass that met it. So each is a job of its own, which locks
 * no directory, on a thread that comes in addition; and those that dirty passes meet belong to a
 * pass of their own, so that the next dirty pass can begin.
 *
 * The claim on the file's identity keeps other looks away while its job waits or runs. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/macros.h"
#include "sync/bandwidth.h"
#include "sync/visit.h"

static bool is_large(const Visit *visit, const Look *look, Evidence evidence) {
        return look->has_source && S_ISREG(look->source.stamp.mode) &&
               look->source.stamp.size >= bandwidth_large_file(visit->engine->bandwidth) &&
               evidence != EVIDENCE_EQUAL && visit->job->kind != JOB_LARGE &&
               !visit->engine->pair->dry_run;
}

/* Takes over LOOK's claim. */
static Job *large_job(Visit *visit, Look *look) {
        Job *job = job_new(JOB_LARGE, visit->pass, visit->node);

        if (!job)
                return NULL;
        job->name = strdup(look->name);
        if (!job->name)
                return job_free(job);
        job->first = look->first;
        job->n_attempts = look->n_attempts;
        job->source = look->source;
        job->file_system = look->file_system;
        job->claimed = true;
        look->claimed = false;
        return job;
}

static bool append_locked(Pass *pass, Job *job) {
        Job **end = &pass->large;

        if (pass->n_large >= LARGE_JOBS_MAX)
                return false;
        while (*end)
                end = &(*end)->next;
        *end = job;
        job->pass = pass;
        pass->n_large++;
        (void) pthread_cond_broadcast(&pass->engine->work);
        return true;
}

/* Begins a pass that has no beginning of its own: the roots are open, for that of the caller. Needs
 * roots_mutex as well. */
static Pass *begin_pass_locked(Engine *engine) {
        Pass *pass = engine->ended_large ? NULL : pass_new(engine, PASS_LARGE);

        if (!pass)
                return NULL;
        pass->phase = PHASE_VISIT;
        pass->first_stage = engine->next_stage;
        pass->roots_open = true;
        engine->n_root_users++;
        return engine->large_pass = pass;
}

/* A full pass is not over before its large files are. */
static Pass *pass_for_locked(Pass *pass) {
        if (pass->kind == PASS_FULL || pass->kind == PASS_LARGE)
                return pass;
        return pass->engine->large_pass ?: begin_pass_locked(pass->engine);
}

static bool hand_over(Pass *pass, Job *job) {
        Engine *engine = pass->engine;
        Pass *large;
        bool taken;

        (void) pthread_mutex_lock(&engine->roots_mutex);
        (void) pthread_mutex_lock(&engine->mutex);
        large = pass_for_locked(pass);
        taken = large && append_locked(large, job);
        (void) pthread_mutex_unlock(&engine->mutex);
        (void) pthread_mutex_unlock(&engine->roots_mutex);
        return taken;
}

int visit_large(Visit *visit, Look *look, Evidence evidence) {
        Job *job;
        int r;

        if (!is_large(visit, look, evidence))
                return 0;
        if (!look->claimed) {
                r = pending_claim(&visit->engine->pending, look_identity(look));
                if (r == 0)
                        visit_restless(visit, look); /* it is at work on it */
                if (r <= 0)
                        return r < 0 ? r : 1;
                look->claimed = true;
        }
        job = large_job(visit, look);
        if (!job)
                return -ENOMEM;
        if (hand_over(visit->pass, job))
                return 1;
        /* No room: here and now, then. */
        job->claimed = false;
        look->claimed = true;
        job_free(job);
        return 0;
}

Job *pass_take_large_locked(Pass *pass) {
        Job *job = pass ? pass->large : NULL;

        if (!job || pass->engine->n_large_copies >= LARGE_COPIES_MAX)
                return NULL;
        pass->large = job->next;
        job->next = NULL;
        pass->n_large--;
        pass->n_in_flight++;
        pass->engine->n_large_copies++;
        return job;
}
