/* The whole decision table: held against rules that are stated without it, and against a copy of it
 * written by hand. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "basic/macros.h"
#include "sync/decide.h"

typedef struct Case {
        EntryState source, replica;
        Evidence content;
        Policy policy;
        Action action; /* what decide() says */
} Case;

/* Who changed which side is a question of two-way pairs: see check_decide_two_way.c. */
enum {
        N_EVIDENCE = EVIDENCE_DIFFERENT + 1,
        N_POLICIES = 4,
        N_CASES = _STATE_MAX * _STATE_MAX * N_EVIDENCE * N_POLICIES,
};

static const Policy full_policy = { .overwrite = true, .remove = true };

static Case case_get(int i) {
        Case c = {
                .source = (EntryState) (i % _STATE_MAX),
                .replica = (EntryState) (i / _STATE_MAX % _STATE_MAX),
                .content = (Evidence) (i / (_STATE_MAX * _STATE_MAX) % N_EVIDENCE),
        };
        int policy = i / (_STATE_MAX * _STATE_MAX * N_EVIDENCE);

        c.policy = (Policy) { .overwrite = !(policy & 1), .remove = !(policy & 2) };
        c.action = decide(c.source, c.replica, c.content, c.policy);
        return c;
}

/* Rules: of each action, everything that must be true where it is chosen. */

static bool has(const Case *c, EntryState state) {
        return c->source == state || c->replica == state;
}

static Action with_full_policy(const Case *c) {
        return decide(c->source, c->replica, c->content, full_policy);
}

static bool none_holds(const Case *c) {
        return c->source == STATE_SAME && c->replica == STATE_SAME;
}

static bool compare_holds(const Case *c) {
        return c->content == EVIDENCE_NONE && !has(c, STATE_GONE) && !has(c, STATE_RETYPED) &&
               !none_holds(c);
}

static bool create_holds(const Case *c) {
        return c->source != STATE_GONE && c->replica == STATE_GONE;
}

/* What the source still has as it was copied is put back under any policy. */
static bool may_replace(const Case *c) {
        return c->policy.overwrite || c->source == STATE_SAME;
}

static bool update_holds(const Case *c) {
        return may_replace(c) && c->content == EVIDENCE_DIFFERENT && !has(c, STATE_GONE) &&
               !has(c, STATE_RETYPED) && !none_holds(c);
}

static bool replace_holds(const Case *c) {
        return may_replace(c) && has(c, STATE_RETYPED) && !has(c, STATE_GONE);
}

static bool metadata_holds(const Case *c) {
        return c->content == EVIDENCE_EQUAL && has(c, STATE_CHANGED) && !has(c, STATE_NEW) &&
               !has(c, STATE_GONE) && !has(c, STATE_RETYPED);
}

static bool adopt_holds(const Case *c) {
        return c->content == EVIDENCE_EQUAL && has(c, STATE_NEW) && !has(c, STATE_GONE) &&
               !has(c, STATE_RETYPED);
}

static bool remove_holds(const Case *c) {
        return c->policy.remove && c->source == STATE_GONE && c->replica != STATE_GONE;
}

static bool forget_holds(const Case *c) {
        return c->source == STATE_GONE && c->replica == STATE_GONE;
}

static bool keep_holds(const Case *c) {
        Action otherwise = with_full_policy(c);

        return (!c->policy.remove && otherwise == ACTION_REMOVE) ||
               (!may_replace(c) && (otherwise == ACTION_UPDATE || otherwise == ACTION_REPLACE));
}

/* Without that policy. */
static bool tolerate_holds(const Case *c) {
        (void) c;
        return false;
}

static bool (*const rules[_ACTION_MAX])(const Case *c) = {
        [ACTION_NONE] = none_holds,         [ACTION_COMPARE] = compare_holds,
        [ACTION_CREATE] = create_holds,     [ACTION_UPDATE] = update_holds,
        [ACTION_REPLACE] = replace_holds,   [ACTION_METADATA] = metadata_holds,
        [ACTION_ADOPT] = adopt_holds,       [ACTION_REMOVE] = remove_holds,
        [ACTION_FORGET] = forget_holds,     [ACTION_KEEP] = keep_holds,
        [ACTION_TOLERATE] = tolerate_holds,
};

