/* Configuration files that are written: what was given is what is read back. */

#include <stdio.h>
#include <stdlib.h>

#include "basic/macros.h"
#include "ctl/new-config.h"
#include "test-fs.h"

static char *format(const char *source, const char *replica, char *const *settings, int n) {
        NewConfig fresh = { .name = "x",
                            .source = source,
                            .replica = replica,
                            .settings = settings,
                            .n_settings = n };
        char *text = NULL, *error = NULL;
        int r = new_config_format(&fresh, &text, &error);

        ck_assert_msg(r == 0, "%s", error ? error : "?");
        return text;
}

static const char *const paths[] = {
        "/srv/photos",
        "/srv/my photos",
        "/a#b",
        "/a;b",
        "/a\"b",
        "/ends with blank ",
        "/'quoted'",
        "/with = sign",
        "/[section]",
        "/%i $x \\ back",
        "/gr\xc3\xbc\xc3\x9f",
        "/# first",
        "/\"all quoted\"",
        "/a # b ; \"c\"",
};

START_TEST(paths_are_read_back) {
        char *text = format(paths[_i], "/replica", NULL, 0), *error = NULL;
        Config *config = NULL;
        int r = new_config_check("x", text, &config, &error);

        ck_assert_msg(r == 0, "%s: %s", paths[_i], error ? error : "?");
        ck_assert_str_eq(config->source, paths[_i]);
        ck_assert_str_eq(config->replica, "/replica");
        config_free(config);
        free(text);
}
END_TEST

START_TEST(settings_stand_in_their_sections) {
        char *settings[] = { (char *) "Sync.Watch=off", (char *) "Versions.Keep=no",
                             (char *) "Sync.RescanInterval=1h", (char *) "Pair.Store=/st" };
        char *text = format("/a", "/b", settings, ELEMENTSOF(settings)), *error = NULL;
        Config *config = NULL;

        ck_assert_str_eq(strchr(text, '['), "[Pair]\nSource=/a\nReplica=/b\nStore=/st\n"
                                            "\n[Sync]\nWatch=off\nRescanInterval=1h\n"
                                            "\n[Versions]\nKeep=no\n");
        ck_assert_int_eq(new_config_check("x", text, &config, &error), 0);
        ck_assert_int_eq(config->watch, WATCH_OFF);
        ck_assert_uint_eq(config->versions_keep, 0);
        config_free(config);
        free(text);
}
END_TEST

START_TEST(what_is_no_setting_is_refused) {
        static const char *const bad[] = { "Watch=off", "Sync.Watch", "=x",
                                           ".x=y",      "Sync.=y",    "a=b.c" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                char *setting = (char *) bad[i], *text = NULL, *error = NULL;
                NewConfig fresh = { "x", "/a", "/b", &setting, 1 };

                ck_assert_int_eq(new_config_format(&fresh, &text, &error), -EINVAL);
                ck_assert_ptr_nonnull(strstr(error, "Section.Key=VALUE"));
                free(error);
        }
}
END_TEST

START_TEST(problems_name_the_file_alone) {
        char *setting = (char *) "Sync.Settle=soon", *text = format("/a", "/b", &setting, 1),
             *error = NULL;
        Config *config = NULL;

        ck_assert_int_lt(new_config_check("x", text, &config, &error), 0);
        ck_assert_msg(strncmp(error, "x.conf:", 7) == 0, "%s", error);
        free(error);
        free(text);
}
END_TEST

START_TEST(nothing_is_replaced) {
        char *path = NULL, *again = NULL;

        ck_assert_int_eq(new_config_write(test_path, "x", "one\n", &path), 0);
        ck_assert_int_eq(new_config_write(test_path, "x", "two\n", &again), -EEXIST);
        ck_assert_str_eq(path, again);
        FILE *file = fopen(path, "re");
        char line[16];
        ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
        ck_assert_str_eq(line, "one\n");
        (void) fclose(file);
        free(path);
        free(again);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("new-config", &tcase);

        tcase_add_loop_test(tcase, paths_are_read_back, 0, ELEMENTSOF(paths));
        tcase_add_test(tcase, settings_stand_in_their_sections);
        tcase_add_test(tcase, what_is_no_setting_is_refused);
        tcase_add_test(tcase, problems_name_the_file_alone);
        tcase_add_test(tcase, nothing_is_replaced);
        return test_fs_run(suite);
}
