#pragma once

/* What a pair's service must see and may write, as far as the mounts of its sandbox can say it.
 * Pure: what there is on the machine is asked of the caller.
 *
 * A path that is opened or closed inside of a mounted file system becomes a mount of its own in the
 * service's view, and keeps that file system busy there although the machine has unmounted it. So a
 * file system that can be unmounted is opened as a whole, and what is said of its parts is left to
 * the daemon, which confines itself by Landlock. */

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

/* What can be asked of the machine. Paths are absolute and normalised. */
typedef struct Surroundings {
        bool (*is_mount_point)(const char *path, void *userdata);
        bool (*exists)(const char *path, void *userdata);
        void *userdata;
} Surroundings;

enum { PLACES_WRITABLE_MAX = 4 };

typedef struct Places {
        const char *required[3]; /* what must be mounted; borrowed of the Config */
        size_t n_required;
        char *writable[PLACES_WRITABLE_MAX]; /* owned */
        size_t n_writable;
        char *read_only; /* owned; NULL: nothing beyond what is anyway */
        bool everywhere; /* the top directory itself has to be writable */
        bool in_home;    /* a home of all homes is writable: /home, /root or /run/user */
        bool in_tmp;     /* one of the directories is in /tmp or /var/tmp */
} Places;

#define PLACES_NULL ((Places) {})

/* 0 or -ENOMEM. CONFIG has to outlive *RET. */
int places_plan(const Config *config, const Surroundings *surroundings, Places *ret);
void places_done(Places *places);
