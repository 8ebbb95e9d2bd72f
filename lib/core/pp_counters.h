/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters: what a cache did, kept by its owner off the fast path. */
#ifndef PP_COUNTERS_H
#define PP_COUNTERS_H

#include "pp_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Counters of one cache, or their sum. Names follow the kernel's page_pool
 * statistics where it has the thing. Blocks unless said otherwise.
 */
struct pp_counters {
	uint64_t fast;      /* buffers that the inlined hit handed out */
	uint64_t slow;      /* allocation calls that missed the cache */
	uint64_t slow_free; /* free calls that did */
	uint64_t refill;    /* blocks taken from the own deque */
	uint64_t steal;     /* blocks taken from another owner's deque */
	uint64_t depot;     /* blocks taken from a depot */
	uint64_t carve;     /* fresh buffers carved from hugepages */
	uint64_t spill;     /* blocks published in the own deque (page_pool: cache_full) */
	uint64_t overflow;  /* blocks given to the depot instead (page_pool: ring_full) */
	uint64_t empty;     /* calls that got less than asked because nothing was left */
	uint64_t remote;    /* buffers sent home to another node (page_pool: waive) */
	uint64_t borrowed;  /* buffers taken from another node (PP_REMOTE) */
	uint64_t long_way;  /* buffers that came from or went to the depot singly */
	uint64_t reserve;   /* buffers drawn from the reserve */
	uint64_t refused;   /* marked buffers that were kept from other than critical use */
	uint64_t taken;     /* buffers that a call took back from idle caches */
	uint64_t grown;     /* buffers on hugepages that a call mapped (PP_GROW) */
	uint64_t wait;      /* calls that waited */
	uint64_t timeout;   /* those that ended without: too late, or cancelled */
	uint64_t fault;     /* misuses that debug mode refused */
};

#define PP_COUNTERS (sizeof(struct pp_counters) / sizeof(uint64_t))

/* Adds one set to another that others add to too. */
static inline void pp_counters_add(struct pp_counters *sum, const struct pp_counters *more)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)more;

	for (size_t i = 0; i < PP_COUNTERS; i++)
		__atomic_fetch_add(&to[i], __atomic_load_n(&from[i], __ATOMIC_RELAXED),
				   __ATOMIC_RELAXED);
}

#ifdef __cplusplus
}
#endif
#endif
