#include <check.h>
#include <stdlib.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/path-util.h"
#include "basic/string-util.h"

typedef struct Heads {
        const char *path, *parent, *one, *two;
} Heads;

static const Heads heads[] = {
        { "/", "/", "/", "/" },
        { "/a", "/", "/a", "/a" },
        { "/a/b", "/a", "/a", "/a/b" },
        { "/srv/b c/d", "/srv/b c", "/srv", "/srv/b c" },
        { "/srv/b/c/d/e", "/srv/b/c/d", "/srv", "/srv/b" },
};

START_TEST(parts) {
        const Heads *is = &heads[_i];
        _cleanup_free_ char *parent = path_parent(is->path), *none = path_head(is->path, 0),
                            *one = path_head(is->path, 1), *two = path_head(is->path, 2),
                            *all = path_head(is->path, 99);

        ck_assert_str_eq(parent, is->parent);
        ck_assert_str_eq(none, "/");
        ck_assert_str_eq(one, is->one);
        ck_assert_str_eq(two, is->two);
        ck_assert_str_eq(all, is->path);
}
END_TEST

typedef struct Relation {
        const char *a, *b, *common;
        bool a_in_b;
} Relation;

static const Relation relations[] = {
        { "/a", "/a", "/a", true },
        { "/a/b", "/a", "/a", true },
        { "/a", "/a/b", "/a", false },
        { "/ab", "/a", "/", false },
        { "/a/bc/d", "/a/bd/d", "/a", false },
        { "/a/b/c", "/a/b/d", "/a/b", false },
        { "/a", "/", "/", true },
        { "/", "/", "/", true },
        { "/", "/a", "/", false },
        { "/a", "/b", "/", false },
};

START_TEST(related) {
        const Relation *is = &relations[_i];
        _cleanup_free_ char *common = path_common(is->a, is->b),
                            *turned = path_common(is->b, is->a);

        ck_assert_str_eq(common, is->common);
        ck_assert_str_eq(turned, is->common);
        ck_assert(path_is_within(is->a, is->b) == is->a_in_b);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("path-util");
        TCase *tcase = tcase_create("path-util");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        tcase_add_loop_test(tcase, parts, 0, ELEMENTSOF(heads));
        tcase_add_loop_test(tcase, related, 0, ELEMENTSOF(relations));
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed > 0;
}
