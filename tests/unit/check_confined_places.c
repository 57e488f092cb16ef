/* Which directory is left open for a path of the pair, by what is mounted; and what of root's
 * capabilities is left. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "config/lasting-place.h"
#include "daemon/capabilities.h"
#include "daemon/confined-places.h"

enum { MOUNTS_MAX = 6 };

typedef struct Case {
        const char *path, *place;
        struct {
                const char *point;
                unsigned device;
        } mounts[MOUNTS_MAX]; /* besides "/", which is on device 1 */
} Case;

static const Case cases[] = {
        /* What is replaced by another directory of the same name, made again with its parents. */
        { "/srv/photos", "/srv", {} },
        { "/srv/a/photos", "/srv", {} },
        { "/srv/a/b/c/photos", "/srv", {} },
        { "/home/me/a/photos", "/home/me", {} },
        { "/home/photos", "/home", {} },
        { "/var/backups/a/b/photos", "/var/backups", {} },
        { "/photos", "/", {} },
        /* A disk that is unmounted, and mounted again. */
        { "/mnt/disk/photos", "/mnt", { { "/mnt/disk", 2 } } },
        { "/mnt/disk/a/b/photos", "/mnt", { { "/mnt/disk", 2 } } },
        { "/mnt/disk", "/mnt", { { "/mnt/disk", 2 } } },
        { "/mnt/photos", "/", { { "/mnt", 2 } } },
        { "/run/media/me/DISK/x", "/run/media/me", { { "/run", 2 }, { "/run/media/me/DISK", 3 } } },
        { "/run/media/me/x", "/", { { "/run", 2 }, { "/run/media/me/DISK", 3 } } },
        { "/mnt/disk2/photos", "/mnt", { { "/mnt/disk", 2 } } },
        /* A directory mounted on itself, as by the sandbox of a service. */
        { "/mnt/backup/photos", "/mnt", { { "/mnt/backup", 1 } } },
        { "/backup/photos", "/backup", { { "/backup", 1 } } },
        { "/mnt/disk/a/photos",
          "/mnt",
          { { "/mnt", 1 }, { "/mnt/disk", 2 }, { "/mnt/disk/a", 2 } } },
        { "/var/a/photos", "/var/a", { { "/var", 1 }, { "/var/a", 1 } } },
        /* What is mounted last hides the others. */
        { "/mnt/disk/photos", "/mnt", { { "/mnt/disk", 1 }, { "/mnt/disk", 2 } } },
        { "/var/disk/photos", "/var/disk", { { "/var/disk", 2 }, { "/var/disk", 1 } } },
};

START_TEST(places) {
        const Case *is = &cases[_i];
        _cleanup_free_ char *place = NULL;
        Mount mounts[MOUNTS_MAX + 1] = { { .point = (char *) "/", .device = 1 } };
        MountTable table = { .mounts = mounts, .n_mounts = 1 };

        for (; table.n_mounts <= MOUNTS_MAX && is->mounts[table.n_mounts - 1].point;
             table.n_mounts++)
                mounts[table.n_mounts] = (Mount) {
                        .point = (char *) is->mounts[table.n_mounts - 1].point,
                        .device = is->mounts[table.n_mounts - 1].device
                };
        place = confined_place(&table, is->path);
        ck_assert_str_eq(place, is->place);
}
END_TEST

typedef struct Log {
        const char *path, *place;
} Log;

static const Log logs[] = {
        { "/var/log/rebackup/photos.log", "/var/log" },
        { "/var/log/photos.log", "/var/log" },
        { "/srv/logs/photos.log", "/srv" },
        { "/logs/photos.log", "/logs" },
        { "/home/me/photos.log", "/home/me" },
        { "/photos.log", "/" },
};

START_TEST(places_of_logs) {
        _cleanup_free_ char *place = lasting_place_of_log(logs[_i].path);

        ck_assert_str_eq(place, logs[_i].place);
}
END_TEST

/* The number behind NAME in /proc/self/status. */
static unsigned long long status_of(const char *name) {
        FILE *file = fopen("/proc/self/status", "re");
        unsigned long long value = 0;
        char line[256];

        ck_assert_ptr_nonnull(file);
        while (fgets(line, sizeof(line), file)) {
                const char *rest = startswith(line, name);

                if (rest)
                        value = strtoull(rest, NULL, 16);
        }
        (void) fclose(file);
        return value;
}

START_TEST(capabilities) {
        /* CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID, SYS_ADMIN SYS_RESOURCE, MKNOD LEASE,
         * SETFCAP: linux/capability.h. */
        const unsigned long long needed = 0x1f | 1ULL << 21 | 1ULL << 24 | 1ULL << 27 | 1ULL << 28 |
                                          1ULL << 31;
        unsigned long long had = status_of("CapPrm:"), bounding = status_of("CapBnd:");

        ck_assert_int_eq(capabilities_drop(), 0);
        ck_assert_uint_eq(status_of("CapPrm:"), had & needed);
        ck_assert_uint_eq(status_of("CapEff:") & ~needed, 0);
        ck_assert_uint_eq(status_of("CapInh:"), 0);
        if (had & 1 << 8) /* SETPCAP */
                ck_assert_uint_eq(status_of("CapBnd:"), bounding & needed);
        ck_assert_int_eq(capabilities_drop(), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("confinement");
        TCase *tcase = tcase_create("confinement");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        tcase_add_loop_test(tcase, places, 0, ELEMENTSOF(cases));
        tcase_add_loop_test(tcase, places_of_logs, 0, ELEMENTSOF(logs));
        tcase_add_test(tcase, capabilities);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed > 0;
}
