/* What the daemon decides without looking at the world: exit codes, pace, back-off, watchdog,
 * meaning of events. */

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

#include "basic/macros.h"
#include "daemon/dirty-event.h"
#include "daemon/exit-code.h"
#include "daemon/heartbeat.h"
#include "daemon/pace.h"
#include "sync/pair.h"
#include "test-fs.h"
#include "watch/dirty.h"

static const struct {
        int (*function)(int r);
        int result, code;
} codes[] = {
        { exit_code_of_config, 0, EX_OK },
        { exit_code_of_config, -EINVAL, EX_CONFIG },
        { exit_code_of_config, -ENOENT, EX_CONFIG },
        { exit_code_of_config, -EACCES, EX_NOPERM },
        { exit_code_of_config, -ENOMEM, EX_SOFTWARE },
        { exit_code_of_pair, GUARD_OK, EX_OK },
        { exit_code_of_pair, GUARD_SOURCE_GONE, EX_NOINPUT },
        { exit_code_of_pair, GUARD_SOURCE_FOREIGN, EX_UNAVAILABLE },
        { exit_code_of_pair, GUARD_REPLICA_FOREIGN, EX_UNAVAILABLE },
        { exit_code_of_pair, GUARD_OVERLAP, EX_CONFIG },
        { exit_code_of_pair, -EBUSY, EX_TEMPFAIL },
        { exit_code_of_pair, -EPERM, EX_NOPERM },
        { exit_code_of_pair, -EACCES, EX_NOPERM },
        { exit_code_of_pair, -EROFS, EX_CANTCREAT },
        { exit_code_of_pair, -ENOSPC, EX_CANTCREAT },
        { exit_code_of_pair, -ENOMEM, EX_SOFTWARE },
        { exit_code_of_pair, -EPROTO, EX_SOFTWARE },
};

START_TEST(exit_code) {
        ck_assert_int_eq(codes[_i].function(codes[_i].result), codes[_i].code);
}
END_TEST

START_TEST(retries_double_up_to_five_minutes) {
        ck_assert_uint_eq(retry_delay(0, USEC_INFINITY), USEC_PER_SEC);
        ck_assert_uint_eq(retry_delay(1, USEC_INFINITY), USEC_PER_SEC);
        ck_assert_uint_eq(retry_delay(2, USEC_INFINITY), 2 * USEC_PER_SEC);
        ck_assert_uint_eq(retry_delay(9, USEC_INFINITY), 256 * USEC_PER_SEC);
        ck_assert_uint_eq(retry_delay(10, USEC_INFINITY), 5 * USEC_PER_MINUTE);
        ck_assert_uint_eq(retry_delay(UINT32_MAX, USEC_INFINITY), 5 * USEC_PER_MINUTE);

        /* Events brought on attempts in quick succession. */
        ck_assert_uint_eq(retry_delay(13, 0), USEC_PER_SEC);
        ck_assert_uint_eq(retry_delay(13, 7 * USEC_PER_SEC), 7 * USEC_PER_SEC);
        ck_assert_uint_eq(retry_delay(2, 7 * USEC_PER_SEC), 2 * USEC_PER_SEC);
        ck_assert_uint_eq(retry_delay(13, USEC_PER_HOUR), 5 * USEC_PER_MINUTE);
}
END_TEST

/* Room counts from when the disk was fullest, and from the second look on. */
START_TEST(room_is_waited_for) {
        RoomWait wait = {};
        const uint64_t step = ROOM_STEP_BYTES;

        ck_assert(!room_wait_note(&wait, (Room) { 100 * step, 1000 }));
        ck_assert(!room_wait_note(&wait, (Room) { 100 * step, 1000 }));
        ck_assert(!room_wait_note(&wait, (Room) { 2 * step, 10 }));
        ck_assert(!room_wait_note(&wait, (Room) { 3 * step - 1, 9 + ROOM_STEP_FILES }));
        ck_assert(room_wait_note(&wait, (Room) { 3 * step, 9 }));
        ck_assert(room_wait_note(&wait, (Room) { 0, 9 + ROOM_STEP_FILES }));
        ck_assert(!room_wait_note(&wait, (Room) { 0, 0 }));
}
END_TEST

START_TEST(single_events_are_never_put_off) {
        DrainPace pace = {};

        for (usec_t now = 1; now < 100 * USEC_PER_SEC; now += 10 * USEC_PER_MSEC)
                ck_assert(!drain_pace_note(&pace, now, 1000));
}
END_TEST

