/* What the engine is told when mounts come and go. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "sync/file-systems.h"
#include "sync/purge.h"
#include "sync/visit.h"

void engine_note_mounts(Engine *engine) {
        file_systems_expire(engine);
        atomic_store(&engine->pair->mounts_changed, true);
}

/* Without the engine's structure lock, whose readers may be waited for: a job whose directory is
 * taken out of the tree under its hands is void, as if the directory had been removed. */
int engine_forget(Engine *engine, const char *path, Node **ret_node, char **ret_name) {
        _cleanup_free_ char *names = strdup(path), *name = NULL;
        _cleanup_(node_unrefp) Node *node = tree_root(engine->tree);
        char *rest = NULL;

        if (!names)
                return -ENOMEM;
        for (char *next = strtok_r(names, "/", &rest); next;) {
                _cleanup_(node_unrefp) Node *child = NULL;
                bool found = tree_find(engine->tree, node, next, &child) >= 0;

                free(name);
                name = strdup(next);
                if (!name)
                        return -ENOMEM;
                next = strtok_r(NULL, "/", &rest);
                if (found && !next)
                        purge_node(engine, child);
                if (!found || !next)
                        break;
                node_unref(node);
                node = TAKE_PTR(child);
        }
        if (!name)
                return -ENOMEM;
        *ret_node = TAKE_PTR(node);
        *ret_name = TAKE_PTR(name);
        return 0;
}
