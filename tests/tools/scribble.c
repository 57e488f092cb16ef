/* scribble DIR FILES PAUSE-US SECONDS
 *
 * Makes FILES files in DIR, if they are not there, and changes one after the other for SECONDS, at
 * random and in every way in which content changes: written in place, through a mapping, with the
 * mtime put back, replaced by a rename, cut off and written anew. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SIZE_MAX_BYTES = 100000, MIN_FILL = 2000, CHUNK = 3000 };

static unsigned seed = 1;

static unsigned draw(unsigned n) {
        return (unsigned) rand_r(&seed) % n;
}

static _Noreturn void die(const char *what) {
        (void) fprintf(stderr, "scribble: %s: %s\n", what, strerror(errno));
        exit(1);
}

static void fill(char *data, size_t n) {
        for (size_t i = 0; i < n; i++)
                data[i] = (char) draw(256);
}

static void make(const char *name) {
        static char data[SIZE_MAX_BYTES];
        size_t n = 1 + draw(SIZE_MAX_BYTES);
        int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        fill(data, MIN_FILL < n ? MIN_FILL : n);
        if (fd < 0 || write(fd, data, n) != (ssize_t) n)
                die(name);
        (void) close(fd);
}

static void write_in_place(int fd, off_t size) {
        char data[CHUNK];
        size_t n = 1 + draw(CHUNK);

        fill(data, n);
        if (pwrite(fd, data, n, (off_t) draw((unsigned) size + 1)) < 0)
                die("pwrite");
}

static void store(int fd, off_t size) {
        char *map = mmap(NULL, (size_t) size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (map == MAP_FAILED)
                die("mmap");
        for (int i = 0; i < 3; i++) {
                map[draw((unsigned) size)] ^= 1;
                (void) usleep(draw(2000));
        }
        (void) munmap(map, (size_t) size);
}

static void change(const char *name) {
        struct stat st;
        int fd = open(name, O_RDWR | O_CLOEXEC);

        if (fd < 0 || fstat(fd, &st) < 0)
                die(name);
        switch (draw(6)) {
        case 0:
        case 1:
                write_in_place(fd, st.st_size);
                break;
        case 2:
                write_in_place(fd, st.st_size - st.st_size / 10);
                (void) futimens(fd, (struct timespec[]) { st.st_atim, st.st_mtim });
                break;
        case 3:
                if (st.st_size > 0)
                        store(fd, st.st_size);
                break;
        case 4:
                make("replacement");
                if (rename("replacement", name) < 0)
                        die("rename");
                break;
        default:
                make(name);
        }
        (void) close(fd);
}

int main(int argc, char **argv) {
        char name[32];
        time_t end;
        int n_files;

        if (argc != 5 || chdir(argv[1]) < 0)
                die("Usage: scribble DIR FILES PAUSE-US SECONDS");
        n_files = atoi(argv[2]);
        end = time(NULL) + atoi(argv[4]);
        for (int i = 0; i < n_files; i++) {
                (void) snprintf(name, sizeof(name), "f%d", i);
                if (access(name, F_OK) < 0)
                        make(name);
        }
        while (time(NULL) < end) {
                (void) snprintf(name, sizeof(name), "f%u", draw((unsigned) n_files));
                change(name);
                (void) usleep((useconds_t) atoi(argv[3]));
        }
        return 0;
}
