#include "sync/decide.h"

#include "basic/macros.h"

static const char *const state_names[_STATE_MAX] = {
        [STATE_SAME] = "same", [STATE_CHANGED] = "changed", [STATE_NEW] = "new",
        [STATE_GONE] = "gone", [STATE_RETYPED] = "retyped",
};

static const char *const action_names[_ACTION_MAX] = {
        [ACTION_NONE] = "none",     [ACTION_COMPARE] = "compare",   [ACTION_CREATE] = "create",
        [ACTION_UPDATE] = "update", [ACTION_REPLACE] = "replace",   [ACTION_METADATA] = "metadata",
        [ACTION_ADOPT] = "adopt",   [ACTION_REMOVE] = "remove",     [ACTION_FORGET] = "forget",
        [ACTION_KEEP] = "keep",     [ACTION_TOLERATE] = "tolerate",
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

static Action settle_comparison(EntryState source, EntryState replica, Evidence content) {
        if (content == EVIDENCE_NONE)
                return ACTION_COMPARE;
        if (content == EVIDENCE_DIFFERENT)
                return ACTION_UPDATE;
        return source == STATE_NEW || replica == STATE_NEW ? ACTION_ADOPT : ACTION_METADATA;
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
