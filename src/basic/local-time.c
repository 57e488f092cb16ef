#include "basic/local-time.h"

#include <time.h>

const char *local_time_format(char *buffer, size_t size, usec_t realtime) {
        time_t seconds = (time_t) (realtime / USEC_PER_SEC);
        struct tm tm;

        if (!localtime_r(&seconds, &tm) || strftime(buffer, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
                buffer[0] = '\0';
        return buffer;
}
