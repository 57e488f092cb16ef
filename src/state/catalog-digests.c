#include "state/catalog-digests.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "basic/macros.h"
#include "state/catalog-schema.h"
#include "state/database.h"
#include "state/digest-changes.h"
#include "state/digest.h"

enum {
        SUMS_MAX = 256, /* gathered at a time; more are written to the table */
        ROUNDS_MAX = 8, /* of settling: one suffices but where directories are in a ring */
};

/* The arguments of the function that the triggers call. */
enum {
        NOTE_SIGN,
        NOTE_PARENT,
        NOTE_NAME,
        NOTE_DIRECTORY_ID,
        NOTE_KEPT,
        NOTE_HASH,
        NOTE_SOURCE, /* mode, uid, gid, mtime, size, rdev */
        NOTE_REPLICA = NOTE_SOURCE + 6,
        NOTE_SOURCE_CONTENT = NOTE_REPLICA + 6, /* of a directory: digests of what is in it */
        NOTE_REPLICA_CONTENT,
        _NOTE_MAX,
};

struct Digests {
        DigestMaker *maker;
        Hash nothing; /* the content of an empty directory */
        DigestChanges changes;
        bool active;    /* the triggers are there */
        bool unsettled; /* some digest was left wrong by the last settling */
};

/* What the table has of a directory. */
typedef struct Record {
        int64_t n_entries;
        Hash digests[2]; /* source, replica */
        DigestSum sums[2];
} Record;

static const char triggers[] =
        "CREATE TEMP TRIGGER digest_delete AFTER DELETE ON main.entry WHEN old.parent <> 0"
        " BEGIN SELECT " SCHEMA_NOTE(
                "-1", "old",
                SCHEMA_CONTENT(
                        "old")) "; END;"
                                "CREATE TEMP TRIGGER digest_update AFTER UPDATE OF " SCHEMA_DIGEST_UPDATES
                                " ON main.entry WHEN old.parent <> 0"
                                " AND (" SCHEMA_DIGEST_COLUMNS("old") ") IS NOT (" SCHEMA_DIGEST_COLUMNS(
                                        "new") ")"
                                               " BEGIN SELECT " SCHEMA_NOTE(
                                                       "-1", "old",
                                                       SCHEMA_CONTENT(
                                                               "old")) ", " SCHEMA_NOTE("1", "new",
                                                                                        SCHEMA_CONTENT(
                                                                                                "new")) "; END;";

static void take_stamp(sqlite3_value **values, Stamp *ret) {
        *ret = (Stamp) {
                .mode = (uint32_t) sqlite3_value_int64(values[0]),
                .uid = (uint32_t) sqlite3_value_int64(values[1]),
                .gid = (uint32_t) sqlite3_value_int64(values[2]),
                .mtime = sqlite3_value_int64(values[3]),
                .size = (uint64_t) sqlite3_value_int64(values[4]),
                .rdev = (uint64_t) sqlite3_value_int64(values[5]),
        };
}

static bool take_hash(sqlite3_value *value, Hash *ret) {
        const void *bytes = sqlite3_value_blob(value);

        if (!bytes || sqlite3_value_bytes(value) != HASH_BYTES)
                return false;
        memcpy(ret->bytes, bytes, HASH_BYTES);
        return true;
}

static int make_summand(DigestMaker *maker, const DigestEntry *entry, DigestSum *ret) {
        Hash digest;
        int r;

        r = digest_entry(maker, entry, &digest);
        return r < 0 ? r : digest_expand(maker, &digest, ret);
}

/* That the entry of ROW came (SIGN 1) or went (-1). CONTENTS are those of a directory, source and
 * replica. What the source has of an entry that is kept apart is not known: that differs from
 * anything. */
