#pragma once

/* A Watch that outlives its process. What the kernel watches, and the events that wait, belong to
 * descriptors: as long as somebody keeps them open, nothing is missed. What this process knows of
 * them is written down and read by the next one.
 *
 * For when no thread but the caller's uses Watch or nodes: before the others begin and after they
 * have ended. From watch_save on, nothing may be read from the Watch any more. */

#include "basic/pack.h"
#include "watch/watch.h"

/* The kernel's descriptors; -EBADF: there is none. */
typedef struct WatchDescriptors {
        int inotify_fd;
        int fanotify_fd;
} WatchDescriptors;

/* Borrowed. */
WatchDescriptors watch_descriptors(const Watch *watch);

void watch_save(const Watch *watch, Packer *packer);
/* What WATCH knows NODE's directory by. */
void watch_save_node(const Watch *watch, const Node *node, Packer *packer);

/* Takes over a Watch of SIDE whose nodes are still missing. Of DESCRIPTORS it takes both or, when
 * it fails, none. 0; -EBADMSG when what is read or the descriptors are not those of such a Watch;
 * -ENOMEM; -errno. */
int watch_load(WatchSide side, Unpacker *unpacker, WatchDescriptors *descriptors, Watch **ret);
/* Reads what watch_save_node wrote, for NODE, which has no watch. 0, -EBADMSG, -ENOMEM. */
int watch_load_node(Watch *watch, Node *node, Unpacker *unpacker);
