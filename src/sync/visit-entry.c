/* One entry: what is known of it, what is decided, and that it is done. */

#include <errno.h>
#include <sys/stat.h>

#include "basic/macros.h"
#include "sync/give-back.h"
#include "sync/limit.h"
#include "sync/refused-name.h"
#include "sync/visit.h"

/* What is in a directory goes with it: another entry in its place is a removal, too. */
static bool loses_directory(const Look *look) {
        return look->has_source && look->has_replica && !look_is_directory(look) &&
               S_ISDIR(look->replica.stamp.mode);
}

Policy visit_policy(const Visit *visit, const Look *look) {
        const Config *config = visit->engine->pair->config;

        if (visit_is_two_way(visit))
                return (Policy) { .overwrite = true, .remove = true, .two_way = true };
        return (Policy) {
                .overwrite = config->overwrite && (config->delete_ || !loses_directory(look)),
                .remove = config->delete_,
                .tolerate = config->protect_replica == PROTECT_REPLICA_REPORT &&
                            !visit->engine->pair->adopting,
        };
}

/* Whether the catalog's row is of this very source entry. File systems that keep no birth times may
 * number anew with every mount, and others use numbers again: birth times decide where there are
 * any. */
static bool is_as_remembered(const Look *look) {
        const Stamp *was = &look->row->source, *is = &look->source.stamp;

        return was->inode == is->inode && look->row->file_system == look->file_system &&
               was->btime == is->btime;
}

/* A new directory has the name of one that the catalog knows, whose own new name may still turn up.
 */
static bool is_successor(const Look *look) {
        return look->has_row && look_is_directory(look) && look->row->directory_id != 0 &&
               look->row->source.btime != 0 && look->source.stamp.btime != 0;
}

/* Of what is in a directory something may have to stay where it is. */
static bool keeps_something(Visit *visit, const Look *look) {
        Policy policy = visit_policy(visit, look);

        if (!policy.overwrite || !policy.remove || limit_applies(visit->engine))
                return true;
        /* What was mounted there, or is, hides what the replica has. */
        if (look->is_closed || (visit->engine->pair->config->one_file_system &&
                                look->row->file_system != look->file_system))
                return true;
        return look->has_replica && S_ISDIR(look->replica.stamp.mode) &&
               visit_spares(visit, look) != 0;
}

/* What somebody did in the replica's directory meanwhile must not leave with it. */
static bool may_succeed(Visit *visit, const Look *look) {
        return !visit_is_two_way(visit) || !look->has_replica ||
               give_back_is_clean(visit, look) > 0;
}

static void classify(const Visit *visit, Look *look) {
        if (visit_is_two_way(visit)) {
                look_classify_two_way(look);
                return;
        }
        look_classify(look);
}

/* An entry of several names whose group is in flux, or an entry that the catalog knows under
 * another name. 1: nothing else is to be done now. */
static int known_elsewhere(Visit *visit, Look *look) {
        const Stamp *source = &look->source.stamp;
        int r;

        if (!look->has_source || !look->name[0] ||
            (visit->removing && (visit->counting || !visit_is_two_way(visit))))
                return 0;
        if (!S_ISDIR(source->mode) && source->n_links > 1)
                return visit_group(visit, look);
        if (look->has_row && is_as_remembered(look))
                return 0;
        r = visit_moved(visit, look);
        if (r == 0 && is_successor(look) && keeps_something(visit, look))
                return visit_succeed_in_place(visit, look);
        if (r == 2 || (r == 0 && is_successor(look) && may_succeed(visit, look) &&
                       visit_succeed(visit, look)))
                classify(visit, look);
        return r == 2 ? 0 : r;
}

static CatalogIdentity replica_identity(const Look *look) {
        return (CatalogIdentity) { PENDING_REPLICA, look->replica.stamp.inode };
}

int visit_check_shared(Visit *visit, Look *look, bool *ret) {
        int r;

        if (!look->has_source || !look->has_replica || look_is_directory(look) ||
            look->source.stamp.n_links < 2 || look->replica.stamp.n_links < 2)
                return 0;
        r = give_back_claim(visit, look);
        if (r != 0)
                return r;
        r = catalog_reader_is_shared(visit->reader, look->replica.stamp.inode, look_identity(look));
        *ret = r > 0;
        return MIN(r, 0);
}

/* Before a changed file is kept from the replica for good, or until it changes again, it is read:
 * its content may be the same. A replica that other names share gives way to one of its own then.
 */
