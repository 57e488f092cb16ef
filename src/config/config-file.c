#include "config/config-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <libeconf.h>

#include "basic/alloc.h"
#include "basic/fd.h"

/* libeconf looks through all keys for each of them, so the size of a file is kept sane. */
#define FILE_SIZE_MAX (64U * 1024U)

/* Below the 8192 bytes at which libeconf cuts a line, with room for what is added to a key. */
#define LINE_LENGTH_MAX 8000U

/* Stands between a key and its line number, and alone for a section's header. */
#define MARK '@'

/* libeconf wants a character that begins comments. Control characters are refused in every line. */
#define NO_COMMENT "\001"

#define BLANKS " \t"
#define KEY_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* /dev/null is how a drop-in of the vendor is switched off. */
static bool is_null_device(const struct stat *st) {
        return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* *RET is NULL when the file as a whole is wrong, which PROBLEMS then says. */
static int read_text(const char *path, StringBuffer *problems, char **ret) {
        const ConfigPlace place = { .file = path };
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *text = NULL;
        const char *objection = NULL;
        struct stat st;
        ssize_t n = 0;

        /* O_NONBLOCK lest a FIFO hold up the start. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;

        text = malloc(FILE_SIZE_MAX + 2);
        if (!text)
                return -ENOMEM;

        if (!S_ISREG(st.st_mode) && !is_null_device(&st))
                objection = "not a regular file; write a text file in its place";
        else {
                n = loop_read(fd, text, FILE_SIZE_MAX + 1);
                if (n < 0)
                        return (int) n;
                text[n] = '\0';
        }

        if ((size_t) n > FILE_SIZE_MAX)
                objection = "larger than 64 KiB; shorten this file";
        else if (!objection && strlen(text) < (size_t) n)
                objection = "holds NUL bytes; write it as plain text";

        if (objection)
                config_problem_add(problems, &place, "%s", objection);
        *ret = objection ? NULL : TAKE_PTR(text);
        return 0;
}

static bool has_control_character(const char *line) {
        for (; *line; line++)
                if (((unsigned char) *line < 0x20 && *line != '\t') || *line == 0x7f)
                        return true;

        return false;
}

/* Whether what follows the value looks like a comment. Only quotes can tell that it is none. */
static bool has_comment_behind(const char *value) {
        size_t length = strlen(value);

        if (length >= 2 && value[0] == '"' && value[length - 1] == '"')
                return false;

        for (const char *p = value; (p = strpbrk(p, "#;")); p++)
                if (p > value && strchr(BLANKS, p[-1]))
                        return true;

        return false;
}

/* What is wrong with a line that is neither empty nor a comment, with the remedy; NULL when
 * libeconf will read in it what is written. The line has no blanks around it. */
static const char *line_objection(const char *line, bool in_section) {
        size_t length = strlen(line), n;

        if (length > LINE_LENGTH_MAX)
                return "longer than 8000 bytes; shorten this line";
        if (has_control_character(line))
                return "a control character; remove it from this line";

        if (line[0] == '[') {
                if (length == 2 || line[length - 1] != ']')
                        return "not a section header; write [Section] and nothing behind it";
                return NULL;
        }

        n = strspn(line, KEY_LETTERS);
        n += strspn(line + n, BLANKS);
        if (n == 0 || line[n] != '=')
                return "not an assignment; write Key=VALUE, or # before a comment";
        if (!in_section)
                return "stands before the first section; write its [Section] above it";

        n += 1 + strspn(line + n + 1, BLANKS);
        if (has_comment_behind(line + n))
                return "a comment behind a value; write it on a line of its own, or the value in "
                       "double quotes if it is no comment";
        return NULL;
}

/* Adds LINE to TEXT in the form that is handed to libeconf. */
static void prepare_line(StringBuffer *text, const char *line, unsigned number) {
        int n = (int) strspn(line, KEY_LETTERS);

        if (line[0] == '[')
                string_buffer_appendf(text, "%s\n%c%u=\n", line, MARK, number);
        else
                string_buffer_appendf(text, "%.*s%c%u%s\n", n, line, MARK, number, line + n);
}

static char *strip(char *line) {
        size_t n;

        line += strspn(line, BLANKS);
        n = strlen(line);
        while (n > 0 && strchr(BLANKS, line[n - 1]))
                n--;
        line[n] = '\0';

        return line;
}

/* Takes RAW apart and leaves in TEXT what libeconf reads as it is meant. */
static void prepare_text(const char *path, char *raw, StringBuffer *problems, StringBuffer *text) {
        ConfigPlace place = { .file = path };
        bool in_section = false, skip = false;
        char *line;

        while ((line = strsep(&raw, "\n"))) {
                const char *objection;

                place.line++;
                line = strip(line);
                if (!*line || *line == '#' || *line == ';')
                        continue;

                objection = line_objection(line, in_section);
                if (objection)
                        config_problem_add(problems, &place, "%.60s: %s", line, objection);

                /* What stands below a header with a mistake belongs to no section that is known. */
                if (*line == '[') {
                        in_section = true;
                        skip = objection;
                }
                if (!objection && !skip)
                        prepare_line(text, line, place.line);
        }
}

/* *RET is left alone when libeconf does not accept TEXT, which PROBLEMS then says. */
static int parse_text(const char *path, const StringBuffer *text, StringBuffer *problems,
                      econf_file **ret) {
        const ConfigPlace place = { .file = path };
        _cleanup_close_ int fd = -EBADF;
        char fd_path[32];
        econf_err error;
        int r;

        /* libeconf opens by name; a file in memory has one here. */
        fd = memfd_create("rebackup.conf", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;

        r = loop_write(fd, text->text, text->length);
        if (r < 0)
                return r;

        (void) snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", fd);
        error = econf_readFile(ret, fd_path, "=", NO_COMMENT);
        if (error == ECONF_NOMEM)
                return -ENOMEM;
        if (error != ECONF_SUCCESS)
                config_problem_add(problems, &place, "libeconf does not accept this file: %s",
                                   econf_errString(error));

        return 0;
}

/* Adds what libeconf calls KEY, which is NAME@LINE. */
static int collect_key(econf_file *file, const char *section, const char *key,
                       AssignmentList *list) {
        _cleanup_free_ char *value = NULL;
        const char *mark = strrchr(key, MARK);
        Assignment *item = &list->items[list->n_items];

        assert(mark); /* set by prepare_line() */

        if (econf_getStringValue(file, section, key, &value) == ECONF_NOMEM)
                return -ENOMEM;

        *item = (Assignment) {
                .section = strdup(section),
                .key = mark > key ? strndup(key, (size_t) (mark - key)) : NULL,
                .value = value ? TAKE_PTR(value) : strdup(""),
                .line = (unsigned) strtoul(mark + 1, NULL, 10),
        };
        list->n_items++;

        return item->section && item->value && (item->key || mark == key) ? 0 : -ENOMEM;
}

static int collect_section(econf_file *file, const char *section, AssignmentList *list) {
        char **keys = NULL;
        size_t n_keys = 0;
        Assignment *items;
        econf_err error;
        int r = 0;

        error = econf_getKeys(file, section, &n_keys, &keys);
        if (error != ECONF_SUCCESS)
                return error == ECONF_NOMEM ? -ENOMEM : -EIO;

        items = reallocarray(list->items, list->n_items + n_keys, sizeof(Assignment));
        if (!items)
                r = -ENOMEM;
        else
                list->items = items;

        for (size_t i = 0; r >= 0 && i < n_keys; i++)
                r = collect_key(file, section, keys[i], list);

        econf_freeArray(keys);
        return r;
}

/* A section that was begun several times is listed as often, each time with all of its keys. */
static bool was_listed(char *const *sections, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (streq(sections[i], sections[n]))
                        return true;

        return false;
}

static int compare_lines(const void *a, const void *b) {
        const Assignment *x = a, *y = b;

        return (x->line > y->line) - (x->line < y->line);
}

static int collect(econf_file *file, AssignmentList *list) {
        char **sections = NULL;
        size_t n_sections = 0;
        econf_err error;
        int r = 0;

        error = econf_getGroups(file, &n_sections, &sections);
        if (error == ECONF_NOGROUP)
                return 0;
        if (error != ECONF_SUCCESS)
                return error == ECONF_NOMEM ? -ENOMEM : -EIO;

        for (size_t i = 0; r >= 0 && i < n_sections; i++)
                if (!was_listed(sections, i))
                        r = collect_section(file, sections[i], list);

        econf_freeArray(sections);
        if (r >= 0 && list->n_items > 0)
                qsort(list->items, list->n_items, sizeof(Assignment), compare_lines);
        return r;
}

void assignment_list_done(AssignmentList *list) {
        for (size_t i = 0; i < list->n_items; i++) {
                free(list->items[i].section);
                free(list->items[i].key);
                free(list->items[i].value);
        }

        free(list->items);
        *list = (AssignmentList) {};
}

static void econf_file_freep(econf_file **file) {
        if (*file)
                econf_freeFile(*file);
}

int config_file_read(const char *path, StringBuffer *problems, AssignmentList *ret) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        _cleanup_(assignment_list_done) AssignmentList list = {};
        _cleanup_(econf_file_freep) econf_file *file = NULL;
        _cleanup_free_ char *raw = NULL;
        int r;

        r = read_text(path, problems, &raw);
        if (r < 0)
                return r;

        if (raw)
                prepare_text(path, raw, problems, &text);
        if (text.failed)
                return -ENOMEM;

        if (text.length > 0) {
                r = parse_text(path, &text, problems, &file);
                if (r < 0)
                        return r;
        }

        if (file) {
                r = collect(file, &list);
                if (r < 0)
                        return r;
        }

        *ret = list;
        list = (AssignmentList) {};
        return 0;
}
