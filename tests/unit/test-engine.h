#pragma once

/* An engine at work between two trees of the running test's directory, driven through its public
 * interface as the daemon drives it: a pass is started, its end awaited through the eventfd, its
 * result collected. */

#include "sync/engine.h"
#include "test-pair.h"

/* Everything that is open. The result is the last pass's. */
typedef struct TestEngine {
        Config *config;
        Pair *pair;
        Tree *tree;
        Watch *watch;
        Watch *replica_watch;
        Engine *engine;
        PassResult result;
} TestEngine;

extern TestEngine test;

typedef enum TestEngineFlags {
        TEST_DRY_RUN = 1 << 0,
        TEST_WATCH = 1 << 1,  /* with watches, whose events nobody reads */
        TEST_LITTER = 1 << 2, /* what is in staging when the engine ends is not looked at */
} TestEngineFlags;

/* As test_pair_suite; besides, there is an empty source "s", and what is open at the end is closed.
 */
Suite *test_engine_suite(const char *name, TCase **ret);

/* The replica is "r" until this is called. */
void test_set_replica(const char *name);

/* Puts the replica on a file system of its own with room for SIZE bytes (as mount(8) takes them);
 * false when it cannot be had. */
bool test_small_disk(const char *size);

/* Opens the pair "s" → "r" and an engine with four workers that keeps no versions. OVERRIDES as in
 * config.h, or NULL. */
void test_open(const char *const *overrides, unsigned flags);
/* Ends the engine; nothing may be left in staging. */
void test_close(void);
/* Both, with the same settings: a restart. */
void test_reopen(void);

/* Waits for the end of the running pass, at most a minute, and returns its result. */
int test_await(void);
/* A pass that must end with 0. Returns what was done, as "copy 2, mkdir 1" in the order of the
 * operations, from a static buffer; "" for nothing. */
const char *test_pass(PassKind kind);
const char *test_full(void);
const char *test_survey(WatchSide side);
/* A dirty pass for one name, or the directory's listing (NAME NULL). DIRECTORY is relative to the
 * source, "" for its root. */
const char *test_dirty(const char *directory, const char *name);
/* A dirty pass for BATCH, which is taken. */
const char *test_pass_for(DirtyBatch *batch);
/* A dirty pass for what the last pass handed back. */
const char *test_retry(void);

/* Source and replica are equal. Returns the number of entries. */
int64_t test_expect_equal(void);
/* They are, another full pass does nothing to the replica, and afterwards the catalog tells the
 * truth of every entry. */
void test_expect_in_step(void);
/* The catalog has exactly the rows of the present entries, once rows of removed directories are
 * purged. */
void test_expect_no_orphans(void);
/* Number of entries in the staging directory. */
size_t test_n_staged(void);

/* Runs a shell command in the test's directory. */
void test_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Its first line of output; from a static buffer. */
const char *test_output(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t test_inode(const char *name);
/* Everything below NAME that a change would show in, ctimes included; the caller's. */
char *test_snapshot(const char *name);

/* Whether a message of at least that weight (LOG_WARNING, …) was logged in which PART stands. */
bool test_logged(int level, const char *part);
