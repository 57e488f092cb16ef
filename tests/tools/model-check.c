#include "model-check.h"

#include <stdio.h>
#include <string.h>

static bool keeps(const Promises *promises) {
        return promises->policy != POLICY_ONE_WAY && promises->policy != POLICY_TWO_WAY;
}

void promises_begin(Promises *promises, const World *world, ModelPolicy policy) {
        *promises = (Promises) { .world = world, .policy = policy };
        keep_promises_begin(&promises->keep, policy);
}

void promises_done(Promises *promises) {
        content_set_done(&promises->kept);
        content_set_done(&promises->live);
        keep_promises_done(&promises->keep);
}

void witness_before(const Promises *promises, ModelSide side, Witness *ret) {
        ret->side = side;
        tree_list(promises->world->sides[side], &ret->before);
}

/* Whether PATH is TOP or below it. */
static bool is_within(const char *path, const char *top) {
        size_t length = strlen(top);

        return length > 0 && strncmp(path, top, length) == 0 &&
               (path[length] == '\0' || path[length] == '/');
}

/* Of what the step has taken away itself nobody else can keep a copy. */
static void strike(Promises *promises, const Step *step, const TreeList *before,
                   const TreeList *after, const ContentSet *everywhere) {
        for (size_t i = 0; i < before->n_entries; i++) {
                const TreeEntry *entry = &before->entries[i];

                if (!is_within(entry->path, step->a) && !is_within(entry->path, step->b))
                        continue;
                if (!content_set_has(everywhere, &entry->content))
                        content_set_remove(&promises->kept, &entry->content);
                if (tree_list_count(after, &entry->content) <
                    tree_list_count(before, &entry->content))
                        content_set_remove(&promises->live, &entry->content);
        }
        for (size_t i = 0; i < after->n_entries; i++)
                if (tree_list_count(after, &after->entries[i].content) >
                    tree_list_count(before, &after->entries[i].content))
                        content_set_add(&promises->live, &after->entries[i].content);
}

void witness_after(Promises *promises, const Step *step, Witness *witness) {
        TreeList after[_MODEL_SIDE_MAX];
        ContentSet everywhere = {};

        world_add_versions(promises->world, &everywhere);
        for (ModelSide side = 0; side < _MODEL_SIDE_MAX; side++) {
                tree_list(promises->world->sides[side], &after[side]);
                content_set_add_list(&everywhere, &after[side]);
        }
        promises->tampered |= step->side == MODEL_REPLICA;
        if (keeps(promises) && step->side == MODEL_SOURCE)
                keep_promises_note_step(&promises->keep, step, &after[MODEL_SOURCE]);
        strike(promises, step, &witness->before, &after[witness->side], &everywhere);
        for (ModelSide side = 0; side < _MODEL_SIDE_MAX; side++) {
                content_set_add_list(&promises->kept, &after[side]);
                tree_list_done(&after[side]);
        }
        content_set_done(&everywhere);
        tree_list_done(&witness->before);
}

void promises_note_work(Promises *promises) {
        TreeList replica;

        if (!keeps(promises))
                return;
        tree_list(promises->world->sides[MODEL_REPLICA], &replica);
        keep_promises_note_replica(&promises->keep, &replica);
        tree_list_done(&replica);
}

void promises_go_on(Promises *promises) {
        TreeList replica;

        if (!keeps(promises))
                return;
        tree_list(promises->world->sides[MODEL_REPLICA], &replica);
        keep_promises_go_on(&promises->keep, &replica);
}

void promises_note_lost_catalog(Promises *promises) {
        for (ModelSide side = 0; side < _MODEL_SIDE_MAX; side++)
                content_set_add_directory(&promises->live, promises->world->sides[side]);
}

static const Content *find_missing(const ContentSet *wanted, const ContentSet *there) {
        for (size_t i = 0; i < wanted->n_items; i++)
                if (!content_set_has(there, &wanted->items[i]))
                        return &wanted->items[i];
        return NULL;
}

ModelFailure promises_check_contents(const Promises *promises, bool in_transit, char *text,
                                     size_t size) {
        ContentSet there = {};
        const Content *missing;

        for (ModelSide side = 0; side < _MODEL_SIDE_MAX; side++)
                content_set_add_directory(&there, promises->world->sides[side]);
        world_add_versions(promises->world, &there);
        if (in_transit)
                world_add_staged(promises->world, &there);
        missing = find_missing(&promises->kept, &there);
        if (missing)
                (void) snprintf(text, size, "the content \"%s\" is neither on a side nor a version",
                                missing->text);
        content_set_done(&there);
        return missing ? MODEL_CONTENT_LOST : MODEL_PASSED;
}

static ModelFailure check_live(const Promises *promises, const TreeList *source, char *text,
                               size_t size) {
        ContentSet there = {};
        const Content *missing;

        if (promises->policy != POLICY_TWO_WAY)
                return MODEL_PASSED;
        content_set_add_list(&there, source);
        missing = find_missing(&promises->live, &there);
        if (missing)
                (void) snprintf(text, size, "nobody removed the content \"%s\", and it is gone",
                                missing->text);
        content_set_done(&there);
        return missing ? MODEL_CHANGE_LOST : MODEL_PASSED;
}

ModelFailure promises_check_sides(Promises *promises, bool *ret_equal, char *text, size_t size) {
        TreeList sides[_MODEL_SIDE_MAX];
        ModelFailure failure;

        for (ModelSide side = 0; side < _MODEL_SIDE_MAX; side++)
                tree_list(promises->world->sides[side], &sides[side]);
        *ret_equal = tree_lists_equal(&sides[MODEL_SOURCE], &sides[MODEL_REPLICA], text, size);
        failure = *ret_equal ? MODEL_PASSED : MODEL_NOT_EQUAL;
        if (promises->ignore_links && failure != MODEL_PASSED &&
            strstr(text, "has another hard link"))
                failure = MODEL_PASSED;
        for (ModelSide side = 0; side < _MODEL_SIDE_MAX; side++)
                if (!tree_list_modes_are_given(&sides[side], text, size))
                        failure = MODEL_POLICY_BROKEN;
        if (failure != MODEL_POLICY_BROKEN && keeps(promises) && promises->tampered)
                failure = MODEL_PASSED;
        else if (failure != MODEL_POLICY_BROKEN && keeps(promises))
                failure = keep_promises_check(&promises->keep, &sides[MODEL_SOURCE],
                                              &sides[MODEL_REPLICA], text, size);
        if (failure == MODEL_PASSED)
                failure = check_live(promises, &sides[MODEL_SOURCE], text, size);
        for (ModelSide side = 0; side < _MODEL_SIDE_MAX; side++)
                tree_list_done(&sides[side]);
        return failure;
}
