/* Compares two directory trees and prints what differs: the suite's own judge of "exact".
 *
 * Shares no code with the product on purpose, so that a mistake there cannot hide itself here. Both
 * trees are walked together, directory by directory, relative to descriptors and never through a
 * symbolic link; one descriptor per side and level stays open, so the depth is bounded by
 * RLIMIT_NOFILE, not by PATH_MAX.
 *
 * Exit: 0 equal, 1 different, 2 error. One line per difference, "kind path: first | second". */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tree-compare.h"

#define DIFFERENCES_SHOWN 50
#define TOP_EXCLUDES_MAX 16

typedef struct Names {
        char **names;
        size_t n;
} Names;

static const char *arg_top_excludes[TOP_EXCLUDES_MAX];
static size_t arg_n_top_excludes;
static bool arg_owner = true, arg_quiet;
bool arg_blocks = true;

static char *path; /* of the entry at hand, for messages only */
static size_t path_length, path_size;
static unsigned long n_differences, n_entries;

_Noreturn void die(const char *what) {
        fprintf(stderr, "tree-compare: %s: %s: %s\n", path_length > 0 ? path : ".", what,
                strerror(errno));
        exit(2);
}

void *must(void *p) {
        if (!p)
                die("out of memory");
        return p;
}

static void print_escaped(const char *text) {
        for (const unsigned char *p = (const unsigned char *) text; *p; p++)
                if (*p < 0x20 || *p >= 0x7f || *p == '\\')
                        printf("\\x%02x", *p);
                else
                        putchar(*p);
}

void differs(const char *kind, const char *format, ...) {
        char *text = NULL;
        va_list ap;

        n_differences++;
        if (arg_quiet)
                exit(1);
        if (n_differences > DIFFERENCES_SHOWN)
                return;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                die("out of memory");
        va_end(ap);
        printf("%s ", kind);
        print_escaped(path_length > 0 ? path : ".");
        printf(": ");
        print_escaped(text);
        putchar('\n');
        free(text);
}

/* Returns the length to give to path_pop(). */
static size_t path_push(const char *name) {
        size_t before = path_length, length = strlen(name);

        if (path_length + length + 2 > path_size) {
                path_size = (path_length + length + 2) * 2;
                path = must(realloc(path, path_size));
        }
        if (path_length > 0)
                path[path_length++] = '/';
        memcpy(path + path_length, name, length + 1);
        path_length += length;
        return before;
}

static void path_pop(size_t length) {
        path_length = length;
        path[length] = '\0';
}

static const char *type_name(mode_t mode) {
        return S_ISREG(mode)    ? "file"
               : S_ISDIR(mode)  ? "directory"
               : S_ISLNK(mode)  ? "symlink"
               : S_ISFIFO(mode) ? "fifo"
               : S_ISSOCK(mode) ? "socket"
               : S_ISCHR(mode)  ? "character device"
                                : "block device";
}

/* Returns false if the types differ, so that nothing else can be compared. */
static bool compare_metadata(const struct stat *a, const struct stat *b) {
        if ((a->st_mode & S_IFMT) != (b->st_mode & S_IFMT)) {
                differs("type", "%s | %s", type_name(a->st_mode), type_name(b->st_mode));
                return false;
        }
        if ((a->st_mode & 07777) != (b->st_mode & 07777))
                differs("mode", "%04o | %04o", a->st_mode & 07777, b->st_mode & 07777);
        if (arg_owner && (a->st_uid != b->st_uid || a->st_gid != b->st_gid))
                differs("owner", "%u:%u | %u:%u", a->st_uid, a->st_gid, b->st_uid, b->st_gid);
        if (a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec)
                differs("mtime", "%jd.%09ld | %jd.%09ld", (intmax_t) a->st_mtim.tv_sec,
                        a->st_mtim.tv_nsec, (intmax_t) b->st_mtim.tv_sec, b->st_mtim.tv_nsec);
        if ((S_ISCHR(a->st_mode) || S_ISBLK(a->st_mode)) && a->st_rdev != b->st_rdev)
                differs("device", "%u:%u | %u:%u", major(a->st_rdev), minor(a->st_rdev),
                        major(b->st_rdev), minor(b->st_rdev));
        return true;
}

static void compare_directories(int fd_a, int fd_b);

static void compare_directory(const Entry *e) {
        int fd[SIDES];

        for (int side = 0; side < SIDES; side++) {
                fd[side] = open_entry(e->dir[side], e->name, O_DIRECTORY);
                if (fd[side] < 0 && errno != ENOENT && errno != ENOTDIR)
                        die("cannot open the directory");
        }
        if (fd[SIDE_A] < 0 || fd[SIDE_B] < 0)
                differs("vanished", "%s | %s", fd[SIDE_A] < 0 ? "gone" : "there",
                        fd[SIDE_B] < 0 ? "gone" : "there");
        else {
                compare_attributes(e, fd[SIDE_A], fd[SIDE_B]);
                compare_directories(fd[SIDE_A], fd[SIDE_B]);
        }
        for (int side = 0; side < SIDES; side++)
                if (fd[side] >= 0)
                        (void) close(fd[side]);
}

