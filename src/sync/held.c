#include "sync/held.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "fs/confined.h"
#include "fs/identity.h"
#include "fs/listing.h"
#include "sync/guard.h"
#include "sync/message-ids.h"
#include "sync/visit.h"

typedef struct HeldPlace {
        int64_t parent; /* directory id */
        char *name;
        MountVerdict verdict;
        bool seen; /* since the last full pass began */
} HeldPlace;

typedef struct Held Held;
struct Held {
        pthread_mutex_t mutex; /* a leaf */
        HeldPlace *places;
        atomic_size_t n_places; /* read without the mutex where none is the rule */
};

int held_new(Engine *engine) {
        engine->held = calloc(1, sizeof *engine->held);
        if (!engine->held)
                return -ENOMEM;
        (void) pthread_mutex_init(&engine->held->mutex, NULL);
        return 0;
}

void held_free(Engine *engine) {
        Held *held = engine->held;

        if (!held)
                return;
        for (size_t i = 0; i < held->n_places; i++)
                free(held->places[i].name);
        free(held->places);
        (void) pthread_mutex_destroy(&held->mutex);
        free(held);
        engine->held = NULL;
}

static HeldPlace *find_locked(Held *held, int64_t parent, const char *name) {
        for (size_t i = 0; i < held->n_places; i++)
                if (held->places[i].parent == parent && streq(held->places[i].name, name))
                        return &held->places[i];
        return NULL;
}

static void remove_locked(Held *held, HeldPlace *place) {
        free(place->name);
        *place = held->places[held->n_places - 1];
        held->n_places--;
}

static bool add_locked(Held *held, const HeldPlace *place) {
        HeldPlace *places = reallocarray(held->places, held->n_places + 1, sizeof *places);
        char *name = strdup(place->name);

        if (places)
                held->places = places;
        if (!places || !name) {
                free(name);
                return false; /* it will be said again */
        }
        places[held->n_places] = *place;
        places[held->n_places].name = name;
        held->n_places++;
        return true;
}

/* True: it was not held before, or for another reason. */
static bool note(Held *held, int64_t parent, const char *name, MountVerdict verdict) {
        HeldPlace *place;
        bool news;

        (void) pthread_mutex_lock(&held->mutex);
        place = find_locked(held, parent, name);
        news = !place || place->verdict != verdict;
        if (place) {
                place->verdict = verdict;
                place->seen = true;
        } else
                (void) add_locked(held, &(HeldPlace) { parent, (char *) name, verdict, true });
        (void) pthread_mutex_unlock(&held->mutex);
        return news;
}

/* True: it was held. */
static bool release(Held *held, int64_t parent, const char *name) {
        HeldPlace *place;

        if (held->n_places == 0)
                return false;
        (void) pthread_mutex_lock(&held->mutex);
        place = find_locked(held, parent, name);
        if (place)
                remove_locked(held, place);
        (void) pthread_mutex_unlock(&held->mutex);
        return place;
}

void held_begin_full(Engine *engine) {
        Held *held = engine->held;

        (void) pthread_mutex_lock(&held->mutex);
        for (size_t i = 0; i < held->n_places; i++)
                held->places[i].seen = false;
        (void) pthread_mutex_unlock(&held->mutex);
}

void held_end_full(Engine *engine) {
        Held *held = engine->held;

        (void) pthread_mutex_lock(&held->mutex);
        for (size_t i = held->n_places; i > 0; i--)
                if (!held->places[i - 1].seen)
                        remove_locked(held, &held->places[i - 1]);
        (void) pthread_mutex_unlock(&held->mutex);
}

size_t engine_n_held(const Engine *engine) {
        return engine->held->n_places;
}

/* Whether the replica holds something that was on the missing file system. */
static bool replica_is_filled(Visit *visit, const Look *look) {
        _cleanup_(listing_done) Listing listing = LISTING_NULL;
        _cleanup_close_ int fd = -EBADF;

        if (!look->has_replica)
                return false;
        if (!S_ISDIR(look->replica.stamp.mode))
                return look->replica.stamp.size > 0;
        fd = confined_open_directory(visit->replica_fd, look->name);
        return fd < 0 || listing_read(&listing, fd) < 0 || listing.n_entries > 0;
}

