#pragma once

/* What a pair is told to do: one object made from the configuration files or from the command line,
 * checked as a whole and never changed afterwards, so that any thread may read it. A reload makes a
 * new one. Nothing here looks at the paths themselves: whether they exist is for the daemon to find
 * out. */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "basic/macros.h"
#include "basic/time-span.h"
#include "config/exclude.h"

typedef enum Direction {
        DIRECTION_ONE_WAY,
        DIRECTION_TWO_WAY,
        _DIRECTION_INVALID = -EINVAL,
} Direction;

typedef enum WatchMode {
        WATCH_AUTO, /* the best one that works here */
        WATCH_FANOTIFY,
        WATCH_INOTIFY,
        WATCH_OFF, /* rescans only */
        _WATCH_MODE_INVALID = -EINVAL,
} WatchMode;

typedef enum ProtectReplica {
        PROTECT_REPLICA_HEAL,
        PROTECT_REPLICA_REPORT,
        PROTECT_REPLICA_OFF,
        _PROTECT_REPLICA_INVALID = -EINVAL,
} ProtectReplica;

typedef enum Checksum {
        CHECKSUM_OFF, /* zero, so that the field reads as "are there hashes?" */
        CHECKSUM_SHA256,
        _CHECKSUM_INVALID = -EINVAL,
} Checksum;

typedef enum OnRot {
        ON_ROT_HEAL,
        ON_ROT_HEAL_SOURCE,
        ON_ROT_REPORT,
        _ON_ROT_INVALID = -EINVAL,
} OnRot;

/* One field a key, in the order of rebackup.conf(5). Paths are absolute and normalised: no empty,
 * "." or ".." component, no trailing slash. */
typedef struct Config {
        char *source;
        char *replica;
        char *store; /* NULL: the default place beside the replica */
        Direction direction;
        bool overwrite;
        bool delete_;
        bool one_file_system;

        WatchMode watch;
        usec_t rescan_interval; /* 0: only at start and when events were lost */
        usec_t settle;
        usec_t max_delay;             /* never shorter than settle */
        ExcludeList *exclude;         /* NULL: nothing is left out */
        unsigned n_threads;           /* 0: as many as suit the machine */
        uint64_t bandwidth_max_bytes; /* per second; 0: no limit */
        ProtectReplica protect_replica;
        unsigned max_delete_basis_points; /* of the pair's entries; 10000 = 100 % */

        Checksum checksum;
        usec_t verify_interval;              /* 0: only on demand */
        uint64_t verify_bandwidth_max_bytes; /* per second; 0: no limit */
        OnRot on_rot;
        bool verify_copies;

        usec_t versions_keep; /* 0: none are kept */
        usec_t versions_min_interval;
        uint64_t versions_max_use_bytes;          /* 0: no limit */
        unsigned versions_keep_free_basis_points; /* of the replica's file system */

        bool log_operations;
        char *log_file; /* a file, or a directory to hold NAME.log; NULL: the journal or the
                           terminal alone */

        bool alert_sound;
        usec_t alert_min_interval;

        usec_t report_interval; /* 0: none */
} Config;

/* Whether NAME can name an instance, and so a file NAME.conf: not empty, no slash, no leading dot,
 * no control character, and short enough for NAME.conf.d. */
bool config_name_is_valid(const char *name);

/* Reads the configuration of the instance NAME: /usr/lib/rebackup/NAME.conf,
 * /etc/rebackup/NAME.conf, of somebody who is not root then ~/.config/rebackup/NAME.conf, then
 * *.conf in NAME.conf.d of all directories sorted by their names, where one in a later directory
 * hides one of the same name; then OVERRIDES ("Section.Key=VALUE", a NULL-terminated array or
 * NULL). What comes last wins. ROOT is put before the directories; NULL or "" for none.
 *
 * 0 with *RET, which is the caller's; -ENOENT when there is no configuration of that name; -EINVAL
 * when anything in it is wrong; -ENOMEM; another -errno when a file could not be read. Every
 * failure but -ENOMEM comes with *RET_ERROR, the caller's: one line for each problem that was
 * found, each naming place, cause and remedy, without a newline at the end. For one thread at a
 * time: libeconf keeps the place of its last error in static memory. */
int config_load_instance(const char *root, const char *name, const char *const *overrides,
                         Config **ret, char **ret_error);

/* The same for a pair given on the command line. Relative paths, those of OVERRIDES too, are taken
 * from the working directory. */
int config_from_arguments(const char *source, const char *replica, const char *const *overrides,
                          Config **ret, char **ret_error);

/* Whether the pair writes to its source. */
static inline bool config_writes_source(const Config *config) {
        return config->on_rot == ON_ROT_HEAL_SOURCE || config->direction == DIRECTION_TWO_WAY;
}

Config *config_free(Config *config);
DEFINE_TRIVIAL_CLEANUP_FUNC(Config *, config_free)
