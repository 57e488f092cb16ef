/* The identity file: a line for the format, then one for each fact, in any order but each exactly
 * once; what is zero of the optional ones has none. */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "state/store.h"

#define FORMAT_LINE "FORMAT=1"

enum {
        PAIR_ID_DIGITS = 32,
        FILE_BYTES_MAX = 256 * 1024,
};

typedef enum FieldType {
        FIELD_TEXT,
        FIELD_FILE_SYSTEM,
        FIELD_NUMBER,
        FIELD_OPTIONAL_NUMBER, /* left out for zero */
} FieldType;

typedef struct Field {
        const char *key;
        FieldType type;
        size_t offset;
} Field;

static const Field fields[] = {
        { "PAIR_ID", FIELD_TEXT, offsetof(StoreIdentity, pair_id) },
        { "SOURCE", FIELD_TEXT, offsetof(StoreIdentity, source) },
        { "REPLICA", FIELD_TEXT, offsetof(StoreIdentity, replica) },
        { "SOURCE_FILE_SYSTEM", FIELD_FILE_SYSTEM, offsetof(StoreIdentity, source_file_system) },
        { "REPLICA_FILE_SYSTEM", FIELD_FILE_SYSTEM, offsetof(StoreIdentity, replica_file_system) },
        { "SOURCE_INODE", FIELD_NUMBER, offsetof(StoreIdentity, source_inode) },
        { "REPLICA_INODE", FIELD_NUMBER, offsetof(StoreIdentity, replica_inode) },
        { "MOUNT_POINTS", FIELD_OPTIONAL_NUMBER, offsetof(StoreIdentity, mount_points) },
};

void store_identity_done(StoreIdentity *identity) {
        assert(identity);

        free(identity->pair_id);
        free(identity->source);
        free(identity->replica);
        *identity = (StoreIdentity) {};
}

static void append_value(StringBuffer *buffer, const char *text) {
        for (const unsigned char *p = (const unsigned char *) text; *p; p++)
                if (*p < 0x20 || *p == 0x7f || *p == '\\')
                        string_buffer_appendf(buffer, "\\x%02x", *p);
                else
                        string_buffer_append_bytes(buffer, p, 1);
}

static void append_field(StringBuffer *buffer, const Field *field, const StoreIdentity *identity) {
        const void *member = (const char *) identity + field->offset;

        if (field->type == FIELD_OPTIONAL_NUMBER && *(const uint64_t *) member == 0)
                return;
        string_buffer_append(buffer, field->key);
        string_buffer_append(buffer, "=");

        switch (field->type) {
        case FIELD_TEXT:
                append_value(buffer, *(char *const *) member);
                break;

        case FIELD_FILE_SYSTEM:
                append_value(buffer, ((const FileSystemId *) member)->text);
                break;

        case FIELD_NUMBER:
        case FIELD_OPTIONAL_NUMBER:
                string_buffer_appendf(buffer, "%" PRIu64, *(const uint64_t *) member);
                break;
        }

        string_buffer_append(buffer, "\n");
}

static int hex_digit(char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -EBADMSG;
}

/* Undoes append_value in place. */
static int unescape(char *text) {
        char *out = text;

        for (const char *p = text; *p; p++) {
                int high, low;

                if (*p != '\\') {
                        *out++ = *p;
                        continue;
                }

                if (p[1] != 'x' || (high = hex_digit(p[2])) < 0 || (low = hex_digit(p[3])) < 0 ||
                    high + low == 0)
                        return -EBADMSG;

                *out++ = (char) (high << 4 | low);
                p += 3;
        }

        *out = '\0';
        return 0;
}

static int parse_number(const char *text, uint64_t *ret) {
        uint64_t n = 0;

        if (*text == '\0')
                return -EBADMSG;

        for (; *text; text++)
                if (*text < '0' || *text > '9' || __builtin_mul_overflow(n, (uint64_t) 10, &n) ||
                    __builtin_add_overflow(n, (uint64_t) (*text - '0'), &n))
                        return -EBADMSG;

        *ret = n;
        return 0;
}

