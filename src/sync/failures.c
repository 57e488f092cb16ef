#include "sync/failures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"

/* Passes and failures are ordered by one count: so it can be told whether an entry failed again
 * since a pass began to look at it. */
typedef struct Noted {
        Failure failure;
        uint64_t failed; /* when it last did */
        uint64_t tried;  /* the dirty pass that looks at it; 0: none */
        bool taken;      /* by engine_take_lasting_failures() */
} Noted;

typedef struct Failures {
        pthread_mutex_t mutex; /* below it the tree's alone */
        uint64_t count;
        Noted *items; /* FAILURES_MAX when there are any */
        size_t n_items;
        uint64_t n_unlisted;       /* beyond those, since the last full pass began */
        uint64_t n_unlisted_since; /* of them, since the one that runs began */
} Failures;

int failures_new(Engine *engine) {
        engine->failures = new0(Failures, 1);
        if (!engine->failures)
                return -ENOMEM;
        (void) pthread_mutex_init(&engine->failures->mutex, NULL);
        return 0;
}

void failure_done(Failure *failure) {
        node_unref(failure->node);
        free(failure->name);
        free(failure->path);
        *failure = (Failure) {};
}

void failures_free(Engine *engine) {
        Failures *failures = engine->failures;

        if (!failures)
                return;
        for (size_t i = 0; i < failures->n_items; i++)
                failure_done(&failures->items[i].failure);
        free(failures->items);
        (void) pthread_mutex_destroy(&failures->mutex);
        free(failures);
        engine->failures = NULL;
}

static void remove_locked(Failures *failures, size_t i) {
        failure_done(&failures->items[i].failure);
        failures->items[i] = failures->items[--failures->n_items];
        if (failures->n_items == 0)
                failures->items = mfree(failures->items);
}

static Noted *find_locked(Failures *failures, const Node *node, const char *name) {
        for (size_t i = 0; i < failures->n_items; i++) {
                const Failure *failure = &failures->items[i].failure;

                if (failure->node == node && streq(failure->name, name))
                        return &failures->items[i];
        }
        return NULL;
}

static Noted *add_locked(Failures *failures, Node *node, const char *name) {
        char *copy;

        if (failures->n_items == FAILURES_MAX)
                return NULL;
        if (!failures->items)
                failures->items = new0(Noted, FAILURES_MAX);
        copy = failures->items ? strdup(name) : NULL;
        if (!copy)
                return NULL;
        failures->items[failures->n_items] = (Noted) {
                .failure = { .node = node_ref(node),
                             .name = copy,
                             .first = now_usec(CLOCK_REALTIME) },
        };
        return &failures->items[failures->n_items++];
}

void failures_note(Pass *pass, const Retry *retry, const char *what, int error) {
        Failures *failures = pass->engine->failures;
        const char *name = retry->name ?: "";
        Noted *noted;

        (void) pthread_mutex_lock(&failures->mutex);
        failures->count++;
        noted = find_locked(failures, retry->node, name) ?: add_locked(failures, retry->node, name);
        if (noted) {
                noted->failed = failures->count;
                noted->tried = 0;
                noted->failure.what = what;
                noted->failure.error = error;
                noted->failure.last = now_usec(CLOCK_REALTIME);
                noted->failure.n_attempts = retry->n_attempts + 1;
        } else {
                failures->n_unlisted++;
                failures->n_unlisted_since++;
        }
        (void) pthread_mutex_unlock(&failures->mutex);
}

static bool directory_covers(const DirtyDirectory *directory, const Failure *failure) {
        if (directory->node != failure->node)
                return false;
        if (directory->listing || (directory->self && !failure->name[0]))
                return true;
        for (size_t i = 0; i < directory->n_names; i++)
                if (streq(directory->names[i].name, failure->name))
                        return true;
        return false;
}

static bool batch_covers(const DirtyBatch *batch, const Failure *failure) {
        for (size_t i = 0; i < batch->n_directories; i++)
                if (directory_covers(&batch->directories[i], failure))
                        return true;
        return false;
}