/* Whether something was there before the mount. The rows of what is mounted now are committed after
 * its mount point's, or with it; so that is looked up once more, after them. */
static bool row_is_filled(Visit *visit, const Look *look) {
        CatalogRow row = CATALOG_ROW_NULL;
        int64_t id = look->row->directory_id;
        bool filled;

        if (!look->has_replica)
                return false;
        if (id == 0)
                return look->row->source.size > 0;
        filled = catalog_reader_list(visit->reader, id, "", &row, 1) != 0;
        if (filled && catalog_reader_get(visit->reader, visit->directory_id, look->name, &row) >= 0)
                filled = row.directory_id == id && !(row.flags & CATALOG_MOUNT_ROOT);
        catalog_row_done(&row);
        return filled;
}

static MountVerdict judge(Visit *visit, const Look *look) {
        const CatalogRow *row = look->row;
        MountFacts facts = {
                .was_mounted = row->flags & CATALOG_MOUNT_ROOT,
                .is_there = look->has_source,
                .is_mounted = look->has_source && look->source.is_mount_root,
                .same_file_system = look->has_source && row->file_system == look->file_system,
        };

        if ((!facts.was_mounted && !facts.is_mounted) || look->is_closed)
                return MOUNT_RIGHT;
        facts.same_entry = facts.same_file_system &&
                           row->source.inode == look->source.stamp.inode &&
                           row->source.btime == look->source.stamp.btime;
        facts.at_stake = !facts.same_entry && (facts.was_mounted ? replica_is_filled(visit, look)
                                                                 : row_is_filled(visit, look));
        return guard_mount(&facts);
}

static const char *const reasons[] = {
        [MOUNT_MISSING] = "is not mounted",
        [MOUNT_EXCHANGED] = "is not mounted, but another one is",
        [MOUNT_COVERED] = "is hidden by what was mounted over it",
};

static void say_held(Visit *visit, const Look *look, MountVerdict verdict) {
        const char *replica = visit->engine->pair->config->replica;
        _cleanup_free_ char *path = NULL, *shown = NULL, *shown_replica = NULL;
        FileSystemId was = { "?" }, now = { "none" };

        (void) tree_source_path(visit->engine->tree, visit->node, look->name, &path);
        shown = escape_bytes(path ?: look->name);
        shown_replica = escape_bytes(replica);
        (void) catalog_reader_file_system(visit->reader, look->row->file_system, &was);
        if (look->has_source)
                (void) catalog_reader_file_system(visit->reader, look->file_system, &now);
        log_event(
                &(LogEvent) {
                        .level = LOG_ERR, .message_id = REBACKUP_MSG_PLACE_HELD, .path = path },
                "on hold: %s was of file system %s, which %s (now: %s); its replica is left as it "
                "is until that is undone. If the change is meant, remove %s/%s",
                shown ?: "?", was.text, reasons[verdict], now.text, shown_replica ?: "?",
                shown ?: "?");
}

static void say_released(Visit *visit, const Look *look) {
        _cleanup_free_ char *path = NULL, *shown = NULL;

        (void) tree_source_path(visit->engine->tree, visit->node, look->name, &path);
        shown = escape_bytes(path ?: look->name);
        log_event(&(LogEvent) { .level = LOG_NOTICE,
                                .message_id = REBACKUP_MSG_PLACE_RELEASED,
                                .path = path },
                  "the hold of %s ended; it is being compared", shown ?: "?");
}

bool visit_hold(Visit *visit, Look *look) {
        Held *held = visit->engine->held;
        MountVerdict verdict = look->has_row && look->name[0] ? judge(visit, look) : MOUNT_RIGHT;

        if (visit->removing)
                return verdict != MOUNT_RIGHT;
        if (verdict == MOUNT_RIGHT) {
                if (release(held, visit->directory_id, look->name)) {
                        say_released(visit, look);
                        look->whole = true;
                }
                return false;
        }
        atomic_fetch_add(&visit->pass->result.counters.n_held, 1);
        if (note(held, visit->directory_id, look->name, verdict))
                say_held(visit, look, verdict);
        return true;
}
