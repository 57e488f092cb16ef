#include "daemon/alert-kind.h"

#include <errno.h>

#include "basic/macros.h"
#include "basic/string-util.h"
#include "daemon/message-ids.h"
#include "sync/disk-error.h"
#include "sync/message-ids.h"

static const struct {
        const char *message_id;
        AlertKind kind;
} kinds[] = {
        { REBACKUP_MSG_COPY_DIFFERS, ALERT_ROT },   { REBACKUP_MSG_CRASHED, ALERT_SERVICE },
        { REBACKUP_MSG_HOLD, ALERT_HOLD },          { REBACKUP_MSG_PASS_FAILED, ALERT_SERVICE },
        { REBACKUP_MSG_PLACE_HELD, ALERT_HOLD },    { REBACKUP_MSG_RELOAD_FAILED, ALERT_CONFIG },
        { REBACKUP_MSG_REMOVALS_HELD, ALERT_HOLD }, { REBACKUP_MSG_ROT_BOTH, ALERT_ROT },
        { REBACKUP_MSG_ROT_CATALOG, ALERT_ROT },    { REBACKUP_MSG_ROT_REPLICA, ALERT_ROT },
        { REBACKUP_MSG_ROT_SOURCE, ALERT_ROT },     { REBACKUP_MSG_ROT_UNDECIDED, ALERT_ROT },
        { REBACKUP_MSG_SOURCE_GONE, ALERT_SOURCE }, { REBACKUP_MSG_START_FAILED, ALERT_SERVICE },
        { REBACKUP_MSG_VERSION_LOST, ALERT_DISK },  { REBACKUP_MSG_WATCH_OFF, ALERT_SERVICE },
};

static bool is_of_disk(int error) {
        return error == -ENOSPC || error == -EDQUOT || disk_error_is_general(error);
}

AlertKind alert_kind_of_record(const LogRecord *record) {
        if (record->level > LOG_ERR || !record->message_id)
                return _ALERT_KIND_INVALID;
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                if (!streq(kinds[i].message_id, record->message_id))
                        continue;
                return kinds[i].kind == ALERT_SERVICE && is_of_disk(record->error) ? ALERT_DISK
                                                                                   : kinds[i].kind;
        }
        return _ALERT_KIND_INVALID;
}

AlertKind alert_kind_that_ended(const LogRecord *record) {
        const char *id = record->message_id ?: "";

        if (streq(id, REBACKUP_MSG_PLACE_RELEASED) || streq(id, REBACKUP_MSG_REMOVALS_RELEASED))
                return ALERT_HOLD;
        return streq(id, REBACKUP_MSG_RELOADED) ? ALERT_CONFIG : _ALERT_KIND_INVALID;
}

AlertKind alert_kind_of_failure(int error) {
        return is_of_disk(error) ? ALERT_DISK : ALERT_FAILING;
}
