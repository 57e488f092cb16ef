#include "model-step.h"

#include <errno.h>
#include <string.h>

#include "basic/macros.h"

#define MARK "#: "

static const char *const kind_names[_STEP_KIND_MAX] = {
        [STEP_CREATE] = "create",       [STEP_WRITE] = "write",
        [STEP_PATCH] = "patch",         [STEP_APPEND] = "append",
        [STEP_TRUNCATE] = "truncate",   [STEP_REPLACE] = "replace",
        [STEP_CHMOD] = "chmod",         [STEP_TOUCH] = "touch",
        [STEP_ATTRIBUTE] = "attribute", [STEP_RENAME] = "rename",
        [STEP_EXCHANGE] = "exchange",   [STEP_LINK] = "link",
        [STEP_SYMLINK] = "symlink",     [STEP_FIFO] = "fifo",
        [STEP_UNLINK] = "unlink",       [STEP_MKDIR] = "mkdir",
        [STEP_RMDIR] = "rmdir",         [STEP_REMOVE_ALL] = "remove-all",
        [STEP_RETYPE] = "retype",       [STEP_MOVE_OUT] = "move-out",
        [STEP_MOVE_IN] = "move-in",     [STEP_FULL] = "full",
        [STEP_FULL_LIVE] = "full-live", [STEP_DIRTY] = "dirty",
        [STEP_REST] = "rest",           [STEP_LOSE_EVENTS] = "lose-events",
        [STEP_RESTART] = "restart",     [STEP_LOSE_CATALOG] = "lose-catalog",
        [STEP_CHECK] = "check",
};

static const char *const side_names[_MODEL_SIDE_MAX] = { "s", "r" };

static const char *const engine_lines[_STEP_KIND_MAX] = {
        [STEP_FULL] = "rebackupd --once $OPTIONS s r # or a rescan of the one that runs",
        [STEP_FULL_LIVE] = "# a rescan by the rebackupd that runs, which acts on events meanwhile",
        [STEP_DIRTY] = "# the rebackupd that runs acts on what it was told of so far, once",
        [STEP_REST] = "# the rebackupd that runs acts on all events, until nothing is left",
        [STEP_LOSE_EVENTS] = "# the events so far of this side are lost",
        [STEP_RESTART] = "# rebackupd is stopped, if it runs; what comes next starts it",
        [STEP_LOSE_CATALOG] = "rm -f .[rs].rebackup/catalog.db* # rebackupd is stopped for that",
        [STEP_CHECK] = "rebackupd --once $OPTIONS s r # repeated until there is nothing to do",
};

static void print_mode(FILE *f, const Step *step, const char *a) {
        (void) fprintf(f, "chmod %o %s", step_mode(step), a);
}

static void print_made(FILE *f, const Step *step, const char *a) {
        switch (step_retyped(step)) {
        case STEP_SYMLINK:
                (void) fprintf(f, "ln -s l%05u %s", step->value, a);
                break;
        case STEP_MKDIR:
                (void) fprintf(f, "mkdir %s", a);
                break;
        case STEP_FIFO:
                (void) fprintf(f, "mkfifo %s", a);
                break;
        default:
                (void) fprintf(f, "echo t%05u >%s", step->value, a);
        }
}

static void print_content(FILE *f, const Step *step, const char *a) {
        switch (step->kind) {
        case STEP_PATCH:
                (void) fprintf(f, "printf t%05u | dd of=%s conv=notrunc status=none", step->value,
                               a);
                break;
        case STEP_APPEND:
                (void) fprintf(f, "echo t%05u >>%s", step->value, a);
                break;
        case STEP_TRUNCATE:
                (void) fprintf(f, "truncate -s %u %s", step->value, a);
                break;
        case STEP_REPLACE:
                (void) fprintf(f, "echo t%05u >out/new && mv out/new %s", step->value, a);
                break;
        case STEP_TOUCH:
                (void) fprintf(f, "touch -h -d @%u %s", step_time(step), a);
                break;
        case STEP_ATTRIBUTE:
                (void) fprintf(f, "setfattr -n user.model -v %u %s", step->value, a);
                break;
        default:
                (void) fprintf(f, "echo t%05u >%s", step->value, a);
        }
}

