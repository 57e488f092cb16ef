
#include "basic/alloc.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "daemon/load-config.h"
#include "daemon/log-message.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"
#include "daemon/recorder.h"
#include "daemon/reload-plan.h"

/* A shorter interval holds from now on, a longer one too; a pass that is due already, or wanted for
 * another reason, stays so. */
static void change_interval(Manager *manager, const Config *fresh) {
        usec_t now = now_usec(CLOCK_MONOTONIC), was = manager->config->rescan_interval,
               is = fresh->rescan_interval;

        if (was == is || !manager->live || manager->next_full <= now)
                return;
        manager->next_full = is > 0 ? now + is : USEC_INFINITY;
}

static int take_over(Manager *manager, Config *fresh, char **ret_kept) {
        const Config *current = manager->next_config ?: manager->config;
        int r;

        r = reload_plan(current, fresh, ret_kept);
        if (r < 0)
                return r;
        /* A walk over everything would go on for long by what does not hold any more. */
        if (reload_needs_pass(current, fresh))
                manager_cut_short(manager);
        change_interval(manager, fresh);
        if (manager->dirty)
                dirty_set_times(manager->dirty, (DirtyTimes) { .settle = fresh->settle,
                                                               .max_delay = fresh->max_delay });
        if (manager->engine)
                engine_set_bandwidth(manager->engine, fresh->bandwidth_max_bytes);
        log_sinks_set_file(manager->sinks, fresh->log_file);
        return 0;
}

static void reload(Manager *manager) {
        _cleanup_(config_freep) Config *fresh = NULL;
        _cleanup_free_ char *kept = NULL;
        int r;

        log_sinks_reopen(manager->sinks);
        r = load_config(manager->options, REBACKUP_MSG_RELOAD_FAILED, &fresh);
        if (r >= 0)
                r = take_over(manager, fresh, &kept);
        manager->config_refused = r < 0;
        if (r < 0) {
                log_message_errno(LOG_ERR, REBACKUP_MSG_RELOAD_FAILED, r,
                                  "the configuration was not reloaded; the one in force stays");
                return;
        }
        if (kept)
                log_message(LOG_WARNING, REBACKUP_MSG_RELOADED,
                            "configuration reloaded; what cannot change while running holds "
                            "from the next start: %s",
                            kept);
        else
                log_message(LOG_NOTICE, REBACKUP_MSG_RELOADED, "configuration reloaded");
        config_free(manager->next_config);
        manager->next_config = TAKE_PTR(fresh);
}

void manager_reload(Manager *manager) {
        notify_reloading(&manager->notify, now_usec(CLOCK_MONOTONIC));
        reload(manager);
        notify_ready(&manager->notify);
        manager_continue(manager);
}

void manager_take_config(Manager *manager) {
        Config *former = manager->config;

        manager->config = TAKE_PTR(manager->next_config);
        if (manager->engine)
                engine_set_config(manager->engine, manager->config);
        if (reload_needs_pass(former, manager->config))
                manager_want_full(manager, 0);
        if (former->verify_interval != manager->config->verify_interval)
                manager_plan_verify(manager);
        if (former->report_interval != manager->config->report_interval)
                recorder_plan_report(manager->recorder);
        if (former->alert_min_interval != manager->config->alert_min_interval)
                manager_tell_alerts(manager);
        config_free(former);
}
