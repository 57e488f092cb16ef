/* The tables of decisions in ARCHITECTURE.md say what decide() does, cell by cell. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/macros.h"
#include "basic/string-util.h"
#include "sync/decide.h"

#define DOCUMENT TOP_SRCDIR "/ARCHITECTURE.md"

static const Policy one_way = { .overwrite = true, .remove = true };
static const Policy two_way = { .overwrite = true, .remove = true, .two_way = true };

/* "metadata or update¹": what equal contents lead to, and different ones, with the marks of the
 * policies that turn it into keeping. */
static void put_cell(EntryState source, EntryState replica, Policy policy, char *text,
                     size_t size) {
        Policy no_overwrite = policy, no_remove = policy;
        Action equal = decide(source, replica, EVIDENCE_EQUAL, policy),
               different = decide(source, replica, EVIDENCE_DIFFERENT, policy);

        no_overwrite.overwrite = no_remove.remove = false;
        (void) snprintf(
                text, size, "%s%s%s%s%s", action_to_string(equal), equal == different ? "" : " or ",
                equal == different ? "" : action_to_string(different),
                decide(source, replica, EVIDENCE_DIFFERENT, no_overwrite) == different ? "" : "¹",
                decide(source, replica, EVIDENCE_DIFFERENT, no_remove) == different ? "" : "²");
}

static void put_row(EntryState source, Policy policy, char *text, size_t size) {
        size_t n = (size_t) snprintf(text, size, "| %s |", entry_state_to_string(source));

        for (EntryState replica = 0; replica < _STATE_MAX; replica++) {
                char cell[64];

                put_cell(source, replica, policy, cell, sizeof cell);
                n += (size_t) snprintf(text + n, size - n, " %s |", cell);
                assert(n < size);
        }
}

/* The table's rows follow its heading and the line below that. */
static FILE *open_table(const char *heading) {
        FILE *file = fopen(DOCUMENT, "re");
        char line[4096];
        bool found = false;

        ck_assert_msg(file, "cannot open %s", DOCUMENT);
        while (!found && fgets(line, sizeof line, file))
                found = startswith(line, heading);
        ck_assert_msg(found, "no \"%s\" in %s", heading, DOCUMENT);
        ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
        return file;
}

static void expect_table(const char *heading, Policy policy) {
        FILE *file = open_table(heading);

        for (EntryState source = 0; source < _STATE_MAX; source++) {
                char line[4096] = "", row[4096];

                (void) fgets(line, sizeof line, file);
                line[strcspn(line, "\n")] = '\0';
                put_row(source, policy, row, sizeof row);
                ck_assert_str_eq(line, row);
        }
        (void) fclose(file);
}

START_TEST(the_table_of_one_way) {
        expect_table("| one-way: source \\ replica |", one_way);
}
END_TEST

START_TEST(the_table_of_two_way) {
        expect_table("| two-way: source \\ replica |", two_way);
}
END_TEST

/* What both tables leave out, since it is so for every cell: contents that have to be compared are.
 */
START_TEST(contents_are_compared_where_it_matters) {
        for (int i = 0; i < 2 * _STATE_MAX * _STATE_MAX; i++) {
                Policy policy = i % 2 ? two_way : one_way;
                EntryState source = (EntryState) (i / 2 % _STATE_MAX),
                           replica = (EntryState) (i / 2 / _STATE_MAX);
                Action none = decide(source, replica, EVIDENCE_NONE, policy),
                       equal = decide(source, replica, EVIDENCE_EQUAL, policy);

                if (equal == decide(source, replica, EVIDENCE_DIFFERENT, policy))
                        ck_assert_int_eq(none, equal);
                else
                        ck_assert_int_eq(none, ACTION_COMPARE);
        }
}
END_TEST

int main(int argc, char **argv) {
        Suite *suite = suite_create("decide_table");
        TCase *tcase = tcase_create("decide_table");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        if (argc > 1 && streq(argv[1], "--print")) {
                char row[4096];

                for (int i = 0; i < 2 * _STATE_MAX; i++) {
                        put_row((EntryState) (i % _STATE_MAX), i < _STATE_MAX ? one_way : two_way,
                                row, sizeof row);
                        (void) puts(row);
                }
                return EXIT_SUCCESS;
        }
        suite_add_tcase(suite, tcase);
        tcase_add_test(tcase, the_table_of_one_way);
        tcase_add_test(tcase, the_table_of_two_way);
        tcase_add_test(tcase, contents_are_compared_where_it_matters);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
