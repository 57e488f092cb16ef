#include "model-policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void path_set_done(PathSet *set) {
        for (size_t i = 0; i < set->n_items; i++)
                free(set->items[i]);
        free(set->items);
        *set = (PathSet) {};
}

static bool path_set_has(const PathSet *set, const char *path) {
        for (size_t i = 0; i < set->n_items; i++)
                if (strcmp(set->items[i], path) == 0)
                        return true;
        return false;
}

static void path_set_add(PathSet *set, const char *path) {
        if (path_set_has(set, path))
                return;
        set->items = must(reallocarray(set->items, set->n_items + 1, sizeof *set->items));
        set->items[set->n_items++] = must(strdup(path));
}

static void path_set_add_list(PathSet *set, const TreeList *list) {
        for (size_t i = 0; i < list->n_entries; i++)
                path_set_add(set, list->entries[i].path);
}

/* Whether PATH or what it is in is in the set. */
static bool path_set_covers(const PathSet *set, const char *path) {
        for (size_t i = 0; i < set->n_items; i++) {
                size_t length = strlen(set->items[i]);

                if (length > 0 && strncmp(set->items[i], path, length) == 0 &&
                    (path[length] == '\0' || path[length] == '/'))
                        return true;
        }
        return false;
}

void keep_promises_begin(KeepPromises *keep, ModelPolicy policy) {
        *keep = (KeepPromises) {
                .overwrite = policy != POLICY_NO_OVERWRITE && policy != POLICY_ARCHIVE,
                .remove = policy != POLICY_NO_DELETE && policy != POLICY_ARCHIVE,
        };
}

void keep_promises_done(KeepPromises *keep) {
        tree_list_done(&keep->then);
        path_set_done(&keep->ever);
        path_set_done(&keep->seen);
        path_set_done(&keep->moved);
        path_set_done(&keep->absent);
        content_set_done(&keep->contents);
}

void keep_promises_note_step(KeepPromises *keep, const Step *step, const TreeList *source) {
        bool moves = step->kind == STEP_RENAME || step->kind == STEP_EXCHANGE ||
                     step->kind == STEP_LINK || step->kind == STEP_MOVE_OUT ||
                     step->kind == STEP_MOVE_IN;

        if (moves)
                path_set_add(&keep->moved, step->a);
        if (moves && step->b[0] && step->kind < STEP_MOVE_OUT)
                path_set_add(&keep->moved, step->b);
        for (size_t i = 0; i < keep->ever.n_items; i++)
                if (!tree_list_find(source, keep->ever.items[i]))
                        path_set_add(&keep->absent, keep->ever.items[i]);
}

void keep_promises_note_replica(KeepPromises *keep, const TreeList *replica) {
        path_set_add_list(&keep->ever, replica);
        path_set_add_list(&keep->seen, replica);
        if (!keep->overwrite && !keep->remove)
                content_set_add_list(&keep->contents, replica);
}

static ModelFailure say(ModelFailure failure, char *text, size_t size, const char *path,
                        const char *what) {
        (void) snprintf(text, size, "\"%s\" %s", path, what);
        return failure;
}

static bool is_blocked(const TreeList *replica, const char *path) {
        char above[MODEL_PATH_MAX * 2];
        const TreeEntry *entry;
        char *slash;

        (void) snprintf(above, sizeof above, "%s", path);
        while ((slash = strrchr(above, '/'))) {
                *slash = '\0';
                entry = tree_list_find(replica, above);
                if (entry && !S_ISDIR(entry->mode))
                        return true;
        }
        return false;
}

/* What the source has, the replica has, unless something that stays is in its place. */
static ModelFailure check_source_entry(const KeepPromises *keep, const TreeEntry *source,
                                       const TreeList *replica, char *text, size_t size) {
        const TreeEntry *entry = tree_list_find(replica, source->path);
        bool may_differ = entry && !keep->overwrite && path_set_has(&keep->ever, source->path);
        bool same;

        if (!entry)
                return is_blocked(replica, source->path)
                               ? MODEL_PASSED
                               : say(MODEL_NOT_EQUAL, text, size, source->path,
                                     "is not in the replica");
        may_differ |= S_ISDIR(entry->mode) && !S_ISDIR(source->mode);
        same = (entry->mode & S_IFMT) == (source->mode & S_IFMT) &&
               strcmp(entry->content.text, source->content.text) == 0;
        if (!same)
                return may_differ ? MODEL_PASSED
                                  : say(MODEL_NOT_EQUAL, text, size, source->path,
                                        "has another content or type");
        if (entry->n_links > 1 && !S_ISDIR(entry->mode))
                return MODEL_PASSED;
        if (entry->mode != source->mode || strcmp(entry->attribute, source->attribute) != 0)
                return say(MODEL_NOT_EQUAL, text, size, source->path,
                           "has another mode or attribute");
        return entry->mtime == source->mtime || !keep->overwrite
                       ? MODEL_PASSED
                       : say(MODEL_NOT_EQUAL, text, size, source->path, "has another mtime");
}

