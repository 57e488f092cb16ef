/* What a change of the mount table means for a pair: a table of tables. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/macros.h"
#include "sync/mount-changes.h"
#include "test-fs.h"

enum { MOUNTS_MAX = 4 };

/* A mount with that id, device and mount point. */
#define M(i, d, p) \
        { .id = (i), .device = (d), .root = (char *) "/", .point = (char *) (p) }

static const MountPaths paths = { .source = "/srv/photos",
                                  .replica = "/mnt/b/photos",
                                  .store = "/mnt/b/.photos.rebackup" };

static const struct Case {
        const char *name;
        Mount was[MOUNTS_MAX], now[MOUNTS_MAX];
        bool roots;
        const char *points[MOUNTS_MAX];
} cases[] = {
        { .name = "nothing",
          .was = { M(1, 1, "/"), M(2, 2, "/mnt/b") },
          .now = { M(1, 1, "/"), M(2, 2, "/mnt/b") } },
        { .name = "a foreign one comes",
          .was = { M(1, 1, "/") },
          .now = { M(1, 1, "/"), M(2, 2, "/media/stick") } },
        { .name = "a foreign one goes",
          .was = { M(2, 2, "/media/stick"), M(1, 1, "/") },
          .now = { M(1, 1, "/") } },
        { .name = "names that begin alike",
          .was = { M(1, 1, "/") },
          .now = { M(1, 1, "/"), M(2, 2, "/srv/photos2"), M(3, 3, "/mnt/b/photos.old") } },
        { .name = "another order",
          .was = { M(1, 1, "/"), M(2, 2, "/srv/photos/a") },
          .now = { M(2, 2, "/srv/photos/a"), M(1, 1, "/") } },
        { .name = "source comes",
          .was = { M(1, 1, "/") },
          .now = { M(1, 1, "/"), M(2, 2, "/srv/photos") },
          .roots = true },
        { .name = "source goes",
          .was = { M(1, 1, "/"), M(2, 2, "/srv/photos") },
          .now = { M(1, 1, "/") },
          .roots = true },
        { .name = "source mounted anew",
          .was = { M(2, 2, "/srv/photos") },
          .now = { M(3, 2, "/srv/photos") },
          .roots = true },
        { .name = "another disk with the number of the former mount",
          .was = { M(2, 2, "/srv/photos") },
          .now = { M(2, 3, "/srv/photos") },
          .roots = true },
        { .name = "on the way to the source",
          .was = { M(1, 1, "/") },
          .now = { M(1, 1, "/"), M(2, 2, "/srv") },
          .roots = true },
        { .name = "the root itself",
          .was = { M(1, 1, "/") },
          .now = { M(1, 1, "/"), M(2, 2, "/") },
          .roots = true },
        { .name = "on the way to the replica",
          .was = { M(1, 1, "/"), M(2, 2, "/mnt/b") },
          .now = { M(1, 1, "/") },
          .roots = true },
        { .name = "in the replica",
          .was = { M(1, 1, "/") },
          .now = { M(1, 1, "/"), M(2, 2, "/mnt/b/photos/x") },
          .roots = true },
        { .name = "in the store",
          .was = { M(1, 1, "/") },
          .now = { M(1, 1, "/"), M(2, 2, "/mnt/b/.photos.rebackup/versions") },
          .roots = true },
        { .name = "inside the source",
          .was = { M(1, 1, "/") },
          .now = { M(1, 1, "/"), M(2, 2, "/srv/photos/a/b") },
          .points = { "a/b" } },
        { .name = "several inside the source",
          .was = { M(1, 1, "/"), M(2, 2, "/srv/photos/a"), M(3, 3, "/srv/photos/a/b") },
          .now = { M(1, 1, "/"), M(4, 4, "/srv/photos/c") },
          .points = { "a", "a/b", "c" } },
        { .name = "exchanged inside the source",
          .was = { M(2, 2, "/srv/photos/a") },
          .now = { M(2, 3, "/srv/photos/a") },
          .points = { "a", "a" } },
};

static MountTable table_of(const Mount *mounts) {
        MountTable table = { .mounts = (Mount *) mounts };

        while (table.n_mounts < MOUNTS_MAX && mounts[table.n_mounts].point)
                table.n_mounts++;
        return table;
}

START_TEST(change) {
        const struct Case *c = &cases[_i];
        MountTable was = table_of(c->was), now = table_of(c->now);
        MountChanges changes;
        size_t n = 0;

        TEST_OK(mount_changes_find(&was, &now, &paths, &changes));
        ck_assert_msg(changes.roots == c->roots, "%s", c->name);
        for (; n < MOUNTS_MAX && c->points[n]; n++) {
                ck_assert_msg(n < changes.n_points, "%s", c->name);
                ck_assert_str_eq(changes.points[n], c->points[n]);
        }
        ck_assert_msg(changes.n_points == n, "%s", c->name);
        mount_changes_done(&changes);
}
END_TEST

START_TEST(source_is_everything) {
        const MountPaths all = { .source = "/", .replica = "/mnt/b", .store = NULL };
        const Mount mounts[MOUNTS_MAX] = { M(1, 1, "/media/stick") };
        MountTable was = {}, now = table_of(mounts);
        MountChanges changes;

        TEST_OK(mount_changes_find(&was, &now, &all, &changes));
        ck_assert(!changes.roots);
        ck_assert_uint_eq(changes.n_points, 1);
        ck_assert_str_eq(changes.points[0], "media/stick");
        mount_changes_done(&changes);
}
END_TEST

static void expect_resolved(const char *path, const char *expected) {
        char *resolved = mount_path_resolve(path);

        ck_assert_str_eq(resolved, expected);
        free(resolved);
}

START_TEST(paths_are_resolved_as_far_as_they_exist) {
        char path[128], expected[128];

        TEST_SYS(mkdirat(test_fd, "real", 0755));
        TEST_SYS(symlinkat("real", test_fd, "link"));
        (void) snprintf(expected, sizeof expected, "%s/real", test_path);
        (void) snprintf(path, sizeof path, "%s/link", test_path);
        expect_resolved(path, expected);
        (void) snprintf(path, sizeof path, "%s/link/x/y", test_path);
        (void) snprintf(expected, sizeof expected, "%s/real/x/y", test_path);
        expect_resolved(path, expected);
        expect_resolved("/", "/");
        expect_resolved("/there-is-none/x", "/there-is-none/x");
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("mount-changes", &tcase);

        tcase_add_loop_test(tcase, change, 0, (int) ELEMENTSOF(cases));
        tcase_add_test(tcase, source_is_everything);
        tcase_add_test(tcase, paths_are_resolved_as_far_as_they_exist);
        return test_fs_run(suite);
}
