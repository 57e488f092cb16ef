/* What a look at an entry tells before anything is read: the two sides' states and the evidence. */

#include <check.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/macros.h"
#include "sync/visit.h"

#define REGULAR (S_IFREG | 0644)
#define DIRECTORY (S_IFDIR | 0755)

/* A side of one inode, mtime and ctime; 0: nothing there. */
typedef struct Side {
        uint32_t mode;
        uint64_t inode, size;
        int64_t mtime, ctime;
        uint32_t n_links;
        uint64_t rdev;
} Side;

static Stamp stamp_of(const Side *side) {
        return (Stamp) {
                .mode = side->mode,
                .inode = side->inode,
                .size = side->size,
                .mtime = side->mtime,
                .ctime = side->ctime,
                .n_links = side->n_links ?: 1,
                .rdev = side->rdev,
        };
}

/* A row is known by its source's mode. */
static Look look_of(Side source, Side replica, CatalogRow *row) {
        return (Look) {
                .name = "name",
                .has_source = source.mode,
                .has_replica = replica.mode,
                .has_row = row && row->source.mode,
                .row = row && row->source.mode ? row : NULL,
                .source.stamp = stamp_of(&source),
                .replica.stamp = stamp_of(&replica),
        };
}

#define S \
        { REGULAR, 1, 5, 10, 20, 0, 0 } /* the source as remembered */
#define R \
        { REGULAR, 2, 5, 10, 30, 0, 0 } /* the replica as remembered */

static const struct {
        const char *what;
        Side row_source, row_replica, source, replica;
        EntryState source_state, replica_state;
} states[] = {
        { "in step", S, R, S, R, STATE_SAME, STATE_SAME },
        { "unknown", {}, {}, S, R, STATE_NEW, STATE_NEW },
        { "new", {}, {}, S, {}, STATE_NEW, STATE_GONE },
        { "extra", {}, {}, {}, R, STATE_GONE, STATE_NEW },
        { "gone from the source", S, R, {}, R, STATE_GONE, STATE_SAME },
        { "gone from the replica", S, R, S, {}, STATE_SAME, STATE_GONE },
        { "gone from both", S, R, {}, {}, STATE_GONE, STATE_GONE },
        { "mtime", S, R, { REGULAR, 1, 5, 11, 20, 0, 0 }, R, STATE_CHANGED, STATE_SAME },
        { "ctime alone", S, R, { REGULAR, 1, 5, 10, 21, 0, 0 }, R, STATE_CHANGED, STATE_SAME },
        { "size", S, R, { REGULAR, 1, 6, 10, 20, 0, 0 }, R, STATE_CHANGED, STATE_SAME },
        { "inode", S, R, { REGULAR, 3, 5, 10, 20, 0, 0 }, R, STATE_CHANGED, STATE_SAME },
        { "links", S, R, { REGULAR, 1, 5, 10, 20, 2, 0 }, R, STATE_CHANGED, STATE_SAME },
        { "mode", S, R, { S_IFREG | 0600, 1, 5, 10, 20, 0, 0 }, R, STATE_CHANGED, STATE_SAME },
        { "tampered", S, R, S, { REGULAR, 2, 5, 10, 31, 0, 0 }, STATE_SAME, STATE_CHANGED },
        { "tampered, gone from the source",
          S,
          R,
          {},
          { REGULAR, 2, 5, 10, 31, 0, 0 },
          STATE_GONE,
          STATE_CHANGED },
        { "replica retyped",
          S,
          R,
          S,
          { DIRECTORY, 2, 0, 10, 30, 0, 0 },
          STATE_SAME,
          STATE_RETYPED },
        { "replica retyped, source gone",
          S,
          R,
          {},
          { DIRECTORY, 2, 0, 10, 30, 0, 0 },
          STATE_GONE,
          STATE_RETYPED },
        /* The row tells of something else: nothing is known of what is there. */
        { "source retyped", S, R, { DIRECTORY, 4, 0, 10, 20, 0, 0 }, R, STATE_NEW, STATE_RETYPED },
        { "both retyped",
          S,
          R,
          { DIRECTORY, 4, 0, 10, 20, 0, 0 },
          { DIRECTORY, 5, 0, 10, 20, 0, 0 },
          STATE_NEW,
          STATE_NEW },
        { "source retyped, replica gone",
          S,
          R,
          { DIRECTORY, 4, 0, 10, 20, 0, 0 },
          {},
          STATE_NEW,
          STATE_GONE },
        { "unknown, of two types",
          {},
          {},
          S,
          { S_IFLNK | 0777, 5, 0, 10, 20, 0, 0 },
          STATE_NEW,
          STATE_RETYPED },
};

START_TEST(classification) {
        CatalogRow row = {
                .source = stamp_of(&states[_i].row_source),
                .replica = stamp_of(&states[_i].row_replica),
        };
        Look look = look_of(states[_i].source, states[_i].replica, &row);

        look_classify(&look);
        ck_assert_msg(look.source_state == states[_i].source_state &&
                              look.replica_state == states[_i].replica_state,
                      "%s: source %s, replica %s", states[_i].what,
                      entry_state_to_string(look.source_state),
                      entry_state_to_string(look.replica_state));
}
END_TEST

