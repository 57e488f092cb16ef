#include "sync/verify-findings.h"

#include <stdlib.h>
#include <string.h>

#include "basic/macros.h"

static void finding_done(VerifyFinding *finding) {
        free(finding->path);
        free(finding->message);
}

/* FINDING is taken in any case. */
static void append(VerifyFindings *findings, VerifyFinding *finding) {
        VerifyFinding *items = NULL;

        if (findings->n_items < VERIFY_FINDINGS_MAX)
                items = reallocarray(findings->items, findings->n_items + 1, sizeof *items);
        if (!items) {
                finding_done(finding);
                findings->n_unlisted++;
                return;
        }
        findings->items = items;
        items[findings->n_items++] = *finding;
}

void verify_findings_add(VerifyFindings *findings, const VerifyFinding *finding) {
        VerifyFinding copy = *finding;

        copy.path = strdup(finding->path ?: "");
        copy.message = strdup(finding->message);
        if (copy.path && copy.message) {
                append(findings, &copy);
                return;
        }
        finding_done(&copy);
        findings->n_unlisted++;
}

void verify_findings_take(VerifyFindings *findings, VerifyFindings *more) {
        for (size_t i = 0; i < more->n_items; i++)
                append(findings, &more->items[i]);
        findings->n_unlisted += more->n_unlisted;
        free(more->items);
        *more = (VerifyFindings) {};
}

void verify_findings_done(VerifyFindings *findings) {
        for (size_t i = 0; i < findings->n_items; i++)
                finding_done(&findings->items[i]);
        free(findings->items);
        *findings = (VerifyFindings) {};
}
