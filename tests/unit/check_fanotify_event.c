#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>

#include "watch-random.h"
#include "watch/fanotify-event.h"
#include "watch/watch.h"

/* An event as the kernel writes it */

typedef struct Bytes {
        unsigned char data[2048];
        size_t size;
} Bytes;

static void put(Bytes *bytes, const void *data, size_t size) {
        memcpy(bytes->data + bytes->size, data, size);
        bytes->size += size;
}

static void begin_event(Bytes *bytes, uint64_t mask, int pid) {
        struct fanotify_event_metadata metadata = {
                .event_len = sizeof(metadata),
                .vers = FANOTIFY_METADATA_VERSION,
                .metadata_len = sizeof(metadata),
                .mask = mask,
                .fd = FAN_NOFD,
                .pid = pid,
        };

        bytes->size = 0;
        put(bytes, &metadata, sizeof(metadata));
}

static void end_event(Bytes *bytes) {
        uint32_t size = (uint32_t) bytes->size;

        memcpy(bytes->data, &size, sizeof(size)); /* event_len is first */
}

/* HANDLE is the handle's bytes as a string. */
static void put_record(Bytes *bytes, unsigned type, const char *handle, const char *name) {
        struct fanotify_event_info_header header = { .info_type = type };
        int32_t fsid[2] = { 11, 22 }, handle_type = 0x81;
        uint32_t handle_bytes = (uint32_t) strlen(handle);
        size_t start = bytes->size;
        uint16_t length;

        put(bytes, &header, sizeof(header));
        put(bytes, fsid, sizeof(fsid));
        put(bytes, &handle_bytes, sizeof(handle_bytes));
        put(bytes, &handle_type, sizeof(handle_type));
        put(bytes, handle, handle_bytes);
        if (name)
                put(bytes, name, strlen(name) + 1);
        while (bytes->size % 4 > 0)
                put(bytes, "", 1);
        length = (uint16_t) (bytes->size - start);
        memcpy(bytes->data + start + offsetof(struct fanotify_event_info_header, len), &length,
               sizeof(length));
        end_event(bytes);
}

static void make_rename(Bytes *bytes) {
        begin_event(bytes, FAN_RENAME, 4711);
        put_record(bytes, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, "old directory", "from");
        put_record(bytes, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, "new directory", "to");
        put_record(bytes, FAN_EVENT_INFO_TYPE_FID, "file", NULL);
}

static void assert_record(const FanotifyRecord *record, const char *handle, const char *name) {
        ck_assert_uint_eq(record->handle.size, strlen(handle));
        if (handle[0] == '\0')
                return;
        ck_assert_mem_eq(record->handle.bytes, handle, strlen(handle));
        ck_assert_int_eq(record->handle.type, 0x81);
        ck_assert_int_eq(record->fsid[0], 11);
        ck_assert_int_eq(record->fsid[1], 22);
        if (name)
                ck_assert_str_eq(record->name, name);
        else
                ck_assert_ptr_null(record->name);
}

START_TEST(test_rename) {
        FanotifyEvent event;
        Bytes bytes;

        make_rename(&bytes);
        ck_assert_int_eq(fanotify_event_parse(bytes.data, bytes.size, &event), bytes.size);
        ck_assert_int_eq(event.pid, 4711);
        ck_assert_uint_eq(event.mask, FAN_RENAME);
        assert_record(&event.old, "old directory", "from");
        assert_record(&event.new, "new directory", "to");
        assert_record(&event.file, "file", NULL);
        assert_record(&event.directory, "", NULL);
        ck_assert_int_eq(fanotify_event_parse(bytes.data, 0, &event), 0);
}
END_TEST

/* A record of a kind that came later is passed over. */
START_TEST(test_unknown_record) {
        FanotifyEvent event;
        Bytes bytes;

        begin_event(&bytes, FAN_CREATE, 1);
        put_record(&bytes, 99, "what", "ever");
        put_record(&bytes, FAN_EVENT_INFO_TYPE_DFID_NAME, "directory", "name");
        ck_assert_int_eq(fanotify_event_parse(bytes.data, bytes.size, &event), bytes.size);
        assert_record(&event.directory, "directory", "name");
}
END_TEST

/* Memory of exactly that size, so that a reader of more is caught by checkers of memory. */
static ssize_t parse_copy(const Bytes *bytes, size_t size, FanotifyEvent *ret) {
        unsigned char *copy = malloc(size > 0 ? size : 1);
        ssize_t n;

        memcpy(copy, bytes->data, size);
        n = fanotify_event_parse(copy, size, ret);
        free(copy);
        return n;
}

