#include "daemon/watch-choice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/string-util.h"
#include "sync/mount-table.h"

/* Each marked directory stays in the kernel's memory with some 1.4 KiB: 700 MiB for so many. */
#define MARKED_DIRECTORIES_MAX UINT64_C(500000)

/* The plan */

static void add(WatchPlan *plan, WatchBackend backend, const char *reason) {
        plan->attempts[plan->n_attempts++] = (WatchAttempt) { .backend = backend,
                                                              .reason = reason };
}

/* Others that write there pay for the mark: they should be few. */
static bool fills_file_system(const WatchFacts *facts) {
        return facts->is_whole || (facts->n_used > 0 && facts->n_entries >= facts->n_used / 2);
}

static void plan_auto(const WatchFacts *facts, WatchPlan *plan) {
        if (!facts->may_mark) {
                add(plan, WATCH_BACKEND_INOTIFY, ", without the rights for fanotify");
                return;
        }
        if (fills_file_system(facts))
                add(plan, WATCH_BACKEND_FILE_SYSTEM_MARKS, ", which the source fills");
        else if (facts->n_directories > MARKED_DIRECTORIES_MAX)
                add(plan, WATCH_BACKEND_FILE_SYSTEM_MARKS, ", for so many directories");
        add(plan, WATCH_BACKEND_DIRECTORY_MARKS, "");
        add(plan, WATCH_BACKEND_INOTIFY, "");
}

WatchPlan watch_plan(WatchMode mode, const WatchFacts *facts) {
        WatchPlan plan = {};

        switch (mode) {
        case WATCH_FANOTIFY:
                add(&plan, WATCH_BACKEND_FILE_SYSTEM_MARKS, "");
                add(&plan, WATCH_BACKEND_DIRECTORY_MARKS, "");
                add(&plan, WATCH_BACKEND_INOTIFY, "");
                break;
        case WATCH_INOTIFY:
                add(&plan, WATCH_BACKEND_INOTIFY, "");
                break;
        default:
                plan_auto(facts, &plan);
        }
        return plan;
}

char *watch_attempt_format(const WatchAttempt *attempt, int error) {
        static const char *const names[_WATCH_BACKEND_MAX] = {
                [WATCH_BACKEND_INOTIFY] = "inotify",
                [WATCH_BACKEND_DIRECTORY_MARKS] = "fanotify on each directory",
                [WATCH_BACKEND_FILE_SYSTEM_MARKS] = "fanotify on the whole file system",
        };
        const char *failed = attempt->backend == WATCH_BACKEND_DIRECTORY_MARKS
                                     ? "the whole file system"
                                     : "fanotify";
        char *text;
        int r;

        if (error < 0)
                r = asprintf(&text, "%s (%s: %s)", names[attempt->backend], failed,
                             strerror(-error));
        else
                r = asprintf(&text, "%s%s", names[attempt->backend], attempt->reason);
        return r < 0 ? NULL : text;
}

/* The facts */

static bool is_whole_file_system(int fd) {
        _cleanup_(mount_table_done) MountTable table = {};
        const Mount *mount;
        struct statx status;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &status) < 0 ||
            !(status.stx_attributes & STATX_ATTR_MOUNT_ROOT) || mount_table_load(&table) < 0)
                return false;
        mount = mount_table_find(&table, fd);
        return mount && streq(mount->root, "/");
}

static int count_directory(const CatalogRow *row, void *userdata) {
        uint64_t *n = userdata;

        *n += row->directory_id != 0;
        return 0;
}

static void count_entries(const Catalog *catalog, WatchFacts *facts) {
        CatalogReader *reader;
        int64_t n;

        if (!catalog || catalog_reader_open(catalog, &reader) < 0)
                return;
        n = catalog_reader_count(reader);
        facts->n_entries = n > 0 ? (uint64_t) n : 0;
        if (facts->n_entries > MARKED_DIRECTORIES_MAX)
                (void) catalog_reader_each(reader, count_directory, &facts->n_directories);
        catalog_reader_close(reader);
}

static WatchFacts acquire_facts(const WatchRequest *request, int fd) {
        WatchFacts facts = { .may_mark = watch_rights() > 0 };
        struct statvfs file_system;

        /* They decide only between kinds of fanotify. */
        if (!facts.may_mark)
                return facts;
        facts.is_whole = is_whole_file_system(fd);
        if (fstatvfs(fd, &file_system) >= 0)
                facts.n_used = file_system.f_files - file_system.f_ffree;
        count_entries(request->catalog, &facts);
        return facts;
}

/* Trying */

static int try_plan(const WatchPlan *plan, const WatchRequest *request, int fd, Watch **ret,
                    char **ret_text) {
        int r = -EINVAL, before = 0;

        for (unsigned i = 0; i < plan->n_attempts; i++) {
                WatchOptions options = {
                        .side = request->side,
                        .backend = plan->attempts[i].backend,
                        .skip_own = request->skip_own,
                };

                r = watch_new(ret, &options, fd);
                if (r < 0) {
                        before = r;
                        continue;
                }
                *ret_text = watch_attempt_format(&plan->attempts[i], before);
                return request->mode == WATCH_FANOTIFY &&
                       plan->attempts[i].backend == WATCH_BACKEND_INOTIFY;
        }
        return r;
}

int watch_choose(const WatchRequest *request, Watch **ret, char **ret_text) {
        _cleanup_close_ int fd = -EBADF;
        WatchFacts facts = {};
        WatchPlan plan;

        fd = open(request->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        if (request->mode == WATCH_AUTO)
                facts = acquire_facts(request, fd);
        plan = watch_plan(request->mode, &facts);
        return try_plan(&plan, request, fd, ret, ret_text);
}
