#pragma once

/* A pair below the directory of the running test, for the suites of the sync layer's guards. */

#include "sync/pair.h"
#include "test-fs.h"

/* What test_pair_open opens; its paths are set by test_pair_config and live as long as the process.
 */
extern Config test_config;
/* The text of the last result other than 0, or NULL. */
extern char *test_error;

/* As test_fs_suite; besides, $STATE_DIRECTORY is "state" in the test's directory. */
Suite *test_pair_suite(const char *name, TCase **ret);

/* Names are relative to the test's directory; STORE may be NULL. */
void test_pair_config(const char *source, const char *replica, const char *store);

int test_pair_open(bool dry_run, Pair **ret);
/* Begins a pass and ends it at once. */
int test_pair_pass(Pair *pair);
int test_pair_recheck(Pair *pair);
/* A pass that completes. */
void test_pair_complete(Pair *pair);
/* Opens the pair, completes a pass and closes it: a run that went well. */
void test_pair_run(void);

/* Expects that opening the pair gives that result with a text in which PART stands, and changes
 * nothing. */
void test_expect_refused(int expected, const char *part);
/* Expects PART in the text of the last result. */
void test_expect_text(const char *part);
/* Expects that a dry run of two passes goes well and changes nothing. */
void test_dry_run(void);
/* The directory for the state of the pair of test_config in the foreground; the caller's. */
char *test_state_directory(void);

/* Everything below the test's directory that a change would show in, as text; the caller's. */
char *test_tree(void);

/* An absolute path for a name in the test's directory, from a small ring of buffers. */
const char *test_name(const char *name);
bool test_exists(const char *name);
void test_mkdir(const char *name);
void test_remove(const char *name);

/* Shows the directory FROM at TO as well; false, after printing why, when that cannot be had here.
 */
bool test_bind(const char *from, const char *to);
/* Takes away what is mounted on NAME although it is in use. */
void test_detach(const char *name);
