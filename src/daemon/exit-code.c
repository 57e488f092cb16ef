#include "daemon/exit-code.h"

#include <errno.h>
#include <stddef.h>
#include <sysexits.h>

#include "basic/macros.h"
#include "sync/pair.h"

typedef struct ExitCode {
        int result;
        int code;
} ExitCode;

static const ExitCode config_codes[] = {
        { -ENOMEM, EX_SOFTWARE },
        { -EACCES, EX_NOPERM },
        { -EPERM, EX_NOPERM },
};

static const ExitCode pair_codes[] = {
        { GUARD_OK, EX_OK },
        { GUARD_SOURCE_GONE, EX_NOINPUT },
        { GUARD_SOURCE_FOREIGN, EX_UNAVAILABLE },
        { GUARD_REPLICA_FOREIGN, EX_UNAVAILABLE },
        { GUARD_OVERLAP, EX_CONFIG },
        { GUARD_REPLICA_GONE, EX_CANTCREAT },
        { -EBUSY, EX_TEMPFAIL },
        { -EACCES, EX_NOPERM },
        { -EPERM, EX_NOPERM },
        { -EDQUOT, EX_CANTCREAT },
        { -EEXIST, EX_CANTCREAT },
        { -EFBIG, EX_CANTCREAT },
        { -EIO, EX_CANTCREAT },
        { -ELOOP, EX_CANTCREAT },
        { -ENAMETOOLONG, EX_CANTCREAT },
        { -ENODEV, EX_CANTCREAT },
        { -ENOENT, EX_CANTCREAT },
        { -ENOSPC, EX_CANTCREAT },
        { -ENOTCONN, EX_CANTCREAT },
        { -ENOTDIR, EX_CANTCREAT },
        { -EOPNOTSUPP, EX_CANTCREAT },
        { -EROFS, EX_CANTCREAT },
        { -ESTALE, EX_CANTCREAT },
        { -EXDEV, EX_CANTCREAT },
};

static int look_up(const ExitCode *codes, size_t n, int result, int otherwise) {
        for (size_t i = 0; i < n; i++)
                if (codes[i].result == result)
                        return codes[i].code;
        return otherwise;
}

int exit_code_of_config(int r) {
        return r >= 0 ? EX_OK : look_up(config_codes, ELEMENTSOF(config_codes), r, EX_CONFIG);
}

int exit_code_of_pair(int r) {
        return look_up(pair_codes, ELEMENTSOF(pair_codes), r, EX_SOFTWARE);
}

int exit_code_of_once(uint64_t n_held, uint64_t n_failed) {
        if (n_held > 0)
                return EX_UNAVAILABLE;
        return n_failed > 0 ? EXIT_SOME_FAILED : EX_OK;
}
