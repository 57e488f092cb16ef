/* Bringing back as a pax archive. */

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "fs/segments.h"
#include "fs/special.h"
#include "restore/archive-acl.h"
#include "restore/content.h"
#include "restore/groups.h"
#include "restore/layers.h"
#include "restore/place.h"
#include "restore/restore.h"
#include "restore/walk.h"

enum { PIECE_BYTES = 256 * 1024 };

typedef struct Output {
        const RestoreRequest *request;
        size_t n_strip;
        RestoreWrite write;
        int write_error; /* -errno */
        bool is_broken;  /* an entry was announced and not finished */
        struct archive *archive;
        Groups *groups;
        char *piece;
} Output;

static void output_done(Output *output) {
        if (output->archive)
                (void) archive_write_free(output->archive);
        groups_free(output->groups);
        free(output->piece);
}

static void archive_entry_freep(struct archive_entry **entry) {
        if (*entry)
                archive_entry_free(*entry);
}

static la_ssize_t on_write(struct archive *archive, void *userdata, const void *data, size_t size) {
        Output *output = userdata;
        int r = output->write(data, size, output->request->userdata);

        if (r >= 0)
                return (la_ssize_t) size;
        output->write_error = r;
        archive_set_error(archive, -r, "%s", strerror(-r));
        return -1;
}

static const char *output_path(const Output *output, const char *path) {
        path += output->n_strip;
        return *path ? path : ".";
}

static int go_on(const Output *output) {
        return output->request->go_on ? output->request->go_on(output->request->userdata) : 0;
}

/* A failed entry is told of; a reader that is gone, or want of memory, ends all. */
static int fail(Output *output, const char *path, int r) {
        if (output->write_error < 0)
                return output->write_error;
        if (r == -ENOMEM || r == -EINTR || output->is_broken)
                return r;
        output->request->tell(
                &(RestoreEvent) { .outcome = RESTORE_FAILED, .path = path, .error = r },
                output->request->userdata);
        return 0;
}

static int archive_result(Output *output, int r) {
        if (r >= ARCHIVE_WARN)
                return 0;
        if (output->write_error < 0)
                return output->write_error;
        r = archive_errno(output->archive);
        /* What the library says of a kind of entry that archives do not know. */
        return r <= 0 || r == EILSEQ ? -EOPNOTSUPP : -r;
}

/* --- what is said of an entry -------------------------------------------------------------------
 */

static void give_stamp(struct archive_entry *entry, const Stamp *stamp) {
        int64_t second = (int64_t) NSEC_PER_SEC, nsec = stamp->mtime % second;
        int64_t sec = stamp->mtime / second;

        if (nsec < 0) {
                nsec += second;
                sec--;
        }
        archive_entry_set_mode(entry, stamp->mode);
        archive_entry_set_uid(entry, stamp->uid);
        archive_entry_set_gid(entry, stamp->gid);
        archive_entry_set_mtime(entry, sec, (long) nsec);
        archive_entry_set_size(entry, S_ISREG(stamp->mode) ? (int64_t) stamp->size : 0);
        if (S_ISCHR(stamp->mode) || S_ISBLK(stamp->mode))
                archive_entry_set_rdev(entry, stamp->rdev);
}

/* Tells where data is; a file that is nothing but a hole has none at all. */
static int give_segments(struct archive_entry *entry, int fd, uint64_t size) {
        Segments segments = SEGMENTS_INIT(fd, true);
        bool any = false;
        int r;

        for (uint64_t at = 0; at < size; at = segments.end) {
                r = segments_find(&segments, at);
                if (r < 0)
                        return r;
                if (segments.begin >= size)
                        break;
                if (segments.begin == 0 && segments.end >= size)
                        return 0;
                archive_entry_sparse_add_entry(
                        entry, (int64_t) segments.begin,
                        (int64_t) (MIN(segments.end, size) - segments.begin));
                any = true;
        }
        if (!any)
                archive_entry_sparse_add_entry(entry, 0, 0);
        return 0;
}

static int give_all(const Output *output, struct archive_entry *entry, const RestoreItem *item,
                    int content_fd) {
        _cleanup_(attributes_done) Attributes attributes = ATTRIBUTES_NULL;
        const GroupPlace *first = groups_find(output->groups, &item->entry);
        const Stamp *stamp = &item->entry.stamp;
        _cleanup_free_ char *link = NULL;
        int r = 0;

        archive_entry_copy_pathname(entry, output_path(output, item->path));
        give_stamp(entry, stamp);
        if (first) {
                archive_entry_copy_hardlink(entry, first->path);
                archive_entry_unset_size(entry);
                return 0;
        }
        if (S_ISLNK(stamp->mode)) {
                r = symlink_read(item->fd, "", &link);
                if (r < 0)
                        return r;
                archive_entry_copy_symlink(entry, link);
        }
        if (item->version != LAYER_NONE)
                r = attributes_acquire(item->fd, &attributes);
        if (r < 0)
                return r;
        archive_give_attributes(entry, &attributes);
        if (S_ISREG(stamp->mode) && copy_may_be_sparse(stamp->size, item->entry.n_blocks))
                r = give_segments(entry, content_fd, stamp->size);
        return r;
}

