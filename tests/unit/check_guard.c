/* Overlaps, on real directories, links and mounts: each is refused before anything is created, and
 * what only looks like one is not. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/macros.h"
#include "sync/guard.h"
#include "test-pair.h"

typedef struct Case {
        const char *name; /* for messages and the reader */
        /* Divided by commas; "d NAME": directory, "l TARGET NAME": symbolic link to TARGET in the
         * test's directory, "b FROM TO": bind mount. */
        const char *steps;
        const char *pair; /* source, replica, and store if it is configured */
} Case;

static const Case overlapping[] = {
        { "the same", "d a", "a a" },
        { "replica in source", "d a,d a/r", "a a/r" },
        { "missing replica in source", "d a", "a a/x/y/r" },
        { "source in replica", "d r,d r/s", "r/s r" },
        { "source deep in replica", "d r,d r/x,d r/x/s", "r/x/s r" },

        { "replica is a link to source", "d a,l a b", "a b" },
        { "source is a link to replica", "d a,l a b", "b a" },
        { "missing replica below a link into source", "d a,d a/x,l a/x b", "a b/r" },
        { "source is a link into replica", "d r,d r/s,l r/s b", "b r" },

        { "the same, parent mounted", "d p,d p/a,d m,b p m", "p/a m/a" },
        { "replica in source, parent mounted", "d p,d p/a,d m,b p m", "p/a m/a/r" },
        { "source in replica, parent mounted", "d p,d p/a,d m,b p m", "p/a m" },

        { "the same, child mounted", "d a,d a/c,d m,b a/c m", "a/c m" },
        { "replica in source, child mounted", "d a,d a/c,d m,b a/c m", "a m" },
        { "missing replica in source, child mounted", "d a,d a/c,d m,b a/c m", "a m/x/r" },
        { "source in replica, child mounted", "d a,d a/c,d m,b a/c m", "m a" },

        { "source shows replica's parent", "d s,d s/in,d x,d x/y,b x s/in", "s x/y" },
        { "source shows missing replica's parent", "d s,d s/in,d x,b x s/in", "s x/r" },
        { "source shows a part of replica", "d s,d s/in,d r,d r/y,b r/y s/in", "s r" },
        { "replica shows source", "d s,d r,d r/in,b s r/in", "s r" },
        { "replica shows a part of source", "d s,d s/x,d r,d r/in,b s/x r/in", "s r" },

        { "store is the source", "d s", "s r s" },
        { "store in source", "d s", "s r s/store" },
        { "store in source, replica is there", "d s,d r", "s r s/store" },
        { "store in source by a link", "d s,l s l", "s r l/store" },
        { "source in store", "d t,d t/s", "t/s r t" },
        { "default store is the source", "d .r.rebackup", ".r.rebackup r" },
        { "store in replica", "d s,d r", "s r r/store" },
        { "store is the replica", "d s,d r", "s r r" },
        { "replica in store", "d s,d t", "s t/r t" },
};

static const Case apart[] = {
        { "beside each other", "d s", "s r" },
        { "one name begins with the other", "d s", "s s2" },
        { "a link in source to replica", "d s,d r,l r s/link", "s r" },
        { "links to both", "d s,d r,l s ls,l r lr", "ls lr" },
        { "replica in a mount of something else", "d s,d o,d m,b o m", "s m/r" },
        { "replica in a mount of source's parent", "d p,d p/a,d m,b p m", "p/a m/r" },
        { "something else mounted in source", "d s,d s/in,d o,b o s/in", "s r" },
        { "source mounted on itself", "d s,b s s", "s r" },
        { "store elsewhere", "d s,d t", "s r t/store" },
        { "store in replica under its own name", "d s,d r", "s r r/.rebackup" },
        { "store in missing replica under its own name", "d s", "s r r/.rebackup" },
};

/* False when the step cannot be done here. */
static bool perform(const char *step) {
        char first[64], second[64] = "";

        ck_assert_int_ge(sscanf(step + 2, "%63[^ ,] %63[^ ,]", first, second), 1);
        switch (step[0]) {
        case 'd':
                test_mkdir(first);
                return true;
        case 'l':
                TEST_SYS(symlinkat(test_name(first), test_fd, second));
                return true;
        default:
                return test_bind(first, second);
        }
}

static bool prepare(const Case *c) {
        char source[64], replica[64], store[64];
        int n = sscanf(c->pair, "%63s %63s %63s", source, replica, store);

        test_pair_config(source, replica, n == 3 ? store : NULL);
        for (const char *step = c->steps; step; step = strchr(step, ',')) {
                step += *step == ',';
                if (!perform(step))
                        return false;
        }
        return true;
}

/* No case has more than one mount. */
static void clean_up(const Case *c) {
        const char *mounted = strstr(c->steps, "b ");
        char from[64], to[64];

        if (mounted && sscanf(mounted, "b %63[^ ,] %63[^ ,]", from, to) == 2)
                test_detach(to);
}

