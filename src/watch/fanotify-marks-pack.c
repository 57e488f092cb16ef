/* A group of marks that outlives the process: the kernel keeps it as long as its descriptor is open
 * anywhere. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "watch/fanotify-marks-internal.h"
#include "watch/fanotify-marks-pack.h"

enum { REFUSED_MAX = 65536 };

static void save_file_system(const MarkedFileSystem *entry, Packer *packer) {
        pack_number(packer, entry->used);
        if (!entry->used)
                return;
        pack_number(packer, entry->whole);
        pack_number(packer, entry->distrusted);
        pack_bytes(packer, entry->fsid, sizeof(entry->fsid));
        pack_number(packer, (uint32_t) entry->handle_type);
        pack_number(packer, entry->device);
        pack_number(packer, entry->layout);
        pack_number(packer, entry->subvolume);
        pack_number(packer, (uint32_t) (entry->guard + 1));
}

void fanotify_marks_save(const FanotifyMarks *marks, Packer *packer) {
        pack_number(packer, marks->privileged);
        pack_number(packer, marks->file_systems);
        pack_number(packer, marks->n_table);
        for (unsigned i = 0; i < marks->n_table; i++)
                save_file_system(&marks->table[i], packer);
        pack_number(packer, marks->n_refused);
        for (size_t i = 0; i < marks->n_refused; i++)
                pack_number(packer, marks->refused[i]);
}

static void load_file_system(MarkedFileSystem *entry, Unpacker *unpacker) {
        const void *fsid;
        size_t size;

        entry->used = unpack_flag(unpacker);
        if (!entry->used)
                return;
        entry->whole = unpack_flag(unpacker);
        entry->distrusted = unpack_flag(unpacker);
        fsid = unpack_bytes(unpacker, sizeof(entry->fsid), &size);
        if (size == sizeof(entry->fsid))
                memcpy(entry->fsid, fsid, size);
        else
                (void) unpack_refuse(unpacker);
        entry->handle_type = (int) (uint32_t) unpack_number(unpacker, UINT32_MAX);
        entry->device = unpack_number(unpacker, UINT64_MAX);
        entry->layout = unpack_number(unpacker, FILE_HANDLE_TMPFS);
        entry->subvolume = unpack_number(unpacker, UINT64_MAX);
        entry->guard = (int) unpack_number(unpacker, INT32_MAX) - 1;
}

static void load_refused(FanotifyMarks *marks, Unpacker *unpacker) {
        size_t n = unpack_number(unpacker, REFUSED_MAX);

        for (size_t i = 0; i < n && unpacker->error >= 0; i++)
                fanotify_marks_refuse(marks, unpack_number(unpacker, UINT64_MAX));
}

int fanotify_marks_load(Unpacker *unpacker, FanotifyMarks **ret) {
        FanotifyMarks *marks = new0(FanotifyMarks, 1);

        if (!marks)
                return -ENOMEM;
        marks->fd = -EBADF;
        marks->privileged = unpack_flag(unpacker);
        marks->file_systems = unpack_flag(unpacker);
        marks->n_table = unpack_number(unpacker, FILE_SYSTEMS_MAX);
        for (unsigned i = 0; i < marks->n_table; i++)
                load_file_system(&marks->table[i], unpacker);
        load_refused(marks, unpacker);
        if (unpacker->error < 0) {
                fanotify_marks_free(marks);
                return unpacker->error;
        }
        *ret = marks;
        return 0;
}

void fanotify_marks_adopt(FanotifyMarks *marks, int fd) {
        marks->fd = fd;
}

bool fanotify_marks_has(const FanotifyMarks *marks, const DirectoryHandle *handle) {
        return handle->file_system < marks->n_table && marks->table[handle->file_system].used;
}
