/* One file: both sides are opened, read back and judged, and what the verdict asks for is done. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/writers.h"
#include "sync/verify.h"

/* From this size on both sides are read at once, whose threads then are busy anyway. */
#define READ_AT_ONCE_BYTES (UINT64_C(8) * 1024 * 1024)
/* Where the clock of a file system is coarse, a change this soon after the last one need not move
 * ctime. */
#define COMMIT_POLL_USEC 2000
#define FRESH_NSEC (INT64_C(2) * 1000 * 1000 * 1000)

static const Stamp *remembered(const VerifyFile *file, int side) {
        return side == SOURCE ? &file->row->source : &file->row->replica;
}

/* Opening */

static bool means_gone(int r) {
        return r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -ESTALE;
}

static Reading failed(VerifyFile *file, int side, int r) {
        file->errors[side] = r;
        return means_gone(r) ? READING_MOVED : READING_FAILED;
}

static bool is_as_remembered(const VerifyFile *file, int side) {
        Entry entry;

        return entry_acquire(file->fds[side], "", &entry) >= 0 &&
               stamp_equal(remembered(file, side), &entry.stamp);
}

void verify_leave_directory(VerifyThread *thread) {
        for (int side = SOURCE; side < N_SIDES; side++)
                thread->directory_fds[side] = safe_close(thread->directory_fds[side]);
        thread->node = node_unref(thread->node);
}

static int enter_directory(VerifyThread *thread, int64_t parent) {
        if (thread->node && thread->parent == parent)
                return 0;
        verify_leave_directory(thread);
        thread->parent = parent;
        return locate_by_id(&thread->worker, parent, &thread->node);
}

static int open_directory(VerifyFile *file, int side) {
        int *fd = &file->thread->directory_fds[side];
        Engine *engine = file->verify->engine;

        if (*fd < 0)
                *fd = side == SOURCE ? locate_source(engine, file->node)
                                     : locate_replica(engine, file->node);
        return *fd;
}

/* The side's file, at rest as the catalog has it: READING_GOOD for the time being. */
static Reading open_side(VerifyFile *file, int side) {
        int fd = open_directory(file, side);

        if (fd < 0)
                return failed(file, side, fd);
        file->directory_fds[side] = fd;
        fd = confined_open_content(fd, file->row->name);
        if (fd < 0)
                return failed(file, side, fd);
        file->fds[side] = fd;
        if (side == SOURCE)
                (void) content_settle_mapped(fd);
        if (!is_as_remembered(file, side))
                return READING_MOVED;
        content_await_write(fd);
        return READING_GOOD;
}

/* Reading */

static int hash_once(VerifyFile *file, int side, Hash *ret) {
        return read_back_hash(file->thread->read_backs[side], file->fds[side], verify_tick,
                              file->thread, ret);
}

static bool is_hash(const VerifyFile *file, const Hash *hash) {
        return file->row->has_hash && memcmp(hash, &file->row->hash, sizeof *hash) == 0;
}

static Reading read_once(VerifyFile *file, int side, Hash *ret) {
        int r = hash_once(file, side, ret);

        if (r == -EIO)
                return READING_UNREADABLE;
        if (r < 0)
                return failed(file, side, r);
        return is_hash(file, ret) ? READING_GOOD : READING_DIFFERENT;
}

static Reading read_side(VerifyFile *file, int side) {
        Hash *hash = &file->hashes[side], again;
        Reading first, second;

        first = read_once(file, side, hash);
        if (first != READING_DIFFERENT && first != READING_UNREADABLE)
                return first;
        /* Without a recorded hash the other side is what it is held against. */
        if (first == READING_DIFFERENT && !file->row->has_hash)
                return first;
        second = read_once(file, side, &again);
        if (second == first && first == READING_DIFFERENT &&
            memcmp(hash, &again, sizeof again) != 0)
                return READING_UNSURE;
        return second;
}

static bool is_fresh(const VerifyFile *file) {
        int64_t now = (int64_t) now_usec(CLOCK_REALTIME) * 1000;

        if (file->row->flags & CATALOG_SOURCE_ROTTEN)
                return false; /* known before its metadata moved */
        return now - file->row->source.ctime < FRESH_NSEC;
}

/* What the readings say only holds for what stood still. */
static Reading settle_side(const VerifyFile *file, int side) {
        Reading reading = file->readings[side];

        if (reading == READING_MOVED || reading == READING_FAILED)
                return reading;
        if (!is_as_remembered(file, side))
                return READING_MOVED;
        return side == SOURCE && reading == READING_DIFFERENT && is_fresh(file) ? READING_MOVED
                                                                                : reading;
}

static void *read_replica(void *userdata) {
        VerifyFile *file = userdata;

        file->readings[REPLICA] = read_side(file, REPLICA);
        return NULL;
}

