#include "watch/fanotify-event.h"

#include <errno.h>
#include <string.h>
#include <sys/fanotify.h>

#include "basic/macros.h"
#include "watch/watch-internal.h"

/* Records */

/* The part of a record that all kinds share: fanotify_event_info_fid up to the handle's bytes. */
typedef struct RecordHead {
        struct fanotify_event_info_header header;
        int32_t fsid[2];
        uint32_t handle_bytes;
        int32_t handle_type;
} RecordHead;

static FanotifyRecord *record_for(FanotifyEvent *event, unsigned type) {
        switch (type) {
        case FAN_EVENT_INFO_TYPE_FID:
                return &event->file;
        case FAN_EVENT_INFO_TYPE_DFID:
        case FAN_EVENT_INFO_TYPE_DFID_NAME:
                return &event->directory;
        case FAN_EVENT_INFO_TYPE_OLD_DFID_NAME:
                return &event->old;
        case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME:
                return &event->new;
        default:
                return NULL;
        }
}

static bool type_has_name(unsigned type) {
        return type == FAN_EVENT_INFO_TYPE_DFID_NAME || type == FAN_EVENT_INFO_TYPE_OLD_DFID_NAME ||
               type == FAN_EVENT_INFO_TYPE_NEW_DFID_NAME;
}

/* A name is taken to a directory's descriptor later: nothing that leads out of it. */
static bool name_is_good(const char *name) {
        return name[0] != '\0' && !strchr(name, '/') && strcmp(name, "..") != 0;
}

/* P is a record of SIZE bytes that says to be of TYPE. */
static int parse_record(const unsigned char *p, size_t size, unsigned type, FanotifyRecord *ret) {
        const char *name = NULL;
        RecordHead head;

        if (size < sizeof(head))
                return -EBADMSG;
        memcpy(&head, p, sizeof(head));
        p += sizeof(head);
        size -= sizeof(head);
        if (head.handle_bytes > MIN(size, (size_t) FILE_HANDLE_SIZE_MAX))
                return -EBADMSG;
        if (type_has_name(type)) {
                name = (const char *) p + head.handle_bytes;
                if (!memchr(name, '\0', size - head.handle_bytes) || !name_is_good(name))
                        return -EBADMSG;
        }

        *ret = (FanotifyRecord) {
                .fsid = { head.fsid[0], head.fsid[1] },
                .handle = { .type = head.handle_type, .size = head.handle_bytes, .bytes = p },
                .name = name,
        };
        return 0;
}

static int parse_records(const unsigned char *p, size_t size, FanotifyEvent *event) {
        struct fanotify_event_info_header header;
        FanotifyRecord *record;
        int r;

        for (; size > 0; p += header.len, size -= header.len) {
                if (size < sizeof(header))
                        return -EBADMSG;
                memcpy(&header, p, sizeof(header));
                if (header.len < sizeof(header) || header.len > size)
                        return -EBADMSG;
                record = record_for(event, header.info_type);
                if (!record)
                        continue;
                r = parse_record(p, header.len, header.info_type, record);
                if (r < 0)
                        return r;
        }
        return 0;
}

ssize_t fanotify_event_parse(const void *buffer, size_t size, FanotifyEvent *ret) {
        struct fanotify_event_metadata metadata;
        FanotifyEvent event = {};
        int r;

        if (size == 0)
                return 0;
        if (size < sizeof(metadata))
                return -EBADMSG;
        memcpy(&metadata, buffer, sizeof(metadata));
        if (metadata.vers != FANOTIFY_METADATA_VERSION ||
            metadata.metadata_len < sizeof(metadata) ||
            metadata.event_len < metadata.metadata_len || metadata.event_len > size)
                return -EBADMSG;

        event.mask = metadata.mask;
        event.pid = metadata.pid;
        r = parse_records((const unsigned char *) buffer + metadata.metadata_len,
                          metadata.event_len - metadata.metadata_len, &event);
        if (r < 0)
                return r;
        *ret = event;
        return metadata.event_len;
}

/* Hints */

/* Records that come without a name, or with ".", are about the directory itself. */
static bool is_self(const FanotifyRecord *directory) {
        return !directory->name || strcmp(directory->name, ".") == 0;
}

