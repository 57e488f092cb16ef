#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "watch-random.h"
#include "watch/tree.h"

static Tree *tree;
static Node *root;

static void setup(void) {
        ck_assert_int_eq(tree_new(&tree), 0);
        root = tree_root(tree);
}

static void teardown(void) {
        root = node_unref(root);
        tree = tree_free(tree);
}

/* Against a model: an array in which everything is searched for */

enum { MODEL_MAX = 300, N_STEPS = 20000 };

typedef struct Model {
        Node *node; /* counted */
        int parent; /* -1: the root, or detached */
        bool attached;
        int64_t id;
        NodePlace place;
        char name[48];
        char stage_name[16];
} Model;

static Model model[MODEL_MAX];
static int n_model;

static int model_find(int parent, const char *name) {
        for (int i = 1; i < n_model; i++)
                if (model[i].attached && model[i].parent == parent &&
                    strcmp(model[i].name, name) == 0)
                        return i;
        return -1;
}

static int model_index(const Node *node) {
        for (int i = 0; i < n_model; i++)
                if (model[i].node == node)
                        return i;
        return -1;
}

static bool model_lies_in(int i, int ancestor) {
        while (i >= 0 && i != ancestor)
                i = model[i].parent;
        return i >= 0;
}

static int model_detach(int top, int but) {
        bool goes[MODEL_MAX] = {};
        int n = 0;

        for (int i = 0; i < n_model; i++)
                goes[i] = model[i].attached && model_lies_in(i, top) &&
                          (but < 0 || !model_lies_in(i, but));
        for (int i = 0; i < n_model; i++)
                if (goes[i]) {
                        model[i].attached = false;
                        model[i].id = 0;
                        n++;
                }
        for (int i = 0; i < n_model; i++)
                if (goes[i])
                        model[i].parent = -1;
        return n;
}

static void model_path(int i, char *path) {
        if (i == 0) {
                *path = '\0';
                return;
        }
        model_path(model[i].parent, path);
        if (*path)
                strcat(path, "/");
        strcat(path, model[i].name);
}

static void model_check(int i) {
        char path[MODEL_MAX * 48];
        char *source = NULL, *replica = NULL;
        Node *node = model[i].node;
        bool staged;

        ck_assert_int_eq(node->detached, !model[i].attached);
        ck_assert_int_eq(node->directory_id, model[i].id);
        ck_assert_uint_eq(atomic_load(&node->n_references), model[i].attached ? 2 : 1);
        if (!model[i].attached) {
                ck_assert_int_eq(tree_source_path(tree, node, NULL, &source), -ESTALE);
                return;
        }

        model_path(i, path);
        ck_assert_int_eq(tree_source_path(tree, node, NULL, &source), 0);
        ck_assert_str_eq(source, path);
        free(source);

        int top = i;
        while (model[top].place == NODE_IN_PARENT && model[top].parent >= 0)
                top = model[top].parent;
        if (model[top].place == NODE_ABSENT)
                ck_assert_int_eq(tree_replica_path(tree, node, &staged, &replica), -ENOENT);
        else {
                char prefix[MODEL_MAX * 48], expected[sizeof(prefix) + 16];

                model_path(top, prefix);
                (void) snprintf(expected, sizeof(expected), "%s%s", model[top].stage_name,
                                path + strlen(prefix));
                ck_assert_int_eq(tree_replica_path(tree, node, &staged, &replica), 0);
                ck_assert_str_eq(replica, expected);
                ck_assert_int_eq(staged, model[top].place == NODE_STAGED);
                free(replica);
        }
}

static void model_check_all(void) {
        size_t n = 0;

        for (int i = 0; i < n_model; i++) {
                model_check(i);
                n += model[i].attached;
        }
        ck_assert_uint_eq(tree_n_nodes(tree), n);
}

/* Forgets the detached ones, so that there is room for new ones. */
static void model_compact(void) {
        int place[MODEL_MAX], n = 0;

        for (int i = 0; i < n_model; i++) {
                place[i] = n;
                if (model[i].attached)
                        model[n++] = model[i];
                else
                        node_unref(model[i].node);
        }
        n_model = n;
        for (int i = 1; i < n_model; i++)
                model[i].parent = place[model[i].parent];
}