START_TEST(load_is_followed_in_steps_until_it_ends) {
        DrainPace pace = {};
        usec_t now = USEC_PER_SEC;
        unsigned n_at_once = 0;

        while (!drain_pace_note(&pace, now, 3)) {
                now += 50;
                n_at_once++;
        }
        ck_assert_uint_ge(n_at_once, 3); /* the events of one written file are all served at once */
        ck_assert_uint_le(n_at_once, 100);

        for (int i = 0; i < 1000; i++) {
                now += DRAIN_STEP_USEC;
                ck_assert(drain_pace_note(&pace, now, 200));
        }
        now += DRAIN_STEP_USEC;
        ck_assert(!drain_pace_note(&pace, now, 0));
        ck_assert(!drain_pace_note(&pace, now + 50, 1));
}
END_TEST

START_TEST(watchdog_is_fed_while_work_gets_on) {
        Heartbeat heartbeat = {};

        ck_assert(heartbeat_note(&heartbeat, false, 0));
        ck_assert(heartbeat_note(&heartbeat, true, 0)); /* began since the last look */
        ck_assert(heartbeat_note(&heartbeat, true, 5));
        ck_assert(!heartbeat_note(&heartbeat, true, 5)); /* hangs */
        ck_assert(heartbeat_note(&heartbeat, true, 6));  /* and goes on */
        ck_assert(heartbeat_note(&heartbeat, false, 6));
        ck_assert(heartbeat_note(&heartbeat, false, 6));
}
END_TEST

static const struct {
        unsigned event;
        bool named, is_root;
        EventMeaning meaning;
        unsigned flags;
} events[] = {
        { WATCH_EVENT_OVERFLOW, false, false, EVENT_OVERFLOW, 0 },
        { WATCH_EVENT_CHANGED, true, false, EVENT_NAME, 0 },
        { WATCH_EVENT_CHANGED, true, true, EVENT_NAME, 0 },
        { WATCH_EVENT_CHANGED | WATCH_EVENT_CLOSED, true, false, EVENT_NAME, DIRTY_SETTLED },
        { WATCH_EVENT_UNNAMED, true, false, EVENT_NOTHING, 0 },
        { WATCH_EVENT_CHANGED | WATCH_EVENT_CLOSED | WATCH_EVENT_UNNAMED, true, false,
          EVENT_LISTING, DIRTY_SETTLED | DIRTY_LISTING },
        { WATCH_EVENT_SELF, false, false, EVENT_SELF, DIRTY_SELF | DIRTY_SETTLED },
        { WATCH_EVENT_SELF, false, true, EVENT_SELF, DIRTY_SELF | DIRTY_SETTLED },
        { WATCH_EVENT_GONE, false, false, EVENT_NOTHING, 0 },
        { WATCH_EVENT_GONE, false, true, EVENT_ROOT, 0 },
        { WATCH_EVENT_GONE | WATCH_EVENT_SELF, false, true, EVENT_ROOT, 0 },
        { WATCH_EVENT_UNMOUNTED, false, true, EVENT_ROOT, 0 },
        { WATCH_EVENT_UNMOUNTED, false, false, EVENT_LISTING,
          DIRTY_LISTING | DIRTY_SELF | DIRTY_SETTLED },
};

START_TEST(event) {
        WatchEvent e = { .name = events[_i].named ? "name" : NULL, .flags = events[_i].event };
        unsigned flags = 77;

        ck_assert_int_eq(event_meaning(&e, events[_i].is_root, &flags), events[_i].meaning);
        ck_assert_uint_eq(flags, events[_i].flags);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("daemon-decisions");
        TCase *tcase = tcase_create("daemon-decisions");

        tcase_add_loop_test(tcase, exit_code, 0, (int) ELEMENTSOF(codes));
        tcase_add_test(tcase, retries_double_up_to_five_minutes);
        tcase_add_test(tcase, room_is_waited_for);
        tcase_add_test(tcase, single_events_are_never_put_off);
        tcase_add_test(tcase, load_is_followed_in_steps_until_it_ends);
        tcase_add_test(tcase, watchdog_is_fed_while_work_gets_on);
        tcase_add_loop_test(tcase, event, 0, (int) ELEMENTSOF(events));
        suite_add_tcase(suite, tcase);
        return test_fs_run(suite);
}
