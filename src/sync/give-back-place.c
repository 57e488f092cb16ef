/* Names in the source: who acts on one makes sure that it is still what was looked at, before, and
 * by what it displaced, after. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "fs/confined.h"
#include "fs/metadata.h"
#include "fs/rename.h"
#include "sync/give-back.h"

enum { ID_DIGITS = 16 };

/* Temporary names */

static int format_prefix(const Engine *engine, char buffer[NAME_MAX + 1]) {
        return snprintf(buffer, NAME_MAX + 1, ".rebackup-%.*s-", ID_DIGITS,
                        engine->pair->bound.pair_id ?: "");
}

void give_back_temporary_name(Engine *engine, char buffer[NAME_MAX + 1]) {
        int n = format_prefix(engine, buffer);

        engine_stage_name(engine, buffer + n);
}

static void remove_stale(const Visit *visit, const char *name, const char *number) {
        uint64_t n = strtoull(number, NULL, 16);

        if (visit->engine->pair->dry_run || n >= visit->engine->first_stage)
                return;
        if (unlinkat(visit->source_fd, name, 0) < 0 && errno == EISDIR)
                (void) unlinkat(visit->source_fd, name, AT_REMOVEDIR);
}

bool visit_is_temporary(const Visit *visit, const char *name) {
        char prefix[NAME_MAX + 1];
        const char *number;

        if (!visit_is_two_way(visit) || !startswith(name, ".rebackup-"))
                return false;
        (void) format_prefix(visit->engine, prefix);
        number = startswith(name, prefix);
        if (!number || strspn(number, "0123456789abcdef") != strlen(number))
                return false;
        if (visit->source_fd >= 0)
                remove_stale(visit, name, number);
        return true;
}

/* Times */

GiveBackTimes give_back_begin(const Visit *visit) {
        GiveBackTimes times = {};
        Entry entry;

        times.known = entry_acquire(visit->source_fd, "", &entry) >= 0;
        if (times.known)
                times.mtime = entry.stamp.mtime;
        /* The replica may have lost it. */
        if (visit->replica_fd >= 0 && entry_acquire(visit->replica_fd, "", &entry) >= 0)
                times.mtime = MAX(times.mtime, entry.stamp.mtime);
        return times;
}

void give_back_end(Visit *visit, GiveBackTimes times) {
        if (times.known)
                (void) metadata_set_mtime(visit->source_fd, times.mtime);
        visit->restamped = true;
        /* The committer flushes the file system of the source's root; another one is seen to here.
         */
        if (visit->source_directory.device == visit->engine->pair->source_root.device)
                atomic_store(&visit->engine->source_moved, true);
        else
                ignore_result(syncfs(visit->source_fd));
}

/* Acting */

static bool is_what(int directory_fd, const char *name, const Entry *expected) {
        Entry now;

        return entry_acquire(directory_fd, name, &now) >= 0 && now.device == expected->device &&
               (S_ISDIR(now.stamp.mode) ? now.stamp.inode == expected->stamp.inode
                                        : stamp_content_equal(&now.stamp, &expected->stamp));
}

/* Who has the file open for writing would go on writing to what was displaced. A lease for the
 * moment keeps others out; where there are none the looks before and after have to do. */
typedef struct Lease {
        int fd;
        bool is_refused;
} Lease;

static Lease lease_take(int directory_fd, const char *name, const Entry *entry) {
        Lease lease = { .fd = -EBADF };

        if (S_ISREG(entry->stamp.mode))
                lease.fd = confined_open_content(directory_fd, name);
        if (lease.fd >= 0)
                lease.is_refused = fcntl(lease.fd, F_SETLEASE, F_RDLCK) < 0 && errno == EAGAIN;
        return lease;
}

/* Whether somebody waits for it. */
static bool lease_is_wanted(const Lease *lease) {
        int kind = lease->fd < 0 ? -1 : fcntl(lease->fd, F_GETLEASE);

        return kind >= 0 && kind != F_RDLCK && kind != F_UNLCK;
}

static void lease_drop(Lease *lease) {
        if (lease->fd >= 0)
                (void) fcntl(lease->fd, F_SETLEASE, F_UNLCK);
        safe_close(lease->fd);
}

