/* A pause: nothing is read from the source's files and nothing is written to the replica until it
 * ends. Events are noted all the same, so that afterwards only what changed is looked at. It lasts
 * no longer than the process. */

#include "basic/log.h"
#include "daemon/log-message.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"

/* A dirty pass takes a moment, unless the bandwidth is limited. */
static bool runs_for_long(const Manager *manager) {
        return engine_is_running(manager->engine, PASS_FULL) ||
               engine_is_running(manager->engine, PASS_SURVEY) ||
               engine_is_running(manager->engine, PASS_LARGE) ||
               (manager->config->bandwidth_max_bytes > 0 &&
                engine_is_running(manager->engine, PASS_DIRTY));
}

/* What a walk over everything has not come to yet is known to nobody: it begins again afterwards. A
 * dirty pass is mostly let end; so is the setting up of watches, which only reads directories. */
void manager_cut_short(Manager *manager) {
        if (!manager->engine)
                return;
        engine_verify_stop(manager->engine);
        if (!manager->armed || !runs_for_long(manager))
                return;
        engine_cancel(manager->engine);
        manager->cutting_short = true;
        manager_want_full(manager, 0);
}

void manager_pause(Manager *manager) {
        if (manager->paused || manager->stopping)
                return;
        manager->paused = true;
        log_message(LOG_NOTICE, REBACKUP_MSG_PAUSED, "paused: changes are noted and not copied");
        manager_cut_short(manager);
        manager_continue(manager);
}

void manager_resume(Manager *manager) {
        if (!manager->paused)
                return;
        manager->paused = false;
        if (manager->engine && !engine_is_running(manager->engine, PASS_VERIFY))
                manager_plan_verify(manager);
        log_message(LOG_NOTICE, REBACKUP_MSG_RESUMED, "resumed");
        manager_continue(manager);
}

bool manager_may_not_start(Manager *manager) {
        if (manager->cutting_short && !manager_is_busy(manager)) {
                manager->cutting_short = false;
                engine_end_cancel(manager->engine);
        }
        return manager->paused || manager->cutting_short;
}
