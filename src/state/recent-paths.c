#include "state/recent-paths.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "basic/alloc.h"

enum {
        CAPACITY_MIN = 64,
        SLOTS_PER_ENTRY = 2, /* so that half of them are free at least */
};

typedef struct RecentPath {
        uint64_t hash;
        usec_t at;
} RecentPath;

static_assert(sizeof(RecentPath) == 16, "tens of thousands of them are held");

/* A ring in the order in which paths were noted, and an open-addressing table of positions in it.
 */
struct RecentPaths {
        usec_t interval;
        size_t n_max;
        uint64_t key[2];

        RecentPath *ring;
        size_t capacity; /* a power of two, or 0 */
        size_t first, n_paths;
        uint32_t *slots; /* position + 1, or 0 where free */
};

/* SipHash-2-4 (Aumasson and Bernstein) */

static uint64_t rotate(uint64_t word, unsigned n) {
        return word << n | word >> (64 - n);
}

static void sip_rounds(uint64_t v[4], unsigned n) {
        for (; n > 0; n--) {
                v[0] += v[1];
                v[2] += v[3];
                v[1] = rotate(v[1], 13) ^ v[0];
                v[3] = rotate(v[3], 16) ^ v[2];
                v[0] = rotate(v[0], 32);
                v[2] += v[1];
                v[0] += v[3];
                v[1] = rotate(v[1], 17) ^ v[2];
                v[3] = rotate(v[3], 21) ^ v[0];
                v[2] = rotate(v[2], 32);
        }
}

static void sip_fold(uint64_t v[4], uint64_t word) {
        v[3] ^= word;
        sip_rounds(v, 2);
        v[0] ^= word;
}