static int note_row(Digests *digests, int sign, const CatalogRow *row, const Hash *contents) {
        bool is_directory = row->directory_id != 0, same, is_kept = row->flags & CATALOG_KEPT;
        const Hash *content = row->has_hash ? &row->hash : NULL;
        const Hash *source_content = is_kept ? &digests->nothing : content;
        DigestEntry entry = {
                .name = row->name,
                .name_bytes = strlen(row->name),
                .stamp = &row->source,
                .content = is_directory ? &contents[0] : source_content,
        };
        DigestSum sums[2];
        int r;

        r = make_summand(digests->maker, &entry, &sums[0]);
        same = !is_kept && stamp_replicates(&row->source, &row->replica) &&
               (!is_directory || memcmp(&contents[0], &contents[1], sizeof contents[0]) == 0);
        if (r >= 0 && !same) {
                entry.stamp = &row->replica;
                entry.content = is_directory ? &contents[1] : content;
                r = make_summand(digests->maker, &entry, &sums[1]);
        }
        if (r < 0)
                return r;
        return digest_changes_note(&digests->changes, row->parent, sign, &sums[0],
                                   same ? NULL : &sums[1]);
}

/* What SQL knows only. */
static int note_values(Digests *digests, sqlite3_value **arguments) {
        CatalogRow row = {
                .parent = sqlite3_value_int64(arguments[NOTE_PARENT]),
                .name = (char *) sqlite3_value_text(arguments[NOTE_NAME]),
                .directory_id = sqlite3_value_int64(arguments[NOTE_DIRECTORY_ID]),
                .flags = (unsigned) sqlite3_value_int(arguments[NOTE_KEPT]),
        };
        Hash contents[2];

        if (!row.name)
                return -ENOMEM;
        take_stamp(&arguments[NOTE_SOURCE], &row.source);
        take_stamp(&arguments[NOTE_REPLICA], &row.replica);
        row.has_hash = take_hash(arguments[NOTE_HASH], &row.hash);
        if (!take_hash(arguments[NOTE_SOURCE_CONTENT], &contents[0]))
                contents[0] = digests->nothing;
        if (!take_hash(arguments[NOTE_REPLICA_CONTENT], &contents[1]))
                contents[1] = contents[0];
        return note_row(digests, sqlite3_value_int(arguments[NOTE_SIGN]), &row, contents);
}

static void on_note(sqlite3_context *context, int n_arguments, sqlite3_value **arguments) {
        Catalog *catalog = sqlite3_user_data(context);
        int r;

        (void) n_arguments;
        r = note_values(catalog->digests, arguments);
        if (r < 0)
                sqlite3_result_error_code(context, r == -ENOMEM ? SQLITE_NOMEM : SQLITE_IOERR);
}

int digests_open(Catalog *catalog) {
        const DigestSum zero = {};
        Digests *digests;
        int64_t one;
        int r;

        digests = catalog->digests = calloc(1, sizeof *digests);
        if (!digests)
                return -ENOMEM;
        r = digest_maker_new(&digests->maker);
        if (r >= 0)
                r = digest_content(digests->maker, 0, &zero, &digests->nothing);
        if (r < 0)
                return r;
        if (sqlite3_create_function_v2(catalog->db, SCHEMA_NOTE_FUNCTION, _NOTE_MAX, SQLITE_UTF8,
                                       catalog, on_note, NULL, NULL, NULL) != SQLITE_OK)
                return -ENOMEM;

        r = database_get_integer(catalog->db, SCHEMA_HAS_DIGESTS, &one);
        if (r == -ENOENT)
                return 0;
        if (r >= 0)
                r = database_execute(catalog->db, triggers);
        digests->active = r >= 0;
        return r;
}

void digests_close(Catalog *catalog) {
        if (!catalog->digests)
                return;
        digest_changes_done(&catalog->digests->changes);
        (void) digest_maker_free(catalog->digests->maker);
        free(catalog->digests);
        catalog->digests = NULL;
}

bool catalog_has_digests(const Catalog *catalog) {
        return catalog->digests->active && !catalog->digests->unsettled;
}

static bool column_bytes(sqlite3_stmt *statement, int i, void *to, int size) {
        const void *bytes = sqlite3_column_blob(statement, i);

        if (!bytes || sqlite3_column_bytes(statement, i) != size)
                return false;
        memcpy(to, bytes, (size_t) size);
        return true;
}