static void compare_entry(int dir_a, int dir_b, const char *name) {
        Entry e = { .dir = { dir_a, dir_b }, .name = name };
        const struct stat *a = &e.st[SIDE_A];

        n_entries++;
        for (int side = 0; side < SIDES; side++)
                if (fstatat(e.dir[side], name, &e.st[side], AT_SYMLINK_NOFOLLOW) < 0) {
                        if (errno != ENOENT)
                                die("cannot stat");
                        differs("vanished", "%s | %s", side == SIDE_A ? "gone" : "there",
                                side == SIDE_A ? "there" : "gone");
                        return;
                }

        if (!compare_metadata(a, &e.st[SIDE_B]))
                return;
        if (S_ISDIR(a->st_mode)) {
                compare_directory(&e);
                return;
        }
        if (S_ISREG(a->st_mode)) {
                compare_file(&e);
                return;
        }
        compare_special(&e);
}

static bool is_excluded(const char *name) {
        if (path_length > 0)
                return false;
        for (size_t i = 0; i < arg_n_top_excludes; i++)
                if (strcmp(name, arg_top_excludes[i]) == 0)
                        return true;
        return false;
}

static Names read_names(int dir_fd) {
        size_t allocated_names = 0;
        Names r = {};
        struct dirent *d;
        DIR *dir;
        int fd;

        fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
        dir = fd < 0 ? NULL : fdopendir(fd);
        if (!dir)
                die("cannot list");
        while ((errno = 0, d = readdir(dir))) {
                if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
                    is_excluded(d->d_name))
                        continue;
                if (r.n == allocated_names) {
                        allocated_names = allocated_names ? allocated_names * 2 : 32;
                        r.names = must(realloc(r.names, allocated_names * sizeof(char *)));
                }
                r.names[r.n++] = must(strdup(d->d_name));
        }
        if (errno != 0)
                die("cannot list");
        (void) closedir(dir);
        if (r.n > 0)
                qsort(r.names, r.n, sizeof(char *), compare_strings);
        return r;
}

static void compare_directories(int fd_a, int fd_b) {
        Names a = read_names(fd_a), b = read_names(fd_b);
        size_t i = 0, j = 0;

        while (i < a.n || j < b.n) {
                int c = i >= a.n ? 1 : j >= b.n ? -1 : strcmp(a.names[i], b.names[j]);
                size_t before = path_push(c <= 0 ? a.names[i] : b.names[j]);

                if (c < 0)
                        differs("missing", "there | -");
                else if (c > 0)
                        differs("extra", "- | there");
                else
                        compare_entry(fd_a, fd_b, a.names[i]);
                path_pop(before);
                if (c <= 0)
                        free(a.names[i++]);
                if (c >= 0)
                        free(b.names[j++]);
        }
        free(a.names);
        free(b.names);
}

static int usage(FILE *f, int status) {
        fprintf(f, "Usage: tree-compare [OPTIONS] FIRST SECOND\n"
                   "  --exclude-top NAME  leave out NAME directly below either root (may be "
                   "repeated)\n"
                   "  --no-owner          do not compare owner and group\n"
                   "  --no-blocks         do not compare holes and allocated blocks\n"
                   "  --quiet             print nothing, stop at the first difference\n"
                   "Exit status: 0 equal, 1 different, 2 error.\n");
        return status;
}

/* Returns the index of the first root in argv, or exits. */
static int parse_arguments(int argc, char *argv[]) {
        static const struct option options[] = {
                { "exclude-top", required_argument, NULL, 'x' },
                { "no-owner", no_argument, NULL, 'o' },
                { "no-blocks", no_argument, NULL, 'b' },
                { "quiet", no_argument, NULL, 'q' },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 'x':
                        if (arg_n_top_excludes == TOP_EXCLUDES_MAX)
                                exit(usage(stderr, 2));
                        arg_top_excludes[arg_n_top_excludes++] = optarg;
                        break;
                case 'o':
                        arg_owner = false;
                        break;
                case 'b':
                        arg_blocks = false;
                        break;
                case 'q':
                        arg_quiet = true;
                        break;
                case 'h':
                        exit(usage(stdout, 0));
                default:
                        exit(usage(stderr, 2));
                }
        if (argc - optind != 2)
                exit(usage(stderr, 2));
        return optind;
}

int main(int argc, char *argv[]) {
        struct stat st[SIDES];
        struct rlimit limit;
        int fd[SIDES], first;

        first = parse_arguments(argc, argv);
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
                limit.rlim_cur = limit.rlim_max;
                (void) setrlimit(RLIMIT_NOFILE, &limit);
        }

        for (int side = 0; side < SIDES; side++) {
                fd[side] = open(argv[first + side], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (fd[side] < 0 || fstat(fd[side], &st[side]) < 0) {
                        fprintf(stderr, "tree-compare: %s: %s\n", argv[first + side],
                                strerror(errno));
                        return 2;
                }
        }

        (void) compare_metadata(&st[SIDE_A], &st[SIDE_B]);
        compare_attributes(&(Entry) { .dir = { fd[SIDE_A], fd[SIDE_B] }, .name = "." }, fd[SIDE_A],
                           fd[SIDE_B]);
        compare_directories(fd[SIDE_A], fd[SIDE_B]);

        if (n_differences > DIFFERENCES_SHOWN)
                printf("... and %lu more differences\n", n_differences - DIFFERENCES_SHOWN);
        if (!arg_quiet)
                fprintf(stderr, "tree-compare: %lu entries compared, %lu differences\n", n_entries,
                        n_differences);
        return n_differences > 0 ? 1 : 0;
}
