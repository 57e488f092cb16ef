#include "ctl/pair-state.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/estimate.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "config/bus-name.h"
#include "ctl/json.h"

/* An unresponsive pair is told from a busy one. */
#define TIMEOUT_USEC (25 * USEC_PER_SEC)

#define TEXT(name, member) \
        { name, 's', offsetof(PairState, member) }
#define NUMBER(name, member) \
        { name, 't', offsetof(PairState, member) }
#define FLAG(name, member) \
        { name, 'b', offsetof(PairState, member) }
#define COUNTERS(name, member) \
        { name, 'a', offsetof(PairState, member) }

static const struct {
        const char *name;
        char type;
        size_t offset;
} members[] = {
        TEXT("Version", version),
        TEXT("Name", name),
        TEXT("Source", source),
        TEXT("Replica", replica),
        TEXT("Store", store),
        NUMBER("StartedUSec", started),
        TEXT("State", state),
        TEXT("Status", status),
        TEXT("Reason", reason),
        NUMBER("HeldPlaces", n_held),
        NUMBER("HeldRemovals", n_held_removals),
        NUMBER("KeptEntries", n_kept),
        FLAG("ConfigurationRefused", config_refused),
        NUMBER("InStepSinceUSec", in_step_since),
        FLAG("Identical", identical),
        NUMBER("ProvenUSec", proven),
        NUMBER("Failures", n_failures),
        NUMBER("PendingChanges", n_pending),
        NUMBER("PendingSinceUSec", pending_since),
        NUMBER("LagUSec", lag),
        NUMBER("Entries", n_entries),
        NUMBER("Directories", n_directories),
        TEXT("WatchBackend", watch_backend),
        NUMBER("WatchedDirectories", n_watched),
        NUMBER("FallenBackDirectories", n_fallen_back),
        NUMBER("UnwatchedDirectories", n_unwatched),
        FLAG("ReplicaWatched", replica_watched),
        NUMBER("UnwatchedReplicaDirectories", n_replica_unwatched),
        NUMBER("Overflows", n_overflows),
        NUMBER("NextPassUSec", next_pass),
        NUMBER("LastPassBegunUSec", last_pass_begun),
        NUMBER("LastPassDurationUSec", last_pass_duration),
        TEXT("LastPassResult", last_pass_result),
        COUNTERS("LastPassCounters", last_pass_counters),
        COUNTERS("Counters", counters),
        NUMBER("VersionsBytes", versions_bytes),
        NUMBER("VersionsMeasuredUSec", versions_measured),
        FLAG("Verifying", verifying),
        NUMBER("Files", n_files),
        NUMBER("FilesVerified", n_verified),
        NUMBER("FilesNeverVerified", n_never_verified),
        NUMBER("FilesWithoutHash", n_without_hash),
        NUMBER("FilesDamaged", n_damaged),
        NUMBER("OldestVerifiedUSec", oldest_verified),
        FLAG("VerifyRequested", verify_requested),
        NUMBER("VerifyBegunUSec", verify_begun),
        NUMBER("VerifyFiles", verify_files),
        NUMBER("VerifyFilesExpected", verify_files_expected),
        NUMBER("VerifyBytes", verify_bytes),
        NUMBER("VerifyBytesExpected", verify_bytes_expected),
        NUMBER("VerifyDamaged", verify_damaged),
        TEXT("Pass", pass),
        NUMBER("PassBegunUSec", pass_begun),
        NUMBER("PassEntries", pass_entries),
        NUMBER("PassEntriesExpected", pass_expected),
        NUMBER("PassDirectories", pass_directories),
        NUMBER("PassBytes", pass_bytes),
        NUMBER("PassOperations", pass_operations),
        NUMBER("PassFailures", pass_failed),
};

static void *member_of(const PairState *state, size_t i) {
        return (char *) state + members[i].offset;
}

void state_counters_done(StateCounters *counters) {
        for (size_t i = 0; i < counters->n_items; i++)
                free(counters->items[i].name);
}

void pair_state_done(PairState *state) {
        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                if (members[i].type == 's')
                        free(*(char **) member_of(state, i));
                else if (members[i].type == 'a')
                        state_counters_done(member_of(state, i));
        *state = PAIR_STATE_NULL;
}

static int read_text(sd_bus_message *reply, char **ret) {
        const char *text;
        char *copy;
        int r;

        r = sd_bus_message_read(reply, "s", &text);
        if (r < 0)
                return r;
        copy = strdup(text);
        if (!copy)
                return -ENOMEM;
        free(*ret);
        *ret = copy;
        return 0;
}

static int read_flag(sd_bus_message *reply, bool *ret) {
        int value, r;

        r = sd_bus_message_read(reply, "b", &value);
        if (r >= 0)
                *ret = value;
        return r;
}

