#include "alert/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "alert/alert-directory.h"
#include "alert/alert-text.h"
#include "alert/failed-service.h"
#include "alert/hooks.h"
#include "alert/journal.h"
#include "alert/limited.h"
#include "alert/message-ids.h"
#include "alert/options.h"
#include "alert/tell.h"
#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/string-util.h"
#include "config/config-search.h"
#include "config/config.h"

/* Ways of telling that run beside one another. */
static const struct {
        int (*tell)(const AlertReport *report);
        usec_t limit;
        bool for_users; /* not for the machine's own service */
} ways[] = {
        { tell_terminals, 5 * USEC_PER_SEC, false },
        { tell_desktop, 10 * USEC_PER_SEC, true },
        { tell_sound, 15 * USEC_PER_SEC, false },
};

/* Who is in the foreground may have a pair without a proper name. */
static int make_name_safe(AlertReport *report) {
        char *safe;

        if (!report->pair || config_name_is_valid(report->pair))
                return 0;
        safe = escape_bytes(report->pair);
        if (!safe)
                return -ENOMEM;
        free(report->pair);
        report->pair = safe;
        return 0;
}

static int read_stdin(AlertReport *report) {
        _cleanup_free_ char *text = malloc(ALERT_TEXT_MAX + 1);
        ssize_t n;
        int r;

        if (!text)
                return -ENOMEM;
        n = loop_read(STDIN_FILENO, text, ALERT_TEXT_MAX);
        if (n < 0)
                return (int) n;
        text[n] = 0;
        r = alert_text_parse(text, report);
        return r < 0 ? r : make_name_safe(report);
}

static int open_runtime(const AlertOptions *options) {
        const char *base = options->user ? getenv("XDG_RUNTIME_DIR") : "/run";
        _cleanup_free_ char *path = NULL;
        int fd;

        if (options->runtime_directory)
                path = strdup(options->runtime_directory);
        else if (!base)
                return -ENOENT;
        else if (asprintf(&path, "%s/rebackup/%s", base, options->name) < 0)
                path = NULL;
        if (!path)
                return -ENOMEM;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* All that lies there: more than one file when there was nobody to take them. */
static int take_reports(const AlertOptions *options, AlertReport *report) {
        _cleanup_close_ int runtime_fd = open_runtime(options);
        int r = 1;

        if (runtime_fd == -ENOENT)
                return 0;
        if (runtime_fd < 0)
                return runtime_fd;
        for (int i = 0; i < 2 * ALERT_FILES_MAX && r > 0; i++) {
                _cleanup_(alert_report_done) AlertReport next = ALERT_REPORT_NULL;
                _cleanup_free_ char *text = NULL;

                r = alert_directory_take(runtime_fd, &text);
                if (r > 0)
                        r = alert_text_parse(text, &next) == -ENOMEM ? -ENOMEM : 1;
                else if (r == -EBADMSG)
                        r = 1;
                if (r > 0 && alert_report_merge(report, &next) < 0)
                        r = -ENOMEM;
        }
        return r;
}

/* A service that failed may have had no configuration, and left no word. */
static bool sound_is_wanted(const AlertOptions *options) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_free_ char *problems = NULL;

        return config_load_instance(options->config_root, options->name, NULL, &config, &problems) <
                       0 ||
               config->alert_sound;
}

static int gather(const AlertOptions *options, AlertReport *report) {
        _cleanup_free_ char *pair = NULL;
        int r, k;

        if (options->from_stdin)
                return read_stdin(report);
        r = failed_service_report(options->name, options->user, report);
        if (r < 0)
                return r;
        if (r > 0)
                report->sound = sound_is_wanted(options);
        k = take_reports(options, report);
        pair = strdup(options->name);
        if (!pair)
                return -ENOMEM;
        free(report->pair);
        report->pair = TAKE_PTR(pair);
        return k;
}

static void run_hooks(const AlertOptions *options, const AlertReport *report) {
        _cleanup_(config_paths_freep) char **directories = NULL;

        if (config_directories(options->config_root ?: "", &directories) < 0)
                return;
        for (char **directory = directories; *directory; directory++) {
                _cleanup_free_ char *path = NULL;

                if (asprintf(&path, "%s/alert.d", *directory) < 0)
                        return;
                hooks_run(path, report, options->hook_time);
        }
}

static void begin_ways(const AlertOptions *options, const AlertReport *report, Limited *children) {
        for (size_t i = 0; i < ELEMENTSOF(ways); i++) {
                int r = 1;

                children[i] = LIMITED_NULL;
                if (!ways[i].for_users || options->user)
                        r = limited_fork(ways[i].limit, &children[i]);
                if (r == 0)
                        _exit(ways[i].tell(report) < 0);
                if (r < 0)
                        (void) log_warning_errno(r, "cannot tell of an alert in all ways: %m");
        }
}

static void tell(const AlertOptions *options, const AlertReport *report) {
        _cleanup_free_ char *headline = alert_report_headline(report);
        Limited children[ELEMENTSOF(ways)];

        log_event(&(LogEvent) { .level = LOG_NOTICE, .message_id = REBACKUP_MSG_ALERT },
                  "telling people: %s", headline ?: "?");
        begin_ways(options, report, children);
        run_hooks(options, report);
        for (size_t i = 0; i < ELEMENTSOF(ways); i++)
                if (children[i].pid > 0)
                        (void) limited_wait(&children[i], -EBADF, NULL, NULL);
}

static int begin_log(const AlertOptions *options) {
        int level = options->log_level ? log_level_from_string(options->log_level) : LOG_INFO;

        if (level < 0)
                return level;
        log_set_max_level(level);
        return alert_journal_begin(options->name);
}

static int run(const AlertOptions *options) {
        _cleanup_(alert_report_done) AlertReport report = ALERT_REPORT_NULL;
        int r;

        r = gather(options, &report);
        if (r < 0)
                (void) log_error_errno(r, "cannot take all reports of the service: %m");
        if (alert_report_total(&report) > 0)
                tell(options, &report);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int alert_run(int argc, char **argv) {
        _cleanup_free_ char *problem = NULL;
        AlertOptions options;
        int r;

        r = alert_options_parse(argc, argv, &options, &problem);
        if (r >= 0 && begin_log(&options) < 0) {
                problem = strdup("--log-level: one of err, warning, notice, info and debug is "
                                 "wanted");
                r = -EINVAL;
        }
        if (r < 0) {
                (void) fprintf(stderr, "rebackup-alert: %s\nTry 'rebackup-alert --help'.\n",
                               problem ?: strerror(-r));
                return r == -EINVAL ? EX_USAGE : EX_SOFTWARE;
        }
        if (options.action == ALERT_ACTION_TELL)
                return run(&options);
        if (options.action == ALERT_ACTION_HELP)
                alert_options_print_help();
        else
                (void) puts("rebackup-alert " PACKAGE_VERSION);
        return fflush(stdout) == 0 ? EX_OK : EX_SOFTWARE;
}