static void random_name(uint64_t *state, char *name, size_t size) {
        static const char *const names[] = { "a",        "b",
                                             "cc",       "a name that is rather long, for a name",
                                             "eight888", "sixteen-16161616" };

        (void) snprintf(name, size, "%s", names[random_below(state, 6)]);
}

static void step_child(uint64_t *state, int parent) {
        char name[48];
        Node *node;
        int there;

        random_name(state, name, sizeof(name));
        if (!model[parent].attached) {
                ck_assert_int_eq(tree_child(tree, model[parent].node, name, &node), -ESTALE);
                return;
        }
        there = model_find(parent, name);
        if (there >= 0) {
                ck_assert_int_eq(tree_child(tree, model[parent].node, name, &node), 0);
                ck_assert_ptr_eq(node, model[there].node);
                node_unref(node);
                return;
        }
        ck_assert_int_eq(tree_find(tree, model[parent].node, name, &node), -ENOENT);
        if (n_model == MODEL_MAX)
                return;
        ck_assert_int_eq(tree_child(tree, model[parent].node, name, &node), 1);
        model[n_model] = (Model) { .node = node, .parent = parent, .attached = true };
        memcpy(model[n_model++].name, name, sizeof(name));
}

static void step_move(uint64_t *state, int i, int parent) {
        char name[48];
        int expected = 0, there;

        random_name(state, name, sizeof(name));
        if (!model[i].attached || !model[parent].attached)
                expected = -ESTALE;
        else if (i == 0 || model_lies_in(parent, i))
                expected = -EINVAL;
        ck_assert_int_eq(tree_move(tree, model[i].node, model[parent].node, name), expected);
        if (expected < 0)
                return;
        there = model_find(parent, name);
        if (there >= 0 && there != i)
                (void) model_detach(there, i);
        model[i].parent = parent;
        memcpy(model[i].name, name, sizeof(name));
}

static void count(Node *node, void *userdata) {
        int *n = userdata;

        ck_assert_int_ge(model_index(node), 0);
        ++*n;
}

static void step_detach(int i) {
        int n = 0;

        if (i == 0)
                return;
        tree_detach(tree, model[i].node, count, &n);
        ck_assert_int_eq(n, model[i].attached ? model_detach(i, -1) : 0);
}

static void step_id(uint64_t *state, int i) {
        int64_t id = random_below(state, 40);
        Node *node = NULL;

        ck_assert_int_eq(tree_set_id(tree, model[i].node, id), model[i].attached ? 0 : -ESTALE);
        if (!model[i].attached)
                return;
        for (int j = 0; j < n_model; j++)
                if (model[j].id == id)
                        model[j].id = 0;
        model[i].id = id;
        ck_assert_int_eq(tree_find_by_id(tree, id, &node), id == 0 ? -ENOENT : 0);
        ck_assert(id == 0 || node == model[i].node);
        node_unref(node);
}

static void step_place(uint64_t *state, int i) {
        NodePlace place = random_below(state, 3);
        bool staged = place == NODE_STAGED;

        if (i == 0)
                return;
        *model[i].stage_name = '\0';
        if (staged)
                (void) snprintf(model[i].stage_name, sizeof(model[i].stage_name), "s%u",
                                random_below(state, 10000));
        model[i].place = place;
        ck_assert_int_eq(
                tree_set_place(tree, model[i].node, place, staged ? model[i].stage_name : NULL), 0);
}

START_TEST(test_random_operations) {
        uint64_t state = random_seed(__func__) + (uint64_t) _i;

        model[0] = (Model) { .node = root, .parent = -1, .attached = true };
        n_model = 1;
        for (int step = 0; step < N_STEPS; step++) {
                int a = (int) random_below(&state, (unsigned) n_model);
                int b = (int) random_below(&state, (unsigned) n_model);

                switch (random_below(&state, 11)) {
                case 0:
                case 1:
                        step_move(&state, a, b);
                        break;
                case 2:
                        if (random_below(&state, 4) == 0)
                                step_detach(a);
                        break;
                case 3:
                        step_id(&state, a);
                        break;
                case 4:
                        step_place(&state, a);
                        break;
                default:
                        step_child(&state, a);
                }
                if (step % 50 == 0)
                        model_check_all();
                if (step % 500 == 0)
                        model_compact();
        }
        for (int i = 1; i < n_model; i++)
                node_unref(model[i].node);
}
END_TEST

