#pragma once

/* MESSAGE_ID of what happens to entries: one random id for each kind of event, explained in
 * systemd/rebackup.catalog. Ids are made by "systemd-id128 new" and never changed or used again:
 * filters and scripts of administrators rely on them. */

#define REBACKUP_MSG_COPY "00861b6154cb44799012f56ba8416fe3"
#define REBACKUP_MSG_UPDATE "ef4d1c4358f749abaaba49e82ca48281"
#define REBACKUP_MSG_RENAME "c99fb1f457e74f068865ac087bb16057"
#define REBACKUP_MSG_LINK "28e14839f1844e3db461708e96885dc5"
#define REBACKUP_MSG_MKDIR "4b4eb323244047ad8e8bb981acac8c26"
#define REBACKUP_MSG_METADATA "ea3ccb318dc24a1e8a5d1d6950fda00d"
#define REBACKUP_MSG_REMOVE "68bdd7deec9f47f98521c4603d6626e4"
#define REBACKUP_MSG_ADOPT "2e8bf503fca8443fbb5c88775b3a3fe7"
#define REBACKUP_MSG_HEAL "40a39161909c4271b057aa61d4c07d27"
#define REBACKUP_MSG_VERSION "02fd443b1afb4bfb8fe6ea98e35e1614"
#define REBACKUP_MSG_FAIL "a6ca51f0008c4fd69bb5450dda6015f1"
#define REBACKUP_MSG_LIMITED "643b2aaadafe48309eace42ebe7630b2"
#define REBACKUP_MSG_UNSTABLE "6487009c4e064ec58b037f8505c48dc4"
#define REBACKUP_MSG_CATALOG_DAMAGED "2fdf34552e784094847789dd9d07a571"
#define REBACKUP_MSG_ADOPTION "85f700948f9d43ffba8da423f07ee317"
#define REBACKUP_MSG_REPLICA_REBUILT "99639f22a0ed4317a595198c0681ce18"
