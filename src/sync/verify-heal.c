/* Healing the replica: the good content is staged, proven by reading it back, and handed to the
 * committer, which exchanges it for the rotten one as it does with any change. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/metadata.h"
#include "sync/prune.h"
#include "sync/verify.h"

enum {
        CHOICE_RUNS_MAX = 12, /* runs of which each may come from either side */
        NAMES_CHUNK = 16,
};
/* What all attempts at putting a file together may read. */
#define CHOICE_BYTES_MAX (UINT64_C(16) * 1024 * 1024 * 1024)

/* Putting together */

/* Of a run that one side cannot read there is no choice. */
static uint32_t fixed_choice(const Damage *damage, uint32_t *ret_free) {
        uint32_t choice = 0;

        *ret_free = 0;
        for (size_t i = 0; i < damage->n_runs; i++) {
                const DamageRun *run = &damage->runs[i];

                if (run->unreadable[SOURCE])
                        choice |= UINT32_C(1) << i;
                else if (!run->unreadable[REPLICA])
                        *ret_free |= UINT32_C(1) << i;
        }
        return choice;
}

static bool is_hopeless(const Damage *damage, uint32_t free_bits) {
        unsigned n = (unsigned) __builtin_popcount(free_bits);

        for (size_t i = 0; i < damage->n_runs; i++)
                if (damage->runs[i].unreadable[SOURCE] && damage->runs[i].unreadable[REPLICA])
                        return true;
        return n > CHOICE_RUNS_MAX || (damage->size << n) > CHOICE_BYTES_MAX;
}

static int try_choice(VerifyFile *file, uint32_t choice) {
        Mixture mixture = { .fds = { file->fds[SOURCE], file->fds[REPLICA] },
                            .damage = &file->damage,
                            .choice = choice,
                            .target_fd = -EBADF };
        Hash hash;
        int r = read_back_mix(file->thread->read_backs[SOURCE], &mixture, verify_tick, file->thread,
                              &hash);

        if (r < 0)
                return r;
        return memcmp(&hash, &file->row->hash, sizeof hash) == 0;
}

int verify_find_choice(VerifyFile *file) {
        uint32_t fixed, free_bits, bits = 0;
        int r;

        if (file->damage.n_runs > DAMAGE_RUNS_MAX)
                return 0;
        fixed = fixed_choice(&file->damage, &free_bits);
        if (is_hopeless(&file->damage, free_bits))
                return 0;
        do {
                r = try_choice(file, fixed | bits);
                if (r != 0)
                        break;
                bits = (bits - free_bits) & free_bits; /* the next of all its subsets */
        } while (bits != 0);
        file->choice = fixed | bits;
        return r;
}

/* Staging */

static int write_content(VerifyFile *file, Verdict verdict, int target_fd, Hash *ret) {
        Pair *pair = file->verify->engine->pair;
        Mixture mixture = { .fds = { file->fds[SOURCE], file->fds[REPLICA] },
                            .damage = &file->damage,
                            .choice = file->choice,
                            .target_fd = target_fd };
        CopyResult result;
        Entry entry;
        int r;

        if (verdict == VERDICT_BOTH_ROT)
                return read_back_mix(file->thread->read_backs[SOURCE], &mixture, verify_tick,
                                     file->thread, ret);
        r = entry_acquire(file->fds[SOURCE], "", &entry);
        if (r < 0)
                return r;
        CopyJob job = {
                .source_fd = file->fds[SOURCE],
                .target_fd = target_fd,
                .size = entry.stamp.size,
                .want_hash = true,
                .same_device = entry.device == pair->replica_root.device,
                .maybe_sparse = copy_may_be_sparse(entry.stamp.size, entry.n_blocks),
                .abilities = &pair->abilities,
                .tick = verify_tick,
                .userdata = file->thread,
        };
        r = copier_copy(file->thread->worker.copier, &job, &result, NULL);
        if (r >= 0)
                *ret = result.hash;
        return r;
}

static int copy_metadata(VerifyFile *file, int target_fd) {
        Attributes attributes = ATTRIBUTES_NULL;
        unsigned shortfalls = 0; /* told when it was first copied */
        int r;

        r = attributes_acquire(file->fds[SOURCE], &attributes);
        if (r >= 0)
                r = metadata_apply(target_fd, &file->row->source, NULL, &attributes, &shortfalls);
        attributes_done(&attributes);
        return r;
}

