#include <errno.h>
#include <semaphore.h>
#include <time.h>

#include <canberra.h>
#undef MIN /* of sys/param.h, which that includes */
#undef MAX

#include "alert/tell.h"
#include "basic/log.h"
#include "basic/macros.h"

/* The sound of the theme takes one second. */
#define SOUND_SECONDS 8

typedef struct Playing {
        sem_t ended;
        int result;
} Playing;

/* In a thread of the library. */
static void on_end(ca_context *context, uint32_t id, int result, void *userdata) {
        Playing *playing = userdata;

        (void) context, (void) id;
        playing->result = result;
        (void) sem_post(&playing->ended);
}

/* By ALSA itself: a sound server belongs to one user, and this need not be that one. */
static int play(ca_context *context, ca_proplist *properties, Playing *playing) {
        struct timespec deadline;
        int r;

        r = ca_context_set_driver(context, "alsa");
        if (r == CA_SUCCESS)
                r = ca_proplist_sets(properties, CA_PROP_EVENT_ID, "dialog-error");
        if (r == CA_SUCCESS)
                r = ca_proplist_sets(properties, CA_PROP_EVENT_DESCRIPTION, "rebackup alert");
        if (r == CA_SUCCESS)
                r = ca_context_play_full(context, 0, properties, on_end, playing);
        if (r != CA_SUCCESS)
                return r;
        (void) clock_gettime(CLOCK_REALTIME, &deadline);
        deadline.tv_sec += SOUND_SECONDS;
        return sem_timedwait(&playing->ended, &deadline) < 0 ? CA_ERROR_CANCELED : playing->result;
}

int tell_sound(const AlertReport *report) {
        static Playing playing; /* the library's thread may outlive this call */
        ca_proplist *properties = NULL;
        ca_context *context = NULL;
        int r;

        if (!report->sound)
                return 0;
        (void) sem_init(&playing.ended, 0, 0);
        r = ca_context_create(&context);
        if (r == CA_SUCCESS)
                r = ca_proplist_create(&properties);
        if (r == CA_SUCCESS)
                r = play(context, properties, &playing);
        if (r != CA_SUCCESS)
                log_debug("no sound: %s", ca_strerror(r));
        else
                log_debug("played the sound");
        if (properties)
                (void) ca_proplist_destroy(properties);
        if (context)
                (void) ca_context_destroy(context);
        return r == CA_SUCCESS ? 0 : -EIO;
}
