/* SPDX-License-Identifier: BSD-3-Clause */
/* Objbench: a small pool, a critical mempool before it, and object caches before both. */
#ifndef OBJBENCH_H
#define OBJBENCH_H

#include "support.h"

#define BUFFERS 64u
#define MANY 4096u

/* Of BUFFERS buffers of 2,048 bytes, some of which the mempool keeps. */
struct objbench {
	struct pp_pool *pool;
	struct pp_mempool *mempool;
	uint32_t hoarded;
	void *hoard[BUFFERS];
};

void objbench_make(struct objbench *b, uint32_t min_nr);
/* Nothing is left but what the mempool keeps. */
void objbench_drain(struct objbench *b);
void objbench_end(struct objbench *b);

struct pp_objcache_params objbench_params(struct objbench *b, uint32_t object_size);
struct pp_objcache *objbench_cache_with(const struct pp_objcache_params *params);
struct pp_objcache *objbench_cache(struct objbench *b, uint32_t object_size);
struct pp_objcache_stats objbench_books(struct pp_objcache *oc);
/* Buffers that the mempool has at the moment. */
uint32_t objbench_kept(struct objbench *b);

/* A call for another thread. */
struct errand {
	struct pp_objcache *oc;
	void **objs;
	unsigned n, flags, got;
	int error;
	struct pp_wait *wait;
	_Atomic bool began;
};

void *errand_free(void *arg);
void *errand_alloc(void *arg);

#endif
