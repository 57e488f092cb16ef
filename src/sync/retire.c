#include "sync/retire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "fs/remove-tree.h"

struct Retire {
        Engine *engine;
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        char (*names)[STAGE_NAME_MAX];
        size_t first, n_names;
        bool busy; /* with a name that is not among them any more */
        bool stopping;
};

static void remove_staged(Engine *engine, const char *stage) {
        int r = remove_tree(engine->pair->store.staging_fd, stage, NULL);

        if (r < 0)
                (void) log_warning_errno(
                        r,
                        "failed to unlink what was removed from the replica (%s/staging/%s), it will "
                        "be tried again at the next start: %m",
                        engine->pair->store.path, stage);
}

static void *retirer_main(void *userdata) {
        Retire *retire = ASSERT_PTR(userdata);

        (void) pthread_mutex_lock(&retire->mutex);
        for (;;) {
                char name[STAGE_NAME_MAX];

                while (retire->n_names == 0 && !retire->stopping)
                        (void) pthread_cond_wait(&retire->changed, &retire->mutex);
                if (retire->n_names == 0)
                        break;
                memcpy(name, retire->names[retire->first], sizeof name);
                retire->first = (retire->first + 1) % RETIRE_QUEUE_MAX;
                retire->n_names--;
                retire->busy = true;
                (void) pthread_cond_broadcast(&retire->changed);
                (void) pthread_mutex_unlock(&retire->mutex);
                remove_staged(retire->engine, name);
                (void) pthread_mutex_lock(&retire->mutex);
                retire->busy = false;
                (void) pthread_cond_broadcast(&retire->changed);
        }
        (void) pthread_mutex_unlock(&retire->mutex);
        return NULL;
}

static Retire *retire_free(Retire *retire) {
        if (!retire)
                return NULL;
        (void) pthread_cond_destroy(&retire->changed);
        (void) pthread_mutex_destroy(&retire->mutex);
        free(retire->names);
        free(retire);
        return NULL;
}

int retire_start(Engine *engine) {
        Retire *retire = calloc(1, sizeof *retire);
        int r;

        if (!retire)
                return -ENOMEM;
        retire->engine = engine;
        retire->names = calloc(RETIRE_QUEUE_MAX, sizeof *retire->names);
        r = retire->names ? -pthread_mutex_init(&retire->mutex, NULL) : -ENOMEM;
        if (r >= 0)
                r = -pthread_cond_init(&retire->changed, NULL);
        if (r >= 0)
                r = -pthread_create(&engine->retirer, NULL, retirer_main, retire);
        if (r < 0) {
                retire_free(retire);
                return r;
        }
        engine->retirer_runs = true;
        engine->retire = retire;
        return 0;
}

void retire_stop(Engine *engine) {
        Retire *retire = engine->retire;

        if (!engine->retirer_runs)
                return;
        (void) pthread_mutex_lock(&retire->mutex);
        retire->stopping = true;
        (void) pthread_cond_broadcast(&retire->changed);
        (void) pthread_mutex_unlock(&retire->mutex);
        (void) pthread_join(engine->retirer, NULL);
        engine->retirer_runs = false;
        engine->retire = retire_free(retire);
}

static void enqueue(Retire *retire, const char *stage) {
        (void) pthread_mutex_lock(&retire->mutex);
        while (retire->n_names == RETIRE_QUEUE_MAX)
                (void) pthread_cond_wait(&retire->changed, &retire->mutex);
        size_t i = (retire->first + retire->n_names++) % RETIRE_QUEUE_MAX;
        (void) snprintf(retire->names[i], STAGE_NAME_MAX, "%s", stage);
        (void) pthread_cond_broadcast(&retire->changed);
        (void) pthread_mutex_unlock(&retire->mutex);
}

void retire_drain(Engine *engine) {
        Retire *retire = engine->retire;

        (void) pthread_mutex_lock(&retire->mutex);
        while (retire->n_names > 0 || retire->busy)
                (void) pthread_cond_wait(&retire->changed, &retire->mutex);
        (void) pthread_mutex_unlock(&retire->mutex);
}

int retire_staged(Engine *engine, const char *stage, bool is_directory) {
        if (!is_directory && unlinkat(engine->pair->store.staging_fd, stage, 0) >= 0)
                return 0;
        if (is_directory || errno == EISDIR || errno == EPERM)
                enqueue(engine->retire, stage);
        else if (errno != ENOENT)
                return -errno;
        return 0;
}

int retire_item(Engine *engine, const Item *item) {
        return retire_staged(engine, item->stage, S_ISDIR(item->displaced_stamp.mode));
}
