#pragma once

/* A dirty set that outlives its process: what waits is written down node by node, with its times,
 * which CLOCK_MONOTONIC gives a meaning until the machine is started again. */

#include "basic/pack.h"
#include "watch/dirty.h"

/* What waits for NODE. */
void dirty_save_node(const DirtySet *set, const Node *node, Packer *packer);
/* Reads what dirty_save_node wrote, for NODE, for which nothing waits. 0, -EBADMSG, -ENOMEM. */
int dirty_load_node(DirtySet *set, Node *node, Unpacker *unpacker);

/* The files of which only the identity is known. */
void dirty_save_files(const DirtySet *set, Packer *packer);
/* 0, -EBADMSG, -ENOMEM. */
int dirty_load_files(DirtySet *set, Unpacker *unpacker);
