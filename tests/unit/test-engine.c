#include "test-engine.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/log.h"
#include "sync/retire.h"
#include "test-digests.h"
#include "test-mirror.h"

enum { OVERRIDES_MAX = 16, LOG_BYTES_MAX = 1 << 20, COMMAND_BYTES_MAX = 4096 };
#define DEADLINE_USEC (60 * USEC_PER_SEC)

TestEngine test;

static const char *replica_name = "r";
static const char *overrides_used[OVERRIDES_MAX];
static unsigned flags_used;

/* "4 text\n" for each message. */
static char messages[LOG_BYTES_MAX];
static size_t n_message_bytes;
static pthread_mutex_t messages_mutex = PTHREAD_MUTEX_INITIALIZER;

static void keep_message(const LogRecord *record, void *userdata) {
        (void) userdata;
        (void) pthread_mutex_lock(&messages_mutex);
        if (n_message_bytes < sizeof messages)
                n_message_bytes += (size_t) snprintf(messages + n_message_bytes,
                                                     sizeof messages - n_message_bytes, "%d %s\n",
                                                     record->level, record->message);
        (void) pthread_mutex_unlock(&messages_mutex);
        if (getenv("TEST_VERBOSE"))
                (void) fprintf(stderr, "%s\n", record->message);
}

bool test_logged(int level, const char *part) {
        bool found = false;

        (void) pthread_mutex_lock(&messages_mutex);
        for (const char *line = messages; !found && *line; line = strchr(line, '\n') + 1) {
                const char *end = strchr(line, '\n'), *at = strstr(line, part);

                if (!end)
                        break;
                found = at && at < end && line[0] - '0' <= level;
        }
        (void) pthread_mutex_unlock(&messages_mutex);
        return found;
}

static void setup(void) {
        TEST_OK(log_add_sink(keep_message, NULL));
        test_mkdir("s");
}

static void teardown(void) {
        if (test.engine)
                test_close();
        log_remove_sink(keep_message, NULL);
}

Suite *test_engine_suite(const char *name, TCase **ret) {
        Suite *suite = test_pair_suite(name, ret);

        tcase_add_checked_fixture(*ret, setup, teardown);
        return suite;
}

void test_set_replica(const char *name) {
        replica_name = name;
}

bool test_small_disk(const char *size) {
        int fd = test_mount("tmpfs", "disk");

        if (fd < 0)
                return false;
        (void) close(fd);
        test_run("mount -o remount,size=%s disk", size);
        test_set_replica("disk/r");
        return true;
}

void test_open(const char *const *overrides, unsigned flags) {
        const char *all[OVERRIDES_MAX + 2] = { "Sync.Threads=4", "Versions.Keep=no" };
        char *error = NULL;
        size_t n = 0;

        for (; overrides && overrides[n]; n++)
                all[n + 2] = overrides_used[n] = overrides[n];
        overrides_used[n] = NULL;
        flags_used = flags;
        TEST_OK(config_from_arguments(test_name("s"), test_name(replica_name), all, &test.config,
                                      &error));
        int r = pair_open(test.config, NULL, flags & TEST_DRY_RUN, &test.pair, &error);
        ck_assert_msg(r == 0, "%d: %s", r, error);
        TEST_OK(tree_new(&test.tree));
        if (flags & TEST_WATCH)
                TEST_OK(watch_new(&test.watch, &(WatchOptions) { .side = WATCH_SOURCE }, -EBADF));
        TEST_OK(engine_new(test.pair, test.tree, test.watch, test.replica_watch, &test.engine));
}

size_t test_n_staged(void) {
        char path[512];
        size_t n = 0;
        DIR *directory;

        (void) snprintf(path, sizeof path, "%s/staging", test.pair->store.path);
        directory = opendir(path);
        ck_assert_ptr_nonnull(directory);
        for (const struct dirent *entry; (entry = readdir(directory));)
                n += entry->d_name[0] != '.';
        (void) closedir(directory);
        return n;
}

