#include "state/statistics-text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "state/versions.h"

enum { CHECKSUM_LENGTH = 10 }; /* " #" and eight digits */

/* FNV-1a, 32 bits (Fowler, Noll and Vo): against accidents, not against people. */
static uint32_t checksum(const char *text, size_t length) {
        uint32_t sum = UINT32_C(2166136261);

        for (size_t i = 0; i < length; i++)
                sum = (sum ^ (unsigned char) text[i]) * UINT32_C(16777619);
        return sum;
}

static size_t begin_line(StringBuffer *text, const char *word, usec_t at) {
        char time[VERSION_TIME_BYTES];
        size_t from = text->length;

        version_time_format(at, time);
        string_buffer_append(text, word);
        string_buffer_append(text, " ");
        string_buffer_append(text, time);
        return from;
}

static void end_line(StringBuffer *text, size_t from) {
        uint32_t sum;

        if (text->failed)
                return;
        sum = checksum(text->text + from, text->length - from);
        string_buffer_appendf(text, " #%08" PRIx32 "\n", sum);
}

static void add_number(StringBuffer *text, const char *name, uint64_t value) {
        string_buffer_appendf(text, " %s=%" PRIu64, name, value);
}

static void add_lags(StringBuffer *text, const uint64_t *lags) {
        const char *before = " lags=";

        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
                if (lags[i] > 0) {
                        string_buffer_appendf(text, "%s%u:%" PRIu64, before, i, lags[i]);
                        before = ",";
                }
}

static void write_values(StringBuffer *text, const StatisticsBucket *bucket) {
        for (Statistic i = 0; i < _STATISTIC_MAX; i++)
                if (statistic_kind(i) == STATISTIC_LAST ? statistics_knows(bucket, i)
                                                        : bucket->values[i] > 0)
                        add_number(text, statistic_to_string(i), bucket->values[i]);
        add_lags(text, bucket->lags);
}

void statistics_write_bucket(StringBuffer *text, const StatisticsBucket *bucket) {
        size_t from = begin_line(text, bucket->length > USEC_PER_HOUR ? "day" : "hour",
                                 bucket->start);

        write_values(text, bucket);
        end_line(text, from);
}

void statistics_write_unreported(StringBuffer *text, const Statistics *statistics) {
        size_t from = begin_line(text, "unreported", statistics->reported);

        write_values(text, &statistics->unreported);
        end_line(text, from);
}

void statistics_write_slow(StringBuffer *text, const SlowOperation *operation) {
        size_t from = begin_line(text, "slow", operation->at);

        string_buffer_appendf(text, " what=%s", operation->what);
        add_number(text, "usec", operation->duration);
        add_number(text, "bytes", operation->n_bytes);
        string_buffer_append(text, " path=");
        for (const char *p = operation->path; *p; p++)
                if (*p == '%' || (unsigned char) *p <= ' ' || *p == 0x7f)
                        string_buffer_appendf(text, "%%%02x", (unsigned char) *p);
                else
                        string_buffer_append_bytes(text, p, 1);
        end_line(text, from);
}

void statistics_write_reported(StringBuffer *text, usec_t at) {
        end_line(text, begin_line(text, "reported", at));
}

/* Only digits, and no more than fit. */
static bool parse_number(const char *text, char end, uint64_t *ret, const char **ret_rest) {
        char *rest;

        if (!isdigit((unsigned char) *text))
                return false;
        errno = 0;
        *ret = strtoull(text, &rest, 10);
        if (errno != 0 || *rest != end)
                return false;
        if (ret_rest)
                *ret_rest = rest + 1;
        return true;
}

static bool parse_lags(char *text, uint64_t *lags) {
        char *rest = NULL;

        for (char *part = strtok_r(text, ",", &rest); part; part = strtok_r(NULL, ",", &rest)) {
                uint64_t bucket, n;
                const char *p;

                if (!parse_number(part, ':', &bucket, &p) || bucket >= HISTOGRAM_BUCKETS ||
                    !parse_number(p, '\0', &n, NULL))
                        return false;
                lags[bucket] = n;
        }
        return true;
}

