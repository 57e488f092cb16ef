/* Small deeds that shell tests cannot do with coreutils: exchanging names, sockets, paths longer
 * than PATH_MAX, files whose every moment is checkable, and measuring a child. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MSEC UINT64_C(1000000)
#define SEC (1000 * MSEC)
#define CHUNK_WORDS 8192
#define DEEP_NAME_LENGTH 200
#define FLEETING_LOTS_MAX 10000

static volatile sig_atomic_t stopped;

static _Noreturn void die(const char *what) {
        fprintf(stderr, "fsops: %s: %s\n", what, strerror(errno));
        exit(2);
}

static int must(int r, const char *what) {
        if (r < 0)
                die(what);
        return r;
}

static uint64_t now(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * SEC + ts.tv_nsec;
}

static void pause_for(uint64_t ns) {
        (void) nanosleep(&(struct timespec) { ns / SEC, ns % SEC }, NULL);
}

static void on_signal(int signal) {
        (void) signal;
        stopped = 1;
}

static int run_exchange(char *argv[]) {
        must(renameat2(AT_FDCWD, argv[0], AT_FDCWD, argv[1], RENAME_EXCHANGE), "exchange");
        return 0;
}

/* Ends with both names as they were. */
static int run_flip(char *argv[]) {
        uint64_t count = 0;

        while (!stopped || count % 2 != 0) {
                (void) run_exchange(argv);
                count++;
        }
        printf("%" PRIu64 " exchanges\n", count);
        return 0;
}

static int run_socket(char *argv[]) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[0]);
        must(bind(fd, (struct sockaddr *) &address, sizeof(address)), argv[0]);
        (void) close(fd);
        return 0;
}

/* DIR LEVELS TEXT: a chain of directories with long names, made where missing, and TEXT at its
 * bottom. */
