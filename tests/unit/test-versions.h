#pragma once

/* A store's directory with versions, on the file system that a test asks for. */

#include <stdbool.h>
#include <sys/stat.h>

#include "state/versions.h"
#include "test-fs.h"

/* 2026-11-21T06:25:38.123456Z */
#define AT UINT64_C(1795242338123456)
#define AT_NAME "2026-11-21T06:25:38.123Z"
#define LATER (AT + USEC_PER_SEC)
#define LATER_NAME "2026-11-21T06:25:39.123Z"
/* The attribute by which frames are known. */
#define FRAME "user.rebackup.frame"

/* The store and its staging directory. */
extern int test_store_fd, test_staging_fd;

enum { N_TEST_FILE_SYSTEMS = 5 };
/* The last one knows no extended attributes. */
extern const char *const test_file_systems[N_TEST_FILE_SYSTEMS];

/* Makes the store on a fresh file system of TYPE, NULL for that of the test's directory. False:
 * skipped. */
bool test_store(const char *type);

Versions *test_versions(void);

/* Stages a file NAME with TEXT, or a directory with a file "inside" with TEXT. */
void test_stage_file(const char *name, const char *text);
void test_stage_directory(const char *name, const char *text);

/* Stages a file or directory with TEXT and keeps it. */
void test_keep_file(Versions *versions, const char *path, usec_t at, const char *text);
void test_keep_directory(Versions *versions, const char *path, usec_t at, const char *text);

/* PATH is below versions/. */
void test_expect_content(const char *path, const char *text);
void test_expect_missing(const char *path);
void test_expect_staging_empty(void);

/* The entries below PATH of the store and itself, counted without following anything. */
unsigned test_count_entries(const char *path);

/* What `du` says of it: allocated bytes, but none of inodes with more than one link. */
uint64_t test_allocated_bytes(const char *path);

/* Makes PATH of the store immutable, or no longer so. False: skipped. */
bool test_set_immutable(const char *path, bool immutable);

/* The absolute path of PATH below versions/ of a store in the test's directory, in one buffer. */
const char *test_versions_path(const char *path);
struct stat test_status(const char *path);

/* What there is at the time AT. */
VersionKind test_find(Versions *versions, const char *path);
/* Expects KIND of each of the paths, which end with NULL. */
void test_expect_kinds(Versions *versions, const char *const *paths, VersionKind kind);

#define TEST_EXPECT_KINDS(versions, kind, ...) \
        test_expect_kinds(versions, (const char *const[]) { __VA_ARGS__, NULL }, kind)