START_TEST(test_truncated) {
        FanotifyEvent event;
        Bytes bytes;

        make_rename(&bytes);
        for (size_t size = 1; size < bytes.size; size++) {
                uint32_t shorter = (uint32_t) size;
                ssize_t n;

                /* The buffer ends early. */
                ck_assert_int_eq(parse_copy(&bytes, size, &event), -EBADMSG);
                /* The event says that it is shorter: whole records may be left. */
                memcpy(bytes.data, &shorter, sizeof(shorter));
                n = parse_copy(&bytes, size, &event);
                ck_assert(n == -EBADMSG || n == (ssize_t) size);
                if (n > 0)
                        ck_assert_uint_eq(event.file.handle.size, 0);
                end_event(&bytes);
        }
}
END_TEST

static const char *const bad_names[] = { "", "..", "a/b", "/", "../x" };

START_TEST(test_bad_name) {
        FanotifyEvent event;
        Bytes bytes;

        begin_event(&bytes, FAN_CREATE, 1);
        put_record(&bytes, FAN_EVENT_INFO_TYPE_DFID_NAME, "directory", bad_names[_i]);
        ck_assert_int_eq(fanotify_event_parse(bytes.data, bytes.size, &event), -EBADMSG);
}
END_TEST

/* A name without an end, and a handle that is longer than its record. */
START_TEST(test_bad_lengths) {
        uint32_t handle_bytes = 129;
        FanotifyEvent event;
        Bytes bytes;

        begin_event(&bytes, FAN_CREATE, 1);
        put_record(&bytes, FAN_EVENT_INFO_TYPE_DFID_NAME, "dir.", "nam");
        bytes.data[bytes.size - 1] = 'e';
        ck_assert_int_eq(parse_copy(&bytes, bytes.size, &event), -EBADMSG);

        bytes.data[bytes.size - 1] = '\0';
        ck_assert_int_eq(parse_copy(&bytes, bytes.size, &event), bytes.size);
        memcpy(bytes.data + sizeof(struct fanotify_event_metadata) + 12, &handle_bytes,
               sizeof(handle_bytes));
        ck_assert_int_eq(parse_copy(&bytes, bytes.size, &event), -EBADMSG);
}
END_TEST

START_TEST(test_noise) {
        FanotifyHint hints[FANOTIFY_HINTS_MAX];
        FanotifyEvent event;
        uint64_t state = random_seed("check_fanotify_event");
        unsigned n_good = 0;
        Bytes bytes;

        for (unsigned i = 0; i < 200000; i++) {
                unsigned char *copy;
                ssize_t n;

                make_rename(&bytes);
                for (unsigned j = random_below(&state, 4); j > 0; j--)
                        bytes.data[random_below(&state, (unsigned) bytes.size)] = (unsigned char)
                                random_below(&state, 256);
                copy = malloc(bytes.size);
                memcpy(copy, bytes.data, bytes.size);
                n = fanotify_event_parse(copy, bytes.size, &event);
                if (n > 0) {
                        unsigned n_hints = fanotify_event_hints(&event, hints);

                        ck_assert_uint_le(n_hints, FANOTIFY_HINTS_MAX);
                        for (unsigned k = 0; k < n_hints; k++)
                                n_good += hints[k].name && hints[k].name[0] != '\0';
                }
                free(copy);
        }
        ck_assert_uint_gt(n_good, 0);
}
END_TEST

/* Hints */

enum { DIRECTORY = 1, SELF = 2, FILE_ID = 4, OLD = 8, NEW = 16 };