static int weigh(Visit *visit, Look *look, Policy *policy, Evidence *evidence) {
        bool is_shared = look_evidence(look) != EVIDENCE_DIFFERENT || look_is_shared(look);
        int r;

        if (policy->overwrite || *evidence != EVIDENCE_DIFFERENT ||
            look->source_state == STATE_SAME || !S_ISREG(look->source.stamp.mode) ||
            !S_ISREG(look->replica.stamp.mode) ||
            look->source.stamp.size != look->replica.stamp.size)
                return 0;
        r = look_examine(visit, look);
        if (r == EVIDENCE_EQUAL && is_shared)
                policy->overwrite = true;
        else if (r >= 0)
                *evidence = (Evidence) r;
        return MIN(r, 0);
}

static int bring_into_step(Visit *visit, Look *look) {
        Policy policy = visit_policy(visit, look);
        Evidence evidence = look_evidence(look);
        bool is_shared = false;
        Action action;
        int r;

        r = visit_large(visit, look, evidence);
        if (r == 0 && !visit->engine->pair->dry_run)
                r = visit_check_shared(visit, look, &is_shared);
        if (is_shared)
                evidence = EVIDENCE_DIFFERENT;
        if (r == 0)
                r = weigh(visit, look, &policy, &evidence);
        if (r != 0)
                return MIN(r, 0);
        action = look->is_dropped
                         ? ACTION_REMOVE
                         : decide(look->source_state, look->replica_state, evidence, policy);

        if (action == ACTION_COMPARE) {
                r = look_examine(visit, look);
                if (r < 0)
                        return r;
                action = decide(look->source_state, look->replica_state, (Evidence) r, policy);
        }
        /* Of what became of a replica's metadata only the stamps tell who did it. */
        if (action == ACTION_METADATA && policy.tolerate && look->source_state == STATE_SAME &&
            !stamp_replicates(&look->source.stamp, &look->replica.stamp))
                action = ACTION_TOLERATE;
        return perform(visit, look, action);
}

/* 1, 0, -errno */
static int is_in_step(Visit *visit, const Look *look) {
        bool same = look->source_state == STATE_SAME && look->replica_state == STATE_SAME;

        if (look->kept)
                return 1;
        if (look->source_state == STATE_SAME && look->has_replica && !look_is_directory(look) &&
            look->source.stamp.n_links > 1) {
                int r = visit_group_is_whole(visit, look);
                if (r <= 0)
                        return r;
        }
        return same;
}

/* A full pass looks at all names anyway, and so does who comes for the whole group. */
static bool has_left_group(const Visit *visit, const Look *look) {
        return pass_is_partial(visit->pass) && !visit->removing && !look->regroup &&
               look->has_row && !S_ISDIR(look->row->source.mode) && look->row->source.n_links > 1 &&
               !(look->has_source && is_as_remembered(look));
}

/* A job for a large file brings its claim along. 1: another file has the name by now. */
static int take_over_claim(Visit *visit, Look *look) {
        Job *job = visit->job;

        if (!look->has_source || look->file_system != job->file_system ||
            look->source.stamp.inode != job->source.stamp.inode) {
                visit_defer(visit, look);
                return 1;
        }
        look->claimed = job->claimed;
        job->claimed = false;
        return 0;
}

void visit_entry(Visit *visit, Look *look) {
        int r;

        classify(visit, look);
        if (!visit_is_two_way(visit))
                look_apply_policy(look, visit_policy(visit, look));
        if (has_left_group(visit, look))
                visit_group_left(visit, look);
        if (visit_hold(visit, look))
                return;
        if (visit->removing && look->has_source && !visit_is_two_way(visit))
                return;
        r = is_in_step(visit, look);
        if (r > 0 && look->kept)
                r = visit_descend_kept(visit, look);
        else if (r > 0 && visit->removing)
                r = 0;
        else if (r > 0)
                r = look_is_directory(look) ? visit_descend(visit, look, (Descent) {}) : 0;
        else if (r == 0) {
                r = visit->job->kind == JOB_LARGE ? take_over_claim(visit, look)
                                                  : known_elsewhere(visit, look);
                if (r == 0)
                        r = visit_is_two_way(visit) && !look->is_dropped
                                    ? visit_two_way(visit, look)
                                    : bring_into_step(visit, look);
        }
        /* A dry run commits nothing: what it looked at once stays taken, so that other names are
         * links. */
        if (look->claimed && !visit->engine->pair->dry_run)
                pending_release(&visit->engine->pending, look_identity(look));
        if (look->replica_claimed)
                pending_release(&visit->engine->pending, replica_identity(look));
        /* It vanished or was replaced while it was looked at: the next look tells. */
        if (r < 0 && !look->has_replica && visit_refused_name(visit, look, r))
                return;
        if (r == -ENOENT || r == -ESTALE || r == -ELOOP || r == -EBUSY)
                visit_defer(visit, look);
        else if (r < 0)
                visit_fail(visit, look, "mirror", r);
}