/* Threads */

enum { N_THREADS = 4, N_THREAD_STEPS = 20000 };

static void thread_step(uint64_t *state, Node **held) {
        static const char *const names[] = { "a", "b", "c" };
        const char *name = names[random_below(state, 3)];
        Node *node = NULL, *other = NULL;
        char *path = NULL;
        bool staged;

        switch (random_below(state, 7)) {
        case 0:
                (void) tree_find(tree, root, name, &other);
                if (other && *held)
                        (void) tree_move(tree, *held, other, name);
                break;
        case 1:
                if (*held && *held != root && random_below(state, 8) == 0)
                        tree_detach(tree, *held, NULL, NULL);
                break;
        case 2:
                if (*held && tree_replica_path(tree, *held, &staged, &path) >= 0)
                        free(path);
                break;
        case 3:
                if (*held && tree_source_path(tree, *held, name, &path) >= 0)
                        free(path);
                break;
        case 4:
                if (*held)
                        (void) tree_set_id(tree, *held, random_below(state, 10));
                (void) tree_find_by_id(tree, random_below(state, 10), &other);
                break;
        case 5:
                if (*held && !(*held)->detached)
                        (void) tree_set_place(tree, *held, NODE_STAGED, name);
                break;
        default:
                if (tree_child(tree, *held ?: root, name, &node) < 0)
                        break;
                node_unref(*held);
                *held = node;
        }
        node_unref(other);
        if (random_below(state, 10) == 0)
                *held = node_unref(*held);
}

static void *hammer(void *userdata) {
        uint64_t state = (uintptr_t) userdata;
        Node *held = NULL;

        for (int i = 0; i < N_THREAD_STEPS; i++)
                thread_step(&state, &held);
        node_unref(held);
        return NULL;
}

static Node *next_in_preorder(Node *node) {
        if (node->first_child)
                return node->first_child;
        while (node && !node->next_sibling)
                node = node->parent;
        return node ? node->next_sibling : NULL;
}

/* Counts the nodes by their links, and checks that these agree with each other and the name index.
 * For when no other thread is at the tree. */
static size_t count_linked(void) {
        size_t n = 0;

        for (Node *node = root; node; node = next_in_preorder(node)) {
                Node *previous = node->previous_sibling, *found = NULL;

                n++;
                ck_assert(!node->detached);
                if (node == root)
                        continue;
                ck_assert_ptr_eq(previous ? previous->next_sibling : node->parent->first_child,
                                 node);
                ck_assert_int_eq(tree_find(tree, node->parent, node->name, &found), 0);
                ck_assert_ptr_eq(found, node);
                node_unref(found);
        }
        return n;
}

START_TEST(test_threads) {
        uint64_t seed = random_seed(__func__);
        pthread_t threads[N_THREADS];

        for (uintptr_t i = 0; i < N_THREADS; i++)
                ck_assert_int_eq(
                        pthread_create(&threads[i], NULL, hammer, (void *) (uintptr_t) (seed + i)),
                        0);
        for (int i = 0; i < 100; i++)
                ck_assert_uint_le(tree_n_nodes(tree), N_THREADS * N_THREAD_STEPS + 1);
        for (size_t i = 0; i < N_THREADS; i++)
                ck_assert_int_eq(pthread_join(threads[i], NULL), 0);

        ck_assert_uint_eq(tree_n_nodes(tree), count_linked());
}
END_TEST

static Suite *model_suite(void) {
        Suite *suite = suite_create("tree-model");
        TCase *tests = tcase_create("random");

        tcase_set_timeout(tests, 120);
        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_loop_test(tests, test_random_operations, 0, 4);
        tcase_add_test(tests, test_threads);
        suite_add_tcase(suite, tests);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(model_suite());
        int n_failed;

        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
