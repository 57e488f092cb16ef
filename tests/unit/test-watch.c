#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test-watch.h"

static const char *const bases[] = { "/dev/shm", "/tmp" };

char base[64];
int base_fd;
Tree *tree;
Node *root;
Watch *watch;
WatchOptions options;

static const char *const backends[_WATCH_BACKEND_MAX] = {
        [WATCH_BACKEND_INOTIFY] = "inotify",
        [WATCH_BACKEND_DIRECTORY_MARKS] = "directory marks",
        [WATCH_BACKEND_FILE_SYSTEM_MARKS] = "file-system marks",
};

/* Whether ERROR says that a backend wants more rights or a newer kernel than there is. */
static bool is_unavailable(int error) {
        return error == -EPERM || error == -ENOSYS || error == -EINVAL || error == -EXDEV ||
               error == -ENODEV || error == -EOPNOTSUPP;
}

bool test_begin(int place) {
        int r;

        options = (WatchOptions) { .backend = (WatchBackend) (place / TEST_N_BASES) };
        (void) snprintf(base, sizeof(base), "%s/check_watch.XXXXXX", bases[place % TEST_N_BASES]);
        ck_assert_ptr_nonnull(mkdtemp(base));
        base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(base_fd, 0);
        ck_assert_int_eq(tree_new(&tree), 0);
        root = tree_root(tree);
        r = watch_new(&watch, &options, base_fd);
        if (options.backend != WATCH_BACKEND_INOTIFY && is_unavailable(r)) {
                printf("%s on %s skipped: %s\n", backends[options.backend], base, strerror(-r));
                test_finish();
                return false;
        }
        ck_assert_int_eq(r, 0);
        return true;
}

void test_finish(void) {
        char command[128];

        ck_assert_ptr_null(watch_free(watch));
        ck_assert_uint_eq(atomic_load(&root->n_references), 2);
        node_unref(root);
        tree_free(tree);
        (void) close(base_fd);
        (void) snprintf(command, sizeof(command), "rm -rf '%s'", base);
        ck_assert_int_eq(system(command), 0);
}

Node *watched(Node *parent, const char *name, const char *path) {
        int fd = openat(base_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        Node *node;

        ck_assert_int_ge(fd, 0);
        ck_assert_int_ge(tree_child(tree, parent, name, &node), 0);
        ck_assert_int_ge(watch_add(watch, node, fd), 0);
        ck_assert(watch_covers(watch, node));
        (void) close(fd);
        node_unref(node);
        return node;
}

void touch(const char *name) {
        int fd = openat(base_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        ck_assert_int_ge(fd, 0);
        (void) close(fd);
}

static void hear(const WatchEvent *event, void *userdata) {
        Heard *heard = userdata;
        char path[300];
        size_t i;

        heard->n_events++;
        if (event->flags & WATCH_EVENT_OVERFLOW) {
                ck_assert_ptr_null(event->node);
                ck_assert_ptr_null(event->name);
                heard->overflow = true;
                return;
        }
        heard->file = event->file;
        if (event->flags & WATCH_EVENT_FILE) {
                ck_assert_ptr_null(event->node);
                ck_assert_uint_ne(event->file.inode, 0);
                heard->n_files++;
                return;
        }
        ck_assert_int_eq(!event->name, !(event->flags & WATCH_EVENT_CHANGED));
        (void) snprintf(path, sizeof(path), "%s/%s", event->node->name, event->name ?: "");
        if (event->name && event->name[0] == '#')
                (void) snprintf(path, sizeof(path), "%s/#", event->node->name);
        for (i = 0; i < heard->n_entries; i++)
                if (strcmp(heard->entries[i].path, path) == 0)
                        break;
        if (i == HEARD_MAX)
                return;
        if (i == heard->n_entries)
                (void) snprintf(heard->entries[heard->n_entries++].path, 64, "%.63s", path);
        heard->entries[i].flags |= event->flags;
}

void drain(Heard *heard) {
        int r;

        *heard = (Heard) {};
        while ((r = watch_drain(watch, hear, heard)) > 0)
                ;
        ck_assert_int_eq(r, 0);
}

void discard(void) {
        Heard heard;

        drain(&heard);
}

void assert_heard(const char *title, const char *expected) {
        static const char letters[] = "CcSGMOUFL";
        Heard heard;
        char text[4096] = "";

        drain(&heard);
        ck_assert(!heard.overflow);
        for (size_t i = 0; i < heard.n_entries; i++) {
                size_t n = strlen(text);

                n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%s=", n > 0 ? " " : "",
                                       heard.entries[i].path);
                for (unsigned bit = 0; letters[bit]; bit++)
                        if (heard.entries[i].flags & (1U << bit)) {
                                text[n++] = letters[bit];
                                text[n] = '\0';
                        }
        }
        ck_assert_msg(strcmp(text, expected) == 0, "%s on %s with %s: \"%s\", not \"%s\"", title,
                      base, backends[options.backend], text, expected);
}
