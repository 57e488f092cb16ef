#include "sync/verify-copies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "fs/confined.h"
#include "fs/read-back.h"
#include "sync/message-ids.h"
#include "sync/visit.h"

enum { READINGS_MAX = 2 };

static int tick(uint64_t n_bytes, void *userdata) {
        (void) n_bytes;
        engine_beat(userdata);
        return 0;
}

static bool is_copy(const Item *item) {
        return item->is_copied && item->result >= 0 && item->row.has_hash;
}

/* The directory in which the copy lies now, and by what name. */
static int open_place(Engine *engine, const Item *item, const char **ret_name) {
        int fd;

        if (item->stamped) {
                *ret_name = item->row.name;
                return locate_replica(engine, item->node);
        }
        *ret_name = item->stage;
        fd = confined_open_directory(engine->pair->store.staging_fd, "");
        return fd;
}

/* 1 as it should be, 0 not, -errno. */
static int read_copy(Engine *engine, const Item *item, int directory_fd, const char *name,
                     Hash *ret) {
        _cleanup_close_ int fd = confined_open_content(directory_fd, name);
        int r = fd;

        for (int i = 0; r >= 0 && i < READINGS_MAX; i++) {
                r = read_back_hash(engine->read_back, fd, tick, engine, ret);
                if (r >= 0 && memcmp(ret, &item->row.hash, sizeof *ret) == 0)
                        return 1;
        }
        return MIN(r, 0);
}

static void report(Engine *engine, const Item *item, int r, const Hash *found) {
        char recorded[2 * HASH_BYTES + 1], read[2 * HASH_BYTES + 1];
        _cleanup_free_ char *path = NULL, *shown = NULL;

        (void) tree_source_path(engine->tree, item->node, item->row.name, &path);
        shown = escape_bytes(path ?: item->row.name);
        log_event(&(LogEvent) { .level = LOG_ERR,
                                .error = r,
                                .message_id = REBACKUP_MSG_COPY_DIFFERS,
                                .operation = "verify",
                                .path = path },
                  "the copy of %s does not read back from the replica's disk as it was written "
                  "(written %s, read %s)",
                  shown ?: "?", hash_format(&item->row.hash, recorded),
                  r < 0 ? strerror(-r) : hash_format(found, read));
}

static void verify_copy(Engine *engine, Item *item) {
        _cleanup_close_ int directory_fd = -EBADF;
        const char *name;
        Hash found;
        int r;

        directory_fd = open_place(engine, item, &name);
        r = directory_fd < 0 ? directory_fd : read_copy(engine, item, directory_fd, name, &found);
        if (r > 0) {
                item->row.verified = (int64_t) now_usec(CLOCK_REALTIME);
                return;
        }
        report(engine, item, r, &found);
        item->result = r < 0 ? r : -EIO;
        if (directory_fd >= 0)
                (void) unlinkat(directory_fd, name, 0);
}

void verify_copies(Engine *engine, ItemList *list) {
        if (!engine->pair->config->verify_copies)
                return;
        if (!engine->read_back && read_back_new(&engine->read_back) < 0) {
                log_warning("no memory to read copies back; they are published unread");
                return;
        }
        for (Item *item = list->first; item; item = item->next)
                if (is_copy(item))
                        verify_copy(engine, item);
}

void verify_copies_free(Engine *engine) {
        engine->read_back = read_back_free(engine->read_back);
}
