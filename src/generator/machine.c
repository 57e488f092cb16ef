#include "generator/machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/string-util.h"
#include "generator/path-list.h"
#include "generator/unit-name.h"

struct Machine {
        const char *root;
        PathList unit_directories;
        PathList dependency_directories; /* that say what a unit pulls in */
        PathList mount_points;
};

static bool is_there(const char *directory, const char *name) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s/%s", directory, name) < 0) {
                path = NULL;
                return false;
        }
        return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
}

/* Where units are looked for */

static int add_system_directories(Machine *machine) {
        static const char *const directories[] = {
                "/etc/systemd/system",
                "/run/systemd/system",
                "/usr/local/lib/systemd/system",
                "/usr/lib/systemd/system",
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(directories); i++)
                r = path_list_addf(&machine->unit_directories, "%s%s", machine->root,
                                   directories[i]);
        return r;
}

static int add_user_directories(Machine *machine) {
        const char *configuration = secure_getenv("XDG_CONFIG_HOME"), *home = secure_getenv("HOME");
        int r = 0;

        if (configuration)
                r = path_list_addf(&machine->unit_directories, "%s%s/systemd/user", machine->root,
                                   configuration);
        else if (home)
                r = path_list_addf(&machine->unit_directories, "%s%s/.config/systemd/user",
                                   machine->root, home);
        if (r < 0)
                return r;
        r = path_list_addf(&machine->unit_directories, "%s/etc/systemd/user", machine->root);
        return r < 0 ? r
                     : path_list_addf(&machine->unit_directories, "%s/usr/lib/systemd/user",
                                      machine->root);
}

static bool says_dependencies(const char *name) {
        const char *suffix = strrchr(name, '.');

        return suffix && (streq(suffix, ".wants") || streq(suffix, ".requires"));
}

/* What of it cannot be read enables nothing. */
static int find_dependency_directories(Machine *machine, const char *path) {
        DIR *directory = opendir(path);
        struct dirent *entry;
        int r = 0;

        if (!directory)
                return 0;
        while (r >= 0 && (entry = readdir(directory)))
                if (says_dependencies(entry->d_name))
                        r = path_list_addf(&machine->dependency_directories, "%s/%s", path,
                                           entry->d_name);
        (void) closedir(directory);
        return r;
}

bool machine_wants(const Machine *machine, const char *unit) {
        for (size_t i = 0; i < machine->dependency_directories.n_items; i++)
                if (is_there(machine->dependency_directories.items[i], unit))
                        return true;
        return false;
}

/* Where file systems are mounted */

/* Without slashes at the end. */
static int length_of_path(const char *path) {
        size_t length = strlen(path);

        while (length > 1 && path[length - 1] == '/')
                length--;
        return (int) length;
}

/* FILE is a table of mounts, or of mounts to be made. */
static int add_mount_points(Machine *machine, const char *file) {
        _cleanup_free_ char *path = NULL;
        struct mntent *entry;
        FILE *table;
        int r = 0;

        if (asprintf(&path, "%s%s", machine->root, file) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        table = setmntent(path, "re");
        if (!table)
                return 0;
        while (r >= 0 && (entry = getmntent(table)))
                if (entry->mnt_dir[0] == '/')
                        r = path_list_addf(&machine->mount_points, "%.*s",
                                           length_of_path(entry->mnt_dir), entry->mnt_dir);
        (void) endmntent(table);
        return r;
}

static bool has_mount_unit(const Machine *machine, const char *path) {
        _cleanup_free_ char *unit = unit_name_of_mount(path);

        for (size_t i = 0; unit && i < machine->unit_directories.n_items; i++)
                if (is_there(machine->unit_directories.items[i], unit))
                        return true;
        return false;
}

static bool is_mount_point(const char *path, void *userdata) {
        const Machine *machine = ASSERT_PTR(userdata);

        return path_list_has(&machine->mount_points, path) || has_mount_unit(machine, path);
}

static bool exists(const char *path, void *userdata) {
        const Machine *machine = ASSERT_PTR(userdata);

        return is_there(machine->root, path + 1);
}

Surroundings machine_surroundings(Machine *machine) {
        return (Surroundings) { .is_mount_point = is_mount_point,
                                .exists = exists,
                                .userdata = machine };
}

/* All of it */

static int acquire(Machine *machine, Scope scope) {
        PathList *directories = &machine->unit_directories;
        int r;

        r = scope == SCOPE_USER ? add_user_directories(machine) : add_system_directories(machine);
        for (size_t i = 0; r >= 0 && i < directories->n_items; i++)
                r = find_dependency_directories(machine, directories->items[i]);
        if (r >= 0)
                r = add_mount_points(machine, "/etc/fstab");
        return r < 0 ? r : add_mount_points(machine, "/proc/self/mounts");
}

int machine_new(const char *root, Scope scope, Machine **ret) {
        _cleanup_(machine_freep) Machine *machine = new0(Machine, 1);
        int r;

        if (!machine)
                return -ENOMEM;
        machine->root = root;
        r = acquire(machine, scope);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(machine);
        return 0;
}

Machine *machine_free(Machine *machine) {
        if (!machine)
                return NULL;
        path_list_done(&machine->unit_directories);
        path_list_done(&machine->dependency_directories);
        path_list_done(&machine->mount_points);
        free(machine);
        return NULL;
}
