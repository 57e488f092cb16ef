#include "fs/listing.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum {
        BUFFER_BYTES = 64 * 1024,
        ARENA_BYTES_MIN = 4 * 1024,
        OFFSETS_MIN = 128,
};

void listing_done(Listing *listing) {
        assert(listing);

        free(listing->arena);
        free(listing->offsets);
        *listing = LISTING_NULL;
}

static size_t grown(size_t allocated, size_t needed, size_t minimum) {
        size_t size = allocated < minimum ? minimum : allocated;

        while (size < needed)
                size += size / 2;

        return size;
}

static int reserve_arena(Listing *listing, size_t n_bytes) {
        size_t needed = listing->arena_bytes + n_bytes, size;
        char *arena;

        if (needed <= listing->arena_allocated)
                return 0;
        if (needed > UINT32_MAX)
                return -EOVERFLOW;

        size = grown(listing->arena_allocated, needed, ARENA_BYTES_MIN);
        arena = realloc(listing->arena, size);
        if (!arena)
                return -ENOMEM;

        listing->arena = arena;
        listing->arena_allocated = size;
        return 0;
}

static int reserve_offset(Listing *listing) {
        size_t size;
        uint32_t *offsets;

        if (listing->n_entries < listing->offsets_allocated)
                return 0;

        size = grown(listing->offsets_allocated, listing->n_entries + 1, OFFSETS_MIN);
        offsets = reallocarray(listing->offsets, size, sizeof(*offsets));
        if (!offsets)
                return -ENOMEM;

        listing->offsets = offsets;
        listing->offsets_allocated = size;
        return 0;
}

static bool is_dot_or_dot_dot(const char *name) {
        return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static int add_entry(Listing *listing, const struct dirent64 *entry) {
        size_t size = strlen(entry->d_name) + 1;
        char *p;
        int r;

        if (is_dot_or_dot_dot(entry->d_name))
                return 0;

        r = reserve_arena(listing, size + 1);
        if (r < 0)
                return r;
        r = reserve_offset(listing);
        if (r < 0)
                return r;

        p = listing->arena + listing->arena_bytes;
        *p++ = (char) entry->d_type;
        (void) memcpy(p, entry->d_name, size);

        listing->offsets[listing->n_entries++] = (uint32_t) listing->arena_bytes;
        listing->arena_bytes += size + 1;
        return 0;
}

static int read_entries(Listing *listing, int directory_fd) {
        _Alignas(struct dirent64) char buffer[BUFFER_BYTES];

        for (;;) {
                ssize_t n;

                n = getdents64(directory_fd, buffer, sizeof(buffer));
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;

                for (ssize_t at = 0; at < n;) {
                        const struct dirent64 *entry = (const void *) (buffer + at);
                        int r;

                        r = add_entry(listing, entry);
                        if (r < 0)
                                return r;

                        at += entry->d_reclen;
                }
        }
}

static int compare_offsets(const void *a, const void *b, void *arena) {
        const char *names = (const char *) arena + 1;

        return strcmp(names + *(const uint32_t *) a, names + *(const uint32_t *) b);
}

static bool is_sorted(const Listing *listing) {
        for (size_t i = 1; i < listing->n_entries; i++)
                if (strcmp(listing_name(listing, i - 1), listing_name(listing, i)) >= 0)
                        return false;

        return true;
}

/* A directory that changes while it is read may show one name twice. */
static void drop_duplicates(Listing *listing) {
        size_t n = 0;

        for (size_t i = 0; i < listing->n_entries; i++)
                if (n == 0 || strcmp(listing_name(listing, n - 1), listing_name(listing, i)) != 0)
                        listing->offsets[n++] = listing->offsets[i];

        listing->n_entries = n;
}

static void sort_entries(Listing *listing) {
        if (is_sorted(listing))
                return;

        qsort_r(listing->offsets, listing->n_entries, sizeof(*listing->offsets), compare_offsets,
                listing->arena);
        drop_duplicates(listing);
}

int listing_read(Listing *listing, int directory_fd) {
        int r;

        assert(listing);
        assert(directory_fd >= 0);

        listing->n_entries = 0;
        listing->arena_bytes = 0;

        if (lseek(directory_fd, 0, SEEK_SET) < 0)
                return -errno;

        r = read_entries(listing, directory_fd);
        if (r < 0) {
                listing->n_entries = 0;
                listing->arena_bytes = 0;
                return r;
        }

        sort_entries(listing);
        return 0;
}
