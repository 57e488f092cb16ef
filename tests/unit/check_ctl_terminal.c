/* Text on terminals of any width, with and without UTF-8. */

#include <locale.h>
#include <stdlib.h>

#include "basic/macros.h"
#include "ctl/progress.h"
#include "ctl/terminal.h"
#include "test-fs.h"

static const struct {
        bool has_utf8;
        const char *text, *shown;
} texts[] = {
        { true, "plain", "plain" },
        { true, "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
        { false, "gr\xc3\xbc\xc3\x9f", "gr\\xc3\\xbc\\xc3\\x9f" },
        { true, "a\x1b[31mb\n", "a\\x1b[31mb\\x0a" },
        { true, "broken\xff\xc3", "broken\\xff\\xc3" },
        { true, "back\\slash", "back\\slash" },
        { true,
          "\xc2\x9b"
          "31m",
          "\\xc2\\x9b31m" }, /* CSI of the upper control characters */
        { true, "", "" },
};

START_TEST(text_is_made_safe) {
        Terminal terminal = { .has_utf8 = texts[_i].has_utf8 };
        char *shown;

        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
        shown = terminal_text(&terminal, texts[_i].text);
        ck_assert_str_eq(shown, texts[_i].shown);
        free(shown);
}
END_TEST

static const struct {
        bool has_utf8;
        const char *text;
        size_t width;
        const char *shown;
} shortened[] = {
        { false, "short", 5, "short" },
        { false, "/srv/photos/2024", 10, "/s.../2024" },
        { false, "/srv/photos/2024", 2, "/s" },
        { true, "/srv/photos/2024", 10, "/sr\xe2\x80\xa6s/2024" },
        { true, "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 7,
          "\xe6\x97\xa5\xe2\x80\xa6\xe6\x9c\xac\xe8\xaa\x9e" },
};

START_TEST(the_middle_gives_way) {
        Terminal terminal = { .has_utf8 = shortened[_i].has_utf8 };
        char *shown;

        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
        shown = terminal_shorten(&terminal, shortened[_i].text, shortened[_i].width);
        ck_assert_uint_le(terminal_columns(shown), shortened[_i].width);
        ck_assert_str_eq(shown, shortened[_i].shown);
        free(shown);
}
END_TEST

/* However narrow, and whatever is cut in half. */
START_TEST(it_always_fits) {
        static const char text[] = "/a\xc3\xa4/\xe6\x97\xa5\xe6\x9c\xac/\xcc\x81/long/path";
        Terminal terminal = { .has_utf8 = _i % 2 };

        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
        for (size_t width = 0; width < 40; width++) {
                char *shown = terminal_shorten(&terminal, text, width);

                ck_assert_uint_le(terminal_columns(shown), width);
                free(shown);
        }
}
END_TEST

static const struct {
        size_t width;
        bool has_utf8;
        int done;
        const char *shown;
} lines[] = {
        { 72, false, 500,
          "#########--------- 50 %, 10 of 20 files, 1.5 MiB, 3.0 MiB/s, 2min left" },
        { 60, false, 500, "#######-------- 50 %, 10 of 20 files, 3.0 MiB/s, 2min left" },
        { 39, false, 0, "--------- 50 %, 3.0 MiB/s, 2min left" },
        { 30, false, 999, "#######- 50 %, 2min left" },
        { 20, false, 500, "50 %, 2min left" },
        { 4, false, 500, "50 %" },
        { 79, true, -1, "50 %, 10 of 20 files, 1.5 MiB, 3.0 MiB/s, 2min left" },
        { 32, true, 500,
          "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88"
          "\xe2\x96\x91\xe2\x96\x91\xe2\x96\x91\xe2\x96\x91 50 %, 2min left" },
};

/* The less important a part, the earlier it is left out. */
START_TEST(progress_fits) {
        LineParts parts = LINE_PARTS_NULL;
        char *line;

        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
        line_parts_add(&parts, 0, "%d %%", 50);
        line_parts_add(&parts, 3, "%s", "10 of 20 files");
        line_parts_add(&parts, 4, "%s", "1.5 MiB");
        line_parts_add(&parts, 2, "%s", "3.0 MiB/s");
        line_parts_add(&parts, 1, "%s", "2min left");
        TEST_OK(progress_line(lines[_i].has_utf8, lines[_i].width, lines[_i].done, &parts, &line));
        ck_assert_str_eq(line, lines[_i].shown);
        ck_assert_uint_le(terminal_columns(line), lines[_i].width);
        free(line);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("ctl-terminal", &tcase);

        tcase_add_loop_test(tcase, text_is_made_safe, 0, ELEMENTSOF(texts));
        tcase_add_loop_test(tcase, the_middle_gives_way, 0, ELEMENTSOF(shortened));
        tcase_add_loop_test(tcase, it_always_fits, 0, 2);
        tcase_add_loop_test(tcase, progress_fits, 0, ELEMENTSOF(lines));
        return test_fs_run(suite);
}
