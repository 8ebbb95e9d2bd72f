/* SPDX-License-Identifier: BSD-3-Clause */
/* Bulk: allocating and freeing one, all of n, or up to n buffers. */
#ifndef PP_BULK_H
#define PP_BULK_H

#include "pp_cache.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * `cache` is the calling thread's: pp_pool_cache() or pp_cache_create().
 * `flags` is 0 or PP_TRY (enum pp_flag). n is 0 .. 2^28, fastest when known at
 * compile time. The content of a buffer is undefined. A buffer may be freed by
 * any thread of any process that has the pool, into its own cache.
 */

/* One buffer, or NULL. */
static inline void *pp_alloc(struct pp_cache *cache, unsigned flags)
{
	void *buf;

	return PP_LIKELY(pp_cache_get(cache, &buf, 1, flags)) ? buf : NULL;
}

/* All n, or none: returns n or 0. */
static inline unsigned pp_alloc_bulk(struct pp_cache *cache, void **bufs, unsigned n,
				     unsigned flags)
{
	return pp_cache_get(cache, bufs, n, flags);
}

/* What there is, up to n. */
static inline unsigned pp_alloc_burst(struct pp_cache *cache, void **bufs, unsigned n,
				      unsigned flags)
{
	return pp_cache_get(cache, bufs, n, flags | PP_BURST_);
}

/* One buffer of the cache's pool; NULL is not allowed. */
static inline void pp_free(struct pp_cache *cache, void *buf)
{
	pp_cache_put(cache, &buf, 1);
}

/* n buffers of the cache's pool, in any mix and order. */
static inline void pp_free_bulk(struct pp_cache *cache, void *const *bufs, unsigned n)
{
	pp_cache_put(cache, bufs, n);
}

/*
 * Buffers of any pools, mixed, by any thread: each goes to the thread's cache
 * of its pool. NULLs are skipped. Returns how many belonged to a pool; those
 * that did not are left alone (the first of them is in pp_error()).
 */
PP_API unsigned pp_free_any(void *const *bufs, unsigned n);

/* Without a cache, by way of the depot: slower, for a thread that could not get one. */
PP_API unsigned pp_pool_alloc_burst(struct pp_pool *pool, void **bufs, unsigned n);
PP_API void pp_pool_free(struct pp_pool *pool, void *const *bufs, unsigned n);

#ifdef __cplusplus
}
#endif
#endif
