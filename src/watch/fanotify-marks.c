#include "watch/fanotify-marks-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"

#define INIT_FLAGS                                                                            \
        (FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_FID | FAN_REPORT_DIR_FID | \
         FAN_REPORT_NAME | FAN_REPORT_TARGET_FID)

#define COMMON_EVENTS                                                                       \
        (FAN_MODIFY | FAN_ATTRIB | FAN_CLOSE_WRITE | FAN_CREATE | FAN_DELETE | FAN_RENAME | \
         FAN_ONDIR)
/* A whole file system tells of a directory's end and move with the names; the directory's own event
 * would come for every file as well. A marked directory's parent may have no mark. */
#define FILE_SYSTEM_EVENTS COMMON_EVENTS
#define DIRECTORY_EVENTS (COMMON_EVENTS | FAN_DELETE_SELF | FAN_MOVE_SELF | FAN_EVENT_ON_CHILD)

/* The kernel's part */

static int mark(int group, int fd, unsigned flags, uint64_t events) {
        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

        if (fanotify_mark(group, flags, events, fd, NULL) >= 0)
                return 0;
        if (errno != EBADF)
                return -errno;
        /* An O_PATH descriptor does only as a path. */
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return fanotify_mark(group, flags, events, AT_FDCWD, path) < 0 ? -errno : 0;
}

static int mark_file_system(const FanotifyMarks *marks, int fd) {
        return mark(marks->fd, fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FILE_SYSTEM_EVENTS);
}

static int mark_directory(const FanotifyMarks *marks, int fd) {
        return mark(marks->fd, fd, FAN_MARK_ADD | FAN_MARK_ONLYDIR, DIRECTORY_EVENTS);
}