static int run_deep(char *argv[]) {
        int dir = must(open(argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC), argv[0]), fd;
        char name[DEEP_NAME_LENGTH + 1];

        for (unsigned long level = strtoul(argv[1], NULL, 10); level > 0; level--) {
                int child;

                (void) snprintf(name, sizeof(name), "%0*lu", DEEP_NAME_LENGTH, level);
                if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
                        die("mkdir");
                child = must(openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open");
                (void) close(dir);
                dir = child;
        }
        fd = must(openat(dir, "bottom", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), "bottom");
        must(write(fd, argv[2], strlen(argv[2])), "bottom");
        (void) close(fd);
        (void) close(dir);
        return 0;
}

/* Writes the whole file in place so that every word of it is the generation. */
static void write_generation(int fd, uint64_t generation, uint64_t size, uint64_t pause) {
        static uint64_t words[CHUNK_WORDS];

        for (size_t i = 0; i < CHUNK_WORDS; i++)
                words[i] = generation;
        for (uint64_t offset = 0; offset < size; offset += sizeof(words)) {
                must(pwrite(fd, words, sizeof(words), offset), "write");
                if (pause > 0)
                        pause_for(pause);
        }
}

/* FILE CHUNKS WRITING-MS RESTING-MS: rewrites a file of CHUNKS * 64 KiB in place again and again,
 * taking WRITING-MS each time and leaving it alone for RESTING-MS between, until SIGTERM. Ends
 * whole. */
static int run_rewrite(char *argv[]) {
        uint64_t chunks = strtoull(argv[1], NULL, 10), writing = strtoull(argv[2], NULL, 10);
        uint64_t resting = strtoull(argv[3], NULL, 10), generation = 0;
        int fd = must(open(argv[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0644), argv[0]);

        do {
                write_generation(fd, ++generation, chunks * CHUNK_WORDS * sizeof(uint64_t),
                                 writing * MSEC / chunks);
                if (resting > 0)
                        pause_for(resting * MSEC);
        } while (!stopped);
        printf("%" PRIu64 " generations\n", generation);
        return 0;
}

/* Returns the generation, or 0 if the words differ or none can be read. */
static uint64_t read_generation(int fd, uint64_t size) {
        static uint64_t words[CHUNK_WORDS];
        uint64_t generation = 0, done = 0;
        ssize_t n;

        while ((n = read(fd, words, sizeof(words))) > 0) {
                for (size_t i = 0; i < (size_t) n / sizeof(uint64_t); i++) {
                        if (generation == 0)
                                generation = words[i];
                        if (words[i] != generation)
                                return 0;
                }
                done += n;
        }
        return done == size ? generation : 0;
}

/* FILE CHUNKS: reads the file whole, over and over until SIGTERM; fails if it is ever missing after
 * it was there, of another size, or a mixture of two generations. */
static int run_watch_whole(char *argv[]) {
        uint64_t size = strtoull(argv[1], NULL, 10) * CHUNK_WORDS * sizeof(uint64_t);
        uint64_t n_reads = 0, n_torn = 0, n_generations = 0, last = 0;

        while (!stopped) {
                int fd = open(argv[0], O_RDONLY | O_CLOEXEC);
                uint64_t generation;

                if (fd < 0) {
                        if (last != 0 && n_torn++ == 0)
                                fprintf(stderr, "fsops: gone after generation %" PRIu64 "\n", last);
                        continue;
                }
                generation = read_generation(fd, size);
                (void) close(fd);
                n_reads++;
                if (generation == 0) {
                        if (n_torn++ == 0)
                                fprintf(stderr, "fsops: torn after generation %" PRIu64 "\n", last);
                } else if (generation != last) {
                        n_generations++;
                        last = generation;
                }
        }
        printf("%" PRIu64 " reads, %" PRIu64 " generations, %" PRIu64 " torn\n", n_reads,
               n_generations, n_torn);
        return n_torn > 0;
}

/* DIR DIRECTORIES FILES: so many files of 4 KiB, spread over so many new directories. */
static int run_burst(char *argv[]) {
        unsigned long n_dirs = strtoul(argv[1], NULL, 10), n_files = strtoul(argv[2], NULL, 10);
        static char block[4096];
        char name[PATH_MAX];

        for (unsigned long i = 0; i < n_dirs; i++) {
                (void) snprintf(name, sizeof(name), "%s/d%lu", argv[0], i);
                must(mkdir(name, 0755), name);
        }
        for (unsigned long i = 0; i < n_files; i++) {
                int fd;

                (void) snprintf(name, sizeof(name), "%s/d%lu/f%lu", argv[0], i % n_dirs, i);
                fd = must(open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644), name);
                memset(block, 'a' + i % 26, sizeof(block));
                must(write(fd, block, sizeof(block)), name);
                (void) close(fd);
        }
        return 0;
}

static int compare_numbers(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

        return x < y ? -1 : x > y;
}

typedef struct Arrival {
        uint64_t whole, committed; /* ns after the close */
} Arrival;

static void await_change(uint64_t start) {
        if (now() - start > 60 * SEC)
                die("it does not arrive");
        pause_for(50000);
}

static uint64_t modified(const char *path) {
        struct stat st;

        must(stat(path, &st), path);
        return (uint64_t) st.st_mtim.tv_sec * SEC + st.st_mtim.tv_nsec;
}

/* From the close of a new file of 4 KiB to its whole appearance at the other side, and until
 * JOURNAL, if any, has been written to after that. */
static Arrival measure_arrival(const char *from, const char *to, const char *journal) {
        static const char block[4096];
        uint64_t start, written = journal ? modified(journal) : 0;
        struct stat st;
        Arrival arrival;
        int fd = must(open(from, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644), from);

        must(write(fd, block, sizeof(block)), from);
        (void) close(fd);
        start = now();
        while (stat(to, &st) < 0 || st.st_size != sizeof(block))
                await_change(start);
        arrival.whole = now() - start;
        while (journal && modified(journal) == written)
                await_change(start);
        arrival.committed = now() - start;
        return arrival;
}

static void print_spread(uint64_t *values, unsigned long n) {
        qsort(values, n, sizeof(uint64_t), compare_numbers);
        printf("%.2f %.2f\n", (double) values[n / 2] / MSEC, (double) values[n * 99 / 100] / MSEC);
}

/* SOURCE REPLICA COUNT [JOURNAL]: prints median and 99th percentile of the time that a new file
 * takes, in ms; with JOURNAL, the file that a commit writes to, a second line for the commit. */
static int run_latency(char *argv[]) {
        unsigned long n = strtoul(argv[2], NULL, 10);
        uint64_t *whole = calloc(n, sizeof(uint64_t)), *committed = calloc(n, sizeof(uint64_t));
        char from[PATH_MAX], to[PATH_MAX];

        if (!whole || !committed || n == 0)
                die("count");
        for (unsigned long i = 0; i < n; i++) {
                Arrival arrival;

                (void) snprintf(from, sizeof(from), "%s/latency-%lu", argv[0], i);
                (void) snprintf(to, sizeof(to), "%s/latency-%lu", argv[1], i);
                arrival = measure_arrival(from, to, argv[3]);
                whole[i] = arrival.whole;
                committed[i] = arrival.committed;
                pause_for(30 * MSEC);
        }
        print_spread(whole, n);
        if (argv[3])
                print_spread(committed, n);
        free(committed);
        free(whole);
        return 0;
}

static uint64_t processor_time(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
        return (uint64_t) ts.tv_sec * SEC + ts.tv_nsec;
}

static uint64_t make_fleeting(const char *name) {
        static const char block[100];
        uint64_t start = processor_time();
        int fd = must(open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644), name);

        must(write(fd, block, sizeof(block)), name);
        (void) close(fd);
        must(unlink(name), name);
        return processor_time() - start;
}