static void print_by_somebody(FILE *f, const Step *step, const char *a, const char *b) {
        switch (step->kind) {
        case STEP_RENAME:
                (void) fprintf(f, "mv -T %s %s", a, b);
                break;
        case STEP_EXCHANGE:
                (void) fprintf(f, "mv -T %s out/e && mv -T %s %s && mv -T out/e %s", a, b, a, b);
                break;
        case STEP_LINK:
                (void) fprintf(f, "ln %s %s", a, b);
                break;
        case STEP_UNLINK:
                (void) fprintf(f, "rm %s", a);
                break;
        case STEP_RMDIR:
                (void) fprintf(f, "rmdir %s", a);
                break;
        case STEP_REMOVE_ALL:
                (void) fprintf(f, "rm -r %s", a);
                break;
        case STEP_RETYPE:
                (void) fprintf(f, "rm -r %s; ", a);
                print_made(f, step, a);
                break;
        case STEP_MOVE_OUT:
                (void) fprintf(f, "mv -T %s out/%s", a, step->b);
                break;
        case STEP_MOVE_IN:
                (void) fprintf(f, "mv -T out/%s %s", step->b, a);
                break;
        case STEP_CHMOD:
                print_mode(f, step, a);
                break;
        case STEP_SYMLINK:
        case STEP_MKDIR:
        case STEP_FIFO:
                print_made(f, step, a);
                break;
        default:
                print_content(f, step, a);
        }
}

void step_print(FILE *f, const Step *step) {
        char a[MODEL_PATH_MAX + 2], b[MODEL_PATH_MAX + 2];

        (void) snprintf(a, sizeof a, "%s/%s", side_names[step->side], step->a);
        (void) snprintf(b, sizeof b, "%s/%s", side_names[step->side], step->b);
        if (step->inside)
                (void) fputs("        ", f);
        if (step_is_by_engine(step))
                (void) fputs(engine_lines[step->kind], f);
        else
                print_by_somebody(f, step, a, b);
        if (step->at > 0)
                (void) fprintf(f, " # interrupted at its call %u: what is indented%s", step->at,
                               step->kill ? ", then SIGKILL" : "");
        (void) fprintf(f, "\n" MARK "%s %s %s %s %u %u %d %d\n", kind_names[step->kind],
                       side_names[step->side], step->a[0] ? step->a : "-",
                       step->b[0] ? step->b : "-", step->value, step->at, step->kill, step->inside);
}

static int find_name(const char *const *names, int n_names, const char *name) {
        for (int i = 0; i < n_names; i++)
                if (strcmp(names[i], name) == 0)
                        return i;
        return -EINVAL;
}

int step_parse(const char *line, Step *ret) {
        char kind_name[32], side_name[4];
        int kind, side, kill, inside;
        Step step = {};

        if (strncmp(line, MARK, strlen(MARK)) != 0)
                return 0;
        if (sscanf(line + strlen(MARK), "%31s %3s %31s %31s %u %u %d %d", kind_name, side_name,
                   step.a, step.b, &step.value, &step.at, &kill, &inside) != 8)
                return -EINVAL;
        kind = find_name(kind_names, ELEMENTSOF(kind_names), kind_name);
        side = find_name(side_names, ELEMENTSOF(side_names), side_name);
        if (kind < 0 || side < 0)
                return -EINVAL;
        step.kind = kind;
        step.side = side;
        step.kill = kill != 0;
        step.inside = inside != 0;
        if (strcmp(step.a, "-") == 0)
                step.a[0] = '\0';
        if (strcmp(step.b, "-") == 0)
                step.b[0] = '\0';
        *ret = step;
        return 1;
}

unsigned step_mode(const Step *step) {
        static const unsigned modes[] = { 0700, 0755, 0711, 0750 };

        return modes[step->value % ELEMENTSOF(modes)];
}

unsigned step_time(const Step *step) {
        return 1000000000 + step->value % 4;
}

StepKind step_retyped(const Step *step) {
        static const StepKind kinds[] = { STEP_CREATE, STEP_MKDIR, STEP_SYMLINK, STEP_FIFO };

        return step->kind == STEP_RETYPE ? kinds[step->value % ELEMENTSOF(kinds)] : step->kind;
}