/* What is NULL of the replica is as the source's. */
static bool read_record(sqlite3_stmt *statement, Record *ret) {
        uint8_t bytes[DIGEST_SUM_BYTES];

        ret->n_entries = sqlite3_column_int64(statement, 0);
        if (!column_bytes(statement, 1, &ret->digests[0], HASH_BYTES) ||
            !column_bytes(statement, 3, bytes, DIGEST_SUM_BYTES))
                return false;
        digest_sum_load(&ret->sums[0], bytes);
        if (!column_bytes(statement, 2, &ret->digests[1], HASH_BYTES))
                ret->digests[1] = ret->digests[0];
        if (column_bytes(statement, 4, bytes, DIGEST_SUM_BYTES))
                digest_sum_load(&ret->sums[1], bytes);
        else
                ret->sums[1] = ret->sums[0];
        return true;
}

static int load(Catalog *catalog, int64_t id, Record *ret) {
        sqlite3_stmt *statement = catalog->statements[WRITER_GET_DIGEST];
        int code, r = 0;

        *ret = (Record) { .digests = { catalog->digests->nothing, catalog->digests->nothing } };
        code = sqlite3_bind_int64(statement, 1, id);
        if (code == SQLITE_OK)
                code = sqlite3_step(statement);
        if (code == SQLITE_ROW && !read_record(statement, ret))
                r = catalog_fail(catalog, SQLITE_CORRUPT);
        else if (code != SQLITE_ROW && code != SQLITE_DONE)
                r = catalog_fail(catalog, code);
        (void) sqlite3_reset(statement);
        return r;
}

static bool is_empty(const Record *record) {
        static const DigestSum zero;

        return record->n_entries == 0 && memcmp(&record->sums[0], &zero, sizeof zero) == 0 &&
               memcmp(&record->sums[1], &zero, sizeof zero) == 0;
}

static int bind_or_null(sqlite3_stmt *statement, int i, bool is_null, const void *bytes, int size) {
        return is_null ? sqlite3_bind_null(statement, i)
                       : sqlite3_bind_blob(statement, i, bytes, size, SQLITE_STATIC);
}

static int save(Catalog *catalog, int64_t id, const Record *record) {
        sqlite3_stmt *statement = catalog->statements[WRITER_SET_DIGEST];
        bool same_sum = memcmp(&record->sums[0], &record->sums[1], sizeof record->sums[0]) == 0;
        bool same = memcmp(&record->digests[0], &record->digests[1], HASH_BYTES) == 0;
        uint8_t sums[2][DIGEST_SUM_BYTES];
        int code;

        digest_sum_store(&record->sums[0], sums[0]);
        digest_sum_store(&record->sums[1], sums[1]);
        code = sqlite3_bind_int64(statement, 1, id);
        if (code == SQLITE_OK)
                code = sqlite3_bind_int64(statement, 2, record->n_entries);
        if (code == SQLITE_OK)
                code = bind_or_null(statement, 3, false, &record->digests[0], HASH_BYTES);
        if (code == SQLITE_OK)
                code = bind_or_null(statement, 4, same, &record->digests[1], HASH_BYTES);
        if (code == SQLITE_OK)
                code = bind_or_null(statement, 5, false, sums[0], DIGEST_SUM_BYTES);
        if (code == SQLITE_OK)
                code = bind_or_null(statement, 6, same_sum, sums[1], DIGEST_SUM_BYTES);
        return catalog_step(catalog, statement, code);
}

static int delete (Catalog *catalog, int64_t id) {
        sqlite3_stmt *statement = catalog->statements[WRITER_DELETE_DIGEST];

        return catalog_step(catalog, statement, sqlite3_bind_int64(statement, 1, id));
}

/* Counts what was gathered into RECORD, and gathers anew. */
static void count_in(Digests *digests, DigestChange *change, Record *record) {
        record->n_entries += change->n_entries;
        if (change->sums[0]) {
                digest_sum_add(&record->sums[0], change->sums[0]);
                digest_sum_add(&record->sums[1], change->sums[1] ?: change->sums[0]);
        }
        digest_change_clear(&digests->changes, change);
}

