#pragma once

/* MESSAGE_ID of what rebackup-alert logs; see daemon/message-ids.h. */

#define REBACKUP_MSG_ALERT "f2945837773a4001acb4129d1f3ba498"
#define REBACKUP_MSG_ALERT_HOOK_FAILED "452593c31f8840179a0ad5a4c036d342"
