#include "sync/guard.h"

#include <errno.h>
#include <string.h>

#include "basic/macros.h"
#include "sync/overlap.h"
#include "sync/tell.h"

/* One of a pair's directories, as a person knows it. */
typedef struct Party {
        const char *role;
        const char *path;
        const Location *location;
        GuardOutcome foreign; /* what it is called when its file system is another than before */
} Party;

static int refuse_overlap(Overlap overlap, const Party *a, const Party *b, char **ret_error) {
        static const char *const relations[] = {
                [OVERLAP_SAME] = "is the same directory as",
                [OVERLAP_A_IN_B] = "lies inside",
                [OVERLAP_MOUNTED] = "is partly the same, by way of a mount inside one of them, as",
        };

        if (overlap == OVERLAP_B_IN_A) {
                const Party *inner = b;
                b = a;
                a = inner;
                overlap = OVERLAP_A_IN_B;
        }
        return tell_error(ret_error, GUARD_OVERLAP,
                          "%s %s %s %s %s; choose directories that have nothing in common", a->role,
                          a->path, relations[overlap], b->role, b->path);
}

static int check_parties(const Party *a, const Party *b, char **ret_error) {
        int r = overlap_find(a->location, b->location);

        if (r < 0)
                return tell_error(ret_error, r, "cannot compare %s %s with %s %s: %s", a->role,
                                  a->path, b->role, b->path, strerror(-r));
        return r == OVERLAP_NONE ? 0 : refuse_overlap(r, a, b, ret_error);
}

int guard_overlap(const Config *config, const Roots *roots, const StorePlan *store,
                  char **ret_error) {
        _cleanup_(location_done) Location store_location = LOCATION_NULL;
        char nothing[] = "";
        const Location source_location = { .fd = roots->source_fd, .missing = nothing };
        const Party source = { .role = "source",
                               .path = config->source,
                               .location = &source_location },
                    replica = { .role = "replica",
                                .path = config->replica,
                                .location = &roots->replica_location },
                    its_store = { .role = "store",
                                  .path = store->path,
                                  .location = &store_location };
        int r;

        r = check_parties(&source, &replica, ret_error);
        if (r != 0)
                return r;

        r = location_find(store->path, &store_location);
        if (r < 0)
                return tell_error(ret_error, r, "cannot look at store %s: %s", store->path,
                                  strerror(-r));
        r = check_parties(&source, &its_store, ret_error);
        if (r == 0 && !store->inside_replica)
                r = check_parties(&replica, &its_store, ret_error);
        return r;
}

/* Whether an identity that was once written down, or none, is another than NOW. */
static bool is_foreign(const FileSystemId *was, const FileSystemId *now) {
        return was->text[0] != '\0' && !file_system_id_equal(was, now);
}

/* A root of which only the mount table can tell that it is not what it was: a file system shows
 * there by another mount of it, or several memory file systems have one identity. */
typedef struct RootMount {
        uint64_t was_inode, inode;
        bool was_mounted, is_mounted;
} RootMount;

static bool is_remounted(const RootMount *root) {
        return root->was_inode != 0 && root->was_inode != root->inode &&
               root->was_mounted != root->is_mounted;
}

static int hold_remounted(const Party *party, const RootMount *root, const FileSystemId *id,
                          const char *files, char **ret_error) {
        return tell_error(
                ret_error, party->foreign,
                "%s %s is %s of file system %s, at the last run it was %s: %s; nothing is "
                "written or removed until that is undone. If the change is meant, use "
                "'rebackupctl approve' or start with --approve%s%s%s",
                party->role, party->path, root->is_mounted ? "a mount point" : "a plain directory",
                id->text, root->was_mounted ? "a mount point" : "a plain directory",
                root->is_mounted ? "something was mounted over it"
                                 : "what was mounted there is not",
                files ? ", or remove " : "", files ?: "", files ? " and start again" : "");
}

