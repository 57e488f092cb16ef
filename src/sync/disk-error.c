#include "sync/disk-error.h"

#include <errno.h>
#include <string.h>

#include "sync/tell.h"

bool disk_error_is_general(int error) {
        switch (error) {
        case -EIO:
        case -ENODEV:
        case -ENOTCONN:
        case -ENXIO:
        case -EROFS:
        case -ESHUTDOWN:
        case -ESTALE:
                return true;
        default:
                return false;
        }
}

int disk_tell(const char *replica, int error, char **ret_error) {
        if (error == -EROFS)
                return tell_error(ret_error, error,
                                  "replica %s cannot be written: %s; see what the kernel says of "
                                  "its disk (journalctl -k), repair it or mount it read-write; "
                                  "until then nothing is mirrored",
                                  replica, strerror(-error));
        return tell_error(ret_error, error,
                          "replica %s cannot be reached: %s; its disk is gone or failing: see what "
                          "the kernel says of it (journalctl -k), and mount it again; until then "
                          "nothing is mirrored",
                          replica, strerror(-error));
}