int state_counters_read(sd_bus_message *reply, StateCounters *counters) {
        const char *name;
        uint64_t value;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "{st}");
        while (r >= 0 && (r = sd_bus_message_read(reply, "{st}", &name, &value)) > 0) {
                StateCounter *item = &counters->items[counters->n_items];

                if (counters->n_items == STATE_COUNTERS_MAX)
                        continue;
                *item = (StateCounter) { strdup(name), value };
                if (!item->name)
                        return -ENOMEM;
                counters->n_items++;
        }
        return r < 0 ? r : sd_bus_message_exit_container(reply);
}

static int read_member(sd_bus_message *reply, PairState *state, size_t i) {
        static const char *const signatures[] = {
                ['s'] = "s", ['t'] = "t", ['b'] = "b", ['a'] = "a{st}"
        };
        void *to = member_of(state, i);
        int r;

        r = sd_bus_message_enter_container(reply, 'v', signatures[(unsigned char) members[i].type]);
        if (r < 0)
                return r;
        switch (members[i].type) {
        case 's':
                r = read_text(reply, to);
                break;
        case 't':
                r = sd_bus_message_read(reply, "t", to);
                break;
        case 'b':
                r = read_flag(reply, to);
                break;
        default:
                r = state_counters_read(reply, to);
        }
        return r < 0 ? r : sd_bus_message_exit_container(reply);
}

/* A later version may tell more. */
static int read_property(sd_bus_message *reply, PairState *state) {
        const char *name;
        int r;

        r = sd_bus_message_read(reply, "s", &name);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                if (streq(members[i].name, name))
                        return read_member(reply, state, i);
        return sd_bus_message_skip(reply, "v");
}

static int read_all(sd_bus_message *reply, PairState *state) {
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                r = read_property(reply, state);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        return r;
}

int pair_state_acquire(sd_bus *bus, const char *bus_name, PairState *ret, sd_bus_error *ret_error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        PairState state = PAIR_STATE_NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &call, bus_name, BUS_PATH,
                                           "org.freedesktop.DBus.Properties", "GetAll");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", BUS_INTERFACE);
        if (r >= 0)
                r = sd_bus_call(bus, call, TIMEOUT_USEC, ret_error, &reply);
        if (r >= 0)
                r = read_all(reply, &state);
        if (r < 0) {
                pair_state_done(&state);
                return r;
        }
        *ret = state;
        return 0;
}

static void print_counters(const StateCounters *counters) {
        (void) fputc('{', stdout);
        for (size_t i = 0; i < counters->n_items; i++) {
                (void) fputs(i > 0 ? "," : "", stdout);
                json_print_name(stdout, counters->items[i].name);
                (void) printf(":%" PRIu64, counters->items[i].value);
        }
        (void) fputc('}', stdout);
}

void pair_state_print_json(const PairState *state) {
        for (size_t i = 0; i < ELEMENTSOF(members); i++) {
                const void *member = member_of(state, i);

                (void) printf("%s\"%s\":", i > 0 ? "," : "", members[i].name);
                if (members[i].type == 's')
                        json_print_name(stdout, *(char *const *) member ?: "");
                else if (members[i].type == 't')
                        (void) printf("%" PRIu64, *(const uint64_t *) member);
                else if (members[i].type == 'b')
                        (void) fputs(*(const bool *) member ? "true" : "false", stdout);
                else
                        print_counters(member);
        }
}

uint64_t state_counter(const StateCounters *counters, const char *name) {
        for (size_t i = 0; i < counters->n_items; i++)
                if (streq(counters->items[i].name, name))
                        return counters->items[i].value;
        return 0;
}

int pair_state_progress(const PairState *state) {
        bool runs = state->pass && state->pass[0];

        return runs ? estimate_progress(state->pass_entries, state->pass_expected) : -1;
}

usec_t pair_state_time_left(const PairState *state, usec_t now) {
        if (pair_state_progress(state) < 0)
                return 0;
        return estimate_left(now - MIN(now, state->pass_begun), state->pass_entries,
                             state->pass_expected);
}

static uint64_t reading_done(const PairState *state) {
        return estimate_reading(state->verify_files, state->verify_bytes);
}

static uint64_t reading_expected(const PairState *state) {
        return estimate_reading(state->verify_files_expected, state->verify_bytes_expected);
}

int pair_state_verify_progress(const PairState *state) {
        return state->verify_requested
                       ? estimate_progress(reading_done(state), reading_expected(state))
                       : -1;
}

usec_t pair_state_verify_time_left(const PairState *state, usec_t now) {
        if (pair_state_verify_progress(state) < 0)
                return 0;
        return estimate_left(now - MIN(now, state->verify_begun), reading_done(state),
                             reading_expected(state));
}