static int hold(const Party *party, const FileSystemId *was, const FileSystemId *now,
                const char *files, char **ret_error) {
        return tell_error(ret_error, party->foreign,
                          "%s %s lies on file system %s, at the last run it was on %s: its disk is "
                          "not mounted, or another one is; nothing is written or removed until the "
                          "right one is back. If the change is meant, use 'rebackupctl approve' or "
                          "start with --approve%s%s%s",
                          party->role, party->path, now->text, was->text,
                          files ? ", or remove " : "", files ?: "",
                          files ? " and start again" : "");
}

int guard_file_systems(const Config *config, const Roots *roots, const StoreIdentity *was,
                       const char *files, char **ret_error) {
        const Party source = { .role = "source",
                               .path = config->source,
                               .foreign = GUARD_SOURCE_FOREIGN },
                    replica = { .role = "replica",
                                .path = config->replica,
                                .foreign = GUARD_REPLICA_FOREIGN };
        const RootMount source_mount = { .was_inode = was->source_inode,
                                         .inode = roots->source.stamp.inode,
                                         .was_mounted = was->mount_points & MOUNT_POINT_SOURCE,
                                         .is_mounted = roots->source.is_mount_root },
                        replica_mount = { .was_inode = was->replica_inode,
                                          .inode = roots->replica.stamp.inode,
                                          .was_mounted = was->mount_points & MOUNT_POINT_REPLICA,
                                          .is_mounted = roots->replica.is_mount_root };

        if (is_foreign(&was->source_file_system, &roots->source_id))
                return hold(&source, &was->source_file_system, &roots->source_id, files, ret_error);
        if (is_foreign(&was->replica_file_system, &roots->replica_id))
                return hold(&replica, &was->replica_file_system, &roots->replica_id, files,
                            ret_error);
        if (is_remounted(&source_mount))
                return hold_remounted(&source, &source_mount, &roots->source_id, files, ret_error);
        if (is_remounted(&replica_mount))
                return hold_remounted(&replica, &replica_mount, &roots->replica_id, files,
                                      ret_error);
        return 0;
}

MountVerdict guard_mount(const MountFacts *facts) {
        if (!facts->at_stake || (facts->is_there && facts->same_entry))
                return MOUNT_RIGHT;
        if (!facts->was_mounted)
                return facts->is_there && facts->is_mounted ? MOUNT_COVERED : MOUNT_RIGHT;
        if (!facts->is_there || !facts->is_mounted)
                return MOUNT_MISSING;
        return facts->same_file_system ? MOUNT_RIGHT : MOUNT_EXCHANGED;
}

static bool entry_is_same_inode(const Entry *a, const Entry *b) {
        return a->device == b->device && a->stamp.inode == b->stamp.inode;
}

int guard_unmoved(const Pair *pair, const Roots *now, char **ret_error) {
        const Config *config = pair->config;

        if (!entry_is_same_inode(&now->source, &pair->source_root))
                return tell_error(ret_error, -ESTALE,
                                  "source %s was exchanged for another directory during the pass; "
                                  "nothing is removed, the next pass looks again",
                                  config->source);
        if (pair->replica_fd >= 0 &&
            (now->replica_fd < 0 || !entry_is_same_inode(&now->replica, &pair->replica_root)))
                return tell_error(ret_error, GUARD_REPLICA_GONE,
                                  "replica %s was deleted or exchanged during the pass; the next "
                                  "pass makes it again",
                                  config->replica);

        int r = pair->dry_run ? 1 : store_is_present(&pair->store);
        if (r < 0)
                return tell_error(ret_error, r, "cannot look at store %s: %s", pair->store.path,
                                  strerror(-r));
        if (r == 0)
                return tell_error(ret_error, GUARD_REPLICA_GONE,
                                  "store %s was deleted during the pass; the next pass makes it "
                                  "again",
                                  pair->store.path);
        return 0;
}
