#include "model-world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "basic/macros.h"
#include "fs/remove-tree.h"

enum { ABSOLUTE_MAX = 384, CONTENT_LENGTH_MAX = 40, DRAWS_MAX = 200 };

static const char *const side_names[_MODEL_SIDE_MAX] = { "s", "r" };

static void make_directory(char *buffer, size_t size, const char *root, const char *name) {
        (void) snprintf(buffer, size, "%s/%s", root, name);
        must_call(mkdir(buffer, 0755), buffer);
}

static int remove_at(const char *path) {
        char parent[ABSOLUTE_MAX], *slash;
        int fd, r;

        (void) snprintf(parent, sizeof parent, "%s", path);
        slash = strrchr(parent, '/');
        *slash = '\0';
        fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = remove_tree(fd, slash + 1, NULL);
        (void) close(fd);
        return r;
}

void world_make(World *world, const char *root) {
        *world = (World) {};
        (void) snprintf(world->root, sizeof world->root, "%s", root);
        if (access(root, F_OK) == 0)
                must_call(remove_at(root), root);
        must_call(mkdir(root, 0755), root);
        for (ModelSide side = 0; side < _MODEL_SIDE_MAX; side++)
                make_directory(world->sides[side], sizeof world->sides[side], root,
                               side_names[side]);
        make_directory(world->out, sizeof world->out, root, "out");
        (void) snprintf(world->state, sizeof world->state, "%s/state", root);
}

void world_remove(const World *world) {
        (void) remove_at(world->root);
}

static int made(int fd) {
        if (fd < 0)
                return -errno;
        return close(fd);
}

static int write_file(const char *path, int flags, unsigned value, bool line) {
        char text[16];
        int fd, n;

        fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0644);
        if (fd < 0)
                return -errno;
        n = snprintf(text, sizeof text, "t%05u%s", value, line ? "\n" : "");
        must_call(write(fd, text, (size_t) n), path);
        return made(fd);
}

