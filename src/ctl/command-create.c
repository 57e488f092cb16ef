/* rebackupctl create, rebackupctl check */

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "config/config-path.h"
#include "ctl/bus-client.h"
#include "ctl/commands.h"
#include "ctl/json.h"
#include "ctl/new-config.h"
#include "ctl/pair-names.h"
#include "ctl/say.h"
#include "ctl/survey.h"
#include "ctl/terminal.h"

extern char **environ;

/* Says the lines of PROBLEMS, which is taken. */
static void say_lines(char *problems, int r) {
        char *rest = NULL;

        if (!problems)
                say_error("%s", strerror(-r));
        else
                for (char *line = strtok_r(problems, "\n", &rest); line;
                     line = strtok_r(NULL, "\n", &rest))
                        say_error("%s", line);
        free(problems);
}

static void print_survey(const CtlOptions *options, const Survey *survey) {
        static const Colour colours[] = { COLOUR_GOOD, COLOUR_BUSY, COLOUR_BAD };
        Terminal terminal;

        terminal_init(&terminal);
        if (options->json)
                (void) fputs("[", stdout);
        for (size_t i = 0; i < survey->n_items; i++) {
                const SurveyItem *item = &survey->items[i];
                _cleanup_free_ char *safe = item->text ? escape_bytes(item->text) : NULL;

                if (options->json) {
                        (void) printf("%s\n{\"Level\":\"%s\",\"Text\":", i > 0 ? "," : "",
                                      survey_level_to_string(item->level));
                        json_print_name(stdout, item->text ?: "");
                        (void) fputc('}', stdout);
                } else
                        (void) terminal_print_field(&terminal, survey_level_to_string(item->level),
                                                    colours[item->level], safe ?: "?");
        }
        if (options->json)
                (void) fputs("\n]\n", stdout);
}

int command_check(const CtlOptions *options) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_(survey_done) Survey survey = SURVEY_NULL;
        char *problems = NULL;
        int r;

        r = config_load_instance(options->config_root, options->pair, NULL, &config, &problems);
        if (r < 0) {
                say_lines(problems, r);
                pair_names_suggest(options);
                return EX_CONFIG;
        }
        r = survey_make(config, &survey);
        if (r < 0)
                return EX_SOFTWARE;
        print_survey(options, &survey);
        return finish_output(survey.n_problems > 0 ? EXIT_SOME_FAILED : EX_OK);
}

/* A unit is called by it, see systemd.unit(5). */
static bool is_unit_name(const char *name) {
        return config_name_is_valid(name) &&
               name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                 ":-_.\\")] == '\0';
}

static int absolute(const char *path, char **ret) {
        _cleanup_free_ char *directory = get_current_dir_name();
        int r = config_path_normalize(path, directory, ret);

        if (r == 0)
                return EX_OK;
        say_error("%s is no path for a pair: %s", path,
                  r == PATH_DOT_DOT    ? "write it without '..'"
                  : r == PATH_TOO_LONG ? "it is too long"
                                       : "write it from / on");
        return EX_USAGE;
}

static int enable(const CtlOptions *options) {
        _cleanup_free_ char *unit = NULL;
        const char *arguments[6];
        size_t n = 0;
        pid_t pid;
        int r, status;

        if (asprintf(&unit, "rebackup@%s.service", options->pair) < 0) {
                unit = NULL;
                return EX_SOFTWARE;
        }
        arguments[n++] = "systemctl";
        if (client_is_user(options))
                arguments[n++] = "--user";
        arguments[n++] = "enable";
        arguments[n++] = "--now";
        arguments[n++] = unit;
        arguments[n] = NULL;
        (void) fflush(stdout);
        r = posix_spawnp(&pid, "systemctl", NULL, NULL, (char *const *) arguments, environ);
        if (r != 0) {
                say_error("cannot run systemctl: %s", strerror(r));
                return EX_UNAVAILABLE;
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return EX_SOFTWARE;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return EX_OK;
        say_error("the pair is configured, but systemctl could not start it");
        return EXIT_SOME_FAILED;
}

static int write_and_say(const CtlOptions *options, const char *text) {
        _cleanup_free_ char *path = NULL, *unit = client_unit(options->pair);
        int r;

        r = new_config_write(options->config_root, options->pair, text, &path);
        if (r == -EEXIST) {
                say_error("%s exists already; edit it, or choose another name", path);
                return EX_CANTCREAT;
        }
        if (r < 0) {
                say_error("cannot write %s: %s", path ?: "the configuration", strerror(-r));
                return say_exit_code(r);
        }
        if (!options->json) {
                _cleanup_free_ char *shown = escape_bytes(path);

                (void) printf("Wrote %s.\n", shown ?: "?");
                if (!options->start)
                        (void) printf("Start it, now and at each boot, with: systemctl %senable "
                                      "--now %s\n",
                                      client_is_user(options) ? "--user " : "", unit ?: "?");
        }
        return options->start ? enable(options) : EX_OK;
}

static int create(const CtlOptions *options, const NewConfig *fresh) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_(survey_done) Survey survey = SURVEY_NULL;
        _cleanup_free_ char *text = NULL;
        char *problems = NULL;
        int r;

        r = new_config_format(fresh, &text, &problems);
        if (r >= 0)
                r = new_config_check(options->pair, text, &config, &problems);
        if (r < 0) {
                say_lines(problems, r);
                return EX_CONFIG;
        }
        if (!streq(config->source, fresh->source) || !streq(config->replica, fresh->replica)) {
                say_error("a path with these characters cannot be written in a configuration "
                          "file; rename it");
                return EX_CONFIG;
        }
        r = survey_make(config, &survey);
        if (r < 0)
                return EX_SOFTWARE;
        print_survey(options, &survey);
        if (survey.n_problems > 0) {
                say_error("nothing was written");
                return finish_output(EXIT_SOME_FAILED);
        }
        return finish_output(write_and_say(options, text));
}

int command_create(const CtlOptions *options) {
        _cleanup_free_ char *source = NULL, *replica = NULL;
        NewConfig fresh = { .name = options->pair,
                            .settings = options->arguments + 3,
                            .n_settings = options->n_arguments - 3 };
        int r;

        if (!is_unit_name(options->pair)) {
                say_error("'%s' cannot be the name of a pair: use letters, digits, and : - _ .",
                          options->pair);
                return EX_USAGE;
        }
        r = absolute(options->arguments[1], &source);
        if (r == EX_OK)
                r = absolute(options->arguments[2], &replica);
        if (r != EX_OK)
                return r;
        fresh.source = source;
        fresh.replica = replica;
        return create(options, &fresh);
}
