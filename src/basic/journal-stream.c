#include "basic/journal-stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

bool journal_stream_is(int fd, const char *stream) {
        uint64_t device, inode;
        struct stat st;
        int end = 0;

        if (!stream || sscanf(stream, "%" SCNu64 ":%" SCNu64 "%n", &device, &inode, &end) < 2 ||
            stream[end])
                return false;
        return fstat(fd, &st) >= 0 && st.st_dev == device && st.st_ino == inode;
}