static int is_file(const char *path, off_t *ret_size) {
        struct stat st;

        if (lstat(path, &st) < 0)
                return -errno;
        *ret_size = st.st_size;
        return S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

static int act_on_content(const World *world, const Step *step, const char *a) {
        char fresh[ABSOLUTE_MAX];
        off_t size = 0;
        int r;

        r = is_file(a, &size);
        if (r < 0)
                return r;
        switch (step->kind) {
        case STEP_WRITE:
                return write_file(a, O_TRUNC, step->value, true);
        case STEP_PATCH:
                return write_file(a, 0, step->value, false);
        case STEP_APPEND:
                return size > CONTENT_LENGTH_MAX ? -EFBIG
                                                 : write_file(a, O_APPEND, step->value, true);
        case STEP_TRUNCATE:
                return (off_t) step->value >= size            ? -EINVAL
                       : truncate(a, (off_t) step->value) < 0 ? -errno
                                                              : 0;
        default:
                (void) snprintf(fresh, sizeof fresh, "%s/new", world->out);
                r = write_file(fresh, O_CREAT | O_EXCL, step->value, true);
                return r < 0 ? r : rename(fresh, a) < 0 ? -errno : 0;
        }
}

static int act_on_metadata(const Step *step, const char *a) {
        char value[16];
        struct stat st;

        if (lstat(a, &st) < 0)
                return -errno;
        switch (step->kind) {
        case STEP_CHMOD:
                return S_ISLNK(st.st_mode) ? -EINVAL : chmod(a, step_mode(step)) < 0 ? -errno : 0;
        case STEP_TOUCH: {
                struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                                             { .tv_sec = step_time(step) } };

                return utimensat(AT_FDCWD, a, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
        }
        default:
                if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
                        return -EINVAL;
                (void) snprintf(value, sizeof value, "%u", step->value);
                return setxattr(a, "user.model", value, strlen(value), 0) < 0 ? -errno : 0;
        }
}

static int make_entry(const Step *step, const char *a) {
        char target[16];

        switch (step_retyped(step)) {
        case STEP_MKDIR:
                return mkdir(a, 0755) < 0 ? -errno : 0;
        case STEP_FIFO:
                return mkfifo(a, 0644) < 0 ? -errno : 0;
        case STEP_SYMLINK:
                (void) snprintf(target, sizeof target, "l%05u", step->value);
                return symlink(target, a) < 0 ? -errno : 0;
        default:
                return write_file(a, O_CREAT | O_EXCL, step->value, true);
        }
}

static mode_t type_at(const char *path) {
        struct stat st;

        return lstat(path, &st) < 0 ? 0 : st.st_mode & S_IFMT;
}

static int retype(const Step *step, const char *a) {
        static const mode_t types[] = { S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO };
        mode_t type = type_at(a);
        int r;

        if (type == 0 || type == types[step->value % ELEMENTSOF(types)])
                return -EINVAL;
        r = remove_at(a);
        return r < 0 ? r : make_entry(step, a);
}

static int result_of(int r) {
        return r < 0 ? -errno : 0;
}

static int act_on_names(const World *world, const Step *step, const char *a, const char *b) {
        char out[ABSOLUTE_MAX];

        (void) snprintf(out, sizeof out, "%s/%s", world->out, step->b);
        switch (step->kind) {
        case STEP_RENAME:
                return strcmp(a, b) == 0 ? -EINVAL : result_of(rename(a, b));
        case STEP_EXCHANGE:
                return strcmp(a, b) == 0
                               ? -EINVAL
                               : result_of(renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE));
        case STEP_LINK:
                return result_of(link(a, b));
        case STEP_UNLINK:
                return result_of(unlink(a));
        case STEP_RMDIR:
                return result_of(rmdir(a));
        case STEP_REMOVE_ALL:
                return type_at(a) == S_IFDIR ? remove_at(a) : -ENOTDIR;
        case STEP_RETYPE:
                return retype(step, a);
        case STEP_MOVE_OUT:
                return result_of(renameat2(AT_FDCWD, a, AT_FDCWD, out, RENAME_NOREPLACE));
        case STEP_MOVE_IN:
                return result_of(renameat2(AT_FDCWD, out, AT_FDCWD, a, RENAME_NOREPLACE));
        default:
                return make_entry(step, a);
        }
}

int world_act(const World *world, const Step *step) {
        char a[ABSOLUTE_MAX], b[ABSOLUTE_MAX];

        (void) snprintf(a, sizeof a, "%s/%s", world->sides[step->side], step->a);
        (void) snprintf(b, sizeof b, "%s/%s", world->sides[step->side], step->b);
        if (step->kind == STEP_CHMOD || step->kind == STEP_TOUCH || step->kind == STEP_ATTRIBUTE)
                return act_on_metadata(step, a);
        if (!step->a[0])
                return -EINVAL; /* the root stays */
        if (step->kind >= STEP_WRITE && step->kind <= STEP_REPLACE)
                return act_on_content(world, step, a);
        return act_on_names(world, step, a, b);
}

/* --- drawing ----------------------------------------------------------------------------- */

static const struct {
        StepKind kind;
        unsigned weight;
} weights[] = {
        { STEP_CREATE, 14 },   { STEP_WRITE, 8 },      { STEP_PATCH, 6 },    { STEP_APPEND, 4 },
        { STEP_TRUNCATE, 3 },  { STEP_REPLACE, 8 },    { STEP_CHMOD, 5 },    { STEP_TOUCH, 5 },
        { STEP_ATTRIBUTE, 3 }, { STEP_RENAME, 16 },    { STEP_EXCHANGE, 3 }, { STEP_LINK, 7 },
        { STEP_SYMLINK, 3 },   { STEP_FIFO, 1 },       { STEP_UNLINK, 9 },   { STEP_MKDIR, 11 },
        { STEP_RMDIR, 2 },     { STEP_REMOVE_ALL, 4 }, { STEP_RETYPE, 5 },   { STEP_MOVE_OUT, 2 },
        { STEP_MOVE_IN, 4 },
};

