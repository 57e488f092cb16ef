#include "sync/file-systems.h"

#include <errno.h>

#include "basic/macros.h"

static int learn_locked(Engine *engine, int directory_fd, uint64_t device, int64_t *ret) {
        Catalog *catalog = engine->pair->store.catalog;
        FileSystemId id;
        int64_t number;
        int r;

        r = file_system_id_acquire(directory_fd, &id);
        if (r < 0)
                return r;
        r = catalog_begin(catalog);
        if (r < 0)
                return r;
        r = catalog_file_system(catalog, &id, &number);
        if (r < 0) {
                (void) catalog_rollback(catalog);
                return r;
        }
        r = catalog_commit(catalog);
        if (r < 0)
                return r;
        if (engine->n_file_systems < ELEMENTSOF(engine->file_systems))
                engine->file_systems[engine->n_file_systems++] = (KnownFileSystem) { device,
                                                                                     number };
        *ret = number;
        return 0;
}

static bool known_locked(const Engine *engine, uint64_t device, int64_t *ret) {
        for (size_t i = 0; i < engine->n_file_systems; i++)
                if (engine->file_systems[i].device == device) {
                        *ret = engine->file_systems[i].number;
                        return true;
                }
        return false;
}

int file_systems_number(Engine *engine, int directory_fd, uint64_t device, int64_t *ret) {
        int r = 0;

        (void) pthread_mutex_lock(&engine->catalog_mutex);
        if (atomic_exchange(&engine->file_systems_stale, false))
                engine->n_file_systems = 0;
        if (!known_locked(engine, device, ret))
                r = learn_locked(engine, directory_fd, device, ret);
        (void) pthread_mutex_unlock(&engine->catalog_mutex);
        return r;
}

bool file_systems_device_locked(const Engine *engine, int64_t number, uint64_t *ret) {
        for (size_t i = 0; i < engine->n_file_systems; i++)
                if (engine->file_systems[i].number == number) {
                        *ret = engine->file_systems[i].device;
                        return true;
                }
        return false;
}

int file_systems_find(Engine *engine, uint64_t device, int64_t *ret) {
        bool known;

        (void) pthread_mutex_lock(&engine->catalog_mutex);
        known = known_locked(engine, device, ret);
        (void) pthread_mutex_unlock(&engine->catalog_mutex);
        return known ? 0 : -ENOENT;
}

int file_systems_reset(Engine *engine) {
        Pair *pair = engine->pair;

        (void) pthread_mutex_lock(&engine->catalog_mutex);
        engine->n_file_systems = 0;
        (void) pthread_mutex_unlock(&engine->catalog_mutex);
        return file_systems_number(engine, pair->source_fd, pair->source_root.device,
                                   &pair->source_file_system);
}

void file_systems_expire(Engine *engine) {
        atomic_store(&engine->file_systems_stale, true);
}
