/* The method Explain of org.rebackup.Pair1. Looking at files may wait for disks, so each call has a
 * thread of its own, of which there are few; what is in memory is added when that is done. */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "config/bus-name.h"
#include "daemon/bus-internal.h"
#include "sync/explain.h"

enum { QUESTIONS_MAX = 4 };

/* Owned by the bus. Its thread writes RESULT and EXPLANATION, then makes FD readable. */
struct BusQuestion {
        BusQuestion *next;
        Bus *bus;
        sd_bus_message *message; /* counted */
        char *path;              /* owned */
        ExplainRoots roots;
        Engine *engine; /* borrowed: outlives the bus */
        pthread_t thread;
        bool is_begun;
        int fd;
        sd_event_source *source;
        int result;
        Explanation explanation;
};

static void question_free(BusQuestion *question) {
        for (BusQuestion **at = &question->bus->questions; *at; at = &(*at)->next)
                if (*at == question) {
                        *at = question->next;
                        question->bus->n_questions--;
                        break;
                }
        if (question->is_begun)
                (void) pthread_join(question->thread, NULL);
        sd_event_source_disable_unref(question->source);
        safe_close(question->fd);
        sd_bus_message_unref(question->message);
        explanation_done(&question->explanation);
        free(question->roots.source);
        free(question->roots.replica);
        free(question->path);
        free(question);
}
DEFINE_TRIVIAL_CLEANUP_FUNC(BusQuestion *, question_free)
DEFINE_TRIVIAL_CLEANUP_FUNC(Node *, node_unref)

static void *answer_main(void *userdata) {
        BusQuestion *question = ASSERT_PTR(userdata);
        uint64_t one = 1;

        question->result = engine_explain(question->engine, &question->roots, question->path,
                                          &question->explanation);
        if (write(question->fd, &one, sizeof one) < 0)
                return NULL;
        return NULL;
}

/* The answer */

