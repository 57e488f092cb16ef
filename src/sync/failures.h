#pragma once

/* What of a pair cannot be mirrored at present: path, error, since when, how often it was tried.
 * An entry is noted where it fails, and forgotten when a pass has looked at it again and it did not
 * fail, or when it is gone. Bounded: beyond FAILURES_MAX they are only counted. Any thread. */

#include "sync/engine-internal.h"

enum { FAILURES_MAX = 4096 };

int failures_new(Engine *engine);
void failures_free(Engine *engine);

/* NAME of NODE ("" or NULL: NODE itself) could not be brought into step; WHAT is the verb, a
 * literal. ERROR is -errno. */
void failures_note(Pass *pass, const Retry *retry, const char *what, int error);

/* A pass begins, with what it was asked for still in pass->dirty; and it has ended. */
void failures_begin_pass(Pass *pass);
void failures_end_pass(Pass *pass);