void test_close(void) {
        size_t n_staged;

        pass_result_done(&test.result);
        test.engine = engine_free(test.engine);
        n_staged = flags_used & (TEST_DRY_RUN | TEST_LITTER) ? 0 : test_n_staged();
        test.watch = watch_free(test.watch);
        test.replica_watch = watch_free(test.replica_watch);
        test.tree = tree_free(test.tree);
        test.pair = pair_close(test.pair);
        test.config = config_free(test.config);
        ck_assert_msg(n_staged == 0, "%zu entries are left in staging", n_staged);
}

void test_reopen(void) {
        test_close();
        test_open(overrides_used, flags_used);
}

int test_await(void) {
        usec_t deadline = now_usec(CLOCK_MONOTONIC) + DEADLINE_USEC;
        struct pollfd poll_fd = { .fd = engine_fd(test.engine), .events = POLLIN };

        pass_result_done(&test.result);
        while (engine_collect(test.engine, &test.result) == 0) {
                ck_assert_msg(now_usec(CLOCK_MONOTONIC) < deadline, "the pass does not end");
                TEST_SYS(poll(&poll_fd, 1, (int) (DEADLINE_USEC / USEC_PER_MSEC)));
        }
        return test.result.result;
}

static const char *counters_text(void) {
        static char texts[4][256];
        static unsigned next;
        char *text = texts[next++ % 4];
        size_t n = 0;

        text[0] = '\0';
        for (int i = 0; i < _OPERATION_MAX; i++)
                if (test.result.counters.operations[i] > 0)
                        n += (size_t) snprintf(
                                text + n, sizeof texts[0] - n, "%s%s %llu", n > 0 ? ", " : "",
                                operation_to_string(i),
                                (unsigned long long) test.result.counters.operations[i]);
        return text;
}

static void await_success(void) {
        int r = test_await();

        ck_assert_msg(r == 0, "the pass ended with %d: %s", r, test.result.error);
        ck_assert_ptr_null(test.result.error);
}

/* Large files have a pass of their own, which may end before the one that met them: what was done
 * in it is counted, and not told. */
static const char *finish_pass(PassKind kind) {
        Counters others = {};
        const char *text;

        await_success();
        while (test.result.kind != kind) {
                counters_add(&others, &test.result.counters);
                await_success();
        }
        text = counters_text();
        counters_add(&test.result.counters, &others);
        return text;
}

const char *test_pass(PassKind kind) {
        TEST_OK(engine_start(test.engine, kind));
        return finish_pass(kind);
}

const char *test_full(void) {
        return test_pass(PASS_FULL);
}

const char *test_survey(WatchSide side) {
        TEST_OK(engine_start_survey(test.engine, side));
        return finish_pass(PASS_SURVEY);
}

static Node *find_node(const char *path) {
        char copy[512], *rest = copy;
        Node *node = tree_root(test.tree);

        (void) snprintf(copy, sizeof copy, "%s", path);
        for (const char *name; (name = strsep(&rest, "/"));) {
                Node *child;

                if (!name[0])
                        continue;
                TEST_OK(tree_find(test.tree, node, name, &child));
                node_unref(node);
                node = child;
        }
        return node;
}

const char *test_pass_for(DirtyBatch *batch) {
        TEST_OK(engine_start_dirty(test.engine, batch));
        ck_assert_uint_eq(batch->n_directories, 0);
        return finish_pass(PASS_DIRTY);
}

const char *test_dirty(const char *directory, const char *name) {
        usec_t now = now_usec(CLOCK_MONOTONIC);
        Node *node = find_node(directory);
        DirtyBatch batch;
        DirtySet *set;

        TEST_OK(dirty_new(&set, (DirtyTimes) { .settle = 0, .max_delay = USEC_PER_SEC }));
        TEST_OK(dirty_add(set, node, name, DIRTY_SETTLED | (name ? 0 : DIRTY_LISTING), now));
        TEST_OK(dirty_take(set, now, &batch));
        ck_assert_uint_eq(batch.n_directories, 1);
        dirty_free(set);
        node_unref(node);
        return test_pass_for(&batch);
}

