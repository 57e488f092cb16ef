#include "daemon/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "daemon/alert-starter.h"
#include "daemon/capabilities.h"
#include "daemon/exit-code.h"
#include "daemon/load-config.h"
#include "daemon/log-message.h"
#include "daemon/log-sinks.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"
#include "daemon/options.h"

static int print(const Options *options) {
        if (options->action == OPTIONS_HELP)
                options_print_help(stdout);
        else
                (void) puts("rebackupd " PACKAGE_VERSION);
        return fflush(stdout) == 0 ? EX_OK : EX_SOFTWARE;
}

static int refuse(const char *problem) {
        (void) fprintf(stderr, "rebackupd: %s\nTry 'rebackupd --help'.\n", problem);
        return EX_USAGE;
}

/* The name of the pair in messages and of its log file: that of the instance, else the last part of
 * the replica's path. */
static const char *name_of(const Options *options, const Config *config) {
        if (options->instance)
                return options->instance;
        return strrchr(config->replica, '/') + 1;
}

/* Who gave us a runtime directory has a unit for alerts. With --once and --dry-run somebody waits
 * for the exit status. */
static int begin_starter(const Options *options) {
        int r, fd = -EBADF;

        if (options->once || options->dry_run || secure_getenv("RUNTIME_DIRECTORY"))
                return -EBADF;
        r = alert_starter_begin(options->config_root, &fd);
        if (r == -ENOENT)
                log_debug("rebackup-alert is not installed: there will be no alerts");
        else if (r < 0)
                (void) log_warning_errno(r, "there will be no alerts: %m");
        return fd;
}

static int run_pair(const Options *options, LogSinks *sinks) {
        _cleanup_(manager_freep) Manager *manager = NULL;
        _cleanup_close_ int starter_fd = -EBADF;
        Config *config = NULL;
        int r;

        r = load_config(options, REBACKUP_MSG_START_FAILED, &config);
        if (r < 0)
                return exit_code_of_config(r);
        if (options->verify && !config->checksum) {
                log_message(LOG_ERR, REBACKUP_MSG_START_FAILED,
                            "--verify: there are no hashes to hold anything against with "
                            "Integrity.Checksum=off; set it to sha256");
                config_free(config);
                return EX_CONFIG;
        }
        starter_fd = begin_starter(options);
        log_sinks_set_pair(sinks, name_of(options, config));
        log_sinks_set_file(sinks, config->log_file);
        r = capabilities_drop();
        if (r < 0)
                (void) log_warning_errno(r, "cannot give up capabilities that are not needed: %m");
        r = fd_raise_limit();
        if (r < 0)
                (void) log_warning_errno(
                        r,
                        "cannot raise the limit of open files, going on with the present one: %m");

        r = manager_new(options, sinks, config, &manager);
        if (r < 0) {
                (void) log_error_errno(r, "cannot set up the event loop: %m");
                return EX_SOFTWARE;
        }
        if (!options->once && !options->dry_run)
                manager_begin_alerts(manager, TAKE_FD(starter_fd));
        r = manager_run(manager);
        manager_end_alerts(manager);
        if (manager->abandoned) {
                log_sinks_flush(sinks);
                _exit(r); /* threads that hang must not be waited for, nor have their memory taken
                             away */
        }
        manager_leave(manager);
        return r;
}

int run(int argc, char **argv) {
        _cleanup_(options_done) Options options = OPTIONS_NULL;
        _cleanup_free_ char *problem = NULL;
        LogSinks sinks;
        int r, level = LOG_INFO;

        r = manager_block_signals();
        if (r < 0)
                return EX_SOFTWARE;
        r = options_parse(argc, argv, &options, &problem);
        if (r < 0)
                return r == -EINVAL ? refuse(problem) : EX_SOFTWARE;
        if (options.action != OPTIONS_RUN)
                return print(&options);
        if (options.log_level)
                level = log_level_from_string(options.log_level);
        if (level < 0)
                return refuse("--log-level: one of err, warning, notice, info and debug is wanted");

        log_set_max_level(level);
        log_sinks_init(&sinks);
        r = run_pair(&options, &sinks);
        log_sinks_done(&sinks);
        return r;
}