/* A name that a later version may have made is passed over. */
static bool parse_value(StatisticsBucket *bucket, const char *name, char *value) {
        Statistic statistic = statistic_from_string(name);
        uint64_t number;

        if (streq(name, "lags"))
                return parse_lags(value, bucket->lags);
        if (statistic < 0)
                return true;
        if (!parse_number(value, '\0', &number, NULL))
                return false;
        statistics_set(bucket, statistic, number);
        return true;
}

static bool read_values(char *rest, StatisticsBucket *bucket) {
        for (char *field; (field = strtok_r(NULL, " ", &rest));) {
                char *value = strchr(field, '=');

                if (!value)
                        return false;
                *value++ = '\0';
                if (!parse_value(bucket, field, value))
                        return false;
        }
        return true;
}

/* LENGTH is 0 for what is in other lines already. */
static int read_bucket(Statistics *statistics, usec_t at, usec_t length, char *rest) {
        StatisticsBucket bucket = { .start = at, .length = length };

        if ((length > 0 && at % length != 0) || !read_values(rest, &bucket))
                return -EBADMSG;
        statistics_bucket_add(&statistics->unreported, &bucket);
        return length > 0 ? statistics_add(statistics, &bucket) : 0;
}

static int read_reported(Statistics *statistics, usec_t at) {
        statistics->reported = at;
        statistics->unreported = (StatisticsBucket) {};
        return 0;
}

static void unescape(char *text) {
        char *to = text;

        for (const char *p = text; *p; p++) {
                const char digits[] = { p[0] == '%' ? p[1] : '\0',
                                        p[0] == '%' && p[1] ? p[2] : '\0', '\0' };
                unsigned byte;

                if (digits[0] && digits[1] && sscanf(digits, "%2x", &byte) == 1 && byte > 0) {
                        *to++ = (char) byte;
                        p += 2;
                } else
                        *to++ = *p;
        }
        *to = '\0';
}

static int read_slow(Statistics *statistics, usec_t at, char *rest) {
        SlowOperation operation = { .at = at };
        char *path = strstr(rest, "path=");
        int n = 0;

        if (!path ||
            sscanf(rest, "what=%15[a-z-] usec=%" SCNu64 " bytes=%" SCNu64 " %n", operation.what,
                   &operation.duration, &operation.n_bytes, &n) != 3 ||
            rest + n != path)
                return -EBADMSG;
        operation.path = path + strlen("path=");
        unescape(operation.path);
        return statistics_add_slow(statistics, &operation);
}

/* Takes the checksum off. */
static bool is_whole(char *line) {
        size_t length = strlen(line);
        uint32_t sum;
        char *end;

        if (length < CHECKSUM_LENGTH)
                return false;
        end = line + length - CHECKSUM_LENGTH;
        if (sscanf(end, " #%8" SCNx32, &sum) != 1 ||
            sum != checksum(line, length - CHECKSUM_LENGTH))
                return false;
        *end = '\0';
        return true;
}

int statistics_read_line(Statistics *statistics, char *line) {
        char *rest = NULL, *word, *time;
        usec_t at;

        if (!is_whole(line))
                return -EBADMSG;
        word = strtok_r(line, " ", &rest);
        time = strtok_r(NULL, " ", &rest);
        if (!word || !time || version_time_parse(time, &at) < 0)
                return -EBADMSG;
        if (streq(word, "hour"))
                return read_bucket(statistics, at, USEC_PER_HOUR, rest);
        if (streq(word, "day"))
                return read_bucket(statistics, at, USEC_PER_DAY, rest);
        if (streq(word, "slow"))
                return read_slow(statistics, at, rest);
        if (streq(word, "unreported"))
                return read_bucket(statistics, at, 0, rest);
        if (streq(word, "reported"))
                return read_reported(statistics, at);
        return 0; /* or something of a later version */
}
