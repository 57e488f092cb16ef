#pragma once

/* A directory that things are brought back to. Internal to the library; one thread's. */

#include "fs/copy.h"
#include "restore/entered.h"
#include "restore/groups.h"
#include "restore/restore.h"
#include "restore/walk.h"

typedef struct Target {
        const RestoreRequest *request;
        int root_fd;        /* negative: not made, in a dry run */
        size_t n_strip;     /* bytes of an entry's path that are not in the target */
        bool root_is_new;   /* the root was made for this */
        bool makes_parents; /* directories above the path asked for are part of the target */
        char *parent;       /* the directory opened last, by its path in the target; NULL: none */
        int parent_fd;
        Copier *copier;
        CopyAbilities abilities;
        Groups *groups;
        EnteredStack entered;
        bool flush_each; /* syncfs(2) stops short of the target's disk */
} Target;

#define TARGET_NULL ((Target) { .root_fd = -EBADF, .parent_fd = -EBADF })
void target_done(Target *target);

/* The place of ITEM: the directory that holds it, borrowed until the next call, and its name there
 * ("" for the target itself). A descriptor or -errno: -ENOENT when that directory is missing,
 * -ELOOP when a symbolic link is in the way, -ESTALE when it is not the directory that was entered:
 * whoever may write to the target must not be able to put another in its place. */
int target_open_parent(Target *target, const RestoreItem *item, const char **ret_name);

/* Path of ITEM in the target. */
static inline const char *target_path(const Target *target, const RestoreItem *item) {
        return item->path + target->n_strip;
}

/* CopyTick: asks whether to go on. */
int target_tick(uint64_t n_bytes, void *userdata);

/* Makes ITEM, no directory, as TEMPORARY of DIRECTORY_FD, complete with metadata. What cannot be
 * held adds to *SHORTFALLS. 0 or -errno; then nothing is left. */
int target_make(Target *target, const RestoreItem *item, int directory_fd, const char *temporary,
                unsigned *shortfalls);

/* Makes TEMPORARY one more name of the group's first one. 1, 0 when it cannot be, -errno. */
int target_link(Target *target, const GroupPlace *first, int directory_fd, const char *temporary);

/* Makes sure that NAME of DIRECTORY_FD, which was just made, is an empty directory: who may write
 * there could have put one in its place whose content is not for the owner it is to get. Its
 * identity goes to *ENTERED. 0, -ESTALE, -errno. */
int target_claim_directory(int directory_fd, const char *name, Entered *entered);

/* Gives the directory NAME of DIRECTORY_FD ("" for that itself), which must be ENTERED, the
 * metadata of ITEM. 0, -ESTALE, -errno. */
int target_finish_directory(int directory_fd, const char *name, const Entered *entered,
                            const RestoreItem *item, unsigned *shortfalls);

/* Brings back what TARGET->request asks for, with root_fd, n_strip and the flags set by the caller.
 * 1, 0 when there was no such entry, -errno of what ended it. */
int target_fill(Target *target, const RestorePair *pair);
