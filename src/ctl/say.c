#include "ctl/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "basic/alloc.h"
#include "basic/string-util.h"
#include "restore/problem.h"

void say_error(const char *format, ...) {
        _cleanup_free_ char *text = NULL, *safe = NULL;
        va_list arguments;

        va_start(arguments, format);
        if (vasprintf(&text, format, arguments) < 0)
                text = NULL;
        va_end(arguments);
        if (text)
                safe = escape_bytes(text);
        (void) fflush(stdout); /* in a file both come in the order in which they were said */
        (void) fprintf(stderr, "rebackupctl: %s\n", safe ? safe : "out of memory");
}

static const struct {
        int result;
        int code;
} codes[] = {
        { RESTORE_BAD_REQUEST, EX_USAGE },
        { RESTORE_NOT_FOUND, EX_NOINPUT },
        { RESTORE_NO_TARGET, EX_CANTCREAT },
        { RESTORE_BAD_CONFIG, EX_CONFIG },
        { -EACCES, EX_NOPERM },
        { -EPERM, EX_NOPERM },
        { -EDQUOT, EX_CANTCREAT },
        { -ENOSPC, EX_CANTCREAT },
        { -EROFS, EX_CANTCREAT },
        { -EIO, EX_IOERR },
        { -EPIPE, EX_IOERR },
};

int say_exit_code(int r) {
        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (codes[i].result == r)
                        return codes[i].code;
        return EX_SOFTWARE;
}

int say_problem(int r, char *error) {
        char *rest = NULL;

        /* It is safe for a terminal already, and may have more lines than one. */
        if (!error)
                say_error("%s", strerror(r < 0 ? -r : EINVAL));
        else
                for (char *line = strtok_r(error, "\n", &rest); line;
                     line = strtok_r(NULL, "\n", &rest))
                        (void) fprintf(stderr, "rebackupctl: %s\n", line);
        free(error);
        return say_exit_code(r);
}

const char *type_to_string(uint32_t mode) {
        switch (mode & S_IFMT) {
        case S_IFREG:
                return "file";
        case S_IFDIR:
                return "directory";
        case S_IFLNK:
                return "symlink";
        case S_IFIFO:
                return "fifo";
        case S_IFSOCK:
                return "socket";
        case S_IFCHR:
                return "character-device";
        case S_IFBLK:
                return "block-device";
        default:
                return "unknown";
        }
}

int finish_output(int status) {
        if (fflush(stdout) == 0 && !ferror(stdout))
                return status;
        say_error("cannot write to the standard output: %s", strerror(errno));
        return EX_IOERR;
}
