#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "config/config.h"
#include "test-config.h"

#define PAIR "[Pair]\nSource=/s\nReplica=/r\n"
#define FILE_PATH "/etc/rebackup/t.conf"

/* Puts "@" for the path of the file in TEXT. */
static void shorten(char *text) {
        size_t length = strlen(FILE_PATH);

        test_strip_root(text);
        for (char *found = text; (found = strstr(found, FILE_PATH)); found++) {
                *found = '@';
                memmove(found + 1, found + length, strlen(found + length) + 1);
        }
}

/* Loads the instance "t" and holds the result against EXPECTED_ERROR: NULL for none, else the whole
 * text, in which "@" stands for the path of the file. */
static Config *load(const char *const *overrides, int expected_result, const char *expected_error) {
        _cleanup_free_ char *error = NULL;
        Config *config = NULL;
        int r;

        r = config_load_instance(test_root, "t", overrides, &config, &error);
        if (error)
                shorten(error);

        if (expected_error)
                ck_assert_pstr_eq(error, expected_error);
        else
                ck_assert_msg(!error, "unexpected: %s", error);
        ck_assert_int_eq(r, expected_result);
        ck_assert(!config == (r < 0));

        return config;
}

static Config *load_good(void) {
        return load(NULL, 0, NULL);
}

/* What a file says that is right, and one field by which to tell. */
static const struct {
        const char *text;
        const char *replica;
        usec_t settle;
} good[] = {
        { PAIR, "/r", 20000 },
        { "[Pair]\nSource=/s\nReplica=/r", "/r", 20000 }, /* no newline at the end */
        { "\n# c\n; c\n  # c = d\n\t\n" PAIR, "/r", 20000 },
        { "  [Pair]  \n\tSource \t=\t /s \nReplica\t=/r\n", "/r", 20000 },
        { "[Pair]\nSource=/s\nReplica=\"/r\"\n", "/r", 20000 },
        { "[Pair]\nSource=/s\nReplica=\"/ a \" \n", "/ a ", 20000 },
        { "[Pair]\nSource=/s\nReplica=/c#1;2\n", "/c#1;2", 20000 },
        { "[Pair]\nSource=/s\nReplica=\"/c #1 ;2\"\n", "/c #1 ;2", 20000 },
        { "[Pair]\nSource=/s\nReplica=/a=b\n", "/a=b", 20000 },
        { "[Pair]\nSource=/s\nReplica=/a\\\n", "/a\\", 20000 },
        { "[Pair]\nSource=/s\nReplica=/a\"b\"\n", "/a\"b\"", 20000 },
        { "[Pair]\nSource=/s\nReplica=/[a]\n", "/[a]", 20000 },
        { "[Pair]\nSource=/s\nReplica=/%h/$HOME/~\n", "/%h/$HOME/~", 20000 },
        { "[Pair]\nSource=/s\nReplica=/\xff\xc3\xa9\n", "/\xff\xc3\xa9", 20000 },
        { "[Pair]\nSource=/s\nReplica=//a/.//b/./\n", "/a/b", 20000 },
        { "[Pair]\nSource=/s\nReplica=/...\n", "/...", 20000 },
        { "[Pair]\nSource=/s\nReplica=/a b\n", "/a b", 20000 },

        /* The last assignment counts, wherever it stands; an empty one gives the default back. */
        { PAIR "Replica=/a\nReplica=/b\n", "/b", 20000 },
        { PAIR "[Sync]\nSettle=1s\n[Pair]\nReplica=/b\n[Sync]\nSettle=2s\n", "/b", 2000000 },
        { PAIR "[Sync]\nSettle=1s\nSettle=\n", "/r", 20000 },
        { PAIR "[Sync]\nSettle=1s\nSettle=\nSettle=3s\n", "/r", 3000000 },
        { PAIR "[Sync]\nSettle=1s\nSettle=\"\"\n", "/r", 20000 },
        { PAIR "Replica=\nReplica=/b\n", "/b", 20000 },

        { PAIR "[Sync]\nSettle=0\n", "/r", 0 },
        { PAIR "[Sync]\nSettle=1\n", "/r", 1000000 },
        { PAIR "[Sync]\nSettle=1s 500ms\n", "/r", 1500000 },
        { PAIR "[Sync]\nSettle=1h\nMaxDelay=1d\n", "/r", 3600000000 },

        /* What describes this version may be written. */
        { PAIR "Direction=one-way\nOverwrite=yes\nDelete=on\nOneFileSystem=false\n"
               "[Sync]\nBandwidthMax=0\nProtectReplica=off\nMaxDelete=100%\nExclude=\n"
               "[Integrity]\nVerifyInterval=0\nOnRot=report\nVerifyCopies=no\n"
               "[Versions]\nKeep=no\n[Alert]\nSound=no\nMinInterval=1h\n[Report]\nInterval=0\n",
          "/r", 20000 },
        { PAIR "Delete=1\n[Sync]\nBandwidthMax=0K\nMaxDelete=100.00%\n"
               "[Integrity]\nVerifyInterval=0s\n[Versions]\nKeep=1s\nMinInterval=0\n",
          "/r", 20000 },
        { PAIR "[Versions]\n", "/r", 20000 },
};