/* A directory is modified by who sets its mtime alone. */
static unsigned self_flags(uint64_t mask) {
        if (mask & (FAN_DELETE_SELF | FAN_MOVE_SELF))
                return WATCH_EVENT_GONE;
        return mask & (FAN_ATTRIB | FAN_MODIFY) ? WATCH_EVENT_SELF : 0;
}

static unsigned name_flags(const FanotifyEvent *event) {
        unsigned flags = WATCH_EVENT_CHANGED;

        /* A directory is made in one step. */
        if (event->mask & (FAN_ATTRIB | FAN_CLOSE_WRITE) ||
            (event->mask & FAN_CREATE && event->mask & FAN_ONDIR))
                flags |= WATCH_EVENT_CLOSED;
        if (event->mask & FAN_DELETE)
                flags |= WATCH_EVENT_LEFT;
        if (event->mask & FAN_CREATE)
                flags |= WATCH_EVENT_ENTERED;
        if (event->mask & FAN_CLOSE_WRITE && watch_name_is_makeshift(event->directory.name))
                flags |= WATCH_EVENT_UNNAMED;
        return flags;
}

/* A rename comes as one event. What was moved away will be seen under its new name in a moment:
 * looked for before that, it would pass for removed. */
static unsigned rename_hints(const FanotifyEvent *event, const FanotifyRecord *file,
                             FanotifyHint *hints) {
        unsigned n = 0;

        if (event->old.handle.size > 0)
                hints[n++] = (FanotifyHint) {
                        .flags = WATCH_EVENT_CHANGED | WATCH_EVENT_LEFT,
                        .directory = &event->old,
                        .name = event->old.name,
                        .file = file,
                };
        if (event->new.handle.size > 0)
                hints[n++] = (FanotifyHint) {
                        .flags = WATCH_EVENT_CHANGED | WATCH_EVENT_CLOSED | WATCH_EVENT_ENTERED,
                        .directory = &event->new,
                        .name = event->new.name,
                        .file = file,
                };
        return n;
}

/* The file's own end or move: that its name is gone is another event. */
static bool is_aside(uint64_t mask) {
        return mask & (FAN_DELETE_SELF | FAN_MOVE_SELF) ||
               !(mask & (FAN_MODIFY | FAN_CLOSE_WRITE | FAN_ATTRIB));
}

/* A file that got or lost a name tells so besides, by itself. That may be all there is: where the
 * name was in a directory that nobody has looked into yet, or went when another file took it. What
 * was done to the file through that name can be found at its other names alone. */
static unsigned file_flags(uint64_t mask) {
        return WATCH_EVENT_FILE |
               (mask & FAN_CLOSE_WRITE || !(mask & FAN_MODIFY) ? WATCH_EVENT_CLOSED : 0);
}

/* The event of the name tells of a directory's end too: its own would be one more for each file. */
static bool tells_of_directory(const FanotifyEvent *event) {
        return event->mask & FAN_ONDIR && event->mask & (FAN_DELETE | FAN_RENAME) &&
               event->file.handle.size > 0;
}

unsigned fanotify_event_hints(const FanotifyEvent *event,
                              FanotifyHint hints[static FANOTIFY_HINTS_MAX]) {
        const FanotifyRecord *file = event->file.handle.size > 0 && !(event->mask & FAN_ONDIR)
                                             ? &event->file
                                             : NULL;
        const FanotifyRecord *directory = &event->directory;
        unsigned n = 0;

        if (event->mask & FAN_Q_OVERFLOW) {
                hints[0] = (FanotifyHint) { .flags = WATCH_EVENT_OVERFLOW };
                return 1;
        }

        if (event->mask & FAN_RENAME) {
                n = rename_hints(event, file, hints);
        } else if (directory->handle.size > 0) {
                bool self = is_self(directory);

                hints[n++] = (FanotifyHint) {
                        .flags = self ? self_flags(event->mask) : name_flags(event),
                        .directory = directory,
                        .name = self ? NULL : directory->name,
                        .file = self ? NULL : file,
                        .deleted = self && event->mask & FAN_DELETE_SELF,
                };
        } else if (file && !is_aside(event->mask)) {
                hints[n++] = (FanotifyHint) {
                        .flags = file_flags(event->mask),
                        .file = file,
                };
        }
        if (tells_of_directory(event))
                hints[n++] = (FanotifyHint) {
                        .flags = WATCH_EVENT_GONE,
                        .directory = &event->file,
                        .deleted = event->mask & FAN_DELETE,
                };
        return n;
}
