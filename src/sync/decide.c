#include "sync/decide.h"

#include "basic/macros.h"

static const char *const state_names[_STATE_MAX] = {
        [STATE_SAME] = "same", [STATE_CHANGED] = "changed", [STATE_NEW] = "new",
        [STATE_GONE] = "gone", [STATE_RETYPED] = "retyped",
};

static const char *const action_names[_ACTION_MAX] = {
        [ACTION_NONE] = "none",
        [ACTION_COMPARE] = "compare",
        [ACTION_CREATE] = "create",
        [ACTION_UPDATE] = "update",
        [ACTION_REPLACE] = "replace",
        [ACTION_METADATA] = "metadata",
        [ACTION_ADOPT] = "adopt",
        [ACTION_REMOVE] = "remove",
        [ACTION_FORGET] = "forget",
        [ACTION_KEEP] = "keep",
        [ACTION_TOLERATE] = "tolerate",
        [ACTION_RETURN_CREATE] = "return-create",
        [ACTION_RETURN_UPDATE] = "return-update",
        [ACTION_RETURN_REPLACE] = "return-replace",
        [ACTION_RETURN_METADATA] = "return-metadata",
        [ACTION_RETURN_REMOVE] = "return-remove",
        [ACTION_CONFLICT] = "conflict",
};

/* One-way: rows are the source's state, columns the replica's, in the order of EntryState. Where
 * both sides may hold the same content, the cell says COMPARE and the evidence settles it. */
static const Action one_way[_STATE_MAX][_STATE_MAX] = {
        /*                   SAME             CHANGED         NEW             GONE           RETYPED
         */
        [STATE_SAME] = { ACTION_NONE, ACTION_COMPARE, ACTION_COMPARE, ACTION_CREATE,
                         ACTION_REPLACE },
        [STATE_CHANGED] = { ACTION_COMPARE, ACTION_COMPARE, ACTION_COMPARE, ACTION_CREATE,
                            ACTION_REPLACE },
        [STATE_NEW] = { ACTION_COMPARE, ACTION_COMPARE, ACTION_COMPARE, ACTION_CREATE,
                        ACTION_REPLACE },
        [STATE_GONE] = { ACTION_REMOVE, ACTION_REMOVE, ACTION_REMOVE, ACTION_FORGET,
                         ACTION_REMOVE },
        [STATE_RETYPED] = { ACTION_REPLACE, ACTION_REPLACE, ACTION_REPLACE, ACTION_CREATE,
                            ACTION_REPLACE },
};

/* Two-way: likewise. Who changed wins over who did not, and a change over a removal. What the
 * catalog does not know was never removed by anybody: it is made on the side that lacks it. */
static const Action two_way[_STATE_MAX][_STATE_MAX] = {
        [STATE_SAME] = { ACTION_NONE, ACTION_COMPARE, ACTION_COMPARE, ACTION_RETURN_REMOVE,
                         ACTION_RETURN_REPLACE },
        [STATE_CHANGED] = { ACTION_COMPARE, ACTION_COMPARE, ACTION_COMPARE, ACTION_CREATE,
                            ACTION_CONFLICT },
        [STATE_NEW] = { ACTION_COMPARE, ACTION_COMPARE, ACTION_COMPARE, ACTION_CREATE,
                        ACTION_CONFLICT },
        [STATE_GONE] = { ACTION_REMOVE, ACTION_RETURN_CREATE, ACTION_RETURN_CREATE, ACTION_FORGET,
                         ACTION_RETURN_CREATE },
        [STATE_RETYPED] = { ACTION_REPLACE, ACTION_CONFLICT, ACTION_CONFLICT, ACTION_CREATE,
                            ACTION_COMPARE },
};

static Action settle_comparison(EntryState source, EntryState replica, Evidence content) {
        if (content == EVIDENCE_NONE)
                return ACTION_COMPARE;
        if (content != EVIDENCE_EQUAL)
                return ACTION_UPDATE;
        return source == STATE_NEW || replica == STATE_NEW ? ACTION_ADOPT : ACTION_METADATA;
}

/* Metadata go both ways where both sides are known, whoever changed. */
static Action settle_equal(EntryState source, EntryState replica) {
        bool is_known = source != STATE_NEW && source != STATE_RETYPED && replica != STATE_NEW;

        if (!is_known)
                return ACTION_ADOPT;
        return replica == STATE_SAME ? ACTION_METADATA : ACTION_RETURN_METADATA;
}

/* Who changed is a matter of metadata, and evidence knows better: a file may have got another mode
 * on one side and another content on the other. */
static Action settle_two_way(EntryState source, EntryState replica, Evidence content) {
        if (content == EVIDENCE_NONE)
                return ACTION_COMPARE;
        if (content == EVIDENCE_EQUAL)
                return settle_equal(source, replica);
        if (source == STATE_SAME && replica == STATE_CHANGED)
                return ACTION_RETURN_UPDATE;
        if (source == STATE_CHANGED && replica == STATE_SAME)
                return ACTION_UPDATE;
        if (source == STATE_CHANGED && replica == STATE_CHANGED && content != EVIDENCE_DIFFERENT)
                return content == EVIDENCE_ONLY_REPLICA_MOVED ? ACTION_RETURN_UPDATE
                                                              : ACTION_UPDATE;
        return ACTION_CONFLICT;
}

static Action decide_two_way(EntryState source, EntryState replica, Evidence content) {
        Action action = two_way[source][replica];

        return action == ACTION_COMPARE ? settle_two_way(source, replica, content) : action;
}

/* Whether ACTION would undo what somebody else did to the replica. A replica that the catalog does
 * not know is not that: METADATA alone may also stand for what we did ourselves. */
static bool undoes(EntryState source, EntryState replica, Action action) {
        if (source == STATE_GONE)
                return replica == STATE_NEW && action == ACTION_REMOVE;
        return source == STATE_SAME && action != ACTION_NONE && action != ACTION_COMPARE &&
               action != ACTION_METADATA && action != ACTION_ADOPT;
}

/* What the source still has as it was copied is put back, whatever may be replaced: that keeps the
 * replica as it was. */
static Action apply_policy(EntryState source, Action action, Policy policy) {
        if (action == ACTION_REMOVE && !policy.remove)
                return ACTION_KEEP;
        if ((action == ACTION_UPDATE || action == ACTION_REPLACE) && source != STATE_SAME &&
            !policy.overwrite)
                return ACTION_KEEP;
        return action;
}

Action decide(EntryState source, EntryState replica, Evidence content, Policy policy) {
        assert(source >= 0 && source < _STATE_MAX);
        assert(replica >= 0 && replica < _STATE_MAX);

        if (policy.two_way)
                return decide_two_way(source, replica, content);
        Action action = one_way[source][replica];
        if (action == ACTION_COMPARE)
                action = settle_comparison(source, replica, content);
        action = apply_policy(source, action, policy);
        return policy.tolerate && undoes(source, replica, action) ? ACTION_TOLERATE : action;
}

const char *entry_state_to_string(EntryState state) {
        return state >= 0 && state < _STATE_MAX ? state_names[state] : "invalid";
}

const char *action_to_string(Action action) {
        return action >= 0 && action < _ACTION_MAX ? action_names[action] : "invalid";
}