/* Sums go to the table; what depends on them has to wait for the end of the transaction. */
static int write_sums(Catalog *catalog) {
        Digests *digests = catalog->digests;
        int r = 0;

        for (DigestChange *c = digests->changes.first; r >= 0 && c; c = c->hh.next) {
                Record record;

                if (!c->sums[0])
                        continue;
                r = load(catalog, c->id, &record);
                if (r < 0)
                        return r;
                count_in(digests, c, &record);
                r = save(catalog, c->id, &record);
        }
        return r;
}

int digests_relieve(Catalog *catalog) {
        return catalog->digests->changes.n_sums > SUMS_MAX ? write_sums(catalog) : 0;
}

/* Runs a statement that calls the function above for each of its rows. */
static int run_notes(Catalog *catalog, sqlite3_stmt *statement, int code) {
        if (code == SQLITE_OK)
                while ((code = sqlite3_step(statement)) == SQLITE_ROW)
                        ;
        (void) sqlite3_reset(statement);
        return code == SQLITE_DONE ? 0 : catalog_fail(catalog, code);
}

int digests_note_added(Catalog *catalog, const CatalogRow *row) {
        Digests *digests = catalog->digests;
        Record record;
        int r = 0;

        if (!digests->active || row->parent == CATALOG_NO_DIRECTORY)
                return 0;
        if (row->directory_id != 0)
                r = load(catalog, row->directory_id, &record);
        if (r >= 0)
                r = note_row(digests, 1, row, record.digests);
        return r < 0 ? catalog_note_failure(catalog, r) : 0;
}

/* The entry of directory ID, wherever it is, has other contents from now on. */
static int count_in_parents(Catalog *catalog, int64_t id, const Hash *before, const Hash *now) {
        sqlite3_stmt *statement = catalog->statements[WRITER_RENOTE];
        const Hash *const contents[] = { &before[0], &before[1], &now[0], &now[1] };
        int code;

        code = sqlite3_bind_int64(statement, 1, id);
        for (int i = 0; i < (int) ELEMENTSOF(contents) && code == SQLITE_OK; i++)
                code = sqlite3_bind_blob(statement, 2 + i, contents[i], HASH_BYTES, SQLITE_STATIC);
        return run_notes(catalog, statement, code);
}

static int settle_directory(Catalog *catalog, DigestChange *change) {
        Digests *digests = catalog->digests;
        Record record;
        Hash before[2];
        int r;

        if (!change->is_stale)
                return 0;
        r = load(catalog, change->id, &record);
        if (r < 0)
                return r;
        memcpy(before, record.digests, sizeof before);
        count_in(digests, change, &record);
        change->is_stale = false;
        for (int i = 0; i < 2 && r >= 0; i++)
                r = digest_content(digests->maker, (uint64_t) record.n_entries, &record.sums[i],
                                   &record.digests[i]);
        if (r >= 0)
                r = is_empty(&record) ? delete (catalog, change->id)
                                      : save(catalog, change->id, &record);
        if (r >= 0 && memcmp(before, record.digests, sizeof before) != 0)
                r = count_in_parents(catalog, change->id, before, record.digests);
        return r < 0 ? r : digests_relieve(catalog);
}

/* Into which directories the change of directory CHANGE's content goes on. */
static int add_parents(Catalog *catalog, DigestChange *change) {
        sqlite3_stmt *statement = catalog->statements[WRITER_GET_PARENTS];
        DigestChange *parent = NULL;
        int code, r = 0;

        code = sqlite3_bind_int64(statement, 1, change->id);
        if (code == SQLITE_OK)
                while (r >= 0 && (code = sqlite3_step(statement)) == SQLITE_ROW)
                        r = digest_changes_get(&catalog->digests->changes,
                                               sqlite3_column_int64(statement, 0), &parent);
        (void) sqlite3_reset(statement);
        change->parent = parent;
        if (r < 0)
                return r;
        return code == SQLITE_DONE ? 0 : catalog_fail(catalog, code);
}