/* What the replica alone has must have had a reason to stay. */
static ModelFailure check_replica_entry(const KeepPromises *keep, const TreeEntry *replica,
                                        const TreeList *source, char *text, size_t size) {
        char above[MODEL_PATH_MAX * 2], *slash;

        if (!keep->remove || tree_list_find(source, replica->path))
                return MODEL_PASSED;
        /* It may be in a directory that the source has made a file of. */
        (void) snprintf(above, sizeof above, "%s", replica->path);
        while ((slash = strrchr(above, '/'))) {
                const TreeEntry *entry;

                *slash = '\0';
                entry = tree_list_find(source, above);
                if (entry && !S_ISDIR(entry->mode) && !keep->overwrite)
                        return MODEL_PASSED;
        }
        return say(MODEL_NOT_EQUAL, text, size, replica->path, "is in the replica alone");
}

/* Neither replaced nor removed since the last check. */
static ModelFailure check_stayed(const KeepPromises *keep, const TreeEntry *then,
                                 const TreeList *replica, char *text, size_t size) {
        const TreeEntry *now = tree_list_find(replica, then->path);

        if (path_set_covers(&keep->moved, then->path))
                return MODEL_PASSED;
        if (!now && !keep->remove)
                return say(MODEL_POLICY_BROKEN, text, size, then->path, "was removed");
        if (!now || keep->overwrite || S_ISDIR(then->mode))
                return MODEL_PASSED;
        if (keep->remove && path_set_has(&keep->absent, then->path))
                return MODEL_PASSED;
        return (now->mode & S_IFMT) == (then->mode & S_IFMT) &&
                               strcmp(now->content.text, then->content.text) == 0
                       ? MODEL_PASSED
                       : say(MODEL_POLICY_BROKEN, text, size, then->path, "was replaced");
}

static ModelFailure check_contents(const KeepPromises *keep, const TreeList *replica, char *text,
                                   size_t size) {
        ModelFailure failure = MODEL_PASSED;
        ContentSet there = {};

        content_set_add_list(&there, replica);
        for (size_t i = 0; failure == MODEL_PASSED && i < keep->contents.n_items; i++)
                if (!content_set_has(&there, &keep->contents.items[i]))
                        failure = say(MODEL_POLICY_BROKEN, text, size, keep->contents.items[i].text,
                                      "has left the replica");
        content_set_done(&there);
        return failure;
}

ModelFailure keep_promises_check(KeepPromises *keep, const TreeList *source,
                                 const TreeList *replica, char *text, size_t size) {
        ModelFailure failure = check_contents(keep, replica, text, size);

        for (size_t i = 0; failure == MODEL_PASSED && i < keep->then.n_entries; i++)
                failure = check_stayed(keep, &keep->then.entries[i], replica, text, size);
        for (size_t i = 0; failure == MODEL_PASSED && !keep->remove && i < keep->seen.n_items; i++)
                if (!tree_list_find(replica, keep->seen.items[i]) &&
                    !path_set_covers(&keep->moved, keep->seen.items[i]))
                        failure = say(MODEL_POLICY_BROKEN, text, size, keep->seen.items[i],
                                      "was removed");
        for (size_t i = 0; failure == MODEL_PASSED && i < source->n_entries; i++)
                failure = check_source_entry(keep, &source->entries[i], replica, text, size);
        for (size_t i = 0; failure == MODEL_PASSED && i < replica->n_entries; i++)
                failure = check_replica_entry(keep, &replica->entries[i], source, text, size);
        return failure;
}

void keep_promises_go_on(KeepPromises *keep, TreeList *replica) {
        tree_list_done(&keep->then);
        keep->then = *replica;
        *replica = (TreeList) {};
        path_set_done(&keep->seen);
        path_set_done(&keep->moved);
        path_set_done(&keep->absent);
}
