#include <check.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* A node that is certainly attached; the reference is the tree's alone. */
static Node *make(Node *parent, const char *name) {
        Node *node = NULL;

        ck_assert_int_ge(tree_child(tree, parent, name, &node), 0);
        node_unref(node);
        return node;
}

static void assert_source(Node *node, const char *name, const char *expected) {
        char *path = NULL;

        ck_assert_int_eq(tree_source_path(tree, node, name, &path), 0);
        ck_assert_str_eq(path, expected);
        free(path);
}

static void assert_replica(Node *node, bool staged, const char *expected) {
        bool is_staged = !staged;
        char *path = NULL;

        ck_assert_int_eq(tree_replica_path(tree, node, &is_staged, &path), 0);
        ck_assert_str_eq(path, expected);
        ck_assert_int_eq(is_staged, staged);
        free(path);
}

START_TEST(test_children) {
        Node *a, *again, *none = (Node *) &tree;

        ck_assert_int_eq(tree_child(tree, root, "a", &a), 1);
        ck_assert_int_eq(tree_child(tree, root, "a", &again), 0);
        ck_assert_ptr_eq(a, again);
        node_unref(again);
        ck_assert_int_eq(tree_find(tree, root, "a", &again), 0);
        ck_assert_ptr_eq(a, again);
        node_unref(again);
        ck_assert_uint_eq(atomic_load(&a->n_references), 2);
        ck_assert_uint_eq(a->watch_slots[WATCH_SOURCE], 0);
        ck_assert_uint_eq(a->watch_slots[WATCH_REPLICA], 0);

        ck_assert_int_eq(tree_find(tree, root, "b", &none), -ENOENT);
        ck_assert_int_eq(tree_find(tree, a, "a", &none), -ENOENT);
        ck_assert_ptr_eq(none, (Node *) &tree);
        ck_assert_uint_eq(tree_n_nodes(tree), 2);
        node_unref(a);
}
END_TEST

START_TEST(test_parent_and_name) {
        Node *a = make(root, "a"), *b = node_ref(make(a, "b")), *parent = tree_parent(tree, b);
        char *name = tree_name(tree, b);

        ck_assert_ptr_eq(parent, a);
        ck_assert_str_eq(name, "b");
        free(name);
        node_unref(parent);
        ck_assert_ptr_null(tree_parent(tree, root));
        tree_detach(tree, b, NULL, NULL);
        ck_assert_ptr_null(tree_parent(tree, b));
        node_unref(b);
}
END_TEST

START_TEST(test_paths) {
        Node *a = make(root, "a"), *b = make(a, "b\xff\n");

        assert_source(root, NULL, "");
        assert_source(root, "f", "f");
        assert_source(a, NULL, "a");
        assert_source(b, NULL, "a/b\xff\n");
        assert_source(b, "f", "a/b\xff\n/f");
}
END_TEST

START_TEST(test_name_lengths) {
        char name[UINT16_MAX + 1];
        Node *node = NULL;

        memset(name, 'x', sizeof(name));
        name[UINT16_MAX] = '\0';
        ck_assert_int_eq(tree_child(tree, root, name, &node), -ENAMETOOLONG);
        node = make(root, "a");
        ck_assert_int_eq(tree_move(tree, node, root, name), -ENAMETOOLONG);

        /* Longer than the node has room for, shorter again, back to the first. */
        name[255] = '\0';
        ck_assert_int_eq(tree_move(tree, node, root, name), 0);
        assert_source(node, NULL, name);
        name[200] = '\0';
        ck_assert_int_eq(tree_move(tree, node, root, name), 0);
        assert_source(node, NULL, name);
        ck_assert_int_eq(tree_move(tree, node, root, "b"), 0);
        assert_source(node, NULL, "b");
        ck_assert_ptr_eq(node->name, node->inline_name);
}
END_TEST

START_TEST(test_replica_paths) {
        Node *a = make(root, "a"), *b = make(a, "b"), *c = make(b, "c");
        bool staged;
        char *path = NULL;

        assert_replica(root, false, "");
        assert_replica(c, false, "a/b/c");

        ck_assert_int_eq(tree_set_place(tree, b, NODE_STAGED, "d-1"), 0);
        assert_replica(a, false, "a");
        assert_replica(b, true, "d-1");
        assert_replica(c, true, "d-1/c");

        ck_assert_int_eq(tree_set_place(tree, b, NODE_STAGED, "d-2"), 0);
        assert_replica(c, true, "d-2/c");

        /* Beyond a staged directory nothing matters. */
        ck_assert_int_eq(tree_set_place(tree, a, NODE_ABSENT, NULL), 0);
        assert_replica(c, true, "d-2/c");
        ck_assert_int_eq(tree_replica_path(tree, a, &staged, &path), -ENOENT);
        ck_assert_int_eq(tree_set_place(tree, b, NODE_IN_PARENT, NULL), 0);
        ck_assert_int_eq(tree_replica_path(tree, c, &staged, &path), -ENOENT);
        ck_assert_ptr_null(path);
        ck_assert_ptr_null(b->stage_name);
        assert_source(c, NULL, "a/b/c");
}
END_TEST