static const struct {
        const char *title;
        uint64_t mask;
        unsigned records;
        const char *hints; /* of each: what is named, and letters as in test-watch.h; X: its record
                              goes; f: with its file */
} events[] = {
        { "overflow", FAN_Q_OVERFLOW, 0, "-O" },
        { "create", FAN_CREATE, DIRECTORY | FILE_ID, "dCf" },
        { "mkdir", FAN_CREATE | FAN_ONDIR, DIRECTORY | FILE_ID, "dCc" },
        { "modify", FAN_MODIFY, DIRECTORY | FILE_ID, "dCf" },
        { "close", FAN_CLOSE_WRITE | FAN_MODIFY, DIRECTORY | FILE_ID, "dCcf" },
        { "chmod", FAN_ATTRIB, DIRECTORY | FILE_ID, "dCcf" },
        { "unlink", FAN_DELETE, DIRECTORY | FILE_ID, "dCLf" },
        { "rmdir", FAN_DELETE | FAN_ONDIR, DIRECTORY | FILE_ID, "dCL xGX" },
        { "its own end", FAN_DELETE_SELF | FAN_ONDIR, SELF, "dGX" },
        { "its own move", FAN_MOVE_SELF | FAN_ONDIR, SELF, "dG" },
        { "its own chmod", FAN_ATTRIB | FAN_ONDIR, SELF, "dS" },
        { "its own mtime", FAN_MODIFY | FAN_ONDIR, SELF, "dS" },
        { "rename", FAN_RENAME, OLD | NEW | FILE_ID, "oCLf nCcf" },
        { "rename out", FAN_RENAME, OLD | FILE_ID, "oCLf" },
        { "rename in", FAN_RENAME, NEW | FILE_ID, "nCcf" },
        { "rename of a directory", FAN_RENAME | FAN_ONDIR, OLD | NEW | FILE_ID, "oCL nCc xG" },
        { "file alone", FAN_MODIFY, FILE_ID, "-Ff" },
        { "file alone, closed", FAN_CLOSE_WRITE, FILE_ID, "-cFf" },
        { "file alone, with its metadata", FAN_MODIFY | FAN_ATTRIB, FILE_ID, "-Ff" },
        { "a link made or gone", FAN_ATTRIB, FILE_ID, "-cFf" },
        { "the last link gone", FAN_ATTRIB | FAN_DELETE_SELF, FILE_ID, "" },
        { "nothing known", FAN_MODIFY, 0, "" },
};

static void make_event(Bytes *bytes, uint64_t mask, unsigned records) {
        begin_event(bytes, mask, 1);
        if (records & DIRECTORY)
                put_record(bytes, FAN_EVENT_INFO_TYPE_DFID_NAME, "d", "name");
        if (records & SELF)
                put_record(bytes, FAN_EVENT_INFO_TYPE_DFID_NAME, "d", ".");
        if (records & OLD)
                put_record(bytes, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, "o", "name");
        if (records & NEW)
                put_record(bytes, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, "n", "name");
        if (records & FILE_ID)
                put_record(bytes, FAN_EVENT_INFO_TYPE_FID, "x", NULL);
        end_event(bytes);
}

START_TEST(test_hints) {
        static const char letters[] = "CcSGMOUFL";
        FanotifyHint hints[FANOTIFY_HINTS_MAX];
        FanotifyEvent event;
        char text[128];
        size_t n = 0;
        Bytes bytes;

        make_event(&bytes, events[_i].mask, events[_i].records);
        ck_assert_int_eq(fanotify_event_parse(bytes.data, bytes.size, &event), bytes.size);
        unsigned n_hints = fanotify_event_hints(&event, hints);
        for (unsigned i = 0; i < n_hints; i++) {
                if (i > 0)
                        text[n++] = ' ';
                text[n++] = hints[i].directory ? (char) hints[i].directory->handle.bytes[0] : '-';
                for (unsigned bit = 0; letters[bit]; bit++)
                        if (hints[i].flags & (1U << bit))
                                text[n++] = letters[bit];
                if (hints[i].deleted)
                        text[n++] = 'X';
                if (hints[i].file)
                        text[n++] = 'f';
                ck_assert_int_eq(!hints[i].name, !(hints[i].flags & WATCH_EVENT_CHANGED));
        }
        text[n] = '\0';
        ck_assert_msg(strcmp(text, events[_i].hints) == 0, "%s: \"%s\", not \"%s\"",
                      events[_i].title, text, events[_i].hints);
}
END_TEST

static Suite *event_suite(void) {
        Suite *suite = suite_create("fanotify-event");
        TCase *tests = tcase_create("event");

        tcase_add_test(tests, test_rename);
        tcase_add_test(tests, test_unknown_record);
        tcase_add_test(tests, test_truncated);
        tcase_add_loop_test(tests, test_bad_name, 0, sizeof(bad_names) / sizeof(bad_names[0]));
        tcase_add_test(tests, test_bad_lengths);
        tcase_add_test(tests, test_noise);
        tcase_add_loop_test(tests, test_hints, 0, sizeof(events) / sizeof(events[0]));
        suite_add_tcase(suite, tests);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(event_suite());
        int n_failed;

        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