static int parse_value(const Field *field, char *value, StoreIdentity *identity) {
        void *member = (char *) identity + field->offset;
        char *copy;
        int r;

        r = unescape(value);
        if (r < 0)
                return r;

        switch (field->type) {
        case FIELD_TEXT:
                copy = strdup(value);
                if (!copy)
                        return -ENOMEM;
                *(char **) member = copy;
                return 0;

        case FIELD_FILE_SYSTEM:
                if (strlen(value) >= FILE_SYSTEM_ID_MAX)
                        return -EBADMSG;
                (void) strcpy(((FileSystemId *) member)->text, value);
                return 0;

        case FIELD_NUMBER:
        case FIELD_OPTIONAL_NUMBER:
                return parse_number(value, member);
        }

        return -EBADMSG;
}

/* One line after the first. SEEN has a bit for each field. */
static int parse_line(char *line, StoreIdentity *identity, unsigned *seen) {
        char *value = strchr(line, '=');

        if (!value)
                return -EBADMSG;
        *value++ = '\0';

        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                if (!streq(line, fields[i].key))
                        continue;
                if (*seen & 1U << i)
                        return -EBADMSG;

                *seen |= 1U << i;
                return parse_value(&fields[i], value, identity);
        }

        return -EBADMSG;
}

static int parse(char *text, StoreIdentity *identity) {
        unsigned seen = 0;
        bool first = true;

        for (char *line = text, *end; *line; line = end + 1, first = false) {
                int r;

                end = strchr(line, '\n');
                if (!end)
                        return -EBADMSG;
                *end = '\0';

                if (first)
                        r = streq(line, FORMAT_LINE) ? 0 : -EBADMSG;
                else
                        r = parse_line(line, identity, &seen);
                if (r < 0)
                        return r;
        }

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (!(seen & 1U << i) && fields[i].type != FIELD_OPTIONAL_NUMBER)
                        return -EBADMSG;
        if (strspn(identity->pair_id, "0123456789abcdef") != PAIR_ID_DIGITS ||
            identity->pair_id[PAIR_ID_DIGITS] != '\0')
                return -EBADMSG;

        return 0;
}

static int read_file(int directory_fd, const char *name, char **ret) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *text = NULL;
        struct stat st;
        ssize_t n;

        fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_size > FILE_BYTES_MAX)
                return -EBADMSG;

        text = malloc((size_t) st.st_size + 1);
        if (!text)
                return -ENOMEM;
        n = loop_read(fd, text, (size_t) st.st_size);
        if (n < 0)
                return (int) n;
        text[n] = '\0';
        if (strlen(text) != (size_t) n)
                return -EBADMSG;

        *ret = TAKE_PTR(text);
        return 0;
}

int store_identity_load(int directory_fd, const char *name, StoreIdentity *ret) {
        _cleanup_free_ char *text = NULL;
        StoreIdentity identity = {};
        int r;

        assert(ret);

        r = read_file(directory_fd, name, &text);
        if (r < 0)
                return r;

        r = parse(text, &identity);
        if (r < 0) {
                store_identity_done(&identity);
                return r;
        }

        *ret = identity;
        return 0;
}

static int write_file(int directory_fd, const char *name, const char *text) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        /* Whatever an interrupted writing left there. */
        if (unlinkat(directory_fd, name, 0) < 0 && errno != ENOENT)
                return -errno;

        fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;

        r = loop_write(fd, text, strlen(text));
        if (r < 0)
                return r;

        return fsync(fd) < 0 ? -errno : 0;
}

int store_identity_save(int directory_fd, const char *name, const StoreIdentity *identity) {
        _cleanup_(string_buffer_done) StringBuffer buffer = STRING_BUFFER_NULL;
        _cleanup_free_ char *text = NULL, *aside = NULL;
        int r;

        assert(identity->pair_id);
        assert(identity->source);
        assert(identity->replica);

        string_buffer_append(&buffer, FORMAT_LINE "\n");
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                append_field(&buffer, &fields[i], identity);

        text = string_buffer_take(&buffer);
        if (!text)
                return -ENOMEM;
        if (asprintf(&aside, "%s.new", name) < 0) {
                aside = NULL;
                return -ENOMEM;
        }

        r = write_file(directory_fd, aside, text);
        if (r >= 0 && renameat(directory_fd, aside, directory_fd, name) < 0)
                r = -errno;
        if (r < 0) {
                (void) unlinkat(directory_fd, aside, 0);
                return r;
        }

        return fsync(directory_fd) < 0 ? -errno : 0;
}