static int remove_entry(int directory_fd, const char *name, const Entry *entry) {
        int flags = S_ISDIR(entry->stamp.mode) ? AT_REMOVEDIR : 0;

        return unlinkat(directory_fd, name, flags) < 0 ? -errno : 0;
}

/* Where names cannot be exchanged. */
static int replace_stepwise(GiveBack *back, const Entry *occupant) {
        int fd = back->visit->source_fd;

        if (!is_what(fd, back->name, occupant))
                return -EBUSY;
        if (renameat(fd, back->temporary, fd, back->name) < 0)
                return -errno;
        back->temporary[0] = '\0';
        return 0;
}

static int exchange(GiveBack *back, const Entry *occupant, const Lease *lease) {
        int fd = back->visit->source_fd;

        if (renameat2(fd, back->temporary, fd, back->name, RENAME_EXCHANGE) < 0)
                return rename_lacks_flags(errno) ? replace_stepwise(back, occupant) : -errno;
        if (!lease_is_wanted(lease) && is_what(fd, back->temporary, occupant)) {
                int r = remove_entry(fd, back->temporary, occupant);

                if (r >= 0)
                        back->temporary[0] = '\0';
                return MIN(r, 0);
        }
        return renameat2(fd, back->temporary, fd, back->name, RENAME_EXCHANGE) < 0 ? -errno
                                                                                   : -EBUSY;
}

/* The old entry gets a name of its own and loses this one; for a moment nothing has it. A second
 * name would have writers change what is kept. */
static int move_aside(GiveBack *back, const Entry *occupant, const char *aside) {
        int fd = back->visit->source_fd, r;

        r = rename_new(fd, back->name, fd, aside);
        if (r < 0)
                return r == -EEXIST || r == -ENOENT ? -EBUSY : r;
        if (!is_what(fd, aside, occupant)) {
                (void) rename_new(fd, aside, fd, back->name);
                return -EBUSY;
        }
        r = rename_new(fd, back->temporary, fd, back->name);
        if (r >= 0)
                back->temporary[0] = '\0';
        return r == -EEXIST ? -EBUSY : r;
}

static int replace(GiveBack *back, const Entry *occupant) {
        int fd = back->visit->source_fd, r = -EBUSY;
        Lease lease = lease_take(fd, back->name, occupant);

        if (!lease.is_refused && is_what(fd, back->name, occupant))
                r = exchange(back, occupant, &lease);
        lease_drop(&lease);
        return r;
}

int give_back_place(GiveBack *back, const Entry *occupant) {
        int fd = back->visit->source_fd, r;

        if (occupant && back->look && back->look->aside)
                return move_aside(back, occupant, back->look->aside);
        if (occupant)
                return replace(back, occupant);
        r = rename_new(fd, back->temporary, fd, back->name);
        if (r >= 0)
                back->temporary[0] = '\0';
        return r == -EEXIST ? -EBUSY : r;
}

/* Aside first: what has the name in the end is what goes. */
static int unlink_leased(Visit *visit, int directory_fd, const char *name, const Entry *expected) {
        char temporary[NAME_MAX + 1];
        int r;

        give_back_temporary_name(visit->engine, temporary);
        r = rename_new(directory_fd, name, directory_fd, temporary);
        if (r < 0)
                return r;
        r = is_what(directory_fd, temporary, expected)
                    ? remove_entry(directory_fd, temporary, expected)
                    : -EBUSY;
        if (r < 0)
                (void) rename_new(directory_fd, temporary, directory_fd, name);
        return r;
}

int give_back_unlink(Visit *visit, int directory_fd, const char *name, const Entry *expected) {
        Lease lease;
        int r = -EBUSY;

        /* An empty one goes, any other stays. */
        if (S_ISDIR(expected->stamp.mode))
                return is_what(directory_fd, name, expected)
                               ? remove_entry(directory_fd, name, expected)
                               : -EBUSY;
        lease = lease_take(directory_fd, name, expected);
        if (!lease.is_refused)
                r = unlink_leased(visit, directory_fd, name, expected);
        lease_drop(&lease);
        return r;
}
