/* Operations that move: within the tree, over one another, out of the tree and back. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "churn-ops.h"

Tree *arg_outside = NULL;

static int rename_node(Tree *t, Node *n, Node *dir, const char *name, Node *victim) {
        int fds[2], r = open_two_dirs(t, n->parent, dir, fds);

        if (r < 0)
                return r;
        r = finish_two(fds,
                       renameat2(fds[0], n->name, fds[1], name, victim ? 0 : RENAME_NOREPLACE));
        if (r < 0)
                return r;
        if (victim)
                tree_remove(t, victim);
        tree_move(t, n, dir, name);
        return 0;
}

int op_rename_here(Tree *t) {
        Node *n = tree_pick(t, ANY_TYPE);

        return n ? rename_node(t, n, n->parent, random_name(t, n->parent), NULL) : NOT_NOW;
}

int op_rename_away(Tree *t) {
        Node *n = tree_pick(t, ANY_TYPE), *dir = tree_pick_dir(t);

        if (!n || tree_is_inside(dir, n) || tree_depth(dir) >= DEPTH_MAX)
                return NOT_NOW;
        return rename_node(t, n, dir, random_name(t, dir), NULL);
}

int op_rename_over(Tree *t) {
        Node *n = tree_pick(t, TYPE(S_IFREG)),
             *victim = tree_pick(t, TYPE(S_IFREG) | TYPE(S_IFLNK));
        struct stat a, b;
        char name[256];
        int fds[2], r;

        if (!n || !victim || n == victim || must_not_be_replaced(t, victim))
                return NOT_NOW;
        r = open_two_dirs(t, n->parent, victim->parent, fds);
        if (r < 0)
                return r;
        r = finish_two(fds, fstatat(fds[0], n->name, &a, AT_SYMLINK_NOFOLLOW) |
                                    fstatat(fds[1], victim->name, &b, AT_SYMLINK_NOFOLLOW));
        if (r < 0)
                return r;
        /* Between two names of one inode rename() does nothing and reports success. */
        if (a.st_ino == b.st_ino)
                return NOT_NOW;
        (void) snprintf(name, sizeof(name), "%s", victim->name);
        return rename_node(t, n, victim->parent, name, victim);
}

static int exchange_nodes(Tree *t, Node *a, Node *b) {
        int fds[2], r = open_two_dirs(t, a->parent, b->parent, fds);

        if (r < 0)
                return r;
        r = finish_two(fds, renameat2(fds[0], a->name, fds[1], b->name, RENAME_EXCHANGE));
        if (r >= 0)
                tree_exchange(t, a, b);
        return r;
}

int op_exchange(Tree *t) {
        Node *a = tree_pick(t, ANY_TYPE), *b = tree_pick(t, ANY_TYPE);

        if (!a || !b || tree_is_inside(a, b) || tree_is_inside(b, a))
                return NOT_NOW;
        return exchange_nodes(t, a, b);
}

/* Only an empty directory can be replaced. */
int op_rename_over_directory(Tree *t) {
        Node *n = tree_pick(t, TYPE(S_IFDIR)), *victim = tree_pick(t, TYPE(S_IFDIR));
        char name[256];

        if (!n || !victim || victim->n_children > 0 || tree_is_inside(victim, n) ||
            tree_is_inside(n, victim))
                return NOT_NOW;
        (void) snprintf(name, sizeof(name), "%s", victim->name);
        return rename_node(t, n, victim->parent, name, victim);
}

/* Two directories, neither in the other. */
static bool pick_two_directories(Tree *t, Node **ret_a, Node **ret_b) {
        Node *a = tree_pick(t, TYPE(S_IFDIR)), *b = tree_pick(t, TYPE(S_IFDIR));

        *ret_a = a;
        *ret_b = b;
        return a && b && !tree_is_inside(a, b) && !tree_is_inside(b, a);
}

int op_swap_directories(Tree *t) {
        Node *a, *b;

        return pick_two_directories(t, &a, &b) ? exchange_nodes(t, a, b) : NOT_NOW;
}

/* By way of a third name, as it is done by hand. */
int op_swap_in_steps(Tree *t) {
        char name_a[256], name_b[256];
        Node *a, *b, *home_a, *home_b;
        int r;

        if (!pick_two_directories(t, &a, &b))
                return NOT_NOW;
        home_a = a->parent;
        home_b = b->parent;
        (void) snprintf(name_a, sizeof(name_a), "%s", a->name);
        (void) snprintf(name_b, sizeof(name_b), "%s", b->name);
        r = rename_node(t, a, home_a, random_name(t, home_a), NULL);
        if (r >= 0)
                r = rename_node(t, b, home_a, name_a, NULL);
        return r < 0 ? r : rename_node(t, a, home_b, name_b, NULL);
}

/* What is outside rests until it comes back: a change there could reach the tree through a hard
 * link, and nobody watches there. */
int op_move_out(Tree *t) {
        Node *n = arg_outside ? tree_pick(t, ANY_TYPE) : NULL, *home;
        const char *name;
        int from, r;

        if (!n || must_stay(t, n))
                return NOT_NOW;
        home = arg_outside->root;
        name = random_name(arg_outside, home);
        from = tree_open_dir(t, n->parent);
        if (from < 0)
                return from;
        r = finish_call(from,
                        renameat2(from, n->name, arg_outside->root_fd, name, RENAME_NOREPLACE));
        if (r < 0)
                return r;
        (void) tree_add(arg_outside, home, name, n->type);
        tree_remove(t, n);
        return 0;
}

/* Something outside, as a whole. */
static Node *pick_outside(Tree *t) {
        Node *root = arg_outside ? arg_outside->root : NULL;

        return root && root->n_children > 0 ? root->children[tree_random(t, root->n_children)]
                                            : NULL;
}

int op_move_in(Tree *t) {
        Node *n = pick_outside(t), *dir = pick_home(t), *moved;
        const char *name;
        int to, r;

        if (!n || !dir)
                return NOT_NOW;
        name = random_name(t, dir);
        to = tree_open_dir(t, dir);
        if (to < 0)
                return to;
        r = finish_call(to, renameat2(arg_outside->root_fd, n->name, to, name, RENAME_NOREPLACE));
        if (r < 0)
                return r;
        moved = tree_add(t, dir, name, n->type);
        tree_remove(arg_outside, n);
        if (moved->type == S_IFDIR)
                tree_read(t, moved);
        return 0;
}
