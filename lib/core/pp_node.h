/* SPDX-License-Identifier: BSD-3-Clause */
/* Node: the machine's NUMA nodes, and the one that the caller runs on. */
#ifndef PP_NODE_H
#define PP_NODE_H

#include "pp_types.h"

/* What is asked of the machine. A test of several nodes on a machine of one puts another here. */
struct pp_node_map {
	int (*here)(void);            /* the calling thread's, now */
	bool (*has_memory)(int node); /* that this process may allocate */
	int (*distance)(int from, int to);
	int (*bind)(void *start, size_t bytes, int node); /* 0 or -errno */
};
extern struct pp_node_map pp_node_map;

/* Cheap enough for every slow path: no system call. */
static inline int pp_node_here(void)
{
	return pp_node_map.here();
}

/* Where in nodes[n] the nearest one to `node` is: itself, if it is there. */
uint32_t pp_node_nearest(const int32_t *nodes, uint32_t n, int node);

/* Nodes with memory, for messages: "0, 1"; returns `text`. */
const char *pp_node_list(char *text, size_t bytes);

/* Whether the machine has more than one, so that messages had better name them. */
bool pp_node_several(void);

#endif