/* The rights that lift the limit of marks are those that show true pids. */
static int open_group(bool *ret_privileged) {
        int fd;

        fd = fanotify_init(INIT_FLAGS | FAN_UNLIMITED_MARKS, O_RDONLY | O_CLOEXEC);
        *ret_privileged = fd >= 0;
        if (fd < 0 && errno == EPERM)
                fd = fanotify_init(INIT_FLAGS, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int fanotify_marks_rights(void) {
        bool privileged;
        int fd = open_group(&privileged);

        if (fd < 0)
                return fd;
        (void) close(fd);
        return privileged;
}

/* What a descriptor tells */

/* What others do there is no event, and asking may take as long as they like. */
static bool is_served_by_others(long f_type) {
        static const uint32_t types[] = {
                NFS_SUPER_MAGIC,  CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC, V9FS_MAGIC,
                CEPH_SUPER_MAGIC, AFS_FS_MAGIC,     FUSE_SUPER_MAGIC,
        };

        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if ((uint32_t) f_type == types[i])
                        return true;
        return false;
}

int directory_position_acquire(int fd, DirectoryPosition *ret) {
        struct statfs file_system;
        struct stat status;
        int r;

        if (fstat(fd, &status) < 0 || fstatfs(fd, &file_system) < 0)
                return -errno;
        ret->device = status.st_dev;
        memcpy(ret->fsid, &file_system.f_fsid, sizeof(ret->fsid));
        if ((ret->fsid[0] == 0 && ret->fsid[1] == 0) || is_served_by_others(file_system.f_type))
                return -EOPNOTSUPP;
        ret->layout = file_handle_layout(file_system.f_type);
        r = file_handle_acquire(fd, ret->buffer, &ret->handle);
        return r == -EOVERFLOW ? -EOPNOTSUPP : r;
}

static int probe(const FanotifyMarks *marks, int root_fd) {
        DirectoryPosition position;
        int r;

        if (root_fd < 0)
                return 0;
        r = directory_position_acquire(root_fd, &position);
        if (r < 0)
                return r;
        return marks->file_systems ? mark_file_system(marks, root_fd)
                                   : mark_directory(marks, root_fd);
}

int fanotify_marks_new(bool file_systems, int root_fd, FanotifyMarks **ret) {
        FanotifyMarks *marks;
        int r;

        marks = new0(FanotifyMarks, 1);
        if (!marks)
                return -ENOMEM;
        marks->file_systems = file_systems;
        r = marks->fd = open_group(&marks->privileged);
        if (r >= 0)
                r = probe(marks, root_fd);
        if (r < 0) {
                fanotify_marks_free(marks);
                return r;
        }
        *ret = marks;
        return 0;
}

FanotifyMarks *fanotify_marks_free(FanotifyMarks *marks) {
        if (!marks)
                return NULL;
        (void) safe_close(marks->fd);
        free(marks->refused);
        free(marks);
        return NULL;
}

int fanotify_marks_fd(const FanotifyMarks *marks) {
        return marks->fd;
}

bool fanotify_marks_knows_pids(const FanotifyMarks *marks) {
        return marks->privileged;
}

/* The table of file systems */

static bool is_of(const MarkedFileSystem *entry, const int32_t fsid[static 2], int handle_type) {
        return entry->used && entry->fsid[0] == fsid[0] && entry->fsid[1] == fsid[1] &&
               entry->handle_type == handle_type;
}

static int find_file_system(const FanotifyMarks *marks, const int32_t fsid[static 2], int type) {
        for (unsigned i = 0; i < marks->n_table; i++)
                if (is_of(&marks->table[i], fsid, type))
                        return (int) i;
        return -ENOENT;
}

static int find_free(FanotifyMarks *marks) {
        for (unsigned i = 0; i < marks->n_table; i++)
                if (!marks->table[i].used)
                        return (int) i;
        return marks->n_table < FILE_SYSTEMS_MAX ? (int) marks->n_table++ : -EOPNOTSUPP;
}

bool fanotify_marks_refuses(const FanotifyMarks *marks, dev_t device) {
        for (size_t i = 0; i < marks->n_refused; i++)
                if (marks->refused[i] == device)
                        return true;
        return false;
}

void fanotify_marks_refuse(FanotifyMarks *marks, dev_t device) {
        dev_t *refused;

        if (fanotify_marks_refuses(marks, device))
                return;
        refused = reallocarray(marks->refused, marks->n_refused + 1, sizeof(dev_t));
        if (!refused)
                return; /* found out anew with the next directory */
        marks->refused = refused;
        refused[marks->n_refused++] = device;
}

static int refuse(FanotifyMarks *marks, dev_t device) {
        fanotify_marks_refuse(marks, device);
        return -EOPNOTSUPP;
}

/* Errors that are the directory's or the moment's, and say nothing of its file system. */
static bool error_passes(int error) {
        return error == -ENOSPC || error == -ENOMEM || error == -EACCES || error == -EBADF ||
               error == -ENOENT;
}

/* A file system that comes later may not be marked as a whole (the right to may be gone, or it is a
 * subvolume), but its directories may. */
static int set_first_mark(const FanotifyMarks *marks, int fd, bool *ret_whole) {
        int r = -EOPNOTSUPP;

        if (marks->file_systems)
                r = mark_file_system(marks, fd);
        *ret_whole = r >= 0;
        if (r < 0 && r != -ENOMEM)
                r = mark_directory(marks, fd);
        return r;
}

static int add_file_system(FanotifyMarks *marks, int fd, const DirectoryPosition *position) {
        bool whole;
        int r, i;

        r = set_first_mark(marks, fd, &whole);
        if (r < 0)
                return error_passes(r) ? r : refuse(marks, position->device);
        i = find_free(marks);
        if (i < 0)
                return refuse(marks, position->device);

        marks->table[i] = (MarkedFileSystem) {
                .used = true,
                .whole = whole,
                .fsid = { position->fsid[0], position->fsid[1] },
                .handle_type = position->handle.type,
                .device = position->device,
                .layout = position->layout,
                .guard = -1,
        };
        (void) file_handle_inode(position->layout, &position->handle, &marks->table[i].subvolume);
        return i;
}

/* Marks anew what is known to have been marked. */
static int confirm(FanotifyMarks *marks, int fd, MarkedFileSystem *entry) {
        int r;

        if (!entry->whole) {
                r = mark_directory(marks, fd);
                return r < 0 && !error_passes(r) ? -EOPNOTSUPP : r;
        }
        if (!entry->distrusted)
                return 0;
        /* Without the right to, any more, what was marked stays so. */
        r = mark_file_system(marks, fd);
        if (r < 0 && r != -EPERM)
                return error_passes(r) ? r : -EOPNOTSUPP;
        entry->distrusted = false;
        return 0;
}

static int cover_file_system(FanotifyMarks *marks, int fd, const DirectoryPosition *position) {
        int i, r;

        i = find_file_system(marks, position->fsid, position->handle.type);
        if (i < 0)
                return add_file_system(marks, fd, position);
        /* Two file systems by one name, a copy and its original: their handles may be the same. */
        if (marks->table[i].device != position->device)
                return refuse(marks, position->device);
        r = confirm(marks, fd, &marks->table[i]);
        return r < 0 ? r : i;
}

static void make_key(unsigned file_system, const FileHandle *handle, DirectoryKey *ret) {
        ret->handle.file_system = file_system;
        ret->handle.size = handle->size;
        memcpy(ret->handle.bytes, handle->bytes, handle->size);
}

int fanotify_marks_cover(FanotifyMarks *marks, int fd, const DirectoryPosition *position,
                         DirectoryKey *ret) {
        int r;

        if (fanotify_marks_refuses(marks, position->device))
                return -EOPNOTSUPP;
        r = cover_file_system(marks, fd, position);
        if (r < 0)
                return r;
        make_key((unsigned) r, &position->handle, ret);
        return 0;
}

void fanotify_marks_distrust(FanotifyMarks *marks) {
        for (unsigned i = 0; i < marks->n_table; i++)
                marks->table[i].distrusted = true;
}

/* Events */

bool fanotify_marks_find(const FanotifyMarks *marks, const FanotifyRecord *record,
                         DirectoryKey *ret) {
        int i = find_file_system(marks, record->fsid, record->handle.type);

        if (i < 0)
                return false;
        make_key((unsigned) i, &record->handle, ret);
        return true;
}

WatchFile fanotify_marks_identify(const FanotifyMarks *marks, const FanotifyRecord *record) {
        const MarkedFileSystem *entry;
        uint64_t inode, subvolume;
        int i;

        i = find_file_system(marks, record->fsid, record->handle.type);
        if (i < 0)
                return (WatchFile) {};
        entry = &marks->table[i];
        inode = file_handle_inode(entry->layout, &record->handle, &subvolume);
        return (WatchFile) {
                .device = entry->device,
                .inode = subvolume == entry->subvolume ? inode : 0,
        };
}

/* Marks that are wanted no more */

void fanotify_marks_leave(FanotifyMarks *marks, const DirectoryHandle *handle) {
        DirectoryKey *last = &marks->left[marks->n_left];

        if (marks->cannot_open || marks->table[handle->file_system].whole ||
            marks->n_left == LEFT_MAX)
                return;
        if (marks->n_left > 0 &&
            slot_equal(slot_from_handle(&last[-1].handle), slot_from_handle(handle)))
                return;
        memcpy(last, handle, sizeof(*handle) + handle->size);
        marks->n_left++;
}

bool fanotify_marks_next_left(FanotifyMarks *marks, const DirectoryHandle *near,
                              DirectoryKey *ret) {
        for (unsigned i = marks->n_left; i-- > 0;) {
                if (marks->left[i].handle.file_system != near->file_system)
                        continue;
                *ret = marks->left[i];
                marks->left[i] = marks->left[--marks->n_left];
                return true;
        }
        return false;
}

void fanotify_marks_unmark(FanotifyMarks *marks, int fd, const DirectoryHandle *handle) {
        _cleanup_close_ int directory_fd = -EBADF;

        directory_fd = file_handle_open(
                fd, &(FileHandle) {
                            .type = marks->table[handle->file_system].handle_type,
                            .size = handle->size,
                            .bytes = handle->bytes,
                    });
        if (directory_fd == -EPERM)
                marks->cannot_open = true;
        if (directory_fd >= 0)
                (void) mark(marks->fd, directory_fd, FAN_MARK_REMOVE, DIRECTORY_EVENTS);
}

/* Unmounting */

int fanotify_marks_guard(const FanotifyMarks *marks, unsigned file_system) {
        return marks->table[file_system].guard;
}

void fanotify_marks_set_guard(FanotifyMarks *marks, unsigned file_system, int descriptor) {
        marks->table[file_system].guard = descriptor;
}

int fanotify_marks_find_guard(const FanotifyMarks *marks, int descriptor) {
        for (unsigned i = 0; i < marks->n_table; i++)
                if (marks->table[i].used && marks->table[i].guard == descriptor)
                        return (int) i;
        return -ENOENT;
}

void fanotify_marks_forget(FanotifyMarks *marks, unsigned file_system) {
        for (unsigned i = marks->n_left; i-- > 0;)
                if (marks->left[i].handle.file_system == file_system)
                        marks->left[i] = marks->left[--marks->n_left];
        marks->table[file_system] = (MarkedFileSystem) {};
}