START_TEST(good_files) {
        _cleanup_(config_freep) Config *config = NULL;

        test_write_text(FILE_PATH, good[_i].text);
        config = load_good();

        ck_assert_str_eq(config->source, "/s");
        ck_assert_str_eq(config->replica, good[_i].replica);
        ck_assert_uint_eq(config->settle, good[_i].settle);
}
END_TEST

static const struct {
        const char *text;
        const char *error;
} bad[] = {
        /* Lines */
        { PAIR "foo\n", "@:4: foo: not an assignment; write Key=VALUE, or # before a comment" },
        { PAIR " /continued\n",
          "@:4: /continued: not an assignment; write Key=VALUE, or # before a comment" },
        { PAIR "=x\n", "@:4: =x: not an assignment; write Key=VALUE, or # before a comment" },
        { PAIR "a b=x\n", "@:4: a b=x: not an assignment; write Key=VALUE, or # before a comment" },
        { PAIR "a@4=x\n", "@:4: a@4=x: not an assignment; write Key=VALUE, or # before a comment" },
        { "\xef\xbb\xbf" PAIR,
          "@:1: \\xef\\xbb\\xbf[Pair]: not an assignment; write Key=VALUE, or # before a comment\n"
          "@:2: Source=/s: stands before the first section; write its [Section] above it\n"
          "@:3: Replica=/r: stands before the first section; write its [Section] above it\n"
          "@: Pair.Source: not set; give it the path of a directory\n"
          "@: Pair.Replica: not set; give it the path of a directory" },
        { "[Pair]\r\nSource=/s\n[Pair]\nSource=/s\nReplica=/r\n",
          "@:1: [Pair]\\r: a control character; remove it from this line" },
        { PAIR "Store=/a\033[2J\n",
          "@:4: Store=/a\\x1b[2J: a control character; remove it from this line" },
        { PAIR "Store=/a\177\n",
          "@:4: Store=/a\\x7f: a control character; remove it from this line" },
        { PAIR "Store=/a # mine\n",
          "@:4: Store=/a # mine: a comment behind a value; write it on a line of its own, or the "
          "value in double quotes if it is no comment" },
        { PAIR "Store=\"/a\" ; mine\n",
          "@:4: Store=\"/a\" ; mine: a comment behind a value; write it on a line of its own, or "
          "the value in double quotes if it is no comment" },
        { "Source=/s\n" PAIR,
          "@:1: Source=/s: stands before the first section; write its [Section] above it" },

        /* Sections */
        { PAIR "[Sync\nSettle=1\n",
          "@:4: [Sync: not a section header; write [Section] and nothing behind it" },
        { PAIR "[Sync] x\nSettle=1\n",
          "@:4: [Sync] x: not a section header; write [Section] and nothing behind it" },
        { PAIR "[]\nSettle=1\n",
          "@:4: []: not a section header; write [Section] and nothing behind it" },
        { PAIR "[Synch]\n", "@:4: [Synch]: unknown section; did you mean [Sync]?" },
        { PAIR "[ Sync ]\nSettle=1\n", "@:4: [ Sync ]: unknown section; did you mean [Sync]?" },
        { PAIR "[sync]\nSettle=1\n[Unit]\nFoo=1\n[sync]\n",
          "@:4: [sync]: unknown section; did you mean [Sync]?\n"
          "@:6: [Unit]: unknown section; there are [Pair] [Sync] [Integrity] [Versions] [Log] "
          "[Alert] [Report]\n"
          "@:8: [sync]: unknown section; did you mean [Sync]?" },

        /* Keys */
        { PAIR "Souce=/x\n", "@:4: Pair.Souce: unknown key; did you mean Pair.Source?" },
        { PAIR "store=/x\n", "@:4: Pair.store: unknown key; did you mean Pair.Store?" },
        { PAIR "Repilca=/x\n", "@:4: Pair.Repilca: unknown key; did you mean Pair.Replica?" },
        { PAIR "Settle=1\n", "@:4: Pair.Settle: unknown key; did you mean Sync.Settle?" },
        { PAIR "[Log]\nDestination=/x\n",
          "@:5: Log.Destination: unknown key; [Log] has Operations File" },
        { "[Pair]\nReplica=/r\n", "@: Pair.Source: not set; give it the path of a directory" },
        { PAIR "Source=\n", "@: Pair.Source: not set; give it the path of a directory" },

        /* Values */
        { "[Pair]\nSource=s\nReplica=/r\n",
          "@:2: Pair.Source=s: not an absolute path; write one that begins with /" },
        { "[Pair]\nSource=~/s\nReplica=/r\n",
          "@:2: Pair.Source=~/s: not an absolute path; write one that begins with /" },
        { "[Pair]\nSource=\"/s\nReplica=/r\n",
          "@:2: Pair.Source=\"/s: not an absolute path; write one that begins with /" },
        { "[Pair]\nSource=/a/../s\nReplica=/r\n",
          "@:2: Pair.Source=/a/../s: has \"..\" in it; write the path without" },
        { "[Pair]\nSource=/..\nReplica=/r\n",
          "@:2: Pair.Source=/..: has \"..\" in it; write the path without" },
        { "[Pair]\nSource=/s\nReplica=//./\n",
          "@:3: Pair.Replica=//./: the root directory; use a directory of its own" },
        { PAIR "Store=/\n", "@:4: Pair.Store=/: the root directory; use a directory of its own" },
        { PAIR "[Sync]\nSettle=fast\n",
          "@:5: Sync.Settle=fast: not a time span; write something like 20ms, 1s or 1min 30s" },
        { PAIR "[Sync]\nSettle=-1\n",
          "@:5: Sync.Settle=-1: not a time span; write something like 20ms, 1s or 1min 30s" },
        { PAIR "[Sync]\nSettle=1h 1us\n",
          "@:5: Sync.Settle=1h 1us: out of range; write a value from 0 to 1h" },
        { PAIR "[Sync]\nMaxDelay=0\n",
          "@:5: Sync.MaxDelay=0: out of range; write a value from 10ms to 1d" },
        { PAIR "[Sync]\nRescanInterval=99ms\n",
          "@:5: Sync.RescanInterval=99ms: out of range; write 0, or a value from "
          "100ms to 52w" },
        { PAIR "[Sync]\nRescanInterval=infinity\n",
          "@:5: Sync.RescanInterval=infinity: out of range; write 0, or a value from "
          "100ms to 52w" },
        { PAIR "[Sync]\nRescanInterval=99999999999999999999\n",
          "@:5: Sync.RescanInterval=99999999999999999999: out of range; write 0, or a value from "
          "100ms to 52w" },
        { PAIR "[Sync]\nThreads=0\n",
          "@:5: Sync.Threads=0: out of range; write auto, or a value from 1 to 64" },
        { PAIR "[Sync]\nThreads=65\n",
          "@:5: Sync.Threads=65: out of range; write auto, or a value from 1 to 64" },
        { PAIR "[Sync]\nThreads=4294967297\n",
          "@:5: Sync.Threads=4294967297: not a number; write auto, or a value from 1 to 64" },
        { PAIR "[Sync]\nThreads=many\n",
          "@:5: Sync.Threads=many: not a number; write auto, or a value from 1 to 64" },
        { PAIR "[Log]\nOperations=si\n",
          "@:5: Log.Operations=si: neither yes nor no; write one of the two" },
        { PAIR "[Integrity]\nChecksum=md5\n",
          "@:5: Integrity.Checksum=md5: not a known word; write off or sha256" },

        /* Two keys together, named where one of them was set */
        { PAIR "[Sync]\nMaxDelay=1s\nSettle=2s\n",
          "@:5: Sync.MaxDelay: shorter than Sync.Settle; make it at least as long" },
        { PAIR "[Sync]\nSettle=6s\n",
          "@:5: Sync.MaxDelay: shorter than Sync.Settle; make it at least as long" },

        /* What does not go together, and words */
        { PAIR "Direction=sideways\n",
          "@:4: Pair.Direction=sideways: not a known word; write one-way or two-way" },
        { PAIR "Direction=two-way\nOverwrite=no\nDelete=no\n[Sync]\nProtectReplica=off\n",
          "@:5: Pair.Overwrite: means nothing with Pair.Direction=two-way; leave it out\n"
          "@:6: Pair.Delete: means nothing with Pair.Direction=two-way; leave it out\n"
          "@:8: Sync.ProtectReplica: means nothing with Pair.Direction=two-way; leave it out" },
        { PAIR "[Sync]\nExclude=#a\nExclude=a\\\n",
          "@:5: Sync.Exclude=#a: would be a comment in a .gitignore; put a backslash before the # "
          "of a name, or leave it out\n"
          "@:6: Sync.Exclude=a\\\\: ends with a backslash that escapes nothing; double it, or put a "
          "pattern that ends with a blank in double quotes" },
        { PAIR "[Sync]\nExclude=[a\nExclude=/\n",
          "@:5: Sync.Exclude=[a: has a [ without its ]; put a backslash before a [ that is part of "
          "a name\n"
          "@:6: Sync.Exclude=/: names nothing; write the name or the path that is to be left out" },
        { PAIR "[Sync]\nBandwidthMax=fast\n",
          "@:5: Sync.BandwidthMax=fast: not a size; write something like 4096, 64K or 1G" },
        { PAIR "[Integrity]\nOnRot=ignore\n",
          "@:5: Integrity.OnRot=ignore: not a known word; write heal, heal-source or report" },
        { PAIR "[Sync]\nMaxDelete=100.01%\n",
          "@:5: Sync.MaxDelete=100.01%: not a percentage; write something like 5% or 12.5%" },
        { PAIR "[Sync]\nMaxDelete=100\n",
          "@:5: Sync.MaxDelete=100: not a percentage; write something like 5% or 12.5%" },
        { PAIR "[Integrity]\nVerifyInterval=1ms\nVerifyBandwidthMax=fast\nVerifyCopies=maybe\n",
          "@:5: Integrity.VerifyInterval=1ms: out of range; write 0, or a value from 1s to 520w\n"
          "@:6: Integrity.VerifyBandwidthMax=fast: not a size; write something like 4096, 64K or "
          "1G\n"
          "@:7: Integrity.VerifyCopies=maybe: neither yes nor no; write one of the two" },
        { PAIR "[Versions]\nKeep=0\nMinInterval=53w\nMaxUse=-1\nKeepFree=96%\n",
          "@:5: Versions.Keep=0: out of range; write no, or a value from 1s to 5200w\n"
          "@:6: Versions.MinInterval=53w: out of range; write a value from 0 to 52w\n"
          "@:7: Versions.MaxUse=-1: not a size; write something like 4096, 64K or 1G\n"
          "@:8: Versions.KeepFree=96%: out of range; write a value from 0% to 95%" },
        { PAIR "[Alert]\nSound=loud\nMinInterval=53w\n",
          "@:5: Alert.Sound=loud: neither yes nor no; write one of the two\n"
          "@:6: Alert.MinInterval=53w: out of range; write a value from 0 to 52w" },

        /* A wrong value is told even if a later one is right. */
        { PAIR "[Sync]\nSettle=fast\nSettle=1s\n",
          "@:5: Sync.Settle=fast: not a time span; write something like 20ms, 1s or 1min 30s" },
        { PAIR "[Sync]\nSettle=1s\nSettle=fast\n",
          "@:6: Sync.Settle=fast: not a time span; write something like 20ms, 1s or 1min 30s" },

        { "", "@: Pair.Source: not set; give it the path of a directory\n"
              "@: Pair.Replica: not set; give it the path of a directory" },
};