static void read_both(VerifyFile *file) {
        pthread_t thread;
        bool at_once = !file->verify->request.patrol &&
                       file->row->source.size >= READ_AT_ONCE_BYTES &&
                       pthread_create(&thread, NULL, read_replica, file) == 0;

        file->readings[SOURCE] = read_side(file, SOURCE);
        if (at_once)
                (void) pthread_join(thread, NULL);
        else
                (void) read_replica(file);
}

/* Of what a policy keeps apart the replica alone is read; the source's part is none. */
static void acquire_kept_findings(VerifyFile *file) {
        Findings *findings = &file->findings;

        findings->source_has_medium = true;
        file->readings[REPLICA] = open_side(file, REPLICA);
        if (file->readings[REPLICA] == READING_GOOD)
                file->readings[REPLICA] = read_side(file, REPLICA);
        findings->replica = settle_side(file, REPLICA);
        findings->source = READING_GOOD;
        if (!findings->has_hash && findings->replica == READING_DIFFERENT) {
                file->hashes[SOURCE] = file->hashes[REPLICA];
                findings->likeness = LIKENESS_EQUAL;
        }
}

static void acquire_findings(VerifyFile *file) {
        Findings *findings = &file->findings;

        findings->has_hash = file->row->has_hash;
        if (verify_is_kept(file)) {
                acquire_kept_findings(file);
                return;
        }
        findings->source_has_medium = true;
        for (int side = SOURCE; side < N_SIDES; side++)
                file->readings[side] = open_side(file, side);
        if (file->readings[SOURCE] == READING_GOOD && file->readings[REPLICA] == READING_GOOD) {
                findings->source_has_medium = medium_exists(file->fds[SOURCE]) != 0;
                read_both(file);
        }
        findings->source = settle_side(file, SOURCE);
        findings->replica = settle_side(file, REPLICA);
        if (findings->source == READING_DIFFERENT && findings->replica == READING_DIFFERENT)
                findings->likeness = memcmp(&file->hashes[SOURCE], &file->hashes[REPLICA],
                                            sizeof(Hash)) == 0
                                             ? LIKENESS_EQUAL
                                             : LIKENESS_DIFFERENT;
}

/* Acting */

static void measure_damage(VerifyFile *file, Verdict verdict) {
        if (verdict == VERDICT_CATALOG || verify_is_kept(file))
                return;
        file->has_damage = read_back_compare(file->thread->read_backs[SOURCE], file->fds,
                                             verify_tick, file->thread, &file->damage) >= 0;
        if (file->has_damage && verdict == VERDICT_BOTH_ROT && file->row->has_hash)
                file->has_choice = verify_find_choice(file) > 0;
}

static unsigned flags_of(Verdict verdict) {
        switch (verdict) {
        case VERDICT_SOURCE_ROT:
                return CATALOG_SOURCE_ROTTEN;
        case VERDICT_REPLICA_ROT:
                return CATALOG_REPLICA_ROTTEN;
        case VERDICT_BOTH_ROT:
                return CATALOG_SOURCE_ROTTEN | CATALOG_REPLICA_ROTTEN;
        case VERDICT_UNDECIDED:
        case VERDICT_CATALOG:
                return CATALOG_UNDECIDED;
        default:
                return 0;
        }
}

static bool heals_replica(const VerifyFile *file, Verdict verdict) {
        if (verify_is_kept(file))
                return false;
        if (file->verify->engine->pair->config->on_rot == ON_ROT_REPORT)
                return verdict == VERDICT_UNTRACED;
        return verdict == VERDICT_UNTRACED || verdict == VERDICT_REPLICA_ROT ||
               (verdict == VERDICT_BOTH_ROT && file->has_choice);
}

static bool heals_source(const VerifyFile *file, Verdict verdict) {
        if (file->verify->engine->pair->config->on_rot != ON_ROT_HEAL_SOURCE)
                return false;
        return verdict == VERDICT_SOURCE_ROT || (verdict == VERDICT_BOTH_ROT && file->has_choice);
}

/* What is damaged stays known: 1 healed or on its way, 0 left as it is. */
static int heal(VerifyFile *file, Verdict verdict) {
        int r;

        if (heals_source(file, verdict) && verdict == VERDICT_SOURCE_ROT)
                r = verify_heal_source(file);
        else if (heals_replica(file, verdict))
                r = verify_heal_replica(file, verdict);
        else
                return 0;
        if (r < 0)
                verify_report_failure(file, "heal", r);
        return MAX(r, 0);
}

