#pragma once

/* The root object of rebackupd: one pair, its watch, its engine, and the event loop that moves
 * them. A run goes
 *
 *     open the pair, watch the source (PASS_ARM), ready, everything once (PASS_FULL), live
 *
 * where live means: dirty passes as events come, full passes by timer and by signal, and a look at
 * one side when events of it were lost;
 * and at any time to a hold (a disk is missing) and back to watching, or to its end. What is to be
 * done next follows from the state below and the clock in one function, manager_continue(), which
 * every handler calls at its end.
 *
 * Everything here belongs to the event loop's thread. The engine's threads share pair, tree and
 * watch with it as their headers say. */

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "alert/alert.h"
#include "config/config.h"
#include "daemon/heartbeat.h"
#include "daemon/log-sinks.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/pace.h"
#include "daemon/status.h"
#include "sync/engine.h"
#include "sync/mount-changes.h"
#include "watch/dirty.h"

typedef struct Manager Manager;
typedef struct Barrier Barrier;           /* see manager-barrier.h */
typedef struct Bus Bus;                   /* see bus.h */
typedef struct Metrics Metrics;           /* see metrics.h */
typedef struct Alerts Alerts;             /* see manager-alert.c */
typedef struct VerifyDemand VerifyDemand; /* see verify-demand.h */
typedef struct Recorder Recorder;         /* see recorder.h */

typedef enum TimerKind {
        TIMER_NEXT,   /* a pass falls due */
        TIMER_DRAIN,  /* the next step of draining events under load */
        TIMER_TICK,   /* progress, while a pass runs */
        TIMER_STATUS, /* a status that came too soon after the one before */
        TIMER_WATCHDOG,
        TIMER_MOUNTS, /* a change of the mount table is looked at */
        TIMER_STOP,   /* what was asked to end has not */
        TIMER_ALERT,  /* a report to a person is due */
        _TIMER_MAX,
} TimerKind;

/* What manager-mounts.c remembers. */
typedef struct MountWatch {
        bool begun;
        bool waiting;                   /* TIMER_MOUNTS runs */
        usec_t last;                    /* CLOCK_MONOTONIC */
        MountTable table;               /* when it was last looked at */
        char *source, *replica, *store; /* resolved; owned. STORE is NULL until it is known */
} MountWatch;

/* What manager-room.c remembers, while something waits because the replica's disk is full. */
typedef struct ManagerRoom {
        bool waiting;
        bool checking; /* the dirty pass that runs is a look at the disk alone */
        usec_t next_check;
        RoomWait wait;
} ManagerRoom;

/* What manager-verify.c remembers. */
typedef struct ManagerVerify {
        usec_t next; /* when the patrol's next share is due, CLOCK_MONOTONIC; USEC_INFINITY: not yet
                      */
        usec_t last; /* when the one before was begun */
        bool done;   /* --verify has read everything */
        bool known;  /* COVERAGE is */
        CatalogCoverage coverage;
        VerifyDemand *demand; /* owned; NULL: nobody asked for a verification */
} ManagerVerify;
/* What is remembered of the last full pass that ended; BEGUN is 0 before there was one. */
typedef struct LastPass {
        usec_t begun; /* CLOCK_REALTIME */
        usec_t duration;
        int result; /* as that of PassResult */
        Counters counters;
} LastPass;

struct Manager {
        const Options *options; /* borrowed */
        Config *config;
        Config *next_config; /* reloaded; taken over as soon as no pass runs */
        Notify notify;
        LogSinks *sinks; /* borrowed */

        sd_event *event;
        sd_event_source *timers[_TIMER_MAX];
        sd_event_source *watch_source, *replica_source, *engine_source, *mounts_source;

        /* NULL until the pair is open. */
        Pair *pair;
        char *store_path; /* a copy: passes may open the pair's store anew */
        Tree *tree;
        Node *root;
        Watch *watch;         /* NULL as well when nothing is watched */
        Watch *replica_watch; /* NULL as well when the replica is not watched */
        char *watch_text;     /* by what means the source is watched, in words; may be NULL */
        DirtySet *dirty;
        Engine *engine;

        MountWatch mounts;
        ManagerRoom room;
        ManagerVerify verify;