#define EXPECT(c, condition)                                                                   \
        ck_assert_msg((condition),                                                             \
                      "source %s, replica %s, evidence %d, overwrite %d, remove %d: %s: %s",   \
                      entry_state_to_string((c)->source), entry_state_to_string((c)->replica), \
                      (c)->content, (c)->policy.overwrite, (c)->policy.remove,                 \
                      action_to_string((c)->action), #condition)

START_TEST(exactly_one_rule_holds) {
        Case c = case_get(_i);
        int n_rules = 0;

        for (int action = 0; action < _ACTION_MAX; action++)
                n_rules += rules[action] && rules[action](&c);
        EXPECT(&c, n_rules == 1);
        EXPECT(&c, c.action >= 0 && c.action < _ACTION_MAX);
        EXPECT(&c, rules[c.action](&c));
}
END_TEST

START_TEST(evidence_settles_comparisons_alone) {
        Case c = case_get(_i);

        if (decide(c.source, c.replica, EVIDENCE_NONE, c.policy) == ACTION_COMPARE)
                EXPECT(&c, c.content == EVIDENCE_NONE || c.action != ACTION_COMPARE);
        else
                EXPECT(&c, c.action == decide(c.source, c.replica, EVIDENCE_NONE, c.policy));
}
END_TEST

START_TEST(policy_only_turns_actions_into_keeping) {
        Case c = case_get(_i);

        EXPECT(&c, c.action == ACTION_KEEP || c.action == with_full_policy(&c));
}
END_TEST

/* What somebody else did to the replica: the source is as the catalog has it and the replica is
 * not, or the replica alone has something that the catalog does not know. */
static bool is_foreign(const Case *c) {
        if (c->source == STATE_GONE)
                return c->replica == STATE_NEW && c->action != ACTION_KEEP;
        return c->source == STATE_SAME &&
               (c->replica == STATE_GONE || c->replica == STATE_RETYPED ||
                (c->replica != STATE_SAME && c->content == EVIDENCE_DIFFERENT));
}

START_TEST(tolerance_leaves_what_others_did_and_nothing_else) {
        Case c = case_get(_i);
        Policy policy = c.policy;
        Action action;

        policy.tolerate = true;
        action = decide(c.source, c.replica, c.content, policy);
        if (is_foreign(&c))
                EXPECT(&c, action == ACTION_TOLERATE);
        else
                EXPECT(&c, action == c.action);
}
END_TEST

/* One grid for each evidence and policy; rows are the source's state, columns the replica's:
 * same, changed, new, gone, retyped. */
static const char *const golden[N_POLICIES][N_EVIDENCE][_STATE_MAX] = {
        {
                /* overwrite and remove */
                { ".cc+R", "ccc+R", "ccc+R", "---f-", "RRR+R" },
                { ".ma+R", "mma+R", "aaa+R", "---f-", "RRR+R" },
                { ".uu+R", "uuu+R", "uuu+R", "---f-", "RRR+R" },
        },
        {
                /* remove, but do not overwrite */
                { ".cc+R", "ccc+k", "ccc+k", "---f-", "kkk+k" },
                { ".ma+R", "mma+k", "aaa+k", "---f-", "kkk+k" },
                { ".uu+R", "kkk+k", "kkk+k", "---f-", "kkk+k" },
        },
        {
                /* overwrite, but do not remove */
                { ".cc+R", "ccc+R", "ccc+R", "kkkfk", "RRR+R" },
                { ".ma+R", "mma+R", "aaa+R", "kkkfk", "RRR+R" },
                { ".uu+R", "uuu+R", "uuu+R", "kkkfk", "RRR+R" },
        },
        {
                /* neither */
                { ".cc+R", "ccc+k", "ccc+k", "kkkfk", "kkk+k" },
                { ".ma+R", "mma+k", "aaa+k", "kkkfk", "kkk+k" },
                { ".uu+R", "kkk+k", "kkk+k", "kkkfk", "kkk+k" },
        },
};

static const char letters[_ACTION_MAX] = {
        [ACTION_NONE] = '.',   [ACTION_COMPARE] = 'c', [ACTION_CREATE] = '+',
        [ACTION_UPDATE] = 'u', [ACTION_REPLACE] = 'R', [ACTION_METADATA] = 'm',
        [ACTION_ADOPT] = 'a',  [ACTION_REMOVE] = '-',  [ACTION_FORGET] = 'f',
        [ACTION_KEEP] = 'k',
};

START_TEST(table_is_the_golden_one) {
        Case c = case_get(_i);
        int policy = (c.policy.overwrite ? 0 : 1) + (c.policy.remove ? 0 : 2);

        EXPECT(&c, letters[c.action] == golden[policy][c.content][c.source][c.replica]);
}
END_TEST

START_TEST(names) {
        ck_assert_str_eq(entry_state_to_string(STATE_RETYPED), "retyped");
        ck_assert_str_eq(entry_state_to_string(_STATE_MAX), "invalid");
        ck_assert_str_eq(entry_state_to_string(_STATE_INVALID), "invalid");
        ck_assert_str_eq(action_to_string(ACTION_NONE), "none");
        ck_assert_str_eq(action_to_string(_ACTION_INVALID), "invalid");

        for (int a = 0; a < _ACTION_MAX; a++)
                for (int b = 0; b < a; b++)
                        ck_assert_str_ne(action_to_string((Action) a),
                                         action_to_string((Action) b));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("decide");
        TCase *tcase = tcase_create("decide");

        tcase_add_loop_test(tcase, exactly_one_rule_holds, 0, N_CASES);
        tcase_add_loop_test(tcase, evidence_settles_comparisons_alone, 0, N_CASES);
        tcase_add_loop_test(tcase, policy_only_turns_actions_into_keeping, 0, N_CASES);
        tcase_add_loop_test(tcase, tolerance_leaves_what_others_did_and_nothing_else, 0, N_CASES);
        tcase_add_loop_test(tcase, table_is_the_golden_one, 0, N_CASES);
        tcase_add_test(tcase, names);
        suite_add_tcase(suite, tcase);

        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        int n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