/* --- content ------------------------------------------------------------------------------------
 */

static int put_bytes(Output *output, size_t n) {
        const char *p = output->piece;

        while (n > 0) {
                la_ssize_t written = archive_write_data(output->archive, p, n);

                if (written <= 0)
                        return archive_result(output, written < 0 ? (int) written : ARCHIVE_FATAL);
                p += written;
                n -= (size_t) written;
        }
        return 0;
}

/* As many bytes as were announced, zeros for holes and for what is missing: else all that follows
 * would be lost. */
static int put_content(Output *output, int fd, uint64_t size, bool *ret_short) {
        int r;

        for (uint64_t at = 0; at < size;) {
                size_t n = (size_t) MIN(size - at, (uint64_t) PIECE_BYTES);
                ssize_t got = 0;

                if (!*ret_short)
                        got = pread(fd, output->piece, n, (off_t) at);
                if (got <= 0) {
                        *ret_short = true;
                        (void) memset(output->piece, 0, n);
                        got = (ssize_t) n;
                }
                r = go_on(output);
                if (r >= 0)
                        r = put_bytes(output, (size_t) got);
                if (r < 0)
                        return r;
                at += (uint64_t) got;
        }
        return 0;
}

static int put_item(Output *output, const RestoreItem *item) {
        _cleanup_(archive_entry_freep) struct archive_entry *entry = NULL;
        bool is_first = !groups_find(output->groups, &item->entry), is_short = false;
        _cleanup_close_ int fd = -EBADF;
        int r;

        entry = archive_entry_new2(output->archive);
        if (!entry)
                return -ENOMEM;
        if (S_ISREG(item->entry.stamp.mode) && is_first) {
                fd = content_open(item->fd);
                if (fd < 0)
                        return fd;
        }
        r = give_all(output, entry, item, fd);
        if (r < 0)
                return r;
        r = archive_result(output, archive_write_header(output->archive, entry));
        if (r < 0 || fd < 0)
                return r;
        r = put_content(output, fd, item->entry.stamp.size, &is_short);
        if (r >= 0)
                r = archive_result(output, archive_write_finish_entry(output->archive));
        output->is_broken = r < 0;
        if (r < 0)
                return r;
        return is_short ? -ESTALE : 0;
}

static int on_item(const RestoreItem *item, void *userdata) {
        Output *output = userdata;
        int r;

        r = go_on(output);
        if (r >= 0)
                r = put_item(output, item);
        if (r < 0)
                return fail(output, item->path, r);
        if (!S_ISDIR(item->entry.stamp.mode)) {
                r = groups_add(output->groups, &item->entry, output_path(output, item->path), NULL);
                if (r < 0)
                        return r;
        }
        output->request->tell(
                &(RestoreEvent) {
                        .outcome = RESTORE_DONE,
                        .path = item->path,
                        .stamp = &item->entry.stamp,
                        .version = item->version == LAYER_NONE ? 0 : item->version,
                },
                output->request->userdata);
        return 0;
}

static int on_enter(const RestoreItem *item, void *userdata) {
        int r = item->is_ancestor ? 0 : on_item(item, userdata);

        return r < 0 ? r : 1;
}

static int on_leave(const RestoreItem *item, void *userdata) {
        (void) item;
        (void) userdata;
        return 0;
}

static int on_fail(const char *path, int r, void *userdata) {
        return fail(userdata, path, r);
}

static int output_open(Output *output) {
        output->piece = malloc(PIECE_BYTES);
        output->archive = archive_write_new();
        if (!output->piece || !output->archive)
                return -ENOMEM;
        if (archive_write_set_format_pax(output->archive) != ARCHIVE_OK ||
            archive_write_open2(output->archive, output, NULL, on_write, NULL, NULL) != ARCHIVE_OK)
                return -EIO;
        return groups_new(&output->groups);
}

static int write_all(Output *output, const RestorePair *pair) {
        const WalkHooks hooks = {
                .enter = on_enter,
                .leave = on_leave,
                .visit = on_item,
                .fail = on_fail,
                .userdata = output,
        };
        int r;

        r = output_open(output);
        if (r >= 0)
                r = walk(pair, output->request->path, output->request->at, &hooks);
        if (r > 0 && archive_write_close(output->archive) < ARCHIVE_WARN)
                return output->write_error < 0 ? output->write_error : -EIO;
        /* What was not finished is not to be completed when it is freed. */
        if (r < 0 && output->archive)
                (void) archive_write_fail(output->archive);
        return r;
}

int restore_to_archive(const RestorePair *pair, const RestoreRequest *request, RestoreWrite write,
                       char **ret_error) {
        _cleanup_(output_done) Output output = { .request = request, .write = write };
        const char *slash = strrchr(request->path, '/');
        locale_t names, before;
        int r;

        output.n_strip = slash ? (size_t) (slash - request->path) + 1 : 0;

        /* Names that are UTF-8 go into the archive as such, whatever the user's locale. */
        names = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);
        before = names ? uselocale(names) : (locale_t) 0;
        r = write_all(&output, pair);
        if (names) {
                (void) uselocale(before);
                freelocale(names);
        }
        return problem_of_walk(ret_error, request, r);
}
