/* SPDX-License-Identifier: BSD-3-Clause */
/* Stats: where every buffer is, and what the caches did; summed when read. */
#ifndef PP_STATS_H
#define PP_STATS_H

#include <stdio.h>

#include "pp_counters.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The books: fresh + cached + deques + depot + reserve + collected + in_flight = total. */
struct pp_stats {
	uint64_t total;      /* buffers on present hugepages */
	uint64_t in_flight;  /* allocated and not yet freed */
	uint64_t fresh;      /* never handed out since their hugepage came */
	uint64_t cached;     /* in private blocks of caches */
	uint64_t deques;     /* in published blocks of caches */
	uint64_t depot;      /* in nobody's cache, or on the way to who waits for them */
	uint64_t reserve;    /* for PP_CRITICAL only */
	uint64_t floor;      /* what the reserve is to hold (pp_pool_set_reserve()) */
	uint64_t marked;     /* in flight, drawn from the reserve */
	uint64_t leased;     /* in flight, lying in leases */
	uint64_t collected;  /* held back: their hugepage is about to leave */
	uint64_t high_water; /* most buffers that were ever in use or cached at once,
			      * to the granularity of carving: carving comes last */
	uint32_t owners;     /* caches that exist */
	uint32_t pages;      /* hugepages present */
	uint32_t pages_lost; /* refused by a device, each time that was tried */
	int lost_device;     /* the device that refused last (pp_pool_device()); -1: none has */
	int lost_error;      /* its errno; 0: none */
	uint64_t own_bytes;  /* what blocks, deques, descriptors and caches cost */
	uint32_t waiters;    /* calls that wait for buffers */
	bool pressed;        /* caches are closed, because somebody needs buffers */
	bool low;            /* below the low watermark, and not yet above the high one */
	uint64_t skipped;    /* owners that a taker found in the middle of something */
	struct pp_counters sum;
};

/* Exact at a quiet moment; a good estimate while others work. Any thread. */
PP_API void pp_pool_stats(const struct pp_pool *pool, struct pp_stats *stats);

/* One cache: fn is called for each that exists. */
struct pp_cache_info {
	const char *name;
	uint32_t id;
	int pid;
	int node;
	uint64_t cached, published;
	uint64_t in_flight; /* allocated by it: exact with PP_POOL_OWNERS, else 0 */
	struct pp_counters counters;
	int64_t net; /* buffers that it took less those that it freed, whoever had taken these */
};
PP_API void pp_pool_each_cache(const struct pp_pool *pool,
			       void (*fn)(const struct pp_cache_info *info, void *arg), void *arg);

/* One NUMA node of those that the pool is spread over: fn is called for each. */
struct pp_node_info {
	int node;
	uint32_t pages; /* hugepages present */
	uint64_t total; /* buffers on them */
	uint64_t free;  /* fresh, in its depot, and in caches of its threads: an estimate, as
			 * these may hold another node's for a while */
};
PP_API void pp_pool_each_node(const struct pp_pool *pool,
			      void (*fn)(const struct pp_node_info *info, void *arg), void *arg);

/* The books in plain words, some ten lines. */
PP_API void pp_pool_print(const struct pp_pool *pool, FILE *out);

#ifdef __cplusplus
}
#endif
#endif
