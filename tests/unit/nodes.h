/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes: NUMA nodes that this machine does not have, put in the place of its own. */
#ifndef NODES_H
#define NODES_H

#include "pp_inside.h"
#include "support.h"

/* What the kernel would say: how many nodes, where each thread runs, what they have left. */
struct nodes {
	int count;
	_Atomic int32_t left[PP_NODES_MAX]; /* hugepages */
};
extern struct nodes nodes;
extern __thread int node_here;

/* So many nodes of `pages` hugepages each, and the caller on node 0. */
void nodes_make(int count, int32_t pages);

/* A pool over all of them: 16 buffers a hugepage, or 1,007 small ones. */
struct pp_pool *nodes_pool(uint32_t buffers, uint32_t max, uint32_t flags);
struct pp_pool *nodes_pool_big(uint32_t pages, uint32_t max, uint32_t flags);

struct pp_node_info node_of(const struct pp_pool *pool, int node);

/* Books hold, and every depot and deque has its own node's buffers only. */
void all_are_home(struct pp_pool *pool, uint64_t in_flight);
/* How many of them are of that node. */
unsigned count_on(const struct pp_pool *pool, void *const *bufs, unsigned n, int node);

#endif