static int settle_once(Catalog *catalog) {
        Digests *digests = catalog->digests;
        DigestChange **order = NULL;
        int r = 0;

        /* Parents are appended, and so come in turn. */
        for (DigestChange *c = digests->changes.first; r >= 0 && c; c = c->hh.next)
                r = add_parents(catalog, c);
        if (r >= 0)
                r = digest_changes_order(&digests->changes, &order);
        for (int i = 0, n = r; r >= 0 && i < n; i++)
                r = settle_directory(catalog, order[i]);
        free(order);
        return r;
}

/* The next opening has to compute afresh what is wrong now, unless it is mended before. */
static int mark(Catalog *catalog, bool unsettled) {
        if (unsettled == catalog->digests->unsettled)
                return 0;
        catalog->digests->unsettled = unsettled;
        return catalog_set_fact(catalog, SCHEMA_FACT_DIGESTS, unsettled ? NULL : "1");
}

int digests_settle(Catalog *catalog) {
        Digests *digests = catalog->digests;
        bool is_stale = digest_changes_are_stale(&digests->changes);
        int r = 0;

        if (!digests->active || !digests->changes.first)
                return 0;
        for (int i = 0; r >= 0 && is_stale && i < ROUNDS_MAX; i++) {
                r = settle_once(catalog);
                is_stale = digest_changes_are_stale(&digests->changes);
        }
        /* Where directories are in a ring, which only a damaged catalog has for long, none of them
         * can be right: they are tried again with the next transaction. */
        if (r >= 0 && is_stale)
                r = write_sums(catalog);
        if (r >= 0)
                r = mark(catalog, is_stale);
        if (r < 0)
                return catalog_note_failure(catalog, r);
        digest_changes_carry(&digests->changes);
        return 0;
}

void digests_forget(Catalog *catalog) {
        Digests *digests = catalog->digests;

        if (!digests)
                return;
        digest_changes_forget(&digests->changes);
        digests->unsettled = digests->changes.first != NULL;
}

/* All that is in directory PARENT, as if it came now. */
static int note_directory(Catalog *catalog, int64_t parent) {
        sqlite3_stmt *statement = catalog->statements[WRITER_NOTE_ALL];
        int r;

        r = run_notes(catalog, statement, sqlite3_bind_int64(statement, 1, parent));
        return r < 0 ? r : digests_relieve(catalog);
}

static int note_all(Catalog *catalog) {
        sqlite3_stmt *statement = catalog->statements[WRITER_NEXT_PARENT];
        int64_t parent = CATALOG_NO_DIRECTORY;
        int code, r = 0;

        while (r >= 0) {
                code = sqlite3_bind_int64(statement, 1, parent);
                if (code == SQLITE_OK)
                        code = sqlite3_step(statement);
                parent = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
                (void) sqlite3_reset(statement);
                if (code != SQLITE_ROW)
                        return catalog_fail(catalog, code);
                if (parent == CATALOG_NO_DIRECTORY)
                        return 0;
                r = note_directory(catalog, parent);
        }
        return r;
}

static int complete(Catalog *catalog) {
        int r;

        r = database_execute(catalog->db, "DELETE FROM digest");
        if (r >= 0)
                r = database_execute(catalog->db, triggers);
        if (r >= 0)
                r = note_all(catalog);
        if (r >= 0)
                r = catalog_set_fact(catalog, SCHEMA_FACT_DIGESTS, "1");
        if (r < 0)
                return r;
        catalog->digests->active = true;
        return catalog_commit(catalog);
}

int catalog_complete_digests(Catalog *catalog) {
        int r;

        if (catalog->digests->active)
                return 0;
        r = catalog_begin(catalog);
        if (r < 0)
                return r;
        r = complete(catalog);
        if (r < 0) {
                catalog->digests->active = false;
                (void) catalog_rollback(catalog);
        }
        return r < 0 ? r : 1;
}
