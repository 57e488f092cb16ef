/* rebackupctl explain */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/size.h"
#include "basic/string-util.h"
#include "config/bus-name.h"
#include "ctl/bus-client.h"
#include "ctl/commands.h"
#include "ctl/json.h"
#include "ctl/pair-state.h"
#include "ctl/say.h"
#include "ctl/terminal.h"
#include "restore/pair.h"
#include "restore/when.h"

/* An entry as one side, or the catalog, has it. ERROR is an errno. */
typedef struct Seen {
        int error;
        uint32_t mode, uid, gid;
        uint64_t size, inode, n_links;
        int64_t mtime;
} Seen;

/* Strings are those of the answer, NULL where it has none. */
typedef struct Explained {
        const char *verdict, *pattern, *hash, *failure;
        Seen source, replica, catalog;
        int unstable, damaged, pending, failure_error;
        uint64_t verified, failed_since, next_attempt;
        uint32_t n_attempts;
} Explained;

static int read_seen(sd_bus_message *reply, Seen *ret) {
        return sd_bus_message_read(reply, "v", "(iuttxuut)", &ret->error, &ret->mode, &ret->size,
                                   &ret->inode, &ret->mtime, &ret->uid, &ret->gid, &ret->n_links);
}

static int read_member(sd_bus_message *reply, const char *key, Explained *e) {
        const struct {
                const char *key, *type;
                void *to;
        } members[] = {
                { "Verdict", "s", &e->verdict },
                { "ExcludedBy", "s", &e->pattern },
                { "SHA256", "s", &e->hash },
                { "Failure", "s", &e->failure },
                { "Unstable", "b", &e->unstable },
                { "Damaged", "b", &e->damaged },
                { "Pending", "b", &e->pending },
                { "FailureErrno", "i", &e->failure_error },
                { "VerifiedUSec", "t", &e->verified },
                { "FailedSinceUSec", "t", &e->failed_since },
                { "NextAttemptUSec", "t", &e->next_attempt },
                { "Attempts", "u", &e->n_attempts },
        };

        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                if (streq(members[i].key, key))
                        return sd_bus_message_read(reply, "v", members[i].type, members[i].to);
        if (streq(key, "Source"))
                return read_seen(reply, &e->source);
        if (streq(key, "Replica"))
                return read_seen(reply, &e->replica);
        if (streq(key, "Catalog"))
                return read_seen(reply, &e->catalog);
        return sd_bus_message_skip(reply, "v");
}

static int read_answer(sd_bus_message *reply, Explained *e) {
        const char *key;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                r = sd_bus_message_read(reply, "s", &key);
                if (r >= 0)
                        r = read_member(reply, key, e);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        return r;
}

static const struct {
        const char *verdict, *meaning;
        Colour colour;
} verdicts[] = {
        { "in-step", "in step", COLOUR_GOOD },
        { "absent", "on neither side", COLOUR_BUSY },
        { "excluded", "excluded", COLOUR_BUSY },
        { "gone-from-source", "gone from the source, still in the replica", COLOUR_BUSY },
        { "not-in-replica", "not in the replica yet", COLOUR_BUSY },
        { "source-changed", "the source changed since they were in step", COLOUR_BUSY },
        { "replica-changed", "the replica was changed by somebody else", COLOUR_BAD },
        { "unknown", "not compared yet", COLOUR_BUSY },
        { "kept", "kept in the replica as it is, because Overwrite=no or Delete=no says so",
          COLOUR_BUSY },
        { "damaged", "damaged: its content is not what it was", COLOUR_BAD },
        { "unreadable", "it cannot be looked at", COLOUR_BAD },
};

static void print_seen(const Terminal *terminal, const char *label, const Seen *seen) {
        char size[SIZE_TEXT_MAX], when[WHEN_TEXT_MAX];
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;

        if (seen->error == ENOENT)
                string_buffer_append(&text, "nothing");
        else if (seen->error != 0)
                string_buffer_append(&text, strerror(seen->error));
        else {
                string_buffer_append(&text, type_to_string(seen->mode));
                if (S_ISREG(seen->mode))
                        string_buffer_appendf(&text, ", %s",
                                              size_format(size, sizeof size, seen->size));
                string_buffer_appendf(&text, ", mode %04o, owner %" PRIu32 ":%" PRIu32,
                                      seen->mode & 07777U, seen->uid, seen->gid);
                if (seen->n_links > 1 && !S_ISDIR(seen->mode))
                        string_buffer_appendf(&text, ", %" PRIu64 " names", seen->n_links);
                if (seen->mtime >= 0)
                        string_buffer_appendf(&text, ", modified %s",
                                              when_format(when, sizeof when,
                                                          (usec_t) seen->mtime / NSEC_PER_USEC));
        }
        (void) terminal_print_field(terminal, label, COLOUR_NONE,
                                    text.text && !text.failed ? text.text : "?");
}

static void print_failure(const Terminal *terminal, const Explained *e) {
        char since[WHEN_TEXT_MAX], next[WHEN_TEXT_MAX];
        char *text;

        if (asprintf(&text, "failed to %s: %s", e->failure, strerror(e->failure_error)) >= 0) {
                (void) terminal_print_field(terminal, "Failure", COLOUR_BAD, text);
                free(text);
        }
        if (asprintf(&text, "%s, %" PRIu32 " %s, the next %s",
                     when_format(since, sizeof since, e->failed_since), e->n_attempts,
                     e->n_attempts == 1 ? "attempt" : "attempts",
                     e->next_attempt > 0 ? when_format(next, sizeof next, e->next_attempt)
                                         : "with the next rescan") >= 0) {
                (void) terminal_print_field(terminal, "Since", COLOUR_NONE, text);
                free(text);
        }
}

