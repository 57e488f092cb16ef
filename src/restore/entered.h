#pragma once

/* The directories of a target that a walk is in, and what is to be done when it leaves them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "restore/restore.h"

typedef struct Entered {
        bool finish;      /* give it its metadata */
        bool is_imagined; /* would have been made, but for the dry run */
        RestoreOutcome outcome;
        uint64_t device, inode; /* of the target's directory; 0 in a dry run */
        size_t path_length;     /* set by entered_push() */
} Entered;

typedef struct EnteredStack {
        Entered *items;
        size_t n_items, n_allocated;
} EnteredStack;

/* 1, or -ENOMEM. */
int entered_push(EnteredStack *stack, const char *path, Entered entered);

/* Takes the entry of PATH, and those of directories in it that were left without a word. Whether
 * there was one. */
bool entered_pop(EnteredStack *stack, const char *path, Entered *ret);

/* The directory entered last, or NULL. */
const Entered *entered_top(const EnteredStack *stack);
