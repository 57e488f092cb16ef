#include "model-trees.h"

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
#include "model-util.h"

static void read_content(const char *path, const struct stat *st, Content *ret) {
        ssize_t n = 0;
        int fd;

        *ret = (Content) {};
        if (S_ISLNK(st->st_mode)) {
                n = readlink(path, ret->text + 1, sizeof ret->text - 2);
                ret->text[0] = n > 0 ? '@' : '\0';
        } else if (S_ISREG(st->st_mode)) {
                fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
                if (fd < 0)
                        return;
                n = read(fd, ret->text + 1, sizeof ret->text - 2);
                (void) close(fd);
                ret->text[0] = n > 0 ? '=' : '\0';
        }
        for (char *p = ret->text; *p; p++)
                if (*p == '\n')
                        *p = '|';
}

static int64_t nanoseconds(struct timespec time) {
        return (int64_t) time.tv_sec * 1000000000 + time.tv_nsec;
}

static void add_entry(TreeList *list, const char *directory, const char *path) {
        char absolute[1024];
        TreeEntry entry;
        struct stat st;

        (void) snprintf(absolute, sizeof absolute, "%s/%s", directory, path);
        if (lstat(path[0] ? absolute : directory, &st) < 0)
                return;
        entry = (TreeEntry) {
                .path = must(strdup(path)),
                .mode = st.st_mode,
                .mtime = nanoseconds(st.st_mtim),
                .ctime = nanoseconds(st.st_ctim),
                .inode = st.st_ino,
                .n_links = st.st_nlink,
        };
        read_content(absolute, &st, &entry.content);
        if (lgetxattr(absolute, "user.model", entry.attribute, sizeof entry.attribute - 1) < 0)
                entry.attribute[0] = '\0';
        list->entries = must(
                reallocarray(list->entries, list->n_entries + 1, sizeof *list->entries));
        list->entries[list->n_entries++] = entry;
}

/* What the engine makes in the source has such a name until it is complete. */
static bool is_passed_over(const char *name) {
        return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
               strncmp(name, ".rebackup-", strlen(".rebackup-")) == 0;
}

static void list_below(TreeList *list, const char *directory, const char *path) {
        char absolute[1024], below[1024];
        const struct dirent *entry;
        DIR *stream;

        (void) snprintf(absolute, sizeof absolute, "%s/%s", directory, path);
        stream = opendir(absolute);
        while (stream && (entry = readdir(stream))) {
                if (is_passed_over(entry->d_name))
                        continue;
                (void) snprintf(below, sizeof below, "%s%s%s", path, path[0] ? "/" : "",
                                entry->d_name);
                add_entry(list, directory, below);
                if (entry->d_type == DT_DIR)
                        list_below(list, directory, below);
        }
        if (stream)
                (void) closedir(stream);
}

static int compare_paths(const void *a, const void *b) {
        return strcmp(((const TreeEntry *) a)->path, ((const TreeEntry *) b)->path);
}

void tree_list(const char *directory, TreeList *ret) {
        *ret = (TreeList) {};
        add_entry(ret, directory, "");
        list_below(ret, directory, "");
        if (ret->n_entries > 1)
                qsort(ret->entries, ret->n_entries, sizeof *ret->entries, compare_paths);
}

void tree_list_done(TreeList *list) {
        for (size_t i = 0; i < list->n_entries; i++)
                free(list->entries[i].path);
        free(list->entries);
        *list = (TreeList) {};
}

const TreeEntry *tree_list_find(const TreeList *list, const char *path) {
        TreeEntry wanted = { .path = (char *) path };

        return list->n_entries == 0 ? NULL
                                    : bsearch(&wanted, list->entries, list->n_entries,
                                              sizeof *list->entries, compare_paths);
}

size_t tree_list_count(const TreeList *list, const Content *content) {
        size_t n = 0;

        for (size_t i = 0; i < list->n_entries; i++)
                n += strcmp(list->entries[i].content.text, content->text) == 0;
        return n;
}

/* Names of one file on one side are names of one file on the other. */
static bool links_equal(const TreeList *a, const TreeList *b, size_t i) {
        for (size_t k = 0; k < i; k++)
                if ((a->entries[k].inode == a->entries[i].inode) !=
                    (b->entries[k].inode == b->entries[i].inode))
                        return false;
        return true;
}

