#include "daemon/restart-facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"

enum {
        TEXT_MAX = 64 * 1024,
        MOUNTS_MAX = 1024 * 1024,
};

void restart_facts_done(RestartFacts *facts) {
        free(facts->version);
        free(facts->boot_id);
        free(facts->pair_id);
        free(facts->token);
        free(facts->config);
        free(facts->store);
        free(facts->watch_text);
        mount_table_done(&facts->mounts);
        *facts = RESTART_FACTS_NULL;
}

/* Saving */

static void save_stamp(const FileStamp *stamp, Packer *packer) {
        pack_number(packer, stamp->device);
        pack_number(packer, stamp->inode);
        pack_number(packer, stamp->size);
        pack_number(packer, stamp->mtime);
        pack_number(packer, stamp->ctime);
}

static void save_mounts(const MountTable *table, Packer *packer) {
        pack_number(packer, table->n_mounts);
        for (size_t i = 0; i < table->n_mounts; i++) {
                const Mount *mount = &table->mounts[i];

                pack_number(packer, mount->id);
                pack_number(packer, mount->device);
                pack_string(packer, mount->root);
                pack_string(packer, mount->point);
        }
}

void restart_facts_save(const RestartFacts *facts, Packer *packer) {
        pack_string(packer, facts->version);
        pack_string(packer, facts->boot_id);
        pack_string(packer, facts->pair_id);
        pack_string(packer, facts->token);
        pack_string(packer, facts->config);
        pack_string(packer, facts->store);
        save_stamp(&facts->catalog, packer);
        save_stamp(&facts->source, packer);
        save_stamp(&facts->replica, packer);
        save_mounts(&facts->mounts, packer);
        pack_number(packer, (uint64_t) facts->engine.next_directory_id);
        pack_number(packer, facts->next_full);
        pack_number(packer, facts->n_failed);
        pack_number(packer, facts->failures_dropped);
        pack_number(packer, facts->has_replica_watch);
        pack_string(packer, facts->watch_text);
}

/* Loading */

static char *load_text(Unpacker *unpacker) {
        char *text = unpack_string(unpacker, TEXT_MAX);

        if (!text)
                (void) unpack_refuse(unpacker);
        return text;
}

static FileStamp load_stamp(Unpacker *unpacker) {
        FileStamp stamp = {};

        stamp.device = unpack_number(unpacker, UINT64_MAX);
        stamp.inode = unpack_number(unpacker, UINT64_MAX);
        stamp.size = unpack_number(unpacker, UINT64_MAX);
        stamp.mtime = unpack_number(unpacker, UINT64_MAX);
        stamp.ctime = unpack_number(unpacker, UINT64_MAX);
        return stamp;
}

static int load_mounts(Unpacker *unpacker, MountTable *ret) {
        size_t n = unpack_number(unpacker, MOUNTS_MAX);

        ret->mounts = new0(Mount, n + 1);
        if (!ret->mounts)
                return -ENOMEM;
        while (ret->n_mounts < n && unpacker->error >= 0) {
                Mount *mount = &ret->mounts[ret->n_mounts++];

                mount->id = unpack_number(unpacker, UINT64_MAX);
                mount->device = unpack_number(unpacker, UINT64_MAX);
                mount->root = load_text(unpacker);
                mount->point = load_text(unpacker);
        }
        return unpacker->error;
}

static int load(Unpacker *unpacker, RestartFacts *facts) {
        int r;

        facts->version = load_text(unpacker);
        facts->boot_id = load_text(unpacker);
        facts->pair_id = load_text(unpacker);
        facts->token = load_text(unpacker);
        facts->config = load_text(unpacker);
        facts->store = load_text(unpacker);
        facts->catalog = load_stamp(unpacker);
        facts->source = load_stamp(unpacker);
        facts->replica = load_stamp(unpacker);
        r = load_mounts(unpacker, &facts->mounts);
        if (r < 0)
                return r;
        facts->engine.next_directory_id = (int64_t) unpack_number(unpacker, INT64_MAX);
        facts->next_full = unpack_number(unpacker, USEC_INFINITY);
        facts->n_failed = unpack_number(unpacker, UINT64_MAX);
        facts->failures_dropped = unpack_flag(unpacker);
        facts->has_replica_watch = unpack_flag(unpacker);
        facts->watch_text = unpack_string(unpacker, TEXT_MAX);
        return unpacker->error;
}

int restart_facts_load(Unpacker *unpacker, RestartFacts *ret) {
        RestartFacts facts = RESTART_FACTS_NULL;
        int r;

        r = load(unpacker, &facts);
        if (r < 0) {
                restart_facts_done(&facts);
                return r;
        }
        *ret = facts;
        return 0;
}

/* Comparing */

static bool same_stamp(const FileStamp *a, const FileStamp *b) {
        return a->device == b->device && a->inode == b->inode && a->size == b->size &&
               a->mtime == b->mtime && a->ctime == b->ctime;
}

static bool text_equal(const char *a, const char *b) {
        return a && b && streq(a, b);
}

const char *restart_facts_differ(const RestartFacts *was, const RestartFacts *now) {
        if (!text_equal(was->version, now->version))
                return "it was of another version";
        if (!text_equal(was->boot_id, now->boot_id))
                return "the machine was started since";
        if (!text_equal(was->pair_id, now->pair_id))
                return "it was of another pair";
        if (!text_equal(was->store, now->store))
                return "the store is elsewhere";
        if (!text_equal(was->token, now->token) || !same_stamp(&was->catalog, &now->catalog))
                return "the catalog was used or changed since";
        if (!text_equal(was->config, now->config))
                return "the configuration was changed";
        if (!same_stamp(&was->source, &now->source))
                return "the source is another directory";
        if (!same_stamp(&was->replica, &now->replica))
                return "the replica is another directory";
        return NULL;
}

/* Sampling */

static uint64_t nsec_of(const struct timespec *time) {
        return (uint64_t) time->tv_sec * 1000000000 + (uint64_t) time->tv_nsec;
}

int file_stamp_of_directory(const char *path, FileStamp *ret) {
        struct stat status;

        if (stat(path, &status) < 0)
                return -errno;
        *ret = (FileStamp) { .device = status.st_dev, .inode = status.st_ino };
        return 0;
}

int file_stamp_of_catalog(const char *store, FileStamp *ret) {
        _cleanup_free_ char *path = NULL, *log = NULL;
        struct stat status;

        if (asprintf(&path, "%s/catalog.db", store) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        if (asprintf(&log, "%s-wal", path) < 0) {
                log = NULL;
                return -ENOMEM;
        }
        if (lstat(log, &status) >= 0 && status.st_size > 0)
                return -EBUSY;
        if (lstat(path, &status) < 0)
                return -errno;
        *ret = (FileStamp) {
                .device = status.st_dev,
                .inode = status.st_ino,
                .size = (uint64_t) status.st_size,
                .mtime = nsec_of(&status.st_mtim),
                .ctime = nsec_of(&status.st_ctim),
        };
        return 0;
}