static int append_entry(sd_bus_message *reply, const char *key, int error, const Stamp *stamp) {
        int r;

        r = sd_bus_message_open_container(reply, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", key);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'v', "(iuttxuut)");
        if (r >= 0 && error >= 0)
                r = sd_bus_message_append(reply, "(iuttxuut)", 0, stamp->mode, stamp->size,
                                          stamp->inode, stamp->mtime, stamp->uid, stamp->gid,
                                          (uint64_t) stamp->n_links);
        else if (r >= 0)
                r = sd_bus_message_append(reply, "(iuttxuut)", -error, 0, UINT64_C(0), UINT64_C(0),
                                          INT64_C(0), 0, 0, UINT64_C(0));
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* In a word, how the entry stands. */
static const char *verdict_of(const Explanation *e) {
        bool source_known = e->catalog_error >= 0 && e->source_error >= 0 &&
                            stamp_equal(&e->source.stamp, &e->row.source),
             replica_known = e->catalog_error >= 0 && e->replica_error >= 0 &&
                             stamp_equal(&e->replica.stamp, &e->row.replica);

        if (replica_known && e->row.flags & CATALOG_KEPT &&
            (e->row.flags & CATALOG_KEPT_GONE ? e->source_error == -ENOENT : source_known))
                return "kept";
        if (e->source_error == -ENOENT)
                return e->replica_error == -ENOENT ? "absent" : "gone-from-source";
        if (e->source_error < 0 || (e->replica_error < 0 && e->replica_error != -ENOENT))
                return "unreadable";
        if (e->replica_error == -ENOENT)
                return "not-in-replica";
        if (e->catalog_error < 0)
                return "unknown";
        /* What the catalog has of a directory's times is brought up to date now and then. */
        if (mode_type(e->source.stamp.mode) == S_IFDIR &&
            stamp_replicates(&e->source.stamp, &e->replica.stamp))
                return "in-step";
        if (source_known && replica_known)
                return e->row.flags & CATALOG_DAMAGED ? "damaged" : "in-step";
        return source_known ? "replica-changed" : "source-changed";
}

static int append_row(sd_bus_message *reply, const CatalogRow *row) {
        char hash[2 * HASH_BYTES + 1];
        int r;

        r = sd_bus_message_append(reply, "{sv}{sv}{sv}", "Unstable", "b",
                                  !!(row->flags & CATALOG_UNSTABLE), "Damaged", "b",
                                  !!(row->flags & CATALOG_DAMAGED), "VerifiedUSec", "t",
                                  (uint64_t) MAX(row->verified, INT64_C(0)));
        if (r >= 0 && row->has_hash)
                r = sd_bus_message_append(reply, "{sv}", "SHA256", "s",
                                          hash_format(&row->hash, hash));
        return r;
}

/* The node of the directory that PATH is in; *RET_NAME is its last component. 0 or -errno. */
static int find_node(Manager *manager, const char *path, Node **ret, const char **ret_name) {
        const char *slash = strrchr(path, '/');
        Node *node = node_ref(manager->root);

        for (const char *p = path; slash && p < slash;) {
                size_t n = strcspn(p, "/");
                _cleanup_free_ char *name = strndup(p, n);
                Node *child;
                int r = name ? tree_find(manager->tree, node, name, &child) : -ENOMEM;

                node_unref(node);
                if (r < 0)
                        return r;
                node = child;
                p += n + 1;
        }
        *ret = node;
        *ret_name = slash ? slash + 1 : path;
        return 0;
}

static const Failure *find_failure(const FailureList *list, const char *path) {
        for (size_t i = 0; i < list->n_items; i++)
                if (streq(list->items[i].path, path))
                        return &list->items[i];
        return NULL;
}

static int append_failure(Manager *manager, sd_bus_message *reply, const Failure *failure) {
        return sd_bus_message_append(reply, "{sv}{sv}{sv}{sv}{sv}", "Failure", "s", failure->what,
                                     "FailureErrno", "i", -failure->error, "FailedSinceUSec", "t",
                                     failure->first, "Attempts", "u", failure->n_attempts,
                                     "NextAttemptUSec", "t",
                                     bus_next_look(manager, failure->node, failure->name));
}

/* What is in memory: whether it waits to be looked at, and what it failed with. */
static int append_pending(Manager *manager, sd_bus_message *reply, const char *path) {
        _cleanup_(failure_list_done) FailureList list = FAILURE_LIST_NULL;
        _cleanup_(node_unrefp) Node *node = NULL;
        const Failure *failure;
        const char *name;
        int r;

        r = engine_list_failures(manager->engine, &list);
        if (r < 0)
                return r;
        failure = find_failure(&list, path);
        if (failure)
                return append_failure(manager, reply, failure);
        r = find_node(manager, path, &node, &name);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        return sd_bus_message_append(reply, "{sv}", "Pending", "b",
                                     bus_is_pending(manager, node, name));
}

/* The pattern that leaves the entry out, or a directory that it is in; NULL: none. */
static const char *excluding_pattern(const Manager *manager, const BusQuestion *question) {
        const Explanation *e = &question->explanation;
        const Entry *entry = e->source_error >= 0 ? &e->source : &e->replica;

        return exclude_list_find(manager->config->exclude, question->path,
                                 (e->source_error >= 0 || e->replica_error >= 0) &&
                                         S_ISDIR(entry->stamp.mode),
                                 NULL);
}

static int append_verdict(Manager *manager, sd_bus_message *reply, const BusQuestion *question) {
        const char *pattern = excluding_pattern(manager, question);
        _cleanup_free_ char *shown = NULL;
        int r;

        if (!pattern)
                return sd_bus_message_append(reply, "{sv}", "Verdict", "s",
                                             verdict_of(&question->explanation));
        r = sd_bus_message_append(reply, "{sv}", "Verdict", "s", "excluded");
        if (r < 0)
                return r;
        shown = utf8_is_valid(pattern) ? strdup(pattern) : escape_bytes(pattern);
        return shown ? sd_bus_message_append(reply, "{sv}", "ExcludedBy", "s", shown) : -ENOMEM;
}

static int fill(Manager *manager, sd_bus_message *reply, const BusQuestion *question) {
        const Explanation *e = &question->explanation;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0)
                r = append_verdict(manager, reply, question);
        if (r >= 0)
                r = append_entry(reply, "Source", e->source_error, &e->source.stamp);
        if (r >= 0)
                r = append_entry(reply, "Replica", e->replica_error, &e->replica.stamp);
        if (r >= 0)
                r = append_entry(reply, "Catalog", e->catalog_error, &e->row.source);
        if (r >= 0 && e->catalog_error >= 0)
                r = append_row(reply, &e->row);
        if (r >= 0)
                r = append_pending(manager, reply, question->path);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int reply_to(BusQuestion *question) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r = question->result;

        if (r >= 0)
                r = sd_bus_message_new_method_return(question->message, &reply);
        if (r >= 0)
                r = fill(question->bus->manager, reply, question);
        if (r >= 0)
                r = sd_bus_message_send(reply);
        return r < 0 ? sd_bus_reply_method_errno(question->message, r, NULL) : r;
}

static int on_answer(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        _cleanup_(question_freep) BusQuestion *question = ASSERT_PTR(userdata);

        (void) source, (void) fd, (void) revents;
        /* It is about to end: what it wrote is read after that. */
        (void) pthread_join(question->thread, NULL);
        question->is_begun = false;
        (void) reply_to(question);
        return 0;
}

/* The question */

static int begin(BusQuestion *question) {
        Manager *manager = question->bus->manager;
        int r;

        question->engine = manager->engine;
        question->roots.source = strdup(manager->config->source);
        question->roots.replica = strdup(manager->config->replica);
        if (!question->path || !question->roots.source || !question->roots.replica)
                return -ENOMEM;
        question->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (question->fd < 0)
                return -errno;
        r = sd_event_add_io(manager->event, &question->source, question->fd, EPOLLIN, on_answer,
                            question);
        if (r < 0)
                return r;
        r = -pthread_create(&question->thread, NULL, answer_main, question);
        question->is_begun = r >= 0;
        return r;
}

/* PATH is taken. */
static int ask(Bus *bus, sd_bus_message *message, char *path) {
        _cleanup_(question_freep) BusQuestion *question = new0(BusQuestion, 1);
        int r;

        if (!question) {
                free(path);
                return -ENOMEM;
        }
        question->bus = bus;
        question->fd = -EBADF;
        question->message = sd_bus_message_ref(message);
        question->path = path;
        question->next = bus->questions;
        bus->questions = question;
        bus->n_questions++;
        r = begin(question);
        if (r < 0)
                return r;
        TAKE_PTR(question);
        return 1;
}

int bus_method_explain(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        _cleanup_free_ char *path = NULL;
        Bus *bus = ASSERT_PTR(userdata);
        uint64_t flags;
        int r;

        r = bus_read_path(message, &path, ret_error);
        if (r >= 0)
                r = bus_read_flags(message, 0, &flags, ret_error);
        if (r < 0)
                return r;
        if (!bus->manager->engine)
                return sd_bus_error_set(ret_error, BUS_ERROR("Held"),
                                        bus->manager->reason ?: "the pair is not open yet");
        if (bus->n_questions >= QUESTIONS_MAX)
                return sd_bus_error_set(ret_error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                        "others are being answered; try again");
        return ask(bus, message, TAKE_PTR(path));
}

void bus_explain_done(Bus *bus) {
        while (bus->questions)
                question_free(bus->questions);
}
