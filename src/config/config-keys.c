#include "config/config-keys.h"

#include <string.h>
#include <strings.h>

#include "basic/edit-distance.h"
#include "basic/macros.h"
#include "basic/string-util.h"

/* Names further apart than a third of their length are not taken for misspellings of one another;
 * longer ones than this are not compared at all, and ours are all shorter. */
#define SUGGEST_LENGTH_MAX 32

#define WORDS(...) ((const char *const[]) { __VA_ARGS__, NULL })

#define KEY(_section, _name, _type, _member, ...)                        \
        {                                                                \
                .section = (_section), .name = (_name), .type = (_type), \
                .offset = offsetof(Config, _member), __VA_ARGS__         \
        }

const ConfigKey config_keys[CONFIG_N_KEYS] = {
        KEY("Pair", "Source", KEY_PATH, source, .flags = KEY_REQUIRED),
        KEY("Pair", "Replica", KEY_PATH, replica, .flags = KEY_REQUIRED | KEY_NOT_ROOT),
        KEY("Pair", "Store", KEY_PATH, store, .flags = KEY_NOT_ROOT),
        KEY("Pair", "Direction", KEY_ENUM, direction, .words = WORDS("one-way", "two-way"),
            .fallback = "one-way"),
        KEY("Pair", "Overwrite", KEY_BOOL, overwrite, .fallback = "yes"),
        KEY("Pair", "Delete", KEY_BOOL, delete_, .fallback = "yes"),
        KEY("Pair", "OneFileSystem", KEY_BOOL, one_file_system, .fallback = "no"),

        KEY("Sync", "Watch", KEY_ENUM, watch, .words = WORDS("auto", "fanotify", "inotify", "off"),
            .fallback = "auto"),
        KEY("Sync", "RescanInterval", KEY_SPAN, rescan_interval, .fallback = "10min",
            .zero_word = "0", .min = "100ms", .max = "52w"),
        KEY("Sync", "Settle", KEY_SPAN, settle, .fallback = "20ms", .min = "0", .max = "1h"),
        KEY("Sync", "MaxDelay", KEY_SPAN, max_delay, .fallback = "5s", .min = "10ms", .max = "1d"),
        KEY("Sync", "Exclude", KEY_LIST, exclude),
        KEY("Sync", "Threads", KEY_COUNT, n_threads, .fallback = "auto", .zero_word = "auto",
            .min = "1", .max = "64"),
        KEY("Sync", "BandwidthMax", KEY_SIZE, bandwidth_max_bytes, .fallback = "0"),
        KEY("Sync", "ProtectReplica", KEY_ENUM, protect_replica,
            .words = WORDS("heal", "report", "off"), .fallback = "heal"),
        KEY("Sync", "MaxDelete", KEY_PERCENT, max_delete_basis_points, .fallback = "100%"),

        KEY("Integrity", "Checksum", KEY_ENUM, checksum, .words = WORDS("off", "sha256"),
            .fallback = "sha256"),
        KEY("Integrity", "VerifyInterval", KEY_SPAN, verify_interval, .fallback = "4week",
            .zero_word = "0", .min = "1s", .max = "520w"),
        KEY("Integrity", "VerifyBandwidthMax", KEY_SIZE, verify_bandwidth_max_bytes,
            .fallback = "64M"),
        KEY("Integrity", "OnRot", KEY_ENUM, on_rot, .words = WORDS("heal", "heal-source", "report"),
            .fallback = "heal"),
        KEY("Integrity", "VerifyCopies", KEY_BOOL, verify_copies, .fallback = "no"),

        KEY("Versions", "Keep", KEY_SPAN, versions_keep, .fallback = "30d", .zero_word = "no",
            .min = "1s", .max = "5200w"),
        KEY("Versions", "MinInterval", KEY_SPAN, versions_min_interval, .fallback = "10min",
            .min = "0", .max = "52w"),
        KEY("Versions", "MaxUse", KEY_SIZE, versions_max_use_bytes, .fallback = "0"),
        KEY("Versions", "KeepFree", KEY_PERCENT, versions_keep_free_basis_points, .fallback = "5%",
            .min = "0%", .max = "95%"),

        KEY("Log", "Operations", KEY_BOOL, log_operations, .fallback = "yes"),
        KEY("Log", "File", KEY_PATH, log_file, .fallback = NULL),

        KEY("Alert", "Sound", KEY_BOOL, alert_sound, .fallback = "yes"),
        KEY("Alert", "MinInterval", KEY_SPAN, alert_min_interval, .fallback = "5min", .min = "0",
            .max = "52w"),

        KEY("Report", "Interval", KEY_SPAN, report_interval, .fallback = "1d", .zero_word = "0",
            .min = "1s", .max = "52w"),
};

const ConfigKey *config_key_find(const char *section, const char *name) {
        for (size_t i = 0; i < CONFIG_N_KEYS; i++)
                if (streq(config_keys[i].section, section) && streq(config_keys[i].name, name))
                        return &config_keys[i];

        return NULL;
}

bool config_section_exists(const char *section) {
        for (size_t i = 0; i < CONFIG_N_KEYS; i++)
                if (streq(config_keys[i].section, section))
                        return true;

        return false;
}

static bool is_near(const char *given, const char *known, size_t *best) {
        size_t distance;

        if (strlen(given) > SUGGEST_LENGTH_MAX)
                return false;

        distance = edit_distance(given, known);
        if (distance >= *best || distance > (strlen(known) + 2) / 3)
                return false;

        *best = distance;
        return true;
}

const char *config_section_suggest(const char *section) {
        const char *nearest = NULL;
        size_t best = SIZE_MAX;

        for (size_t i = 0; i < CONFIG_N_KEYS; i++)
                if (is_near(section, config_keys[i].section, &best))
                        nearest = config_keys[i].section;

        return nearest;
}

const ConfigKey *config_key_suggest(const char *section, const char *name) {
        const ConfigKey *nearest = NULL;
        size_t best = SIZE_MAX;

        for (size_t i = 0; i < CONFIG_N_KEYS; i++)
                if (streq(config_keys[i].section, section) &&
                    is_near(name, config_keys[i].name, &best))
                        nearest = &config_keys[i];

        for (size_t i = 0; !nearest && i < CONFIG_N_KEYS; i++)
                if (strcasecmp(config_keys[i].name, name) == 0)
                        nearest = &config_keys[i];

        return nearest;
}
