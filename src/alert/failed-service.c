#include "alert/failed-service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/string-util.h"

static const struct {
        const char *status, *meaning;
} meanings[] = {
        { "64", "a mistake in its command line" },
        { "66", "its source is gone" },
        { "70", "an internal error" },
        { "73", "replica or store cannot be made" },
        { "75", "the pair runs already" },
        { "77", "it lacks permission" },
        { "78", "a mistake in its configuration" },
};

static const char *meaning_of(const char *status) {
        for (size_t i = 0; i < ELEMENTSOF(meanings); i++)
                if (streq(meanings[i].status, status))
                        return meanings[i].meaning;
        return NULL;
}

static int describe(const char *name, bool user, const char *result, char **ret) {
        const char *code = getenv("MONITOR_EXIT_CODE"), *status = getenv("MONITOR_EXIT_STATUS"),
                   *meaning = meaning_of(status ?: "");
        _cleanup_free_ char *message = NULL;

        if (asprintf(&message,
                     "the service failed: %s%s%s%s%s%s%s; what happened stands in its journal: "
                     "journalctl %srebackup@%s",
                     result, code ? ", " : "", code ?: "", status ? " " : "", status ?: "",
                     meaning ? ", " : "", meaning ?: "", user ? "--user-unit " : "--unit ",
                     name) < 0)
                return -ENOMEM;
        *ret = escape_bytes(message);
        return *ret ? 0 : -ENOMEM;
}

int failed_service_report(const char *name, bool user, AlertReport *ret) {
        const char *result = getenv("MONITOR_SERVICE_RESULT");
        _cleanup_free_ char *message = NULL;
        Alert alert = { .kind = ALERT_SERVICE, .time = now_usec(CLOCK_REALTIME) };
        int r;

        if (!result || streq(result, "success"))
                return 0;
        r = describe(name, user, result, &message);
        if (r < 0)
                return r;
        alert.message = message;
        r = alert_report_add(ret, &alert);
        return r < 0 ? r : 1;
}