        bool armed; /* the source's directories are watched, as far as they can be */
        bool ready; /* the service manager was told */
        bool live;  /* the first full pass is done */
        bool stopping;
        bool paused;         /* nothing is started until it is resumed */
        bool drops_excluded; /* the next full pass removes from the replica what is excluded */
        bool cutting_short;  /* what ran when it was paused was asked to end, and has not yet */
        bool cancelled;      /* what runs was asked to end */
        bool cut_off;        /* it had not done all it should have */
        bool config_refused; /* the last reload failed */
        bool finished;       /* the loop ends with this round */
        bool abandoned;      /* what runs did not end in time; the next start puts it right */
        int hold;            /* a GuardOutcome, or 0 */
        bool approved;       /* the next attempt to open the pair takes the disks that are there */
        char *reason;        /* of the hold, or of the failure that ended the last pass */

        usec_t started;           /* CLOCK_MONOTONIC, as everything but in_step_since */
        usec_t next_full;         /* when the next full pass is due; USEC_INFINITY: not by itself */
        usec_t not_before;        /* no pass starts before: hold, or back-off after failures */
        unsigned n_pass_failures; /* in a row */

        DrainPace pace;
        usec_t overflow_said[_WATCH_SIDE_MAX]; /* 0: never */
        uint64_t n_overflows;                  /* since the last full pass began */
        uint64_t n_overflows_ever;
        unsigned lost_sides;  /* bits by WatchSide: events of it were lost, and it is to be surveyed
                               */
        usec_t survey_by;     /* however much is dirty then */
        bool surveying;       /* it is under way */
        uint64_t n_unwatched; /* directories beyond the limit of watches, as last said */

        usec_t clocks_apart; /* CLOCK_REALTIME less CLOCK_MONOTONIC, as last told to the bus */
        Bus *bus;            /* NULL: there is none, nor is one looked for */
        Metrics *metrics;    /* NULL: there is no place for them */
        Alerts *alerts;      /* NULL: nobody is told of anything but by the log */
        Recorder *recorder;  /* likewise; NULL until the pair is open */
        Barrier *barriers; /* owned, with what they hold; in the order in which they were set up */
        size_t n_barriers;

        LastPass last_pass;
        usec_t dirty_begun; /* CLOCK_MONOTONIC; of what the dirty pass that runs is about */
        uint64_t n_entries; /* seen by the last full pass */
        Counters totals;
        bool failures_dropped; /* some that failed wait for a full pass, not in the dirty set */
        uint64_t n_failed;     /* entries that failed in the last full pass */
        usec_t in_step_since;  /* CLOCK_REALTIME; 0: not in step */
        bool status_changed;
        usec_t watchdog_usec; /* 0: none */
        Heartbeat heartbeat;
};

/* Takes CONFIG; borrows the others. */
int manager_new(const Options *options, LogSinks *sinks, Config *config, Manager **ret);
/* Cancels and waits for what runs, unless it was abandoned. */
Manager *manager_free(Manager *manager);
DEFINE_TRIVIAL_CLEANUP_FUNC(Manager *, manager_free)

/* Runs the pair until it is told to end. Returns the exit status of the process; what went wrong
 * has been logged. */
int manager_run(Manager *manager);
/* After the run: leaves what is watched to the next process of the service, if there is a manager
 * to keep it and all ended well. Nothing but manager_free may follow. */
void manager_leave(Manager *manager);

/* manager.c */
/* Starts what is due, and sets the timer for what comes next. */
void manager_continue(Manager *manager);
/* Ends the event loop with exit status CODE, logging the totals; the first call counts. */
void manager_finish(Manager *manager, int code);
/* Asks what runs to end; then manager_continue() finishes. When it is told again, it does not wait
 * any longer. */
void manager_stop(Manager *manager);
void manager_want_full(Manager *manager, usec_t when);
/* Compares everything as soon as that can be. */
void manager_rescan(Manager *manager);
/* The same, and what is excluded goes from the replica. */
void manager_drop_excluded(Manager *manager);
/* Events of SIDE were lost: what they told of is to be found. */
void manager_want_survey(Manager *manager, WatchSide side, usec_t now);
bool manager_is_busy(const Manager *manager);
/* The same without what only reads: a verification can be asked to end at any moment. */
bool manager_is_mirroring(const Manager *manager);

/* manager-open.c: opens the pair and makes what works on it. 0; a GuardOutcome; -errno. All but 0
 * come with *RET_ERROR. */
int manager_open(Manager *manager, char **ret_error);
/* Tree and dirty set, both empty. 0 or -ENOMEM. */
int manager_make_tree(Manager *manager);
/* These and the watches, from which no events come yet, are gone. */
void manager_drop_tree(Manager *manager);

/* manager-leave.c: whether there will be something to leave, as far as can be told now. */
bool manager_leaves(const Manager *manager);

/* manager-timer.c: sets a timer to WHEN (CLOCK_MONOTONIC; USEC_INFINITY: off). */
void manager_set_timer(Manager *manager, TimerKind kind, usec_t when);

