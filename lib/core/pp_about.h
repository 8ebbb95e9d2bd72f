/* SPDX-License-Identifier: BSD-3-Clause */
/* About: which pools there are, and what each of them is: for who watches them. */
#ifndef PP_ABOUT_H
#define PP_ABOUT_H

#include "pp_pages.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One NUMA node's share of a pool. */
struct pp_about_node {
	int node;
	uint32_t pages; /* hugepages present there */
	uint64_t depot; /* buffers in its depot */
	uint64_t fresh; /* on its hugepages, never handed out since they came */
};

/* What does not change while the pool lives, but for watermarks and nodes. */
struct pp_pool_about {
	const char *name;     /* valid as long as the pool */
	const void *control;  /* its control memory: no other pool of the process has it */
	uint32_t buffer_size; /* bytes */
	uint32_t buffers_max; /* what growing may reach */
	uint32_t owners_max;  /* caches that may exist */
	uint32_t block_size;  /* buffers; a cache's private blocks hold twice as many at most */
	uint32_t flags;       /* enum pp_pool_flag */
	enum pp_pages pages;
	bool foreign;       /* no hugepages of its own, but memory of somebody else's */
	uint32_t low, high; /* watermarks, 0: none (pp_level.h) */
	uint32_t nodes;
	struct pp_about_node node[PP_NODES_MAX];
};

/* Any thread. O(hugepages). */
PP_API void pp_pool_about(const struct pp_pool *pool, struct pp_pool_about *about);

/*
 * Calls fn for every pool of this process, those that it attached to included,
 * and for one at a time: as long as fn looks at it, who destroys it waits. So fn
 * must not destroy it, nor wait for who does. Any thread.
 */
PP_API void pp_pool_each(void (*fn)(struct pp_pool *pool, void *arg), void *arg);

#ifdef __cplusplus
}
#endif
#endif
