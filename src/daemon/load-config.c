#include "daemon/load-config.h"

#include <string.h>

#include "basic/alloc.h"
#include "daemon/log-message.h"

static void log_problems(char *text, const char *message_id, int error) {
        char *rest = NULL;

        for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
                log_message_errno(LOG_ERR, message_id, error, "%s", line);
}

int load_config(const Options *options, const char *message_id, Config **ret) {
        const char *const *overrides = (const char *const *) options->overrides;
        _cleanup_free_ char *problems = NULL;
        int r;

        if (options->instance)
                r = config_load_instance(options->config_root, options->instance, overrides, ret,
                                         &problems);
        else
                r = config_from_arguments(options->source, options->replica, overrides, ret,
                                          &problems);
        if (r >= 0)
                return r;
        if (problems)
                log_problems(problems, message_id, r);
        else
                log_message_errno(LOG_ERR, message_id, r, "cannot load the configuration: %m");
        return r;
}
