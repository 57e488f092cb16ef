#include "ctl/survey.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/count-text.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "basic/size.h"
#include "basic/string-util.h"
#include "basic/time-span.h"
#include "ctl/tree-size.h"
#include "fs/confined.h"
#include "fs/identity.h"
#include "state/store.h"

/* A person waits; what is larger is told as "at least". */
#define MEASURE_USEC (10 * USEC_PER_SEC)

typedef struct Place {
        const char *path;
        int fd; /* of the directory, or of the deepest one above it that exists */
        bool exists;
        bool is_empty;
} Place;

void survey_done(Survey *survey) {
        for (size_t i = 0; i < survey->n_items; i++)
                free(survey->items[i].text);
        free(survey->items);
        *survey = SURVEY_NULL;
}

const char *survey_level_to_string(SurveyLevel level) {
        static const char *const names[] = { "found", "warning", "problem" };

        return names[level];
}

_printf_(3, 4) static void note(Survey *survey, SurveyLevel level, const char *format, ...) {
        SurveyItem *items = reallocarray(survey->items, survey->n_items + 1, sizeof *items);
        va_list arguments;
        char *text;

        if (!items)
                return;
        survey->items = items;
        va_start(arguments, format);
        if (vasprintf(&text, format, arguments) < 0)
                text = NULL;
        va_end(arguments);
        items[survey->n_items++] = (SurveyItem) { level, text };
        survey->n_problems += level == SURVEY_PROBLEM;
}

/* Places */

static int open_above(const char *path, bool *ret_exists) {
        _cleanup_free_ char *at = strdup(path);

        *ret_exists = true;
        while (at) {
                int fd = confined_open_root(at[0] ? at : "/");
                char *slash;

                if (fd != -ENOENT || !at[0])
                        return fd;
                *ret_exists = false;
                slash = strrchr(at, '/');
                *slash = '\0';
        }
        return -ENOMEM;
}

static bool is_empty(int fd) {
        int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *directory = copy < 0 ? NULL : fdopendir(copy);
        const struct dirent *entry;
        bool empty = true;

        if (!directory) {
                safe_close(copy);
                return true;
        }
        while (empty && (entry = readdir(directory)))
                empty = streq(entry->d_name, ".") || streq(entry->d_name, "..") ||
                        streq(entry->d_name, STORE_NAME_INSIDE);
        (void) closedir(directory);
        return empty;
}

static bool find_place(Survey *survey, const char *role, const char *path, Place *ret) {
        *ret = (Place) { .path = path };
        ret->fd = open_above(path, &ret->exists);
        if (ret->fd < 0) {
                note(survey, SURVEY_PROBLEM, "%s %s: %s", role, path, strerror(-ret->fd));
                return false;
        }
        ret->is_empty = !ret->exists || is_empty(ret->fd);
        return true;
}