static uint64_t sip_hash(const uint64_t key[2], const char *data, size_t size) {
        uint64_t v[4] = {
                key[0] ^ UINT64_C(0x736f6d6570736575),
                key[1] ^ UINT64_C(0x646f72616e646f6d),
                key[0] ^ UINT64_C(0x6c7967656e657261),
                key[1] ^ UINT64_C(0x7465646279746573),
        };
        uint64_t word, last = (uint64_t) size << 56;

        for (; size >= sizeof(word); size -= sizeof(word), data += sizeof(word)) {
                memcpy(&word, data, sizeof(word));
                sip_fold(v, word);
        }
        for (size_t i = 0; i < size; i++)
                last |= (uint64_t) (unsigned char) data[i] << (8 * i);
        sip_fold(v, last);

        v[2] ^= 0xff;
        sip_rounds(v, 4);
        return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The table */

static size_t n_slots(const RecentPaths *recent) {
        return recent->capacity * SLOTS_PER_ENTRY;
}

static size_t home_slot(const RecentPaths *recent, uint64_t hash) {
        return hash & (n_slots(recent) - 1);
}

static size_t next_slot(const RecentPaths *recent, size_t i) {
        return (i + 1) & (n_slots(recent) - 1);
}

static RecentPath *slot_path(const RecentPaths *recent, size_t i) {
        return recent->ring + recent->slots[i] - 1;
}

/* The slot with HASH, or the free one where it would be. */
static size_t find_slot(const RecentPaths *recent, uint64_t hash) {
        size_t i;

        for (i = home_slot(recent, hash); recent->slots[i]; i = next_slot(recent, i))
                if (slot_path(recent, i)->hash == hash)
                        break;

        return i;
}

/* Closes the gap at GAP, so that no search ends too early. */
static void close_gap(RecentPaths *recent, size_t gap) {
        size_t mask = n_slots(recent) - 1;

        for (size_t i = next_slot(recent, gap); recent->slots[i]; i = next_slot(recent, i)) {
                size_t from_home = (i - home_slot(recent, slot_path(recent, i)->hash)) & mask;

                if (from_home < ((i - gap) & mask))
                        continue;
                recent->slots[gap] = recent->slots[i];
                gap = i;
        }
        recent->slots[gap] = 0;
}

/* The ring */

static void release(RecentPaths *recent) {
        recent->ring = mfree(recent->ring);
        recent->slots = mfree(recent->slots);
        recent->capacity = recent->first = recent->n_paths = 0;
}

static void append(RecentPaths *recent, uint64_t hash, usec_t at) {
        size_t position = (recent->first + recent->n_paths++) & (recent->capacity - 1);

        recent->ring[position] = (RecentPath) { hash, at };
        recent->slots[find_slot(recent, hash)] = (uint32_t) position + 1;
}

static void drop_first(RecentPaths *recent) {
        close_gap(recent, find_slot(recent, recent->ring[recent->first].hash));
        recent->first = (recent->first + 1) & (recent->capacity - 1);
        recent->n_paths--;
}

static int grow(RecentPaths *recent) {
        RecentPaths grown = *recent;

        grown.capacity = recent->capacity > 0 ? 2 * recent->capacity : CAPACITY_MIN;
        grown.first = grown.n_paths = 0;
        grown.ring = new0(RecentPath, grown.capacity);
        grown.slots = new0(uint32_t, n_slots(&grown));
        if (!grown.ring || !grown.slots) {
                release(&grown);
                return -ENOMEM;
        }

        for (size_t i = 0; i < recent->n_paths; i++) {
                const RecentPath *path = recent->ring +
                                         ((recent->first + i) & (recent->capacity - 1));

                append(&grown, path->hash, path->at);
        }
        release(recent);
        *recent = grown;
        return 0;
}

/* What it is for */

/* Where the clock was set back, what lies ahead is as good as forgotten. */
static bool counts(const RecentPaths *recent, const RecentPath *path, usec_t at) {
        return path->at <= at && at - path->at < recent->interval;
}

static void forget_old(RecentPaths *recent, usec_t at) {
        while (recent->n_paths > 0 && !counts(recent, recent->ring + recent->first, at))
                drop_first(recent);

        if (recent->n_paths == 0)
                release(recent);
}

static RecentPath *find(const RecentPaths *recent, uint64_t hash) {
        size_t i;

        if (recent->n_paths == 0)
                return NULL;

        i = find_slot(recent, hash);
        return recent->slots[i] ? slot_path(recent, i) : NULL;
}

static uint64_t hash_path(const RecentPaths *recent, const char *path) {
        return sip_hash(recent->key, path, strlen(path));
}

int recent_paths_new(usec_t interval, size_t n_max, RecentPaths **ret) {
        RecentPaths *recent;

        assert(n_max > 0 && n_max < UINT32_MAX / 2);
        assert(ret);

        recent = new0(RecentPaths, 1);
        if (!recent)
                return -ENOMEM;
        recent->interval = interval;
        recent->n_max = n_max;

        /* Before the random pool is ready (early boot) an address has to do. */
        if (getrandom(recent->key, sizeof(recent->key), GRND_NONBLOCK) != sizeof(recent->key))
                recent->key[0] = (uintptr_t) recent;

        *ret = recent;
        return 0;
}

RecentPaths *recent_paths_free(RecentPaths *recent) {
        if (!recent)
                return NULL;

        release(recent);
        return mfree(recent);
}

bool recent_paths_note(RecentPaths *recent, const char *path, usec_t at) {
        RecentPath *known;
        uint64_t hash;

        assert(recent);
        assert(path);

        forget_old(recent, at);

        hash = hash_path(recent, path);
        known = find(recent, hash);
        if (known && counts(recent, known, at))
                return false;
        if (known) {
                known->at = at;
                return true;
        }

        if (recent->n_paths == recent->n_max)
                drop_first(recent);
        else if (recent->n_paths == recent->capacity && grow(recent) < 0)
                return true;

        append(recent, hash, at);
        return true;
}

void recent_paths_forget(RecentPaths *recent, const char *path) {
        RecentPath *known;

        assert(recent);
        assert(path);

        known = find(recent, hash_path(recent, path));
        if (known)
                known->at = USEC_INFINITY;
}
