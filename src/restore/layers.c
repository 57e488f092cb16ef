#include "restore/layers.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "fs/confined.h"

void layers_done(Layers *layers) {
        assert(layers);

        free(layers->frames);
        *layers = LAYERS_NULL;
}

int layers_root(const RestorePair *pair, usec_t at, Layers *ret) {
        size_t first = 0;

        while (first < pair->n_times && pair->times[first] < at)
                first++;
        *ret = (Layers) {
                .frames = new0(usec_t, pair->n_times - first + 1),
                .n_frames = pair->n_times - first,
                .base = pair->replica_fd >= 0 ? LAYER_REPLICA : LAYER_NONE,
        };
        if (!ret->frames)
                return -ENOMEM;
        if (ret->n_frames > 0)
                (void) memcpy(ret->frames, pair->times + first, ret->n_frames * sizeof(usec_t));
        return 0;
}

int layer_open(const RestorePair *pair, usec_t layer, const char *path, int flags) {
        _cleanup_close_ int versions_fd = -EBADF, fd = -EBADF;

        if (layer == LAYER_NONE || (layer == LAYER_REPLICA && pair->replica_fd < 0))
                return -ENOENT;
        if (layer == LAYER_REPLICA)
                return confined_open(pair->replica_fd, path, flags);

        versions_fd = confined_open_child(pair->store_fd, "versions", O_PATH | O_DIRECTORY);
        fd = versions_fd < 0 ? versions_fd : versions_open_time(versions_fd, layer);
        return fd < 0 ? fd : confined_open(fd, path, flags);
}

int layers_open(const RestorePair *pair, const Layers *layers, const char *path) {
        usec_t layer = layers->base;

        if (layer == LAYER_NONE && layers->n_frames > 0)
                layer = layers->frames[0];
        return layer_open(pair, layer, path, O_PATH);
}

static bool means_absent(int r) {
        return r == -ENOENT || r == -ENOTDIR || r == -ELOOP;
}

static bool is_directory(int fd) {
        struct stat st;

        return fstat(fd, &st) >= 0 && S_ISDIR(st.st_mode);
}

/* The frames of PATH up to the time at which it left itself, which becomes the base. The descriptor
 * is that of the base, or negative. 0 or -errno. */
static int collect_frames(const RestorePair *pair, const Layers *parent, const char *path,
                          Layers *layers, int *ret_fd) {
        for (size_t i = 0; i < parent->n_frames; i++) {
                _cleanup_close_ int fd = -EBADF;
                int kind = versions_find(pair->versions, parent->frames[i], path, &fd);

                if (kind < 0)
                        return kind;
                if (kind == VERSION_FRAME)
                        layers->frames[layers->n_frames++] = parent->frames[i];
                if (kind != VERSION_ENTRY)
                        continue;
                layers->base = parent->frames[i];
                *ret_fd = TAKE_FD(fd);
                break;
        }
        return 0;
}

int layers_child(const RestorePair *pair, const Layers *parent, const char *path, Layers *ret,
                 int *ret_fd) {
        _cleanup_(layers_done) Layers layers = LAYERS_NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        layers.frames = new0(usec_t, parent->n_frames + 1);
        if (!layers.frames)
                return -ENOMEM;
        r = collect_frames(pair, parent, path, &layers, &fd);
        if (r < 0)
                return r;
        if (fd < 0) {
                fd = layer_open(pair, parent->base, path, O_PATH);
                if (fd < 0 && !means_absent(fd))
                        return fd;
                if (fd >= 0)
                        layers.base = parent->base;
        }
        /* What was a directory then became something else without leaving a version. */
        if (layers.n_frames > 0 && (fd < 0 || !is_directory(fd))) {
                safe_close(fd);
                layers.base = LAYER_NONE;
                fd = layers_open(pair, &layers, path);
                if (fd < 0)
                        return fd;
        }
        if (fd < 0)
                return 0;

        *ret = layers;
        layers = LAYERS_NULL;
        *ret_fd = TAKE_FD(fd);
        return 1;
}
