#include "watch/dirty-files.h"

#include <errno.h>
#include <stdlib.h>

#include "basic/alloc.h"
#include "basic/macros.h"

enum { FIRST_ALLOCATION = 64 };

static int compare(const void *a, const void *b) {
        const WatchFile *x = a, *y = b;

        if (x->device != y->device)
                return x->device < y->device ? -1 : 1;
        return (x->inode > y->inode) - (x->inode < y->inode);
}

static void drop_duplicates(DirtyFiles *files) {
        size_t n = 0;

        if (files->n_files == 0)
                return;
        qsort(files->files, files->n_files, sizeof *files->files, compare);
        for (size_t i = 1; i < files->n_files; i++)
                if (compare(&files->files[n], &files->files[i]) != 0)
                        files->files[++n] = files->files[i];
        files->n_files = n + 1;
}

/* Sorted before it grows, and only then: so each file costs little, however often it is told. */
static int make_room(DirtyFiles *files) {
        WatchFile *more;
        size_t n;

        if (files->n_files < files->n_allocated)
                return 0;
        drop_duplicates(files);
        if (files->n_files < files->n_allocated / 2)
                return 0;
        if (files->n_files >= DIRTY_FILES_MAX)
                return -ENOBUFS;
        n = MAX(2 * files->n_allocated, (size_t) FIRST_ALLOCATION);
        more = reallocarray(files->files, n, sizeof *more);
        if (!more)
                return -ENOMEM;
        files->files = more;
        files->n_allocated = n;
        return 0;
}

int dirty_files_add(DirtyFiles *files, WatchFile file, usec_t due) {
        int r;

        /* Most events in a row are of one file. */
        if (files->n_files > 0 && compare(&files->files[files->n_files - 1], &file) == 0)
                return 0;
        r = make_room(files);
        if (r < 0)
                return r;
        files->files[files->n_files++] = file;
        files->due = MIN(files->due, due);
        return 0;
}

void dirty_files_take(DirtyFiles *files, WatchFile **ret, size_t *ret_n) {
        drop_duplicates(files);
        *ret = files->files;
        *ret_n = files->n_files;
        *files = DIRTY_FILES_NULL;
}

void dirty_files_clear(DirtyFiles *files) {
        free(files->files);
        *files = DIRTY_FILES_NULL;
}
