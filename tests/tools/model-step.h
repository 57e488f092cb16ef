#pragma once

/* One step of a script: something that somebody does to one side, or something that the engine is
 * told to do. Steps name what they act upon, so that a script means the same when steps are left
 * out of it; a step that finds nothing to act upon does nothing. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { MODEL_PATH_MAX = 32, MODEL_STEPS_MAX = 400 };

typedef enum ModelSide {
        MODEL_SOURCE,
        MODEL_REPLICA,
        _MODEL_SIDE_MAX,
} ModelSide;

typedef enum StepKind {
        /* By somebody. */
        STEP_CREATE,     /* a new file A */
        STEP_WRITE,      /* the file A, truncated and written anew */
        STEP_PATCH,      /* its first bytes, in place */
        STEP_APPEND,     /* to its end */
        STEP_TRUNCATE,   /* to VALUE bytes */
        STEP_REPLACE,    /* by a new file that is renamed over it */
        STEP_CHMOD,      /* A, whatever it is */
        STEP_TOUCH,      /* A's mtime, to one of few */
        STEP_ATTRIBUTE,  /* an extended attribute of A */
        STEP_RENAME,     /* A to B, also over what is there */
        STEP_EXCHANGE,   /* A and B */
        STEP_LINK,       /* B, one more name of A */
        STEP_SYMLINK,    /* A, new */
        STEP_FIFO,       /* A, new */
        STEP_UNLINK,     /* A, no directory */
        STEP_MKDIR,      /* A */
        STEP_RMDIR,      /* A, empty */
        STEP_REMOVE_ALL, /* A and all below it */
        STEP_RETYPE,     /* the same, and something of another type is made there */
        STEP_MOVE_OUT,   /* A to the place B outside of both sides */
        STEP_MOVE_IN,    /* back, as A */
        _STEP_BY_SOMEBODY_MAX,

        /* By the engine. */
        STEP_FULL = _STEP_BY_SOMEBODY_MAX, /* a full pass */
        STEP_FULL_LIVE,                    /* the same, while events are acted on beside it */
        STEP_DIRTY,                        /* what events have told of, once */
        STEP_REST,                         /* all that is due, until nothing is */
        STEP_LOSE_EVENTS,                  /* those of SIDE that wait are lost */
        STEP_RESTART,                      /* it ends in good order */
        STEP_LOSE_CATALOG,                 /* it ends, and the catalog is deleted */
        STEP_CHECK,                        /* brought to rest and held against the policy */
        _STEP_KIND_MAX,
} StepKind;

typedef struct Step {
        StepKind kind;
        ModelSide side;
        char a[MODEL_PATH_MAX], b[MODEL_PATH_MAX];
        unsigned value; /* what is written, which mode, … */
        unsigned at; /* of the engine's: before the call of this number it is interrupted; 0: not */
        bool kill;   /* and is killed there */
        bool inside; /* of somebody's: takes place during the interruption */
} Step;

static inline bool step_is_by_engine(const Step *step) {
        return step->kind >= _STEP_BY_SOMEBODY_MAX;
}

/* What VALUE stands for, where it chooses among few. */
unsigned step_mode(const Step *step);
unsigned step_time(const Step *step);
/* What a RETYPE makes; of other steps their own kind. */
StepKind step_retyped(const Step *step);

/* As lines of a shell script, each followed by one by which step_parse() knows it again. */
void step_print(FILE *f, const Step *step);

/* LINE as step_print() wrote it. 1: *RET is a step, 0: the line is for people, -EINVAL. */
int step_parse(const char *line, Step *ret);
