#include "sync/judge.h"

#include <assert.h>

/* Of readings that were finished with metadata at rest and a hash to hold them against: rows are
 * the source's, columns the replica's. */
static const Verdict table[READING_UNREADABLE + 1][READING_UNREADABLE + 1] = {
        /*                        GOOD                DIFFERENT         UNREADABLE */
        [READING_GOOD] = { VERDICT_FINE, VERDICT_REPLICA_ROT, VERDICT_REPLICA_ROT },
        [READING_DIFFERENT] = { VERDICT_SOURCE_ROT, VERDICT_BOTH_ROT, VERDICT_BOTH_ROT },
        [READING_UNREADABLE] = { VERDICT_SOURCE_ROT, VERDICT_BOTH_ROT, VERDICT_BOTH_ROT },
};

static bool either(const Findings *findings, Reading reading) {
        return findings->source == reading || findings->replica == reading;
}

/* What can be said without a recorded hash: whether both are alike, and which can be read. */
static Verdict judge_without_hash(const Findings *findings) {
        if (findings->source == READING_UNREADABLE)
                return findings->replica == READING_UNREADABLE ? VERDICT_BOTH_ROT
                                                               : VERDICT_SOURCE_ROT;
        if (findings->replica == READING_UNREADABLE)
                return VERDICT_REPLICA_ROT;
        if (findings->likeness == LIKENESS_EQUAL)
                return VERDICT_LEARNT;
        return findings->source_has_medium ? VERDICT_UNDECIDED : VERDICT_UNTRACED;
}

Verdict judge(const Findings *findings) {
        assert(findings->source >= 0 && findings->source < _READING_MAX);
        assert(findings->replica >= 0 && findings->replica < _READING_MAX);

        if (either(findings, READING_MOVED))
                return VERDICT_MOVED;
        if (either(findings, READING_FAILED) || either(findings, READING_UNSURE))
                return VERDICT_FAILED;
        if (!findings->has_hash)
                return judge_without_hash(findings);
        if (findings->source == READING_DIFFERENT && !findings->source_has_medium)
                return VERDICT_UNTRACED;
        if (findings->source == READING_DIFFERENT && findings->replica == READING_DIFFERENT &&
            findings->likeness == LIKENESS_EQUAL)
                return VERDICT_CATALOG;
        return table[findings->source][findings->replica];
}

bool verdict_is_damage(Verdict verdict) {
        switch (verdict) {
        case VERDICT_SOURCE_ROT:
        case VERDICT_REPLICA_ROT:
        case VERDICT_BOTH_ROT:
        case VERDICT_CATALOG:
        case VERDICT_UNDECIDED:
                return true;
        default:
                return false;
        }
}

const char *verdict_to_string(Verdict verdict) {
        static const char *const names[_VERDICT_MAX] = {
                [VERDICT_FINE] = "fine",
                [VERDICT_LEARNT] = "learnt",
                [VERDICT_MOVED] = "moved",
                [VERDICT_UNTRACED] = "untraced",
                [VERDICT_SOURCE_ROT] = "source-rot",
                [VERDICT_REPLICA_ROT] = "replica-rot",
                [VERDICT_BOTH_ROT] = "both-rot",
                [VERDICT_CATALOG] = "catalog",
                [VERDICT_UNDECIDED] = "undecided",
                [VERDICT_FAILED] = "failed",
        };

        return verdict >= 0 && verdict < _VERDICT_MAX ? names[verdict] : "invalid";
}
