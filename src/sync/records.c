#include "sync/records.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "sync/binding.h"
#include "sync/guard.h"
#include "sync/message-ids.h"
#include "sync/tell.h"

/* What was known of a replica at another path says nothing of this one. */
static void forget_other_replica(const Config *config, StoreIdentity *identity) {
        if (identity->replica && streq(identity->replica, config->replica))
                return;
        identity->replica_file_system.text[0] = '\0';
        identity->replica_inode = 0;
        identity->mount_points &= ~(uint64_t) MOUNT_POINT_REPLICA;
}

/* Whether there is a record in DIRECTORY; if not, *RET stays as it is. */
static bool record_load(const Config *config, const char *directory,
                        int (*load)(const char *, StoreIdentity *), StoreIdentity *ret) {
        int r = load(directory, ret);

        if (r >= 0) {
                forget_other_replica(config, ret);
                return true;
        }
        /* A store of somebody else is refused when it is opened. */
        if (r != -ENOENT && r != -EPERM)
                tell_failure(r, "failed to read %s/" BINDING_FILE_NAME ", going on without it",
                             directory);
        return false;
}

static bool binding_exists(const char *directory) {
        _cleanup_free_ char *path = NULL;

        if (!directory)
                return false;
        if (asprintf(&path, "%s/" BINDING_FILE_NAME, directory) < 0) {
                path = NULL;
                return false;
        }
        return access(path, F_OK) >= 0;
}

/* Names for the person the files that bind the pair; NULL when there are none. */
static char *describe_files(const char *state_directory, const char *store_path) {
        bool state = binding_exists(state_directory), store = binding_exists(store_path);
        const char *file = "/" BINDING_FILE_NAME;
        char *text;

        if (!state && !store)
                return NULL;
        if (asprintf(&text, "%s%s%s%s%s", state ? state_directory : "", state ? file : "",
                     state && store ? " and " : "", store ? store_path : "", store ? file : "") < 0)
                return NULL;
        return text;
}

static int hold(const Pair *pair, const Roots *roots, const StoreIdentity *was,
                const char *store_path, char **ret_error) {
        _cleanup_free_ char *files = describe_files(pair->state_directory, store_path);

        _cleanup_free_ char *error = NULL;
        int r = guard_file_systems(pair->config, roots, was, files, &error);

        if (r > 0 && pair->approved) {
                tell_notice(REBACKUP_MSG_APPROVED,
                            "source %s and replica %s are taken as they are, which was approved",
                            pair->config->source, pair->config->replica);
                return 0;
        }
        if (r != 0)
                *ret_error = TAKE_PTR(error);
        return r;
}

int records_hold(const Pair *pair, const Roots *roots, char **ret_error) {
        return hold(pair, roots, &pair->bound, pair->store.path, ret_error);
}

int records_judge(Pair *pair, const Roots *roots, const StorePlan *plan, char **ret_error) {
        _cleanup_(store_identity_done) StoreIdentity state = {}, store = {};
        bool has_store;
        int r;

        if (pair->state_directory)
                (void) record_load(pair->config, pair->state_directory, binding_load, &state);
        has_store = plan->exists &&
                    record_load(pair->config, plan->path, binding_load_store, &store);

        r = hold(pair, roots, &state, plan->path, ret_error);
        if (r == 0)
                r = hold(pair, roots, &store, plan->path, ret_error);
        if (r != 0)
                return r;

        StoreIdentity *was = has_store ? &store : &state;
        pair->bound = *was;
        *was = (StoreIdentity) {};
        return 0;
}

static bool is_current(const char *directory, int (*load)(const char *, StoreIdentity *),
                       const StoreIdentity *identity) {
        _cleanup_(store_identity_done) StoreIdentity written = {};

        return load(directory, &written) >= 0 && store_identity_equal(&written, identity);
}

void records_save(const Pair *pair) {
        const Store *store = &pair->store;
        int r;

        if (!is_current(store->path, binding_load_store, &pair->bound)) {
                r = store_identity_save(store->fd, BINDING_FILE_NAME, &pair->bound);
                if (r < 0)
                        tell_failure(r, "failed to write %s/" BINDING_FILE_NAME ", going on",
                                     store->path);
        }

        if (!pair->state_directory || is_current(pair->state_directory, binding_load, &pair->bound))
                return;
        r = binding_save(pair->state_directory, &pair->bound);
        if (r < 0)
                tell_log(&(const LogEvent) { .level = LOG_DEBUG, .error = r },
                         "failed to write %s/" BINDING_FILE_NAME
                         ", the store alone remembers the disks",
                         pair->state_directory);
}

int records_set_facts(Catalog *catalog, const StoreIdentity *bound) {
        char source_inode[24], replica_inode[24];
        const char *const facts[][2] = {
                { "pair-id", bound->pair_id },
                { "source", bound->source },
                { "replica", bound->replica },
                { "source-file-system", bound->source_file_system.text },
                { "replica-file-system", bound->replica_file_system.text },
                { "source-inode", source_inode },
                { "replica-inode", replica_inode },
        };

        (void) snprintf(source_inode, sizeof source_inode, "%" PRIu64, bound->source_inode);
        (void) snprintf(replica_inode, sizeof replica_inode, "%" PRIu64, bound->replica_inode);
        for (size_t i = 0; i < ELEMENTSOF(facts); i++) {
                int r = catalog_set_fact(catalog, facts[i][0], facts[i][1]);
                if (r < 0)
                        return r;
        }
        return 0;
}
