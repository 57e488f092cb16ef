#pragma once

/* A replica with versions, made by hand below the directory of test-fs.h, and what is brought back
 * of it. */

#include "restore/restore.h"
#include "test-fs.h"

/* Times of versions, in seconds since 1970. */
#define TEST_AT(second) ((usec_t) (second) *USEC_PER_SEC)

/* Makes an empty replica "replica" with its store beside it, and a directory "source". */
void test_restore_setup(void);

/* Runs a command line of sh in the test's directory. */
void test_shell(const char *format, ...) _printf_(1, 2);
/* Its first line of output. */
const char *test_shell_line(const char *format, ...) _printf_(1, 2);

/* Makes PATH of the replica leave it in the second SECOND: it becomes a version. */
void test_retire(const char *path, unsigned second);

/* What was told of the last restoring. */
typedef struct TestTold {
        unsigned counts[_RESTORE_OUTCOME_MAX];
        char text[8192]; /* "outcome path\n" each, sorted as told */
        int error;       /* of the last failure */
        unsigned shortfalls;
} TestTold;
extern TestTold test_told;
/* Called when something is told of, if set: a chance to interfere. */
extern void (*test_on_event)(const RestoreEvent *event);
/* After so many questions whether to go on the answer is no; 0: never. */
extern unsigned test_patience;

/* Opens the pair by the replica's path and brings PATH as of SECOND back to TARGET, or to the
 * source (NULL). What restore_to_…() returned; its line of error is in test_error. */
typedef enum TestFlags {
        TEST_FORCE = 1 << 0,
        TEST_DRY_RUN = 1 << 1,
} TestFlags;
int test_restore(const char *path, unsigned second, const char *target, TestFlags flags);
extern char test_error[1024];

/* The same as an archive in the file "archive". */
int test_restore_archive(const char *path, unsigned second);