/* manager-pass.c */
int manager_on_engine(sd_event_source *source, int fd, uint32_t revents, void *userdata);
void manager_start_pass(Manager *manager, PassKind kind);
void manager_start_dirty(Manager *manager, usec_t now);
void manager_start_survey(Manager *manager);
/* Has what the engine learnt of files with other names looked at. */
void manager_take_linked(Manager *manager);

/* manager-hold.c: a guard or a failure that keeps passes from running. */
void manager_begin_hold(Manager *manager, int outcome, const char *reason);
void manager_end_hold(Manager *manager);
/* A person says that what is held back is meant. 0; -ENOENT: nothing is that could be approved. */
int manager_approve(Manager *manager);
void manager_begin_back_off(Manager *manager, int error, const char *reason);

/* manager-room.c: a full disk, and what waits for it to have room. */
/* Notes whether RESULT tells of a full disk. */
void manager_note_room(Manager *manager, const PassResult *result);
/* Looks for room if that is due; when to call it again if nothing else happens. */
usec_t manager_check_room(Manager *manager, usec_t now);
/* Whether RESULT was nothing but such a look. */
bool manager_end_room_check(Manager *manager, const PassResult *result);

/* manager-verify.c */
/* When the next share is due follows from the configuration, anew. */
void manager_plan_verify(Manager *manager);
/* Where there was nothing to read, RESULT may have made something. */
void manager_note_copies(Manager *manager, const PassResult *result);
usec_t manager_next_verify(const Manager *manager);
/* Begins what was asked for, or else the patrol's next share if it is due and nothing else runs. */
void manager_start_verify(Manager *manager, usec_t now);
/* Of --verify: 0 done or not asked for, 1 under way, -errno when the run is over because of it. */
int manager_verify_once(Manager *manager);
/* RESULT is a PASS_VERIFY's. */
void manager_verify_ended(Manager *manager, PassResult *result);
/* manager-pause.c */
/* Asks a walk over everything to end soon, and to begin again when it may. */
void manager_cut_short(Manager *manager);
void manager_pause(Manager *manager);
void manager_resume(Manager *manager);
/* Whether no pass may be started now. */
bool manager_may_not_start(Manager *manager);

/* manager-watch.c */
/* Reads all events there are at present. False: more came all the time. */
bool manager_drain_all(Manager *manager);
int manager_on_watch(sd_event_source *source, int fd, uint32_t revents, void *userdata);
void manager_drain_step(Manager *manager);
void manager_check_watch_limit(Manager *manager);

/* manager-mounts.c */
/* Begins to watch for mounts that come and go, once for the life of the process. */
void manager_watch_mounts(Manager *manager);
void manager_check_mounts(Manager *manager);
void manager_mounts_done(Manager *manager);
/* What became of the mounts since another process saw them as in WAS. 0 or -errno. */
int manager_compare_mounts(Manager *manager, const MountTable *was, MountChanges *ret);
/* Sees to it that what CHANGES say is looked at. */
void manager_follow_mounts(Manager *manager, const MountChanges *changes);

/* manager-signal.c */
/* First thing in the process, and for good: a signal that comes while it starts or ends must
 * neither be lost nor kill it, and threads inherit this. */
int manager_block_signals(void);
int manager_add_signals(Manager *manager);

/* manager-alert.c: what a person should know goes to rebackup-alert, besides the log. */
/* From now on what is logged as an error is looked at. STARTER_FD, which is taken, is of
 * alert-starter.h, or no descriptor: then reports go into the runtime directory, if there is one.
 * Logs what does not work; there are no alerts then. */
void manager_begin_alerts(Manager *manager, int starter_fd);
/* Looks whether entries keep failing; after each pass. */
void manager_alert_failures(Manager *manager);
/* What was told of KIND is over: it is news when it comes again. */
void manager_forget_alerts(Manager *manager, AlertKind kind);
/* Tells what is due, by the interval that is configured now, and waits for what comes next. */
void manager_tell_alerts(Manager *manager);
/* At the end: what is not due yet waits for the next process of the service. */
void manager_end_alerts(Manager *manager);

/* manager-reload.c */
void manager_reload(Manager *manager);
/* Gives the engine the reloaded configuration; no pass runs. */
void manager_take_config(Manager *manager);

/* manager-status.c */
void manager_begin_ticks(Manager *manager);
void manager_tick(Manager *manager);
void manager_update_status(Manager *manager);
/* What the status line is made of; strings are borrowed. */
void manager_get_status(Manager *manager, StatusFacts *ret);
void manager_feed_watchdog(Manager *manager);
