#pragma once

/* MESSAGE_ID of what happens to the service: one random id for each kind of event, explained in
 * systemd/rebackup.catalog; those of operations on entries are in sync/message-ids.h. Ids are made
 * by "systemd-id128 new" and never changed or used again. */

#define REBACKUP_MSG_STARTED "9244be18118e4336b1c3e47d1c97c432"
#define REBACKUP_MSG_STOPPED "184c9af1b95740a78cfb91f114317441"
#define REBACKUP_MSG_CRASHED "30f0bbd4043b40b482a6e28527f835d4"
#define REBACKUP_MSG_PASS_DONE "574eb7f9c6884be3b1da8cfa54c03b2e"
#define REBACKUP_MSG_VERIFY_DONE "45024425009c44b481ed60da14fc4d38"
#define REBACKUP_MSG_PASS_FAILED "ed4d2fb9842b4af18a3b4bd9c59cb269"
#define REBACKUP_MSG_OVERFLOW "a25333e1b72d427a8f1583df4bcfe5d2"
#define REBACKUP_MSG_WATCH_LIMIT "db2f749626754177bc834d449c1325cd"
#define REBACKUP_MSG_WATCH_OFF "624f62d140b649ce975ea36da2154a65"
#define REBACKUP_MSG_HOLD "acf012a867b1469f975f4f01ee137156"
#define REBACKUP_MSG_HOLD_ENDED "c63b8d49497846efbf580967aaa03a48"
#define REBACKUP_MSG_PAUSED "f7e330f53a0b4376a58dcdfb7aee6058"
#define REBACKUP_MSG_RESUMED "26a49a6b11de4bb88fda48ef6f7b3f94"
#define REBACKUP_MSG_SOURCE_GONE "a24b71f8d83647e196d635339f95562b"
#define REBACKUP_MSG_RELOADED "7b4b024b0a3d4593847c463c7c5ac80c"
#define REBACKUP_MSG_RELOAD_FAILED "1b2276ea886e47b2a9ade13c2580ed3a"
#define REBACKUP_MSG_REPORT "618c4dcbd7ca42b3ba0ea1ed0de5e89f"
#define REBACKUP_MSG_LOG_FILE "5dff8d1cd62142bc8e5522d3337bfacf"
#define REBACKUP_MSG_START_FAILED "876f0c441c284610a3113958e4bde9ab"