static StepKind draw_kind(Random *random) {
        unsigned total = 0, ticket, i = 0;

        for (size_t k = 0; k < ELEMENTSOF(weights); k++)
                total += weights[k].weight;
        ticket = random_below(random, total);
        while (ticket >= weights[i].weight)
                ticket -= weights[i++].weight;
        return weights[i].kind;
}

static void draw_path(Random *random, char path[MODEL_PATH_MAX]) {
        char first = (char) ('a' + random_below(random, 4));
        char second = (char) ('a' + random_below(random, 4));

        if (random_below(random, 5) < 2)
                (void) snprintf(path, MODEL_PATH_MAX, "%c", first);
        else
                (void) snprintf(path, MODEL_PATH_MAX, "%c/%c", first, second);
}

static Step draw(Random *random, ModelSide side, unsigned value) {
        Step step = { .kind = draw_kind(random), .side = side, .value = value };
        bool metadata = step.kind == STEP_CHMOD || step.kind == STEP_TOUCH;

        draw_path(random, step.a);
        if (metadata && random_below(random, 20) == 0)
                step.a[0] = '\0'; /* the root's own */
        if (step.kind == STEP_MOVE_OUT || step.kind == STEP_MOVE_IN)
                (void) snprintf(step.b, sizeof step.b, "%c", 'x' + (char) random_below(random, 2));
        else if (step.kind == STEP_RENAME || step.kind == STEP_EXCHANGE || step.kind == STEP_LINK)
                draw_path(random, step.b);
        else if (step.kind == STEP_TRUNCATE)
                step.value = random_below(random, 12);
        else if (step.kind == STEP_RETYPE)
                step.value = value - value % 4 + random_below(random, 4);
        else if (metadata)
                step.value = random_below(random, 4);
        return step;
}

Step world_draw(const World *world, Random *random, ModelSide side, unsigned *next_value) {
        for (unsigned i = 0; i < DRAWS_MAX; i++) {
                Step step = draw(random, side, *next_value);

                if (world_act(world, &step) < 0)
                        continue;
                *next_value += 4;
                return step;
        }
        model_die("nothing can be done");
}

/* --- the stores -------------------------------------------------------------------------- */

typedef void (*StoreVisitor)(const char *store, void *userdata);

static void for_each_store(const World *world, StoreVisitor visitor, void *userdata) {
        char path[ABSOLUTE_MAX];

        for (ModelSide side = 0; side < _MODEL_SIDE_MAX; side++) {
                (void) snprintf(path, sizeof path, "%s/.%s.rebackup", world->root,
                                side_names[side]);
                visitor(path, userdata);
        }
}

static void add_versions(const char *store, void *userdata) {
        char path[ABSOLUTE_MAX];

        (void) snprintf(path, sizeof path, "%s/versions", store);
        content_set_add_directory(userdata, path);
}

void world_add_versions(const World *world, ContentSet *set) {
        for_each_store(world, add_versions, set);
}

static void add_staged(const char *store, void *userdata) {
        char path[ABSOLUTE_MAX];

        (void) snprintf(path, sizeof path, "%s/staging", store);
        content_set_add_directory(userdata, path);
}

void world_add_staged(const World *world, ContentSet *set) {
        for_each_store(world, add_staged, set);
}

typedef struct Litter {
        char *text;
        size_t size;
        bool found;
} Litter;

static void find_litter(const char *store, void *userdata) {
        Litter *litter = userdata;
        char path[ABSOLUTE_MAX];
        TreeList list;

        (void) snprintf(path, sizeof path, "%s/staging", store);
        tree_list(path, &list);
        for (size_t i = 0; i < list.n_entries; i++) {
                const TreeEntry *entry = &list.entries[i];

                if (!entry->path[0] || entry->path[0] == '.')
                        continue;
                (void) snprintf(litter->text, litter->size, "\"%s\", %o %s", entry->path,
                                entry->mode, entry->content.text);
                litter->found = true;
        }
        tree_list_done(&list);
}

bool world_has_litter(const World *world, char *text, size_t size) {
        Litter litter = { .text = text, .size = size };

        for_each_store(world, find_litter, &litter);
        return litter.found;
}