/* Of a directory size and link count say nothing. */
START_TEST(directories) {
        CatalogRow row = {
                .source = { .mode = DIRECTORY, .inode = 1, .size = 10, .n_links = 2, .btime = 1 },
                .replica = { .mode = DIRECTORY, .inode = 2, .size = 20, .n_links = 3 },
        };
        Look look = look_of((Side) { DIRECTORY, 1, 11, 0, 0, 5, 0 },
                            (Side) { DIRECTORY, 2, 21, 0, 0, 6, 0 }, &row);

        look_classify(&look);
        ck_assert_int_eq(look.source_state, STATE_SAME);
        ck_assert_int_eq(look.replica_state, STATE_SAME);
}
END_TEST

static const struct {
        const char *what;
        Side row_source, source, replica;
        Evidence evidence;
} evidences[] = {
        { "no source", {}, {}, R, EVIDENCE_NONE },
        { "no replica", {}, S, {}, EVIDENCE_NONE },
        { "directories",
          {},
          { DIRECTORY, 1, 0, 1, 1, 2, 0 },
          { DIRECTORY, 2, 0, 2, 2, 7, 0 },
          EVIDENCE_EQUAL },
        { "same size", {}, S, R, EVIDENCE_NONE },
        { "another size", {}, S, { REGULAR, 2, 6, 10, 30, 0, 0 }, EVIDENCE_DIFFERENT },
        { "one name for several", {}, S, { REGULAR, 2, 5, 10, 30, 2, 0 }, EVIDENCE_DIFFERENT },
        { "several names for one", {}, { REGULAR, 1, 5, 10, 20, 2, 0 }, R, EVIDENCE_NONE },
        { "several names on both sides",
          {},
          { REGULAR, 1, 5, 10, 20, 2, 0 },
          { REGULAR, 2, 5, 10, 20, 3, 0 },
          EVIDENCE_NONE },
        { "the remembered file", S, S, R, EVIDENCE_NONE },
        { "touched", S, { REGULAR, 1, 5, 11, 21, 0, 0 }, R, EVIDENCE_NONE },
        { "another file", S, { REGULAR, 3, 5, 11, 20, 0, 0 }, R, EVIDENCE_DIFFERENT },
        { "another file with the same time", S, { REGULAR, 3, 5, 10, 20, 0, 0 }, R, EVIDENCE_NONE },
        { "links of one length",
          {},
          { S_IFLNK | 0777, 1, 5, 10, 20, 0, 0 },
          { S_IFLNK | 0777, 2, 5, 10, 20, 0, 0 },
          EVIDENCE_NONE },
        { "links of two lengths",
          {},
          { S_IFLNK | 0777, 1, 5, 10, 20, 0, 0 },
          { S_IFLNK | 0777, 2, 6, 10, 20, 0, 0 },
          EVIDENCE_DIFFERENT },
        { "FIFOs",
          {},
          { S_IFIFO, 1, 0, 1, 1, 0, 0 },
          { S_IFIFO, 2, 0, 2, 2, 0, 0 },
          EVIDENCE_EQUAL },
        { "sockets",
          {},
          { S_IFSOCK, 1, 0, 1, 1, 0, 0 },
          { S_IFSOCK, 2, 0, 2, 2, 0, 0 },
          EVIDENCE_EQUAL },
        { "the same device",
          {},
          { S_IFCHR, 1, 0, 1, 1, 0, 259 },
          { S_IFCHR, 2, 0, 1, 1, 0, 259 },
          EVIDENCE_EQUAL },
        { "another device",
          {},
          { S_IFBLK, 1, 0, 1, 1, 0, 259 },
          { S_IFBLK, 2, 0, 1, 1, 0, 260 },
          EVIDENCE_DIFFERENT },
        { "FIFO of several names",
          {},
          { S_IFIFO, 1, 0, 1, 1, 0, 0 },
          { S_IFIFO, 2, 0, 2, 2, 2, 0 },
          EVIDENCE_DIFFERENT },
};

START_TEST(evidence) {
        CatalogRow row = { .source = stamp_of(&evidences[_i].row_source) };
        Look look = look_of(evidences[_i].source, evidences[_i].replica, &row);

        ck_assert_msg(look_evidence(&look) == evidences[_i].evidence, "%s: %d", evidences[_i].what,
                      look_evidence(&look));
}
END_TEST

START_TEST(identity) {
        Look look = { .file_system = 3, .source.stamp.inode = 7 };
        CatalogIdentity found = look_identity(&look);

        ck_assert_int_eq(found.file_system, 3);
        ck_assert_uint_eq(found.source_inode, 7);
}
END_TEST

/* Its row leads to it, and must not name another file system. */
START_TEST(directory_on_another_file_system) {
        Side side = { DIRECTORY, 1, 0, 10, 20, 0, 0 };
        CatalogRow row = { .source = stamp_of(&side),
                           .replica = stamp_of(&side),
                           .file_system = 1 };
        Look look = look_of(side, side, &row);

        look.file_system = 1;
        look_classify(&look);
        ck_assert_int_eq(look.source_state, STATE_SAME);
        look.file_system = 2;
        look_classify(&look);
        ck_assert_int_eq(look.source_state, STATE_CHANGED);
        ck_assert_int_eq(look.replica_state, STATE_SAME);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("look");
        TCase *tcase = tcase_create("look");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        suite_add_tcase(suite, tcase);
        tcase_add_test(tcase, directory_on_another_file_system);
        tcase_add_loop_test(tcase, classification, 0, ELEMENTSOF(states));
        tcase_add_test(tcase, directories);
        tcase_add_loop_test(tcase, evidence, 0, ELEMENTSOF(evidences));
        tcase_add_test(tcase, identity);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
