/* Names of pairs on the bus: each gives one, and is found again in it. */

#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <systemd/sd-bus.h>

#include "basic/macros.h"
#include "config/bus-name.h"

static const struct {
        const char *name, *bus_name;
} names[] = {
        { "photos", "org.rebackup.Pair1.photos" },
        { "my photos", "org.rebackup.Pair1.my_20photos" },
        { "7up", "org.rebackup.Pair1._37up" },
        { "a_b-c.d", "org.rebackup.Pair1.a_5fb_2dc_2ed" },
        { "/mnt/backup/photos", "org.rebackup.Pair1._2fmnt_2fbackup_2fphotos" },
        { "f\xc3\xbcr", "org.rebackup.Pair1.f_c3_bcr" },
};

START_TEST(name_there_and_back) {
        char *bus_name = NULL, *name = NULL;

        ck_assert_int_eq(bus_name_format(names[_i].name, &bus_name), 0);
        ck_assert_str_eq(bus_name, names[_i].bus_name);
        ck_assert(sd_bus_service_name_is_valid(bus_name));
        ck_assert_int_eq(bus_name_parse(bus_name, &name), 1);
        ck_assert_str_eq(name, names[_i].name);
        free(name);
        free(bus_name);
}
END_TEST

START_TEST(other_names_are_no_pairs) {
        static const char *const others[] = { "org.rebackup.Pair1", "org.rebackup.Pair1.",
                                              "org.freedesktop.DBus", ":1.7",
                                              "org.rebackup.Pair1.a.b" };
        char *name = NULL;

        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                ck_assert_int_eq(bus_name_parse(others[i], &name), 0);
        ck_assert_ptr_null(name);
}
END_TEST

START_TEST(long_names_are_refused) {
        char name[256] = {}, *bus_name = NULL;

        memset(name, '-', 100);
        ck_assert_int_eq(bus_name_format(name, &bus_name), -ENAMETOOLONG);
        name[78] = '\0'; /* 255 with the prefix */
        ck_assert_int_eq(bus_name_format(name, &bus_name), 0);
        ck_assert_uint_le(strlen(bus_name), 255);
        free(bus_name);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("bus-name");
        TCase *tcase = tcase_create("all");
        SRunner *runner;
        int n_failed;

        tcase_add_loop_test(tcase, name_there_and_back, 0, ELEMENTSOF(names));
        tcase_add_test(tcase, other_names_are_no_pairs);
        tcase_add_test(tcase, long_names_are_refused);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed > 0;
}