const char *test_retry(void) {
        DirtyBatch batch = test.result.retries;

        test.result.retries = DIRTY_BATCH_NULL;
        return test_pass_for(&batch);
}

int64_t test_expect_equal(void) {
        return test_expect_mirrored(test_name("s"), test_name(replica_name), NULL);
}

void test_expect_in_step(void) {
        char *before, *after;

        (void) test_expect_equal();
        test_expect_identical(test.pair->store.catalog);
        retire_drain(test.engine); /* a link that it unlinks changes the file */
        before = test_snapshot(replica_name);
        ck_assert_str_eq(test_full(), "");
        ck_assert(test.result.proven);
        ck_assert_uint_eq(test.result.counters.n_bytes, 0);
        ck_assert_uint_eq(test.result.retries.n_directories, 0);
        after = test_snapshot(replica_name);
        ck_assert_str_eq(before, after);
        free(before);
        free(after);
        (void) test_expect_mirrored(test_name("s"), test_name(replica_name),
                                    test.pair->store.catalog);
        test_expect_identical(test.pair->store.catalog);
}

void test_expect_no_orphans(void) {
        usec_t deadline = now_usec(CLOCK_MONOTONIC) + DEADLINE_USEC;
        int64_t n_entries = test_expect_equal(), n_rows;
        CatalogReader *reader;

        TEST_OK(catalog_reader_open(test.pair->store.catalog, &reader));
        while ((n_rows = catalog_reader_count(reader)) != n_entries) {
                ck_assert_msg(now_usec(CLOCK_MONOTONIC) < deadline, "%lld rows, %lld entries",
                              (long long) n_rows, (long long) n_entries);
                (void) sched_yield();
        }
        catalog_reader_close(reader);
}

/* "cd DIRECTORY && COMMAND"; the umask of a process with an engine is zero. */
__attribute__((format(printf, 1, 0))) static char *command_line(const char *format,
                                                                va_list arguments) {
        char *command = malloc(COMMAND_BYTES_MAX);
        int n;

        ck_assert_ptr_nonnull(command);
        n = snprintf(command, COMMAND_BYTES_MAX, "cd %s && umask 022 && ", test_path);
        n += vsnprintf(command + n, COMMAND_BYTES_MAX - (size_t) n, format, arguments);
        ck_assert_int_lt(n, COMMAND_BYTES_MAX);
        return command;
}

void test_run(const char *format, ...) {
        _cleanup_free_ char *command = NULL;
        va_list arguments;

        va_start(arguments, format);
        command = command_line(format, arguments);
        va_end(arguments);
        ck_assert_msg(system(command) == 0, "failed: %s", command);
}

const char *test_output(const char *format, ...) {
        static char line[512];
        _cleanup_free_ char *command = NULL;
        va_list arguments;
        FILE *pipe;

        va_start(arguments, format);
        command = command_line(format, arguments);
        va_end(arguments);
        pipe = popen(command, "re");
        ck_assert_ptr_nonnull(pipe);
        if (!fgets(line, sizeof line, pipe))
                line[0] = '\0';
        line[strcspn(line, "\n")] = '\0';
        while (fgetc(pipe) != EOF)
                ;
        ck_assert_msg(pclose(pipe) == 0, "failed: %s", command);
        return line;
}

uint64_t test_inode(const char *name) {
        struct stat st;

        TEST_SYS(lstat(test_name(name), &st));
        return st.st_ino;
}

char *test_snapshot(const char *name) {
        char command[512], *text = NULL;
        size_t size = 0;
        FILE *pipe;

        (void) snprintf(command, sizeof command,
                        "cd %s && find %s -printf '%%P %%y %%m %%U %%G %%n %%s %%i %%T@ %%C@ "
                        "%%l\\n' | LC_ALL=C sort",
                        test_path, name);
        pipe = popen(command, "re");
        ck_assert_ptr_nonnull(pipe);
        ck_assert_int_gt(getdelim(&text, &size, '\0', pipe), 0);
        ck_assert_int_eq(pclose(pipe), 0);
        return text;
}