/* Whether the directory INNER is OUTER or lies in it: climbs to the root. */
static bool lies_in(int inner, int outer) {
        struct stat wanted, st, above;
        int fd = openat(inner, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        bool found = false;

        if (fd < 0 || fstat(outer, &wanted) < 0)
                return false;
        while (!found && fstat(fd, &st) >= 0) {
                int up;

                found = st.st_dev == wanted.st_dev && st.st_ino == wanted.st_ino;
                up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
                safe_close(fd);
                fd = up;
                if (fd < 0 || fstat(fd, &above) < 0 ||
                    (above.st_dev == st.st_dev && above.st_ino == st.st_ino))
                        break;
        }
        safe_close(fd);
        return found;
}

static void check_overlap(Survey *survey, const Place *source, const Place *replica) {
        bool same_directory = source->exists && replica->exists && lies_in(source->fd, replica->fd);

        if (lies_in(replica->fd, source->fd))
                note(survey, SURVEY_PROBLEM,
                     "the replica %s would lie in the source %s; choose directories that have "
                     "nothing in common",
                     replica->path, source->path);
        else if (same_directory)
                note(survey, SURVEY_PROBLEM,
                     "the source %s lies in the replica %s; choose directories that have nothing "
                     "in common",
                     source->path, replica->path);
}

/* What they are */

static const char *kind_of(int fd, FileSystemKind *ret) {
        static const char *const names[] = {
                [FILE_SYSTEM_OTHER] = "a file system",
                [FILE_SYSTEM_TMPFS] = "memory",
                [FILE_SYSTEM_BTRFS] = "btrfs",
                [FILE_SYSTEM_XFS] = "xfs",
                [FILE_SYSTEM_EXT] = "ext4",
                [FILE_SYSTEM_FAT] = "FAT",
                [FILE_SYSTEM_FUSE] = "FUSE",
                [FILE_SYSTEM_NFS] = "NFS",
        };

        if (file_system_kind(fd, ret) < 0)
                *ret = FILE_SYSTEM_OTHER;
        return names[*ret];
}

static void check_abilities(Survey *survey, const Place *replica) {
        FileSystemKind kind;

        (void) kind_of(replica->fd, &kind);
        switch (kind) {
        case FILE_SYSTEM_FAT:
                note(survey, SURVEY_WARNING,
                     "FAT keeps no owners, permissions, links, attributes nor times finer than two "
                     "seconds: the replica will lack them");
                break;
        case FILE_SYSTEM_FUSE:
        case FILE_SYSTEM_NFS:
                note(survey, SURVEY_WARNING,
                     "what others write to the replica over the network is noticed by rescans "
                     "alone, and what the server does not keep of owners and attributes is "
                     "missing there");
                break;
        case FILE_SYSTEM_TMPFS:
                note(survey, SURVEY_WARNING,
                     "the replica lies in memory: it is gone when the machine is switched off");
                break;
        default:
                break;
        }
}

static void check_space(Survey *survey, const Place *replica, const TreeSize *size) {
        char need[SIZE_TEXT_MAX], have[SIZE_TEXT_MAX];
        struct statvfs s;
        uint64_t n_free;

        if (fstatvfs(replica->fd, &s) < 0)
                return;
        n_free = (uint64_t) s.f_bavail * s.f_frsize;
        (void) size_format(need, sizeof need, size->n_bytes);
        (void) size_format(have, sizeof have, n_free);
        if (!replica->is_empty)
                note(survey, SURVEY_FOUND, "%s free for what the replica does not hold yet", have);
        else if (size->n_bytes > n_free)
                note(survey, SURVEY_PROBLEM,
                     "the source takes %s%s and the replica's file system has %s free",
                     size->is_whole ? "" : "at least ", need, have);
        else
                note(survey, SURVEY_FOUND, "%s free for %s%s", have,
                     size->is_whole ? "" : "at least ", need);
        if (s.f_files > 0 && replica->is_empty && size->n_entries > s.f_favail)
                note(survey, SURVEY_PROBLEM,
                     "the source has %" PRIu64 " entries and the replica's file system has room "
                     "for %" PRIu64,
                     size->n_entries, (uint64_t) s.f_favail);
}

static bool read_limit(const char *path, uint64_t *ret) {
        FILE *file = fopen(path, "re");
        bool good = file && fscanf(file, "%" SCNu64, ret) == 1;

        if (file)
                (void) fclose(file);
        return good;
}

/* Both sides are watched. */
static void check_watches(Survey *survey, const Config *config, const TreeSize *size) {
        bool inotify = config->watch == WATCH_INOTIFY || geteuid() != 0;
        const char *name = inotify ? "fs.inotify.max_user_watches" : "fs.fanotify.max_user_marks";
        uint64_t needed = size->n_directories *
                          (config->protect_replica == PROTECT_REPLICA_OFF &&
                                           config->direction == DIRECTION_ONE_WAY
                                   ? 1
                                   : 2),
                 limit;
        char count[COUNT_TEXT_MAX];

        if (config->watch == WATCH_OFF) {
                note(survey, SURVEY_WARNING,
                     "nothing is watched (Watch=off): changes are copied by rescans alone");
                return;
        }
        if (!read_limit(inotify ? "/proc/sys/fs/inotify/max_user_watches"
                                : "/proc/sys/fs/fanotify/max_user_marks",
                        &limit))
                return;
        (void) count_format(count, sizeof count, size->n_directories);
        if (needed > limit)
                note(survey, SURVEY_WARNING,
                     "%s directories are more than may be watched (%s=%" PRIu64
                     "): the rest is left to rescans; raise it to %" PRIu64 " or more",
                     count, name, limit, needed + needed / 2);
        else
                note(survey, SURVEY_FOUND, "%s %s to watch, which the limits allow", count,
                     size->n_directories == 1 ? "directory" : "directories");
}

static void describe_source(Survey *survey, const Place *source, const TreeSize *size) {
        char entries[COUNT_TEXT_MAX], bytes[SIZE_TEXT_MAX];
        FileSystemKind kind;

        note(survey, SURVEY_FOUND, "source %s, on %s: %s%s %s, %s", source->path,
             kind_of(source->fd, &kind), size->is_whole ? "" : "at least ",
             count_format(entries, sizeof entries, size->n_entries),
             size->n_entries == 1 ? "entry" : "entries",
             size_format(bytes, sizeof bytes, size->n_bytes));
        if (size->n_unreadable > 0)
                note(survey, SURVEY_WARNING,
                     "%" PRIu64 " directories of the source cannot be read by this user",
                     size->n_unreadable);
}

static void describe_replica(Survey *survey, const Config *config, const Place *replica) {
        _cleanup_(store_plan_done) StorePlan plan = {};
        FileSystemKind kind;
        const char *name = kind_of(replica->fd, &kind);
        int r;

        if (!replica->exists)
                note(survey, SURVEY_FOUND, "replica %s, on %s: will be made", replica->path, name);
        else if (replica->is_empty)
                note(survey, SURVEY_FOUND, "replica %s, on %s: empty", replica->path, name);
        else
                note(survey, SURVEY_WARNING,
                     "replica %s, on %s, is not empty: what equals the source is taken over; all "
                     "else is replaced or removed, and kept in the store's versions",
                     replica->path, name);
        if (faccessat(replica->fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
                note(survey, SURVEY_PROBLEM, "this user may not write to %s: %s", replica->path,
                     strerror(errno));
        r = store_plan(config->replica, replica->exists ? replica->fd : -1, config->store, &plan);
        if (r >= 0)
                note(survey, SURVEY_FOUND, "store %s%s", plan.path,
                     plan.exists ? ", which is there already" : "");
        else
                note(survey, SURVEY_PROBLEM, "store %s: %s", config->store ?: config->replica,
                     r == -EXDEV ? "it must be on the replica's file system" : strerror(-r));
}

static void check_both(Survey *survey, const Config *config, const Place *source,
                       const Place *replica) {
        TreeSize size = {};

        check_overlap(survey, source, replica);
        tree_size_measure(source->fd, config, now_usec(CLOCK_MONOTONIC) + MEASURE_USEC, &size);
        describe_source(survey, source, &size);
        describe_replica(survey, config, replica);
        check_abilities(survey, replica);
        check_space(survey, replica, &size);
        check_watches(survey, config, &size);
}

int survey_make(const Config *config, Survey *ret) {
        Place source, replica = { .fd = -EBADF };

        *ret = SURVEY_NULL;
        if (find_place(ret, "source", config->source, &source) && !source.exists)
                note(ret, SURVEY_PROBLEM, "source %s does not exist; is its disk mounted?",
                     config->source);
        else if (source.fd >= 0 && find_place(ret, "replica", config->replica, &replica))
                check_both(ret, config, &source, &replica);
        safe_close(source.fd);
        safe_close(replica.fd);
        return 0;
}