static void print_pattern(const Terminal *terminal, const char *pattern) {
        _cleanup_free_ char *shown = pattern ? escape_bytes(pattern) : NULL, *text = NULL;

        if (shown && asprintf(&text, "Sync.Exclude=%s", shown) >= 0)
                (void) terminal_print_field(terminal, "Excluded by", COLOUR_NONE, text);
}

static void print_text(const char *path, const Explained *e) {
        const char *meaning = e->verdict ?: "?";
        Colour colour = COLOUR_NONE;
        char when[WHEN_TEXT_MAX];
        Terminal terminal;

        terminal_init(&terminal);
        for (size_t i = 0; i < ELEMENTSOF(verdicts); i++)
                if (e->verdict && streq(verdicts[i].verdict, e->verdict)) {
                        meaning = verdicts[i].meaning;
                        colour = verdicts[i].colour;
                }
        _cleanup_free_ char *escaped = escape_bytes(*path ? path : "."),
                            *shown = escaped ? terminal_text(&terminal, escaped) : NULL;
        terminal_print(&terminal, COLOUR_HEADING, shown ?: "?");
        (void) fputs(": ", stdout);
        terminal_print(&terminal, colour, meaning);
        (void) fputc('\n', stdout);
        print_seen(&terminal, "Source", &e->source);
        print_seen(&terminal, "Replica", &e->replica);
        print_seen(&terminal, "Catalog", &e->catalog);
        print_pattern(&terminal, e->pattern);
        if (e->hash)
                (void) terminal_print_field(&terminal, "SHA-256", COLOUR_NONE, e->hash);
        if (e->verified > 0)
                (void) terminal_print_field(&terminal, "Verified", COLOUR_NONE,
                                            when_format(when, sizeof when, e->verified));
        if (e->unstable)
                (void) terminal_print_field(&terminal, "Unstable", COLOUR_BUSY,
                                            "copied while it was being written; it is copied again "
                                            "when it rests");
        if (e->failure)
                print_failure(&terminal, e);
        else
                (void) terminal_print_field(&terminal, "Pending", COLOUR_NONE,
                                            e->pending ? "it waits to be looked at" : "no");
}

static void print_seen_json(const char *label, const Seen *seen) {
        Stamp stamp = { .mode = seen->mode,
                        .size = seen->size,
                        .uid = seen->uid,
                        .gid = seen->gid,
                        .mtime = seen->mtime };

        (void) printf(",\"%s\":", label);
        if (seen->error == ENOENT) {
                (void) fputs("null", stdout);
                return;
        }
        (void) fputc('{', stdout);
        if (seen->error != 0)
                (void) printf("\"error\":\"%s\"", strerrorname_np(seen->error) ?: "?");
        else
                json_print_stamp(stdout, &stamp);
        (void) fputc('}', stdout);
}

static void print_json(const char *path, const Explained *e) {
        (void) fputs("{\"Path\":", stdout);
        json_print_name(stdout, path);
        (void) printf(",\"Verdict\":\"%s\"", e->verdict ?: "");
        print_seen_json("Source", &e->source);
        print_seen_json("Replica", &e->replica);
        print_seen_json("Catalog", &e->catalog);
        if (e->pattern) {
                (void) fputs(",\"ExcludedBy\":", stdout);
                json_print_name(stdout, e->pattern);
        }
        if (e->hash)
                (void) printf(",\"SHA256\":\"%s\"", e->hash);
        (void) printf(",\"VerifiedUSec\":%" PRIu64 ",\"Unstable\":%s,\"Damaged\":%s,\"Pending\":%s",
                      e->verified, e->unstable ? "true" : "false", e->damaged ? "true" : "false",
                      e->pending ? "true" : "false");
        if (e->failure) {
                (void) fputs(",\"Failure\":{\"What\":", stdout);
                json_print_name(stdout, e->failure);
                (void) printf(",\"Error\":\"%s\",\"FirstUSec\":%" PRIu64 ",\"Attempts\":%" PRIu32
                              ",\"NextUSec\":%" PRIu64 "}",
                              strerrorname_np(e->failure_error) ?: "?", e->failed_since,
                              e->n_attempts, e->next_attempt);
        }
        (void) fputs("}\n", stdout);
}

int command_explain(const CtlOptions *options) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *name = NULL, *path = NULL;
        Explained explained = {};
        int r;

        r = client_connect(options, &bus);
        if (r == EX_OK)
                r = client_name(options->pair, &name);
        if (r == EX_OK)
                r = client_path(options, bus, name, options->arguments[1], &path);
        if (r != EX_OK)
                return r;
        r = sd_bus_message_new_method_call(bus, &call, name, BUS_PATH, BUS_INTERFACE, "Explain");
        if (r >= 0)
                r = sd_bus_message_append_array(call, 'y', path, strlen(path));
        if (r >= 0)
                r = sd_bus_message_append(call, "t", UINT64_C(0));
        if (r >= 0)
                r = sd_bus_call(bus, call, UINT64_MAX, &error, &reply);
        if (r >= 0)
                r = read_answer(reply, &explained);
        if (r < 0)
                return client_say_error(options, r, &error);
        if (options->json)
                print_json(path, &explained);
        else
                print_text(path, &explained);
        return finish_output(EX_OK);
}
