#pragma once

/* Two-way pairs: what the source takes over from the replica. All of it acts on the source alone,
 * at once and by the worker that looks at the entry, beneath the descriptor of the source's
 * directory; both sides are equal then, and the catalog learns of it as of an entry that both
 * already had. A crash in between leaves states that the next look settles in the same way.
 *
 * New entries are made complete under a temporary name beside their place, flushed, and renamed to
 * it, or exchanged for what has the name; nothing is overwritten or removed that is not what was
 * looked at, and what goes is kept as a version before. */

#include <limits.h>

#include "sync/visit.h"

/* One entry on its way. */
typedef struct GiveBack {
        Visit *visit;
        Look *look;
        const char *name; /* that it gets in the source */
        Stamp wanted;     /* the metadata that it gets */
        Entry replica;    /* as it was taken */
        Hash hash;
        bool has_hash;
        bool restless; /* the replica's never stood still: its latest state was taken */
        int fd;        /* of what was made: for reading and writing, or O_PATH */
        char temporary[NAME_MAX + 1]; /* its name so far; "" when it has none */
} GiveBack;

#define GIVE_BACK_NULL ((GiveBack) { .fd = -EBADF })
void give_back_done(GiveBack *back);

/* give-back.c: carries out one of the RETURN actions. 0 done or put off, -errno: -EBUSY when
 * somebody came in between and it is to be looked at again. */
int give_back(Visit *visit, Look *look, Action action);
/* What changed in the replica's metadata reaches the source, before ACTION has the replica follow.
 * 0, -errno. */
int give_back_merge(Visit *visit, Look *look, Action action);
/* The replica's entry under the name NAME of the source, where nothing may be. Likewise. */
int give_back_copy(Visit *visit, Look *look, const char *name);

/* give-back-move.c: whether the replica's entry, which the source lacks or has with other content,
 * is one that was renamed or linked, and the source's was as well now: 1, to be looked at again; 0,
 * -errno. */
int give_back_moved(Visit *visit, Look *look);

/* One name of a replica's file after the other, so that all but the first find the first: its item
 * takes the claim along. 1: put off, 0, -errno. */
int give_back_claim(Visit *visit, Look *look);

/* give-back.c: keeps what the source has under LOOK's name. Likewise. */
int give_back_keep_entry(Visit *visit, const Look *look);

/* give-back-make.c: makes BACK's entry under a temporary name. 0; -EAGAIN the replica's does not
 * stand still; -errno. */
int give_back_make(GiveBack *back);

/* give-back-place.c: names in the source. */
/* Gives BACK's entry its name: in exchange for OCCUPANT, which is removed, or, without one, where
 * nothing is. 0, -EBUSY, -errno; then everything is as it was. */
int give_back_place(GiveBack *back, const Entry *occupant);
/* Removes the entry NAME, which must be EXPECTED, a directory empty. Likewise. */
int give_back_unlink(Visit *visit, int directory_fd, const char *name, const Entry *expected);
void give_back_temporary_name(Engine *engine, char buffer[NAME_MAX + 1]);

/* What is done to names in a directory of the source moves its time: it becomes the later one of
 * what it and the replica's were before. */
typedef struct GiveBackTimes {
        bool known;
        int64_t mtime;
} GiveBackTimes;
GiveBackTimes give_back_begin(const Visit *visit);
void give_back_end(Visit *visit, GiveBackTimes times);

/* give-back-keep.c: makes a copy of the source's entry NAME, whose path is PATH, a version, if that
 * is wanted. 0, -EBUSY when it changed meanwhile, -errno. */
typedef struct GiveBackKeep {
        int directory_fd;
        const char *name;
        const Entry *entry;
        const char *path;
} GiveBackKeep;
int give_back_keep(Visit *visit, const GiveBackKeep *what);

/* give-back-tree.c: directories. */
/* Removes from the source's directory LOOK, which the replica lost, all that the catalog knows and
 * nobody changed, and the directory itself if nothing is left: 1 it is gone, 0 something is left,
 * -errno. */
int give_back_remove_tree(Visit *visit, Look *look);
/* Whether all in the replica's directory LOOK is as the catalog has it: 1, 0, -errno. */
int give_back_is_clean(Visit *visit, const Look *look);

/* conflict.c: both sides changed and differ. 0, -errno. */
int visit_conflict(Visit *visit, Look *look);

/* two-way.c */
static inline bool visit_is_two_way(const Visit *visit) {
        return visit->engine->pair->config->direction == DIRECTION_TWO_WAY;
}
/* Whether the replica has something under the name that must not simply be replaced: somebody made
 * or changed it, or something in it. */
bool visit_is_occupied(Visit *visit, const Look *look);
/* Brings the entry into step, in place of what one-way pairs do. 0, -errno. */
int visit_two_way(Visit *visit, Look *look);
/* Whether NAME is a temporary one of ours, which is no part of the tree; one that an earlier run
 * left in the source is removed. */
bool visit_is_temporary(const Visit *visit, const char *name);