START_TEST(test_ids) {
        Node *a = make(root, "a"), *b = make(root, "b"), *found = NULL;

        ck_assert_int_eq(tree_find_by_id(tree, 7, &found), -ENOENT);
        ck_assert_int_eq(tree_find_by_id(tree, 0, &found), -ENOENT);
        ck_assert_int_eq(tree_set_id(tree, a, 7), 0);
        ck_assert_int_eq(tree_find_by_id(tree, 7, &found), 0);
        ck_assert_ptr_eq(found, a);
        node_unref(found);

        ck_assert_int_eq(tree_set_id(tree, b, 7), 0);
        ck_assert_int_eq(a->directory_id, 0);
        ck_assert_int_eq(tree_set_id(tree, b, 8), 0);
        ck_assert_int_eq(tree_find_by_id(tree, 7, &found), -ENOENT);
        ck_assert_int_eq(tree_find_by_id(tree, 8, &found), 0);
        ck_assert_ptr_eq(found, b);

        tree_detach(tree, b, NULL, NULL);
        ck_assert_int_eq(tree_set_id(tree, found, 9), -ESTALE);
        node_unref(found);
        ck_assert_int_eq(tree_find_by_id(tree, 8, &found), -ENOENT);
        ck_assert_int_eq(tree_set_id(tree, a, 8), 0);
        ck_assert_int_eq(tree_set_id(tree, a, 0), 0);
        ck_assert_int_eq(tree_find_by_id(tree, 8, &found), -ENOENT);
}
END_TEST

START_TEST(test_move_takes_the_subtree_along) {
        Node *a = make(root, "a"), *b = make(a, "b"), *c = make(b, "c"), *d = make(root, "d");

        ck_assert_int_eq(tree_move(tree, b, d, "x"), 0);
        assert_source(c, NULL, "d/x/c");
        assert_source(b, NULL, "d/x");
        ck_assert_ptr_null(a->first_child);
        ck_assert_int_eq(tree_move(tree, b, d, "x"), 0);
        assert_source(c, NULL, "d/x/c");
}
END_TEST

START_TEST(test_move_into_itself_is_refused) {
        Node *a = make(root, "a"), *b = make(a, "b"), *c = make(b, "c");

        ck_assert_int_eq(tree_move(tree, a, c, "x"), -EINVAL);
        ck_assert_int_eq(tree_move(tree, a, a, "x"), -EINVAL);
        ck_assert_int_eq(tree_move(tree, root, a, "x"), -EINVAL);
        assert_source(c, NULL, "a/b/c");
}
END_TEST

START_TEST(test_move_displaces) {
        Node *a = make(root, "a"), *b = node_ref(make(root, "b")), *c = node_ref(make(b, "c"));
        char *path = NULL;
        bool staged;

        ck_assert_int_eq(tree_move(tree, a, root, "b"), 0);
        assert_source(a, NULL, "b");
        ck_assert(b->detached);
        ck_assert(c->detached);
        ck_assert_uint_eq(tree_n_nodes(tree), 2);
        ck_assert_int_eq(tree_source_path(tree, c, NULL, &path), -ESTALE);
        ck_assert_int_eq(tree_replica_path(tree, c, &staged, &path), -ESTALE);
        ck_assert_int_eq(tree_child(tree, c, "x", &a), -ESTALE);
        ck_assert_int_eq(tree_move(tree, c, root, "x"), -ESTALE);
        ck_assert_ptr_null(path);
        ck_assert_uint_eq(atomic_load(&c->n_references), 1);
        node_unref(b);
        node_unref(c);
}
END_TEST

START_TEST(test_move_onto_an_ancestor) {
        Node *a = node_ref(make(root, "a")), *b = make(a, "b"), *c = make(b, "c");
        Node *sibling = node_ref(make(a, "sibling"));

        ck_assert_int_eq(tree_move(tree, b, root, "a"), 0);
        assert_source(c, NULL, "a/c");
        ck_assert(a->detached);
        ck_assert(sibling->detached);
        ck_assert(!b->detached);
        ck_assert_uint_eq(tree_n_nodes(tree), 3);
        node_unref(a);
        node_unref(sibling);
}
END_TEST

static void note_name(Node *node, void *userdata) {
        char *names = userdata;

        ck_assert(!node->detached);
        ck_assert_ptr_null(node->first_child);
        strcat(names, node->name);
}

START_TEST(test_detach) {
        Node *a = node_ref(make(root, "a")), *b = make(a, "b");
        char names[16] = "";

        (void) make(b, "c");
        (void) make(root, "z");
        tree_detach(tree, a, note_name, names);
        ck_assert_str_eq(names, "cba");
        ck_assert_uint_eq(tree_n_nodes(tree), 2);
        tree_detach(tree, a, note_name, names);
        ck_assert_str_eq(names, "cba");
        node_unref(a);
}
END_TEST

