#pragma once

/* A place for tests of configuration files: a fresh directory on tmpfs for each test, which stands
 * for the root directory and is removed afterwards. */

#include <check.h>
#include <stddef.h>

extern char test_root[64];

/* A suite with one test case that runs in the place above. */
Suite *test_config_suite(const char *name, TCase **ret);

/* Runs the suite as CK_ENV says and returns main()'s result. */
int test_config_run(Suite *suite);

/* Writes the file PATH, which is absolute within the root, with all directories on the way. */
void test_write(const char *path, const void *data, size_t size);
void test_write_text(const char *path, const char *text);

/* Takes the root's path out of TEXT, wherever it stands, and returns TEXT. */
char *test_strip_root(char *text);
