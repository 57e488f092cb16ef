#include "sync/refused-name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "fs/confined.h"
#include "sync/failures.h"
#include "sync/message-ids.h"

/* Each file system has an error of its own for names that it does not take: vfat and exfat EINVAL,
 * FUSE servers whatever the system call below them or their library gave. */
static bool may_speak_of_name(int error) {
        switch (-error) {
        case EINVAL:
        case EILSEQ:
        case ENOENT:
        case EPERM:
        case EIO:
        case ENAMETOOLONG:
                return true;
        default:
                return false;
        }
}

static bool takes(int directory_fd, const char *name, int *ret_error) {
        if (mkdirat(directory_fd, name, S_IRWXU) < 0) {
                *ret_error = -errno;
                return errno == EEXIST;
        }
        (void) unlinkat(directory_fd, name, AT_REMOVEDIR);
        return true;
}

bool name_is_refused(Engine *engine, const char *name, int error) {
        int staging_fd = engine->pair->store.staging_fd, r = 0;
        char plain[STAGE_NAME_MAX];

        if (!may_speak_of_name(error) || !name_is_valid(name) || takes(staging_fd, name, &r) ||
            !may_speak_of_name(r))
                return false;

        /* It takes others. */
        engine_stage_name(engine, plain);
        return takes(staging_fd, plain, &r);
}

bool name_is_folded(int directory_fd, const char *name) {
        DIR *directory;
        const struct dirent *entry;
        bool found = false;
        struct stat st;
        int fd;

        fd = confined_open(directory_fd, "", O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return false;
        directory = fdopendir(fd);
        if (!directory) {
                (void) close(fd);
                return false;
        }
        errno = 0;
        while (!found && (entry = readdir(directory)))
                found = strcmp(entry->d_name, name) == 0;
        /* What is not there any more has been renamed or removed meanwhile. */
        found = found || errno != 0 || fstatat(directory_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0;
        (void) closedir(directory);
        return !found;
}

static void tell(Pass *pass, Node *node, const char *name, bool is_folded) {
        _cleanup_free_ char *path = NULL, *shown = NULL;

        atomic_fetch_add(&pass->result.counters.operations[OPERATION_FAIL], 1);
        atomic_store(&pass->engine->refuses_names, true);
        failures_note(pass, &(Retry) { .node = node, .name = name }, "mirror",
                      is_folded ? -ENOTUNIQ : -EINVAL);
        (void) tree_source_path(pass->engine->tree, node, name, &path);
        shown = escape_bytes(path ?: name);
        log_event(&(LogEvent) { .level = LOG_ERR,
                                .message_id = REBACKUP_MSG_FAIL,
                                .operation = operation_to_string(OPERATION_FAIL),
                                .path = path },
                  "failed to mirror %s: the replica's file system %s", shown ?: name,
                  is_folded ? "does not tell its name from that of another entry"
                            : "does not take this name");
}

bool visit_refused_name(const Visit *visit, const Look *look, int error) {
        bool is_folded = error == -ENOTUNIQ || (error == -EEXIST && visit->replica_fd >= 0 &&
                                                name_is_folded(visit->replica_fd, look->name));

        if (!look->name[0] || !look->has_source ||
            (!is_folded && !name_is_refused(visit->engine, look->name, error)))
                return false;
        tell(visit->pass, visit->node, look->name, is_folded);
        return true;
}

bool item_refused_name(const Item *item) {
        bool is_staged = item->kind == ITEM_ENTRY || item->kind == ITEM_DIRECTORY;
        bool is_folded = item->result == -ENOTUNIQ;

        if (!item->node || !is_staged ||
            (!is_folded && !name_is_refused(item->pass->engine, item->row.name, item->result)))
                return false;
        tell(item->pass, item->node, item->row.name, is_folded);
        return true;
}