START_TEST(overlaps) {
        const Case *c = &overlapping[_i];

        if (!prepare(c))
                return;
        test_expect_refused(GUARD_OVERLAP, "choose directories");
        clean_up(c);
}
END_TEST

START_TEST(no_overlap) {
        const Case *c = &apart[_i];
        Pair *pair;

        if (!prepare(c))
                return;
        ck_assert_msg(test_pair_open(false, &pair) == 0, "%s: %s", c->name, test_error);
        pair_close(pair);
        clean_up(c);
}
END_TEST

/* Nothing but the mount table tells that two mounts show one file system. */
START_TEST(second_mount_of_a_file_system) {
        Pair *pair;
        int fd = test_mount("ext4", "disk");

        if (fd < 0)
                return;
        (void) close(fd);
        test_mkdir("disk/s");
        test_mkdir("again");
        ck_assert(test_bind("disk", "again"));
        test_pair_config("disk/s", "again/s/in/r", NULL);
        ck_assert_int_eq(test_pair_open(false, &pair), GUARD_OVERLAP);
        test_pair_config("disk/s", "again", NULL);
        ck_assert_int_eq(test_pair_open(false, &pair), GUARD_OVERLAP);
        test_pair_config("disk/s", "again/r", NULL);
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        pair_close(pair);
        test_detach("again");
        test_unmount("disk");
}
END_TEST

/* Mount points with blanks and backslashes are escaped in the mount table. */
START_TEST(odd_mount_points) {
        Pair *pair;

        test_mkdir("a");
        test_mkdir("a/ b\\c\n");
        test_mkdir("m\t\\040");
        if (!test_bind("a/ b\\c\n", "m\t\\040"))
                return;
        test_pair_config("a", "m\t\\040/r", NULL);
        ck_assert_int_eq(test_pair_open(false, &pair), GUARD_OVERLAP);
        /* The text for a terminal holds none of these characters. */
        ck_assert_ptr_nonnull(strstr(test_error, "m\\t\\\\040/r"));
        test_detach("m\t\\040");
}
END_TEST

/* Mount points inside the source. */
static const struct MountCase {
        MountFacts facts;
        MountVerdict verdict;
} mount_cases[] = {
        /* Nothing mounted, then or now. */
        { { .at_stake = true }, MOUNT_RIGHT },
        { { .at_stake = true, .is_there = true, .same_file_system = true }, MOUNT_RIGHT },
        { { .at_stake = true, .is_there = true }, MOUNT_RIGHT },
        /* Mounted then: gone with its mount point, gone, exchanged, the same, another directory of
         * the same file system. */
        { { .was_mounted = true, .at_stake = true }, MOUNT_MISSING },
        { { .was_mounted = true, .at_stake = true, .is_there = true }, MOUNT_MISSING },
        { { .was_mounted = true, .at_stake = true, .is_there = true, .same_file_system = true },
          MOUNT_MISSING },
        { { .was_mounted = true, .at_stake = true, .is_there = true, .is_mounted = true },
          MOUNT_EXCHANGED },
        { { .was_mounted = true,
            .at_stake = true,
            .is_there = true,
            .is_mounted = true,
            .same_file_system = true,
            .same_entry = true },
          MOUNT_RIGHT },
        { { .was_mounted = true,
            .at_stake = true,
            .is_there = true,
            .is_mounted = true,
            .same_file_system = true },
          MOUNT_RIGHT },
        /* Mounted now: another file system, or another directory of the same one. */
        { { .at_stake = true, .is_there = true, .is_mounted = true }, MOUNT_COVERED },
        { { .at_stake = true, .is_there = true, .is_mounted = true, .same_file_system = true },
          MOUNT_COVERED },
        /* A directory that is, or was, mounted on itself. */
        { { .at_stake = true,
            .is_there = true,
            .is_mounted = true,
            .same_file_system = true,
            .same_entry = true },
          MOUNT_RIGHT },
        { { .was_mounted = true,
            .at_stake = true,
            .is_there = true,
            .same_file_system = true,
            .same_entry = true },
          MOUNT_RIGHT },
        /* Nothing is lost: mounted on an empty directory, an empty disk is gone, or what the
         * replica had was removed by somebody who means it. */
        { { .is_there = true, .is_mounted = true }, MOUNT_RIGHT },
        { { .was_mounted = true }, MOUNT_RIGHT },
        { { .was_mounted = true, .is_there = true, .is_mounted = true }, MOUNT_RIGHT },
};

START_TEST(mount_inside_the_source) {
        ck_assert_int_eq(guard_mount(&mount_cases[_i].facts), mount_cases[_i].verdict);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_pair_suite("guard", &tcase);

        tcase_add_loop_test(tcase, overlaps, 0, (int) ELEMENTSOF(overlapping));
        tcase_add_loop_test(tcase, no_overlap, 0, (int) ELEMENTSOF(apart));
        tcase_add_loop_test(tcase, mount_inside_the_source, 0, (int) ELEMENTSOF(mount_cases));
        tcase_add_test(tcase, second_mount_of_a_file_system);
        tcase_add_test(tcase, odd_mount_points);
        return test_fs_run(suite);
}
