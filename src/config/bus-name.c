#include "config/bus-name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-bus.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"

enum { BUS_NAME_MAX = 255 };

/* sd-bus encodes labels of object paths alone. */
#define ANY_PATH "/"

int bus_name_format(const char *name, char **ret) {
        _cleanup_free_ char *path = NULL;
        char *text;
        int r;

        r = sd_bus_path_encode(ANY_PATH, name, &path);
        if (r < 0)
                return r;
        if (strlen(BUS_NAME_PREFIX) + strlen(path + 1) > BUS_NAME_MAX)
                return -ENAMETOOLONG;
        if (asprintf(&text, BUS_NAME_PREFIX "%s", path + 1) < 0)
                return -ENOMEM;
        *ret = text;
        return 0;
}

int bus_name_parse(const char *bus_name, char **ret) {
        const char *label = startswith(bus_name, BUS_NAME_PREFIX);
        _cleanup_free_ char *path = NULL;

        if (!label || !label[0] || strchr(label, '.'))
                return 0;
        if (asprintf(&path, ANY_PATH "%s", label) < 0)
                return -ENOMEM;
        return sd_bus_path_decode(path, ANY_PATH, ret);
}