START_TEST(bad_files) {
        test_write_text(FILE_PATH, bad[_i].text);
        ck_assert_ptr_null(load(NULL, -EINVAL, bad[_i].error));
}
END_TEST

/* Each assignment adds to the list, in whatever file it stands; an empty one begins it anew. */
START_TEST(list_of_patterns) {
        _cleanup_(config_freep) Config *config = NULL;

        test_write_text(FILE_PATH, PAIR "[Sync]\nExclude=gone\nExclude=\nExclude=*.o\n"
                                        "[Log]\n[Sync]\nExclude=!a b.o\nExclude=\"x\\ \"\n"
                                        "Exclude=a\\#b\n");
        config = load_good();
        ck_assert_uint_eq(config->exclude->n_patterns, 4);
        ck_assert_str_eq(exclude_pattern_text(config->exclude->patterns[0]), "*.o");
        ck_assert_str_eq(exclude_pattern_text(config->exclude->patterns[1]), "!a b.o");
        ck_assert_str_eq(exclude_pattern_text(config->exclude->patterns[2]), "x\\ ");
        ck_assert_str_eq(exclude_pattern_text(config->exclude->patterns[3]), "a\\#b");
}
END_TEST

START_TEST(defaults) {
        _cleanup_(config_freep) Config *config = NULL;

        test_write_text(FILE_PATH, PAIR);
        config = load_good();

        ck_assert_ptr_null(config->store);
        ck_assert_int_eq(config->direction, DIRECTION_ONE_WAY);
        ck_assert(config->overwrite && config->delete_ && !config->one_file_system);
        ck_assert_int_eq(config->watch, WATCH_AUTO);
        ck_assert_uint_eq(config->rescan_interval, 10 * USEC_PER_MINUTE);
        ck_assert_uint_eq(config->settle, 20 * USEC_PER_MSEC);
        ck_assert_uint_eq(config->max_delay, 5 * USEC_PER_SEC);
        ck_assert_ptr_null(config->exclude);
        ck_assert_uint_eq(config->n_threads, 0);
        ck_assert_uint_eq(config->bandwidth_max_bytes, 0);
        ck_assert_int_eq(config->protect_replica, PROTECT_REPLICA_HEAL);
        ck_assert_uint_eq(config->max_delete_basis_points, 10000);
        ck_assert_int_eq(config->checksum, CHECKSUM_SHA256);
        ck_assert_uint_eq(config->verify_interval, 28 * USEC_PER_DAY);
        ck_assert_uint_eq(config->verify_bandwidth_max_bytes, 64 * 1024 * 1024);
        ck_assert_int_eq(config->on_rot, ON_ROT_HEAL);
        ck_assert(!config->verify_copies);
        ck_assert_uint_eq(config->versions_keep, 30 * USEC_PER_DAY);
        ck_assert_uint_eq(config->versions_min_interval, 10 * USEC_PER_MINUTE);
        ck_assert_uint_eq(config->versions_max_use_bytes, 0);
        ck_assert_uint_eq(config->versions_keep_free_basis_points, 500);
        ck_assert(config->log_operations);
        ck_assert_ptr_null(config->log_file);
        ck_assert(config->alert_sound);
        ck_assert_uint_eq(config->report_interval, USEC_PER_DAY);
}
END_TEST