static void handle_damage(VerifyFile *file, Verdict verdict) {
        Counters *counters = &file->verify->pass->result.counters;
        unsigned flags = file->row->flags & ~(unsigned) CATALOG_DAMAGED;

        measure_damage(file, verdict);
        if (verify_must_end(file->verify))
                return;
        if (!file->again)
                atomic_fetch_add(&counters->n_rotten, 1);
        verify_report(file, verdict);
        if (verdict == VERDICT_CATALOG &&
            file->verify->engine->pair->config->on_rot != ON_ROT_REPORT) {
                verify_mark(file, &file->hashes[SOURCE], flags);
                atomic_fetch_add(&counters->n_rot_healed, 1);
                return;
        }
        /* What is healed gets a row of its own with the commit. */
        verify_mark(file, NULL, flags | flags_of(verdict));
        if (verdict == VERDICT_CATALOG || heal(file, verdict) == 0)
                return;
        file->half_healed = verdict == VERDICT_BOTH_ROT && heals_source(file, verdict);
}

static void act(VerifyFile *file, Verdict verdict) {
        Counters *counters = &file->verify->pass->result.counters;
        unsigned flags = file->row->flags & ~(unsigned) CATALOG_DAMAGED;

        switch (verdict) {
        case VERDICT_FINE:
                verify_mark(file, NULL, flags);
                break;
        case VERDICT_LEARNT:
                verify_mark(file, &file->hashes[SOURCE], flags);
                break;
        case VERDICT_MOVED:
                atomic_fetch_add(&file->verify->n_moved, 1);
                return;
        case VERDICT_FAILED:
                verify_report_failure(file, "read back", 0);
                verify_mark(file, NULL, file->row->flags); /* again when its turn comes */
                return;
        case VERDICT_UNTRACED:
                (void) heal(file, verdict);
                break;
        default:
                handle_damage(file, verdict);
        }
        atomic_fetch_add(&counters->n_verified, 1);
}

/* What another name has shown in this pass. */
static bool was_verified(VerifyThread *thread, const CatalogRow *row) {
        _cleanup_(catalog_row_done) CatalogRow now = CATALOG_ROW_NULL;
        CatalogReader *reader;

        return worker_reader(&thread->worker, &reader) >= 0 &&
               catalog_reader_get(reader, row->parent, row->name, &now) >= 0 &&
               now.verified >= thread->verify->rows.before;
}

static void file_done(VerifyFile *file) {
        for (int side = SOURCE; side < N_SIDES; side++)
                safe_close(file->fds[side]);
}

static bool verify_once(VerifyThread *thread, CatalogRow *row, bool again) {
        VerifyFile file = { .verify = thread->verify,
                            .thread = thread,
                            .row = row,
                            .again = again,
                            .directory_fds = { -EBADF, -EBADF },
                            .fds = { -EBADF, -EBADF } };
        Verdict verdict = VERDICT_MOVED;

        if (enter_directory(thread, row->parent) >= 0) {
                file.node = thread->node;
                acquire_findings(&file);
                verdict = judge(&file.findings);
        }
        if (!verify_must_end(thread->verify))
                act(&file, verdict);
        file_done(&file);
        return file.half_healed;
}

/* Until the committer is done with the file. */
static void await_commit(Verify *verify, const CatalogRow *row) {
        CatalogIdentity identity = { row->file_system, row->source.inode };

        batch_flush(&verify->engine->batch);
        while (pending_is_claimed(&verify->engine->pending, identity) && !verify_must_end(verify))
                (void) usleep(COMMIT_POLL_USEC);
}

/* Where both sides had to be put together, the source is healed once the replica is: from there. */
static void verify_file(VerifyThread *thread, CatalogRow *row) {
        _cleanup_(catalog_row_done) CatalogRow healed = CATALOG_ROW_NULL;
        CatalogReader *reader;

        if (!verify_once(thread, row, false))
                return;
        await_commit(thread->verify, row);
        if (!verify_must_end(thread->verify) && worker_reader(&thread->worker, &reader) >= 0 &&
            catalog_reader_get(reader, row->parent, row->name, &healed) >= 0)
                (void) verify_once(thread, &healed, true);
}

/* A file of several names is read once: by whoever comes first, while the others are passed over.
 */
static void verify_linked(VerifyThread *thread, CatalogRow *row) {
        CatalogIdentity identity = { row->file_system, row->source.inode };

        if (pending_claim(&thread->verify->linked, identity) <= 0)
                return;
        if (!was_verified(thread, row))
                verify_file(thread, row);
        pending_release(&thread->verify->linked, identity);
}

void verify_row(VerifyThread *thread, CatalogRow *row) {
        engine_beat(thread->verify->engine);
        /* A copy of what never rested is not the source's content at any time. */
        if (row->flags & CATALOG_UNSTABLE)
                return;
        if (row->source.n_links > 1)
                verify_linked(thread, row);
        else
                verify_file(thread, row);
}
