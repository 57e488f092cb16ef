#pragma once

/* What a group of marks is made of; for fanotify-marks.c, and for fanotify-marks-pack.c, which
 * writes it down. */

#include "watch/fanotify-marks.h"

enum {
        FILE_SYSTEMS_MAX = 64, /* with marks; whatever comes beyond that is left to inotify */
        LEFT_MAX = 256,
};

/* Directories of one file system, whose handles are of one type. */
typedef struct MarkedFileSystem {
        bool used;
        bool whole;      /* one mark for all of it, else one a directory */
        bool distrusted; /* that one may be gone */
        int32_t fsid[2];
        int handle_type;
        dev_t device;
        FileHandleLayout layout;
        uint64_t subvolume; /* that of its directories: inode numbers are its own */
        int guard;
} MarkedFileSystem;

struct FanotifyMarks {
        int fd;
        bool privileged;
        bool file_systems;
        bool cannot_open; /* handles */
        MarkedFileSystem table[FILE_SYSTEMS_MAX];
        unsigned n_table;
        dev_t *refused; /* for good, by device */
        size_t n_refused;
        DirectoryKey left[LEFT_MAX];
        unsigned n_left;
};