START_TEST(test_nodes_may_outlive_the_tree) {
        Tree *other;
        Node *a;

        ck_assert_int_eq(tree_new(&other), 0);
        Node *other_root = tree_root(other);
        ck_assert_int_eq(tree_child(other, other_root, "a", &a), 1);
        ck_assert_ptr_null(tree_free(other));
        ck_assert(a->detached);
        ck_assert(other_root->detached);
        ck_assert_str_eq(a->name, "a");
        ck_assert_ptr_null(node_unref(a));
        node_unref(other_root);
        ck_assert_ptr_null(tree_free(NULL));
        ck_assert_ptr_null(node_unref(NULL));
}
END_TEST

/* Depth */

enum { DEPTH = 5000 };

static void *deep(void *userdata) {
        Node *node = root, *top = NULL;
        char *path;
        bool staged;

        for (int i = 0; i < DEPTH; i++) {
                node = make(node, "deep");
                top = top ?: node;
        }
        node_ref(node);
        ck_assert_int_eq(tree_source_path(tree, node, NULL, &path), 0);
        ck_assert_uint_eq(strlen(path), DEPTH * 5 - 1);
        free(path);
        ck_assert_int_eq(tree_replica_path(tree, node, &staged, &path), 0);
        free(path);
        ck_assert_int_eq(tree_move(tree, top, node, "x"), -EINVAL);
        ck_assert_uint_eq(tree_n_nodes(tree), DEPTH + 1);
        tree_detach(tree, top, NULL, NULL);
        ck_assert_uint_eq(tree_n_nodes(tree), 1);
        node_unref(node);

        node = root;
        for (int i = 0; i < DEPTH; i++)
                node = make(node, "again"); /* for tree_free */
        return userdata;
}

START_TEST(test_depth_needs_no_stack) {
        pthread_attr_t attributes;
        pthread_t thread;

        ck_assert_int_eq(pthread_attr_init(&attributes), 0);
        ck_assert_int_eq(pthread_attr_setstacksize(&attributes, 64 * 1024), 0);
        ck_assert_int_eq(pthread_create(&thread, &attributes, deep, NULL), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_int_eq(pthread_attr_destroy(&attributes), 0);
}
END_TEST

/* Figures */

enum { N_DIRECTORIES = 70000 };

static size_t allocated(void) {
        struct mallinfo2 info = mallinfo2();

        return info.uordblks + info.hblkhd;
}

static double now_ns(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (double) now.tv_sec * 1e9 + (double) now.tv_nsec;
}

/* No assertion inside the loops: each costs a system call. */
static int make_directories(void) {
        char name[32];
        int r = 0;

        for (int i = 0; i < N_DIRECTORIES && r >= 0; i++) {
                Node *folder = NULL, *node = NULL;

                (void) snprintf(name, sizeof(name), "folder-%d", i / 70);
                r = tree_child(tree, root, name, &folder);
                (void) snprintf(name, sizeof(name), "directory-%d", i % 70);
                if (r >= 0)
                        r = tree_child(tree, folder, name, &node);
                if (r >= 0)
                        r = tree_set_id(tree, node, i + 1);
                node_unref(folder);
                node_unref(node);
        }
        return r;
}

START_TEST(test_memory) {
        size_t before = allocated(), n_bytes;
        double begin = now_ns(), end;

        ck_assert_int_eq(make_directories(), 0);
        end = now_ns();
        n_bytes = allocated() - before;
        ck_assert_uint_eq(tree_n_nodes(tree), N_DIRECTORIES + N_DIRECTORIES / 70 + 1);
        printf("%zu bytes and %.0f ns a directory (two look-ups, an id)\n",
               n_bytes / tree_n_nodes(tree), (end - begin) / N_DIRECTORIES);
        ck_assert_uint_lt(n_bytes, (size_t) N_DIRECTORIES * 200);
}
END_TEST

static Suite *tree_suite(void) {
        Suite *suite = suite_create("tree");
        TCase *tests = tcase_create("structure");

        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_set_timeout(tests, 120);
        tcase_add_test(tests, test_children);
        tcase_add_test(tests, test_parent_and_name);
        tcase_add_test(tests, test_paths);
        tcase_add_test(tests, test_name_lengths);
        tcase_add_test(tests, test_replica_paths);
        tcase_add_test(tests, test_ids);
        tcase_add_test(tests, test_move_takes_the_subtree_along);
        tcase_add_test(tests, test_move_into_itself_is_refused);
        tcase_add_test(tests, test_move_displaces);
        tcase_add_test(tests, test_move_onto_an_ancestor);
        tcase_add_test(tests, test_detach);
        tcase_add_test(tests, test_nodes_may_outlive_the_tree);
        tcase_add_test(tests, test_depth_needs_no_stack);
        tcase_add_test(tests, test_memory);
        suite_add_tcase(suite, tests);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(tree_suite());
        int n_failed;

        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