/* Complete, flushed, and read back from the medium. */
static int fill(VerifyFile *file, Verdict verdict, int target_fd, const Hash *expected) {
        Hash hash;
        int r;

        r = write_content(file, verdict, target_fd, &hash);
        if (r < 0)
                return r;
        if (memcmp(&hash, expected, sizeof hash) != 0)
                return -EIO;
        r = copy_metadata(file, target_fd);
        if (r < 0)
                return r;
        if (fsync(target_fd) < 0)
                return -errno;
        r = read_back_hash(file->thread->read_backs[REPLICA], target_fd, verify_tick, file->thread,
                           &hash);
        if (r < 0)
                return r;
        return memcmp(&hash, expected, sizeof hash) == 0 ? 0 : -EIO;
}

static int stage_once(VerifyFile *file, Verdict verdict, const char *stage, const Hash *expected) {
        int staging_fd = file->verify->engine->pair->store.staging_fd, r;
        _cleanup_close_ int fd = openat(
                staging_fd, stage, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY,
                0600);

        if (fd < 0)
                return -errno;
        r = fill(file, verdict, fd, expected);
        if (r < 0)
                (void) unlinkat(staging_fd, stage, 0);
        return r;
}

static int stage_good(VerifyFile *file, Verdict verdict, const char *stage, const Hash *expected) {
        int r;

        do
                r = stage_once(file, verdict, stage, expected);
        while ((r == -ENOSPC || r == -EDQUOT) && prune_make_room(file->verify->engine) > 0);
        return r;
}

/* Handing over */

typedef struct Healing {
        VerifyFile *file;
        Verdict verdict;
        const Hash *hash;
        usec_t began;
        ItemList items;
} Healing;

static Item *make_item(Healing *healing, const CatalogRow *row, Node *node, const char *stage) {
        VerifyFile *file = healing->file;
        Item *item = item_new(ITEM_ENTRY, file->verify->pass, node, row->name);
        bool is_untraced = healing->verdict == VERDICT_UNTRACED;

        if (!item)
                return NULL;
        memcpy(item->stage, stage, sizeof item->stage);
        item->row.parent = row->parent;
        item->row.file_system = row->file_system;
        item->row.source = row->source;
        item->row.has_hash = true;
        item->row.hash = *healing->hash;
        item->row.verified = (int64_t) now_usec(CLOCK_REALTIME);
        item->row.flags = row->flags & ~(unsigned) CATALOG_DAMAGED;
        /* That of the source stays known until it is healed there as well. */
        if (healing->verdict == VERDICT_BOTH_ROT)
                item->row.flags |= CATALOG_SOURCE_ROTTEN;
        item->operation = is_untraced ? OPERATION_UPDATE : OPERATION_HEAL;
        item->is_rot = !is_untraced;
        item->had_replica = true;
        item->n_bytes = row->source.size;
        item->duration = now_usec(CLOCK_MONOTONIC) - healing->began;
        if (row->source.n_links > 1) {
                item->refresh = true;
                item->displaced_identity = (CatalogIdentity) { row->file_system,
                                                               row->source.inode };
        }
        return item;
}

/* One more name of the group: one more of the staged file. */
static int add_name(Healing *healing, const CatalogRow *row) {
        Engine *engine = healing->file->verify->engine;
        int staging_fd = engine->pair->store.staging_fd, r;
        const char *first = healing->items.first->stage;
        _cleanup_(node_unrefp) Node *node = NULL;
        char stage[STAGE_NAME_MAX];
        Item *item;

        r = locate_by_id(&healing->file->thread->worker, row->parent, &node);
        if (r < 0)
                return r;
        engine_stage_name(engine, stage);
        if (linkat(staging_fd, first, staging_fd, stage, 0) < 0)
                return -errno;
        item = make_item(healing, row, node, stage);
        if (!item) {
                (void) unlinkat(staging_fd, stage, 0);
                return -ENOMEM;
        }
        item->quiet = true;
        item_list_append(&healing->items, item);
        return 0;
}

static bool shares_rot(const VerifyFile *file, const CatalogRow *row) {
        return row->replica.inode == file->row->replica.inode &&
               (row->parent != file->row->parent || strcmp(row->name, file->row->name) != 0);
}

