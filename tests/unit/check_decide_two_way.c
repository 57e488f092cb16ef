/* The table of two-way pairs, held against rules that are stated without it; which metadata win;
 * and the names of conflict copies. */

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/macros.h"
#include "sync/conflict-name.h"
#include "sync/decide.h"
#include "sync/merge.h"

enum { N_CASES = _STATE_MAX * _STATE_MAX * _EVIDENCE_MAX };

typedef struct Case {
        EntryState source, replica;
        Evidence content;
        Action action;
} Case;

static const Policy two_way = { .two_way = true };

static Case case_get(int i) {
        Case c = {
                .source = (EntryState) (i % _STATE_MAX),
                .replica = (EntryState) (i / _STATE_MAX % _STATE_MAX),
                .content = (Evidence) (i / (_STATE_MAX * _STATE_MAX)),
        };

        c.action = decide(c.source, c.replica, c.content, two_way);
        return c;
}

#define EXPECT(c, condition)                                                                   \
        ck_assert_msg((condition), "source %s, replica %s, evidence %d: %s: %s",               \
                      entry_state_to_string((c)->source), entry_state_to_string((c)->replica), \
                      (c)->content, action_to_string((c)->action), #condition)

static bool is_there(EntryState state) {
        return state != STATE_GONE;
}

/* Nothing leaves a side but what is as it was, when the other side had it and has it no more. */
START_TEST(only_what_is_known_and_unchanged_is_removed) {
        Case c = case_get(_i);

        if (c.action == ACTION_REMOVE)
                EXPECT(&c, c.source == STATE_GONE && c.replica == STATE_SAME);
        if (c.action == ACTION_RETURN_REMOVE)
                EXPECT(&c, c.replica == STATE_GONE && c.source == STATE_SAME);
        if (c.action == ACTION_FORGET)
                EXPECT(&c, !is_there(c.source) && !is_there(c.replica));
}
END_TEST

/* What replaces something else does so only where that did not change, by its metadata or by the
 * evidence. */
START_TEST(no_change_is_overwritten) {
        Case c = case_get(_i);

        if (c.action == ACTION_UPDATE || c.action == ACTION_REPLACE)
                EXPECT(&c, c.replica == STATE_SAME || c.content == EVIDENCE_ONLY_SOURCE_MOVED);
        if (c.action == ACTION_RETURN_UPDATE || c.action == ACTION_RETURN_REPLACE)
                EXPECT(&c, c.source == STATE_SAME || c.content == EVIDENCE_ONLY_REPLICA_MOVED);
}
END_TEST

START_TEST(who_lacks_it_gets_it) {
        Case c = case_get(_i);

        if (c.action == ACTION_CREATE)
                EXPECT(&c, is_there(c.source) && !is_there(c.replica));
        if (c.action == ACTION_RETURN_CREATE)
                EXPECT(&c, is_there(c.replica) && !is_there(c.source));
        if (is_there(c.source) != is_there(c.replica))
                EXPECT(&c, c.action == ACTION_CREATE || c.action == ACTION_RETURN_CREATE ||
                                   c.action == ACTION_REMOVE || c.action == ACTION_RETURN_REMOVE);
}
END_TEST

/* Each side for the other. NEW beside SAME cannot be, and is as safe either way. */
START_TEST(both_sides_are_treated_alike) {
        static const Action mirrored[_ACTION_MAX] = {
                [ACTION_NONE] = ACTION_NONE,
                [ACTION_COMPARE] = ACTION_COMPARE,
                [ACTION_CREATE] = ACTION_RETURN_CREATE,
                [ACTION_UPDATE] = ACTION_RETURN_UPDATE,
                [ACTION_REPLACE] = ACTION_RETURN_REPLACE,
                [ACTION_REMOVE] = ACTION_RETURN_REMOVE,
                [ACTION_FORGET] = ACTION_FORGET,
                [ACTION_ADOPT] = ACTION_ADOPT,
                [ACTION_RETURN_CREATE] = ACTION_CREATE,
                [ACTION_RETURN_UPDATE] = ACTION_UPDATE,
                [ACTION_RETURN_REPLACE] = ACTION_REPLACE,
                [ACTION_RETURN_REMOVE] = ACTION_REMOVE,
                [ACTION_CONFLICT] = ACTION_CONFLICT,
        };
        static const Evidence mirrored_evidence[_EVIDENCE_MAX] = {
                [EVIDENCE_NONE] = EVIDENCE_NONE,
                [EVIDENCE_EQUAL] = EVIDENCE_EQUAL,
                [EVIDENCE_DIFFERENT] = EVIDENCE_DIFFERENT,
                [EVIDENCE_ONLY_REPLICA_MOVED] = EVIDENCE_ONLY_SOURCE_MOVED,
                [EVIDENCE_ONLY_SOURCE_MOVED] = EVIDENCE_ONLY_REPLICA_MOVED,
        };
        Case c = case_get(_i);
        Action other = decide(c.replica, c.source, mirrored_evidence[c.content], two_way);

        if (c.content == EVIDENCE_EQUAL && is_there(c.source) && is_there(c.replica))
                return; /* metadata go both ways by either action */
        EXPECT(&c, other == mirrored[c.action]);
}
END_TEST

/* Rows are the source's state, columns the replica's: same, changed, new, gone, retyped. Upper case
 * returns: C create, U update, R replace, M metadata, - and X removals, ! conflict. */
static const char *const golden[_EVIDENCE_MAX][_STATE_MAX] = {
        { ".ccXR", "ccc+!", "ccc+!", "-CCfC", "r!!+c" },
        { ".MaXR", "mMa+!", "aaa+!", "-CCfC", "r!!+a" },
        { ".U!XR", "u!!+!", "!!!+!", "-CCfC", "r!!+!" },
        { ".U!XR", "uU!+!", "!!!+!", "-CCfC", "r!!+!" },
        { ".U!XR", "uu!+!", "!!!+!", "-CCfC", "r!!+!" },
};

static const char letters[_ACTION_MAX] = {
        [ACTION_NONE] = '.',           [ACTION_COMPARE] = 'c',         [ACTION_CREATE] = '+',
        [ACTION_UPDATE] = 'u',         [ACTION_REPLACE] = 'r',         [ACTION_METADATA] = 'm',
        [ACTION_ADOPT] = 'a',          [ACTION_REMOVE] = '-',          [ACTION_FORGET] = 'f',
        [ACTION_KEEP] = 'k',           [ACTION_RETURN_CREATE] = 'C',   [ACTION_RETURN_UPDATE] = 'U',
        [ACTION_RETURN_REPLACE] = 'R', [ACTION_RETURN_METADATA] = 'M', [ACTION_RETURN_REMOVE] = 'X',
        [ACTION_CONFLICT] = '!',
};

START_TEST(table_is_the_golden_one) {
        Case c = case_get(_i);

        EXPECT(&c, letters[c.action] == golden[c.content][c.source][c.replica]);
}
END_TEST

/* The grid that ARCHITECTURE.md shows. */
static const char *cell(Action action) {
        switch (action) {
        case ACTION_NONE:
                return "none";
        case ACTION_COMPARE:
                return "?";
        case ACTION_CREATE:
                return "→ create";
        case ACTION_REPLACE:
                return "→ replace";
        case ACTION_REMOVE:
                return "→ remove";
        case ACTION_RETURN_CREATE:
                return "← create";
        case ACTION_RETURN_REPLACE:
                return "← replace";
        case ACTION_RETURN_REMOVE:
                return "← remove";
        case ACTION_FORGET:
                return "forget";
        case ACTION_CONFLICT:
                return "conflict";
        default:
                return "not to be";
        }
}

START_TEST(documentation_shows_the_table) {
        char row[512], line[8192];
        bool found = false;
        FILE *file;
        size_t n;

        file = fopen(TOP_SRCDIR "/ARCHITECTURE.md", "re");
        ck_assert_ptr_nonnull(file);
        n = (size_t) snprintf(row, sizeof row, "| %s |", entry_state_to_string((EntryState) _i));
        for (EntryState replica = 0; replica < _STATE_MAX; replica++)
                n += (size_t) snprintf(
                        row + n, sizeof row - n, " %s |",
                        cell(decide((EntryState) _i, replica, EVIDENCE_NONE, two_way)));
        (void) snprintf(row + n, sizeof row - n, "\n");
        while (fgets(line, sizeof line, file))
                found = found || strcmp(line, row) == 0;
        (void) fclose(file);
        ck_assert_msg(found, "missing in ARCHITECTURE.md: %s", row);
}
END_TEST

/* Which metadata win. */

START_TEST(each_property_comes_from_who_changed_it) {
        Stamp was = { .mode = S_IFREG | 0644, .uid = 1, .gid = 2, .mtime = 10 }, source = was,
              replica = was, merged;
        MergeSides sides = { &source, &replica, &was, &was, false };

        source.mode = S_IFREG | 0600;
        replica.uid = 5;
        replica.mtime = 20;
        merged = merge_stamps(&sides);
        ck_assert_uint_eq(merged.mode, S_IFREG | 0600);
        ck_assert_uint_eq(merged.uid, 5);
        ck_assert_uint_eq(merged.gid, 2);
        ck_assert_int_eq(merged.mtime, 20);

        /* Both: the newer one. */
        replica.mode = S_IFREG | 0640;
        source.ctime = 1;
        ck_assert_uint_eq(merge_stamps(&sides).mode, S_IFREG | 0600);
        replica.ctime = 2;
        ck_assert_uint_eq(merge_stamps(&sides).mode, S_IFREG | 0640);

        /* Its content brings its time and type along. */
        sides.is_replicas_content = true;
        source.mtime = 30;
        replica.ctime = 0;
        ck_assert_int_eq(merge_stamps(&sides).mtime, 20);

        /* Nothing is known of earlier. */
        sides = (MergeSides) { &source, &replica, NULL, NULL, false };
        merged = merge_stamps(&sides);
        ck_assert_uint_eq(merged.mode, source.mode);
        ck_assert_uint_eq(merged.uid, source.uid);
        ck_assert_int_eq(merged.mtime, source.mtime);
}
END_TEST

/* A replica that cannot hold an owner does not take it from the source. */
START_TEST(what_a_side_cannot_hold_is_no_change) {
        Stamp was_source = { .mode = S_IFREG | 0644, .uid = 1000, .gid = 1000 },
              was_replica = { .mode = S_IFREG | 0755 }, source = was_source, replica = was_replica,
              merged;

        replica.mtime = 5;
        merged = merge_stamps(&(MergeSides) { &source, &replica, &was_source, &was_replica, true });
        ck_assert_uint_eq(merged.mode, S_IFREG | 0644);
        ck_assert_uint_eq(merged.uid, 1000);
        ck_assert_int_eq(merged.mtime, 5);
}
END_TEST

/* Names */

static const char *name_of(const char *name, unsigned n_tried) {
        static char buffer[NAME_MAX + 1];

        conflict_name_format(&(ConflictName) { .name = name,
                                               .side = "replica",
                                               .mtime = INT64_C(1795242338123456789),
                                               .n_tried = n_tried },
                             buffer);
        return buffer;
}

START_TEST(names_of_conflict_copies) {
        ck_assert_str_eq(name_of("a.jpg", 0), "a.conflict-20261121-062538-replica.jpg");
        ck_assert_str_eq(name_of("a", 0), "a.conflict-20261121-062538-replica");
        ck_assert_str_eq(name_of(".profile", 0), ".profile.conflict-20261121-062538-replica");
        ck_assert_str_eq(name_of("a.tar.gz", 2), "a.tar.conflict-20261121-062538-replica-3.gz");
        ck_assert_str_eq(name_of("a.", 0), "a..conflict-20261121-062538-replica");
}
END_TEST

START_TEST(long_names_are_cut_between_characters) {
        char name[NAME_MAX + 1];

        for (size_t i = 0; i < NAME_MAX; i += 3)
                memcpy(name + i, "€", 3);
        memcpy(name + NAME_MAX - 4, ".txt", 5);
        ck_assert_uint_le(strlen(name_of(name, 7)), NAME_MAX);
        ck_assert_ptr_nonnull(strstr(name_of(name, 7), "€.conflict-"));
        ck_assert_str_eq(name_of(name, 7) + strlen(name_of(name, 7)) - 6, "-8.txt");
        /* What only looks like an extension is cut, too. */
        memset(name, 'x', NAME_MAX);
        name[NAME_MAX] = '\0';
        name[3] = '.';
        ck_assert_uint_eq(strlen(name_of(name, 0)), NAME_MAX);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("decide_two_way");
        TCase *tcase = tcase_create("decide_two_way");

        tcase_add_loop_test(tcase, only_what_is_known_and_unchanged_is_removed, 0, N_CASES);
        tcase_add_loop_test(tcase, no_change_is_overwritten, 0, N_CASES);
        tcase_add_loop_test(tcase, who_lacks_it_gets_it, 0, N_CASES);
        tcase_add_loop_test(tcase, both_sides_are_treated_alike, 0, N_CASES);
        tcase_add_loop_test(tcase, table_is_the_golden_one, 0, N_CASES);
        tcase_add_loop_test(tcase, documentation_shows_the_table, 0, _STATE_MAX);
        tcase_add_test(tcase, each_property_comes_from_who_changed_it);
        tcase_add_test(tcase, what_a_side_cannot_hold_is_no_change);
        tcase_add_test(tcase, names_of_conflict_copies);
        tcase_add_test(tcase, long_names_are_cut_between_characters);
        suite_add_tcase(suite, tcase);

        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        int n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
