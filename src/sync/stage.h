#pragma once

/* Staging: new content is made where nobody sees it, complete with owner, mode, attributes and
 * times. In a new directory that is itself staged entries are made under their names, elsewhere as
 * unnamed-to-others files of the staging directory. */

#include "sync/visit.h"

/* Makes and opens the replica's directory for a JOB_DIRECTORY that creates it. 0 or -errno. */
int stage_directory_begin(Visit *visit);
/* Whether no more is to be held in it. */
bool stage_directory_is_full(const Visit *visit);
/* Gives it its metadata and hands it, with what is held in it, to the committer. */
void stage_directory_finish(Visit *visit);

/* Where an entry is made. */
typedef struct StagePlace {
        int directory_fd;
        const char *name;
        bool in_place; /* under its own name in a staged directory */
} StagePlace;
/* For a new ITEM: in place when VISIT is staged and may still grow, else in the staging directory,
 * whose fresh name goes into the item. */
StagePlace stage_place(Visit *visit, Item *item);
/* After the entry stands at PLACE: notes its stamp if it is final and hands the item over, or frees
 * it and removes the entry when R is an error. Returns R. */
int stage_complete(Visit *visit, StagePlace place, Item *item, int r);

/* Makes a new entry (anything but a directory) with the source's content and metadata. 0 done or
 * put off, -errno. */
int stage_entry(Visit *visit, Look *look, Action action);
