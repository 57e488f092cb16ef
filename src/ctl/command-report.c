/* rebackupctl report */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "config/config-path.h"
#include "config/config.h"
#include "ctl/commands.h"
#include "ctl/pair-names.h"
#include "ctl/report-html.h"
#include "ctl/report-json.h"
#include "ctl/report-text.h"
#include "ctl/say.h"
#include "restore/when.h"
#include "state/state-directory.h"
#include "state/statistics-file.h"

/* Without --since. */
#define SPAN_DEFAULT_USEC (7 * USEC_PER_DAY)
enum { BINS_MAX = 60 };

static int find_directory(const char *name, char **ret) {
        _cleanup_free_ char *working = NULL, *path = NULL;
        int r;

        if (!strchr(name, '/'))
                return state_directory_find(NULL, name, ret);
        working = get_current_dir_name();
        r = config_path_normalize(name, working, &path);
        return r != 0 ? -EINVAL : state_directory_find(path, NULL, ret);
}

static int say_unknown(const CtlOptions *options) {
        _cleanup_(pair_names_done) PairNames names = PAIR_NAMES_NULL;
        const char *near;

        (void) pair_names_add_configured(&names, options);
        near = pair_names_nearest(&names, options->pair);
        if (pair_names_find(&names, options->pair) || strchr(options->pair, '/'))
                say_error("there are no statistics of %s yet: they begin some seconds after the "
                          "pair was started",
                          options->pair);
        else
                say_error("there is no pair %s%s%s%s", options->pair, near ? "; did you mean " : "",
                          near ?: "", near ? "?" : ", or it never ran; see 'rebackupctl list'");
        return EX_NOINPUT;
}

static int load(const CtlOptions *options, Statistics *ret) {
        _cleanup_free_ char *directory = NULL;
        StatisticsCondition condition;
        int r;

        r = find_directory(options->pair, &directory);
        if (r >= 0)
                r = statistics_load(directory, ret, &condition);
        if (r == -ENOENT)
                return say_unknown(options);
        if (r == -EACCES) {
                say_error("%s: permission denied: only root and the user that the service runs as "
                          "may see its statistics",
                          options->pair);
                return EX_NOPERM;
        }
        if (r < 0) {
                say_error("cannot read the statistics of %s: %s", options->pair, strerror(-r));
                return say_exit_code(r);
        }
        if (condition.n_bad > 0)
                say_error("%zu of %zu lines of the statistics are damaged and left out",
                          condition.n_bad, condition.n_lines);
        return EX_OK;
}

static int parse_since(const CtlOptions *options, usec_t now, usec_t *ret) {
        int r;

        *ret = now - SPAN_DEFAULT_USEC;
        if (!options->since)
                return EX_OK;
        r = when_parse(options->since, now, ret);
        if (r >= 0 && *ret <= now)
                return EX_OK;
        if (r >= 0)
                say_error("--since: %s is in the future", options->since);
        else
                say_error("--since: %s is no point in time; write something like 7d, 2026-11-14 or "
                          "'2026-11-14 07:25'",
                          options->since);
        return EX_USAGE;
}

static int show(const CtlOptions *options, const Report *report, const Terminal *terminal) {
        int r;

        if (options->html) {
                r = report_write_html(options->html, options->pair, report);
                if (r >= 0)
                        return EX_OK;
                say_error("cannot write %s: %s", options->html, strerror(-r));
                return r == -EACCES || r == -EPERM ? EX_NOPERM : EX_CANTCREAT;
        }
        if (options->json)
                report_print_json(options->pair, report);
        else
                report_print_text(terminal, options->pair, report);
        return finish_output(EX_OK);
}

int command_report(const CtlOptions *options) {
        _cleanup_(statistics_done) Statistics statistics = STATISTICS_NULL;
        _cleanup_(report_done) Report report = REPORT_NULL;
        usec_t now = now_usec(CLOCK_REALTIME), since;
        Terminal terminal;
        bool is_picture = options->json || options->html;
        int r;

        r = parse_since(options, now, &since);
        if (r == EX_OK)
                r = load(options, &statistics);
        if (r != EX_OK)
                return r;
        terminal_init(&terminal);
        r = report_make(&statistics, since, now,
                        is_picture ? BINS_MAX : report_text_bins(&terminal), &report);
        if (r == -ENODATA) {
                say_error("%s has done nothing since then, or did not run", options->pair);
                return EX_NOINPUT;
        }
        return r < 0 ? say_problem(r, NULL) : show(options, &report, &terminal);
}