START_TEST(every_supported_key) {
        _cleanup_(config_freep) Config *config = NULL;

        test_write_text(FILE_PATH, PAIR "Store=/t\n"
                                        "[Sync]\nWatch=inotify\nRescanInterval=0\nSettle=1ms\n"
                                        "MaxDelay=2s\nThreads=7\n"
                                        "[Integrity]\nChecksum=off\nVerifyInterval=0\n"
                                        "VerifyBandwidthMax=0\nOnRot=heal-source\n"
                                        "VerifyCopies=yes\n"
                                        "[Versions]\nKeepFree=0\n"
                                        "[Log]\nOperations=no\nFile=/l/\n");
        config = load_good();

        ck_assert_str_eq(config->store, "/t");
        ck_assert_int_eq(config->watch, WATCH_INOTIFY);
        ck_assert_uint_eq(config->rescan_interval, 0);
        ck_assert_uint_eq(config->settle, USEC_PER_MSEC);
        ck_assert_uint_eq(config->max_delay, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(config->n_threads, 7);
        ck_assert(!config->checksum);
        ck_assert_uint_eq(config->verify_interval, 0);
        ck_assert_uint_eq(config->verify_bandwidth_max_bytes, 0);
        ck_assert_int_eq(config->on_rot, ON_ROT_HEAL_SOURCE);
        ck_assert(config->verify_copies);
        ck_assert_uint_eq(config->versions_keep_free_basis_points, 0);
        ck_assert(!config->log_operations);
        ck_assert_str_eq(config->log_file, "/l");
}
END_TEST

START_TEST(example_file) {
        _cleanup_(config_freep) Config *config = NULL;
        char target[128];

        test_write_text("/etc/rebackup/x", "");
        (void) snprintf(target, sizeof(target), "%s" FILE_PATH, test_root);
        ck_assert_int_eq(symlink(TOP_SRCDIR "/etc/example.conf", target), 0);

        config = load_good();
        ck_assert_str_eq(config->source, "/srv/photos");
        ck_assert_str_eq(config->replica, "/mnt/backup/photos");
}
END_TEST

/* Lines and files at their limits. The value makes a line of LENGTH bytes. */
static void write_long_line(size_t length) {
        _cleanup_free_ char *text = malloc(length + 64);
        int n;

        ck_assert_ptr_nonnull(text);
        n = sprintf(text, PAIR "Direction=");
        memset(text + n, 'x', length);
        memcpy(text + n + length - strlen("Direction="), "\nStore=/t\n", sizeof("\nStore=/t\n"));
        test_write_text(FILE_PATH, text);
}

START_TEST(long_line) {
        _cleanup_free_ char *error = NULL;
        Config *config;

        /* Read as a whole up to the limit, */
        write_long_line(8000);
        ck_assert_int_eq(config_load_instance(test_root, "t", NULL, &config, &error), -EINVAL);
        ck_assert_ptr_nonnull(strstr(error, "x: not a known word; write one-way or two-way"));
        ck_assert_uint_gt(strlen(error), 8000);

        /* and refused beyond. */
        write_long_line(8001);
        load(NULL, -EINVAL,
             "@:4: Direction=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: longer than 8000 "
             "bytes; shorten this line");
}
END_TEST

START_TEST(long_path) {
        static const char refusal[] = ": longer than 4095 bytes; use a shorter path";
        char path[4200], text[4300];
        _cleanup_free_ char *error = NULL;
        _cleanup_(config_freep) Config *config = NULL;

        memset(path, 'x', sizeof(path));
        path[0] = '/';

        path[4095] = '\0';
        (void) snprintf(text, sizeof(text), PAIR "Store=%s\n", path);
        test_write_text(FILE_PATH, text);
        config = load_good();
        ck_assert_str_eq(config->store, path);

        path[4095] = 'x';
        path[4096] = '\0';
        (void) snprintf(text, sizeof(text), PAIR "Store=%s\n", path);
        test_write_text(FILE_PATH, text);
        ck_assert_int_eq(config_load_instance(test_root, "t", NULL, &config, &error), -EINVAL);
        ck_assert_str_eq(error + strlen(error) - strlen(refusal), refusal);
}
END_TEST

START_TEST(large_file) {
        enum { LIMIT = 64 * 1024 };
        _cleanup_(config_freep) Config *config = NULL;
        static char text[LIMIT + 1];

        memset(text, '\n', sizeof(text));
        memcpy(text + LIMIT - strlen(PAIR), PAIR, strlen(PAIR));

        test_write(FILE_PATH, text, LIMIT);
        config = load_good();

        test_write(FILE_PATH, text, LIMIT + 1);
        load(NULL, -EINVAL,
             "@: larger than 64 KiB; shorten this file\n"
             "@: Pair.Source: not set; give it the path of a directory\n"
             "@: Pair.Replica: not set; give it the path of a directory");
}
END_TEST

START_TEST(nul_byte) {
        static const char text[] = PAIR "Store=/a\0b\n";

        test_write(FILE_PATH, text, sizeof(text) - 1);
        load(NULL, -EINVAL,
             "@: holds NUL bytes; write it as plain text\n"
             "@: Pair.Source: not set; give it the path of a directory\n"
             "@: Pair.Replica: not set; give it the path of a directory");
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_config_suite("config", &tcase);

        tcase_add_loop_test(tcase, good_files, 0, ELEMENTSOF(good));
        tcase_add_loop_test(tcase, bad_files, 0, ELEMENTSOF(bad));
        tcase_add_test(tcase, list_of_patterns);
        tcase_add_test(tcase, defaults);
        tcase_add_test(tcase, every_supported_key);
        tcase_add_test(tcase, example_file);
        tcase_add_test(tcase, long_line);
        tcase_add_test(tcase, long_path);
        tcase_add_test(tcase, large_file);
        tcase_add_test(tcase, nul_byte);
        return test_config_run(suite);
}