/* All names of one inode go over to the good one together: were they not, a look in between would
 * join it to those that are rotten. */
static int add_other_names(Healing *healing) {
        VerifyFile *file = healing->file;
        CatalogIdentity identity = { file->row->file_system, file->row->source.inode };
        CatalogRow rows[NAMES_CHUNK] = {};
        CatalogReader *reader;
        int n = NAMES_CHUNK, r;

        if (file->row->source.n_links < 2)
                return 0;
        r = worker_reader(&file->thread->worker, &reader);
        for (int skip = 0; r >= 0 && n == NAMES_CHUNK; skip += n) {
                n = catalog_reader_by_identity(reader, identity, skip, rows, NAMES_CHUNK);
                for (int i = 0; r >= 0 && i < n; i++)
                        if (shares_rot(file, &rows[i]))
                                r = add_name(healing, &rows[i]);
                r = r < 0 ? r : MIN(n, 0);
        }
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                catalog_row_done(&rows[i]);
        return r;
}

static bool is_still(VerifyFile *file, int side, const Stamp *known) {
        Entry entry;

        return entry_acquire(file->directory_fds[side], file->row->name, &entry) >= 0 &&
               stamp_equal(known, &entry.stamp);
}

/* With nobody else at the name: both sides, and what is known of them, are as when it was read. */
static bool is_untouched(VerifyFile *file) {
        _cleanup_(catalog_row_done) CatalogRow row = CATALOG_ROW_NULL;
        CatalogReader *reader;

        return worker_reader(&file->thread->worker, &reader) >= 0 &&
               catalog_reader_get(reader, file->row->parent, file->row->name, &row) >= 0 &&
               stamp_equal(&row.source, &file->row->source) &&
               stamp_equal(&row.replica, &file->row->replica) &&
               is_still(file, SOURCE, &row.source) && is_still(file, REPLICA, &row.replica);
}

static void discard(Healing *healing) {
        int staging_fd = healing->file->verify->engine->pair->store.staging_fd;

        for (const Item *item = healing->items.first; item; item = item->next)
                (void) unlinkat(staging_fd, item->stage, 0);
        item_list_done(&healing->items);
}

static void push(Healing *healing) {
        Engine *engine = healing->file->verify->engine;
        Item *last = healing->items.first;

        while (last->next)
                last = last->next;
        last->claimed = true;
        (void) pthread_mutex_lock(&engine->mutex);
        healing->file->verify->pass->n_items += healing->items.n_items;
        (void) pthread_mutex_unlock(&engine->mutex);
        batch_push(&engine->batch, &healing->items);
}

/* Whoever looks at the name afterwards comes behind it in the batch. */
static int hand_over(Healing *healing) {
        VerifyFile *file = healing->file;
        Engine *engine = file->verify->engine;
        CatalogIdentity identity = { file->row->file_system, file->row->source.inode };
        int r = pending_claim(&engine->pending, identity);

        if (r > 0) {
                pool_enter_node(engine, file->node);
                r = is_untouched(file) ? add_other_names(healing) : 0;
                if (r >= 0 && is_untouched(file)) {
                        push(healing);
                        r = 1;
                } else
                        pending_release(&engine->pending, identity);
                pool_leave_node(engine, file->node);
        }
        if (r <= 0)
                discard(healing);
        return r;
}

int verify_heal_replica(VerifyFile *file, Verdict verdict) {
        Healing healing = {
                .file = file,
                .verdict = verdict,
                .hash = verdict == VERDICT_UNTRACED || !file->row->has_hash ? &file->hashes[SOURCE]
                                                                            : &file->row->hash,
                .began = now_usec(CLOCK_MONOTONIC),
        };
        char stage[STAGE_NAME_MAX];
        Item *item;
        int r;

        item_list_init(&healing.items);
        engine_stage_name(file->verify->engine, stage);
        r = stage_good(file, verdict, stage, healing.hash);
        if (r < 0)
                return r;
        item = make_item(&healing, file->row, file->node, stage);
        if (!item) {
                (void) unlinkat(file->verify->engine->pair->store.staging_fd, stage, 0);
                return -ENOMEM;
        }
        item_list_append(&healing.items, item);
        (void) pthread_mutex_lock(&file->verify->heal_mutex);
        r = hand_over(&healing);
        (void) pthread_mutex_unlock(&file->verify->heal_mutex);
        return r;
}