static const char *difference(const TreeEntry *a, const TreeEntry *b) {
        if ((a->mode & S_IFMT) != (b->mode & S_IFMT))
                return "type";
        if (strcmp(a->content.text, b->content.text) != 0)
                return "content";
        if (a->mode != b->mode)
                return "mode";
        if (a->mtime != b->mtime)
                return "mtime";
        return strcmp(a->attribute, b->attribute) != 0 ? "attribute" : NULL;
}

bool tree_lists_equal(const TreeList *a, const TreeList *b, char *text, size_t size) {
        for (size_t i = 0; i < a->n_entries || i < b->n_entries; i++) {
                const TreeEntry *one = &a->entries[i], *other = &b->entries[i];
                int order = i >= a->n_entries   ? 1
                            : i >= b->n_entries ? -1
                                                : strcmp(one->path, other->path);
                const char *what;

                if (order != 0) {
                        (void) snprintf(text, size, "\"%s\" is there only on the %s side",
                                        order < 0 ? one->path : other->path,
                                        order < 0 ? "first" : "second");
                        return false;
                }
                what = difference(one, other);
                if (!what && !links_equal(a, b, i))
                        what = "hard link";
                if (what) {
                        (void) snprintf(text, size,
                                        "\"%s\" has another %s (%o %s %lld, %o %s %lld)", one->path,
                                        what, one->mode, one->content.text, (long long) one->mtime,
                                        other->mode, other->content.text, (long long) other->mtime);
                        return false;
                }
        }
        return true;
}

bool tree_list_modes_are_given(const TreeList *list, char *text, size_t size) {
        static const mode_t given[] = { 0600, 0644, 0700, 0711, 0750, 0755 };

        for (size_t i = 0; i < list->n_entries; i++) {
                const TreeEntry *entry = &list->entries[i];
                bool found = S_ISLNK(entry->mode);

                for (size_t k = 0; k < ELEMENTSOF(given); k++)
                        found |= (entry->mode & 07777) == given[k];
                if (found)
                        continue;
                (void) snprintf(text, size, "\"%s\" has the mode %o, which nobody gave it",
                                entry->path, entry->mode);
                return false;
        }
        return true;
}

bool tree_lists_untouched(const TreeList *a, const TreeList *b, char *text, size_t size) {
        if (!tree_lists_equal(a, b, text, size))
                return false;
        for (size_t i = 0; i < a->n_entries; i++)
                if (a->entries[i].inode != b->entries[i].inode ||
                    a->entries[i].ctime != b->entries[i].ctime) {
                        (void) snprintf(text, size, "\"%s\" was touched", a->entries[i].path);
                        return false;
                }
        return true;
}

/* The place of CONTENT, or where it belongs. */
static size_t find_content(const ContentSet *set, const Content *content, bool *ret_found) {
        size_t low = 0, high = set->n_items;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (strcmp(set->items[middle].text, content->text) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret_found = low < set->n_items && strcmp(set->items[low].text, content->text) == 0;
        return low;
}

void content_set_done(ContentSet *set) {
        free(set->items);
        *set = (ContentSet) {};
}

bool content_set_has(const ContentSet *set, const Content *content) {
        bool found;

        (void) find_content(set, content, &found);
        return found;
}

void content_set_add(ContentSet *set, const Content *content) {
        bool found;
        size_t i = find_content(set, content, &found);

        if (found || !content->text[0])
                return;
        if (set->n_items == set->n_allocated) {
                set->n_allocated = set->n_allocated * 2 + 64;
                set->items = must(reallocarray(set->items, set->n_allocated, sizeof *set->items));
        }
        memmove(set->items + i + 1, set->items + i, (set->n_items - i) * sizeof *set->items);
        set->items[i] = *content;
        set->n_items++;
}

void content_set_remove(ContentSet *set, const Content *content) {
        bool found;
        size_t i = find_content(set, content, &found);

        if (!found)
                return;
        set->n_items--;
        memmove(set->items + i, set->items + i + 1, (set->n_items - i) * sizeof *set->items);
}

void content_set_add_list(ContentSet *set, const TreeList *list) {
        for (size_t i = 0; i < list->n_entries; i++)
                content_set_add(set, &list->entries[i].content);
}

void content_set_add_directory(ContentSet *set, const char *directory) {
        TreeList list;

        tree_list(directory, &list);
        content_set_add_list(set, &list);
        tree_list_done(&list);
}