void failures_begin_pass(Pass *pass) {
        Failures *failures = pass->engine->failures;

        (void) pthread_mutex_lock(&failures->mutex);
        pass->failures_mark = ++failures->count;
        if (pass->kind == PASS_FULL)
                failures->n_unlisted_since = 0;
        for (size_t i = 0; pass->kind == PASS_DIRTY && i < failures->n_items; i++)
                if (batch_covers(&pass->dirty, &failures->items[i].failure))
                        failures->items[i].tried = pass->failures_mark;
        (void) pthread_mutex_unlock(&failures->mutex);
}

static bool is_over(const Pass *pass, const Noted *noted) {
        if (noted->failure.node->detached)
                return true;
        if (pass->kind == PASS_FULL)
                return noted->failed < pass->failures_mark;
        return pass->kind == PASS_DIRTY && noted->tried == pass->failures_mark;
}

void failures_end_pass(Pass *pass) {
        Failures *failures = pass->engine->failures;

        if (pass->result.result != 0 || pass->failures_mark == 0)
                return;
        (void) pthread_mutex_lock(&failures->mutex);
        for (size_t i = failures->n_items; i > 0; i--)
                if (is_over(pass, &failures->items[i - 1]))
                        remove_locked(failures, i - 1);
        if (pass->kind == PASS_FULL)
                failures->n_unlisted = failures->n_unlisted_since;
        (void) pthread_mutex_unlock(&failures->mutex);
}

uint64_t engine_n_failures(const Engine *engine) {
        Failures *failures = engine->failures;
        uint64_t n;

        (void) pthread_mutex_lock(&failures->mutex);
        n = failures->n_items + failures->n_unlisted;
        (void) pthread_mutex_unlock(&failures->mutex);
        return n;
}

void failure_list_done(FailureList *list) {
        for (size_t i = 0; i < list->n_items; i++)
                failure_done(&list->items[i]);
        free(list->items);
        *list = FAILURE_LIST_NULL;
}

/* What is detached is gone from the source, and about to be forgotten. */
static int copy_failure(Engine *engine, const Failure *from, Failure *ret) {
        Failure copy = *from;
        int r;

        r = tree_source_path(engine->tree, from->node, from->name, &copy.path);
        if (r < 0)
                return r;
        copy.name = strdup(from->name);
        if (!copy.name) {
                free(copy.path);
                return -ENOMEM;
        }
        copy.node = node_ref(from->node);
        *ret = copy;
        return 0;
}

/* What a list is made of. */
typedef struct Choice {
        bool lasting; /* what lasts and was not taken, and it is taken */
        unsigned n_attempts;
        usec_t since;
} Choice;

static bool choose(const Choice *choice, const Noted *noted) {
        if (!choice->lasting)
                return true;
        return !noted->taken && (noted->failure.n_attempts >= choice->n_attempts ||
                                 noted->failure.first <= choice->since);
}

static int list_locked(Engine *engine, const Choice *choice, FailureList *list) {
        Failures *failures = engine->failures;

        list->n_unlisted = failures->n_unlisted;
        if (failures->n_items == 0)
                return 0;
        list->items = new0(Failure, failures->n_items);
        if (!list->items)
                return -ENOMEM;
        for (size_t i = 0; i < failures->n_items; i++) {
                Noted *noted = &failures->items[i];
                int r;

                if (!choose(choice, noted))
                        continue;
                r = copy_failure(engine, &noted->failure, &list->items[list->n_items]);
                if (r == -ENOMEM)
                        return r;
                list->n_items += r >= 0;
                noted->taken |= choice->lasting;
        }
        return 0;
}

static int list(Engine *engine, const Choice *choice, FailureList *ret) {
        FailureList chosen = FAILURE_LIST_NULL;
        int r;

        (void) pthread_mutex_lock(&engine->failures->mutex);
        r = list_locked(engine, choice, &chosen);
        (void) pthread_mutex_unlock(&engine->failures->mutex);
        if (r < 0) {
                failure_list_done(&chosen);
                return r;
        }
        *ret = chosen;
        return 0;
}

int engine_list_failures(Engine *engine, FailureList *ret) {
        return list(engine, &(Choice) {}, ret);
}

int engine_take_lasting_failures(Engine *engine, unsigned n_attempts, usec_t age,
                                 FailureList *ret) {
        usec_t now = now_usec(CLOCK_REALTIME);

        return list(engine,
                    &(Choice) { .lasting = true,
                                .n_attempts = n_attempts,
                                .since = now > age ? now - age : 0 },
                    ret);
}