/* DIR COUNT PAUSE-US: makes, writes 100 bytes to, closes and unlinks a file so many times, resting
 * between; COUNT 0: until SIGTERM. Prints what one takes, in microseconds: of the means of a
 * hundred each the median, which others that want the processor now and then do not move. */
static int run_fleeting(char *argv[]) {
        static uint64_t means[FLEETING_LOTS_MAX];
        uint64_t n = strtoull(argv[1], NULL, 10), pause = strtoull(argv[2], NULL, 10) * 1000;
        uint64_t n_means = 0, took = 0;
        char name[PATH_MAX];

        for (uint64_t i = 0; !stopped && (n == 0 || i < n); i++) {
                (void) snprintf(name, sizeof(name), "%s/fleeting-%" PRIu64, argv[0], i);
                took += make_fleeting(name);
                if (pause > 0)
                        pause_for(pause);
                if (i % 100 != 99 || n_means == FLEETING_LOTS_MAX)
                        continue;
                means[n_means++] = took / 100;
                took = 0;
        }
        qsort(means, n_means, sizeof(uint64_t), compare_numbers);
        printf("%.2f\n", (double) means[n_means / 2] / 1000);
        return 0;
}

/* Whoever waits for READY=1 is nobody's child, and gone when it came. */
static void note_ready(int fd, const char *output) {
        uint64_t start = now();
        char message[4096];
        ssize_t n;

        do {
                n = recv(fd, message, sizeof(message) - 1, 0);
                message[n > 0 ? n : 0] = 0;
        } while (n > 0 && !strstr(message, "READY=1"));
        FILE *f = n > 0 ? fopen(output, "we") : NULL;
        if (f) {
                fprintf(f, "%.4f\n", (double) (now() - start) / SEC);
                (void) fclose(f);
        }
}

/* OUTPUT COMMAND...: becomes the command; the file OUTPUT gets the seconds until it has told its
 * service manager to be ready. */
static int run_ready(char *argv[]) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = must(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s.socket", argv[0]);
        (void) unlink(address.sun_path);
        must(bind(fd, (struct sockaddr *) &address, sizeof(address)), address.sun_path);
        if (must(fork(), "fork") == 0) {
                if (must(fork(), "fork") == 0)
                        note_ready(fd, argv[0]);
                _exit(0);
        }
        (void) wait(NULL);
        (void) setenv("NOTIFY_SOCKET", address.sun_path, 1);
        (void) execvp(argv[1], argv + 1);
        die(argv[1]);
}

/* OUTPUT COMMAND...: appends "seconds max-rss-KiB exit-status" of the command to the file OUTPUT.
 */
static int run_measure(char *argv[]) {
        FILE *f = fopen(argv[0], "ae");
        uint64_t start = now();
        struct rusage usage;
        int status;
        pid_t pid;

        if (!f)
                die(argv[0]);
        pid = must(fork(), "fork");
        if (pid == 0) {
                (void) execvp(argv[1], argv + 1);
                perror(argv[1]);
                _exit(127);
        }
        must(wait4(pid, &status, 0, &usage), "wait");
        status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        fprintf(f, "%.4f %ld %d\n", (double) (now() - start) / SEC, usage.ru_maxrss, status);
        return fclose(f) == 0 ? status : 2;
}

static const struct {
        const char *name;
        int n_arguments; /* at least */
        const char *arguments;
        int (*run)(char *argv[]);
} commands[] = {
        { "exchange", 2, "A B", run_exchange },
        { "flip", 2, "A B", run_flip },
        { "socket", 1, "PATH", run_socket },
        { "deep", 3, "DIR LEVELS TEXT", run_deep },
        { "rewrite", 4, "FILE CHUNKS WRITING-MS RESTING-MS", run_rewrite },
        { "watch-whole", 2, "FILE CHUNKS", run_watch_whole },
        { "burst", 3, "DIR DIRECTORIES FILES", run_burst },
        { "latency", 3, "SOURCE REPLICA COUNT [JOURNAL]", run_latency },
        { "fleeting", 3, "DIR COUNT PAUSE-US", run_fleeting },
        { "ready", 2, "OUTPUT COMMAND...", run_ready },
        { "measure", 2, "OUTPUT COMMAND...", run_measure },
};

int main(int argc, char *argv[]) {
        const size_t n = sizeof(commands) / sizeof(commands[0]);

        (void) signal(SIGTERM, on_signal);
        for (size_t i = 0; argc > 1 && i < n; i++)
                if (strcmp(argv[1], commands[i].name) == 0 && argc - 2 >= commands[i].n_arguments)
                        return commands[i].run(argv + 2);

        for (size_t i = 0; i < n; i++)
                fprintf(stderr, "Usage: fsops %s %s\n", commands[i].name, commands[i].arguments);
        return 2;
}
