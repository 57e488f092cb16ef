#include "daemon/restart.h"

#include <errno.h>
#include <string.h>

#include <systemd/sd-id128.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "daemon/reload-plan.h"

const RestartNames restart_names[_WATCH_SIDE_MAX] = {
        [WATCH_SOURCE] = { "rebackup-source-inotify", "rebackup-source-fanotify" },
        [WATCH_REPLICA] = { "rebackup-replica-inotify", "rebackup-replica-fanotify" },
};

static int sample_boot(char **ret) {
        char text[SD_ID128_STRING_MAX];
        sd_id128_t id;
        int r;

        r = sd_id128_get_boot(&id);
        if (r < 0)
                return r;
        *ret = strdup(sd_id128_to_string(id, text));
        return *ret ? 0 : -ENOMEM;
}

static int sample_places(const Manager *manager, RestartFacts *facts) {
        const Config *config = manager->config;
        int r;

        r = file_stamp_of_directory(config->source, &facts->source);
        if (r >= 0)
                r = file_stamp_of_directory(config->replica, &facts->replica);
        return r;
}

int restart_facts_sample(const Manager *manager, RestartFacts *ret) {
        const Pair *pair = manager->pair;
        RestartFacts facts = RESTART_FACTS_NULL;
        int r;

        facts.version = strdup(PACKAGE_VERSION);
        facts.pair_id = strdup(pair->bound.pair_id ?: "");
        facts.store = strdup(pair->store.path);
        r = facts.version && facts.pair_id && facts.store ? 0 : -ENOMEM;
        if (r >= 0)
                r = sample_boot(&facts.boot_id);
        if (r >= 0)
                r = reload_text(manager->config, &facts.config);
        if (r >= 0)
                r = sample_places(manager, &facts);
        if (r < 0) {
                restart_facts_done(&facts);
                return r;
        }
        *ret = facts;
        return 0;
}
