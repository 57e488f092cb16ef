/* Which paths a pair's service is opened, by what is mounted where and what exists. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "generator/places.h"

typedef struct Case {
        const char *source, *replica, *store, *log_file;
        const char *mounts;  /* mount points, separated by blanks */
        const char *missing; /* paths that do not exist, separated by blanks */
        const char *writable;
        const char *read_only; /* NULL: none */
        const char *notes;     /* "everywhere", "home", "tmp" */
} Case;

#define S "/srv/photos"

static const Case cases[] = {
        /* All on the root file system. */
        { S, "/mnt/backup/photos", .writable = "/mnt/backup", .read_only = S },
        { S, "/backup/photos", .writable = "/backup", .read_only = S },
        { S, "/data/a/b/c/photos", .writable = "/data/a/b/c", .read_only = S },
        { S, "/data/a/b/photos", .missing = "/data/a/b /data/a", .writable = "/data",
          .read_only = S },
        { S, "/data/a/photos", .missing = "/data/a /data", .writable = "", .read_only = S,
          .notes = "everywhere" },
        { S, "/photos", .writable = "", .read_only = S, .notes = "everywhere" },
        { S, "/srv/copy", .writable = "/srv", .read_only = S },
        { "/home/me/a", "/home/me/b", .writable = "/home/me", .read_only = "/home/me/a" },
        { "/home/a", "/home/b", .writable = "/home", .read_only = "/home/a", .notes = "home" },
        { "/tmp/a", "/srv/b", .writable = "/srv", .read_only = "/tmp/a", .notes = "tmp" },
        { S, "/var/tmp/x/b", .writable = "/var/tmp/x", .read_only = S, .notes = "tmp" },
        /* A mounted file system is opened as a whole. */
        { S, "/mnt/backup/a/photos", .mounts = "/mnt/backup", .writable = "/mnt/backup",
          .read_only = S },
        { S, "/mnt/backup", .mounts = "/mnt/backup", .writable = "/mnt/backup", .read_only = S },
        { S, "/mnt/photos", .mounts = "/mnt", .writable = "/mnt", .read_only = S },
        { S, "/mnt/disk/photos", .mounts = "/mnt/disk", .missing = "/mnt/disk /mnt",
          .writable = "/mnt/disk", .read_only = S },
        { "/mnt/camera/DCIM", "/data/photos", .mounts = "/mnt/camera", .writable = "/data",
          .read_only = "/mnt/camera" },
        { "/mnt/disk/a", "/mnt/disk/b", .mounts = "/mnt/disk", .writable = "/mnt/disk" },
        { "/mnt/a/x", "/mnt/b/x", .mounts = "/mnt/a /mnt/b", .writable = "/mnt/b",
          .read_only = "/mnt/a" },
        { "/mnt/a/x", "/mnt/b/x", .mounts = "/mnt/a /mnt /mnt/b", .writable = "/mnt/b",
          .read_only = "/mnt/a" },
        /* A store elsewhere is on the same mount as the replica. */
        { S, "/data/a/photos", "/data/b/store", .writable = "/data", .read_only = S },
        { S, "/data/photos", "/data/store", .writable = "/data", .read_only = S },
        { S, "/data/photos", "/var/store", .writable = "", .read_only = S, .notes = "everywhere" },
        { S, "/mnt/d/photos", "/mnt/d/x/store", .mounts = "/mnt/d", .writable = "/mnt/d",
          .read_only = S },
        { S, "/mnt/d/photos", "/data/x/store", .mounts = "/mnt/d", .writable = "/mnt/d /data/x",
          .read_only = S },
        /* Rot is healed in the source as well. */
        { S, "/mnt/backup/photos", .writable = "/mnt/backup /srv/photos", .notes = "heal-source" },
        { S, "/srv/copy", .writable = "/srv", .notes = "heal-source" },
        { "/mnt/camera/DCIM", "/data/photos", .mounts = "/mnt/camera",
          .writable = "/data /mnt/camera", .notes = "heal-source" },
        /* Log files. */
        { S, "/data/a/photos", NULL, "/var/log/rebackup/photos.log", .writable = "/data/a /var/log",
          .read_only = S },
        { S, "/data/a/photos", NULL, "/var/log/photos.log", .writable = "/data/a /var/log",
          .read_only = S },
        { S, "/data/a/photos", NULL, "/home/me/photos.log", .writable = "/data/a /home/me",
          .read_only = S },
        { S, "/data/a/photos", NULL, "/data/a/log/photos.log", .writable = "/data/a",
          .read_only = S },
        { S, "/data/a/photos", NULL, "/data/log/photos.log", .writable = "/data", .read_only = S },
        { S, "/data/a/photos", NULL, "/opt/photos.log", .writable = "/data/a /opt",
          .read_only = S },
        { S, "/data/a/photos", NULL, "/opt/x/y/photos.log", .missing = "/opt/x/y /opt/x",
          .writable = "/data/a /opt", .read_only = S },
        { S, "/data/a/photos", NULL, "/photos.log", .writable = "", .read_only = S,
          .notes = "everywhere" },
        { S, "/data/a/photos", NULL, "/tmp/x/photos.log", .writable = "/data/a /tmp",
          .read_only = S, .notes = "tmp" },
};

static bool has_word(const char *words, const char *word) {
        size_t length = strlen(word);

        for (const char *p = words; p && *p; p += strspn(p, " ")) {
                size_t n = strcspn(p, " ");

                if (n == length && strncmp(p, word, n) == 0)
                        return true;
                p += n;
        }
        return false;
}

static bool is_mount_point(const char *path, void *userdata) {
        const Case *is = userdata;

        return has_word(is->mounts, path);
}

static bool exists(const char *path, void *userdata) {
        const Case *is = userdata;

        return !has_word(is->missing, path);
}

static char *join(const Places *places) {
        StringBuffer text = STRING_BUFFER_NULL;

        for (size_t i = 0; i < places->n_writable; i++)
                string_buffer_appendf(&text, "%s%s", i > 0 ? " " : "", places->writable[i]);
        return string_buffer_take(&text);
}

START_TEST(plan) {
        Case is = cases[_i];
        Config config = { .source = (char *) is.source,
                          .replica = (char *) is.replica,
                          .store = (char *) is.store,
                          .log_file = (char *) is.log_file,
                          .on_rot = has_word(is.notes, "heal-source") ? ON_ROT_HEAL_SOURCE
                                                                      : ON_ROT_HEAL };
        Surroundings surroundings = { is_mount_point, exists, &is };
        _cleanup_(places_done) Places places = PLACES_NULL;
        _cleanup_free_ char *writable = NULL;

        ck_assert_int_eq(places_plan(&config, &surroundings, &places), 0);
        writable = join(&places);
        ck_assert_str_eq(writable, is.writable);
        ck_assert_pstr_eq(places.read_only, is.read_only);
        ck_assert(places.everywhere == has_word(is.notes, "everywhere"));
        ck_assert(places.in_home == has_word(is.notes, "home"));
        ck_assert(places.in_tmp == has_word(is.notes, "tmp"));
        ck_assert_uint_eq(places.n_required, is.store ? 3 : 2);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("generator-places");
        TCase *tcase = tcase_create("generator-places");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        tcase_add_loop_test(tcase, plan, 0, ELEMENTSOF(cases));
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed > 0;
}
