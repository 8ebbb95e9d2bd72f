/* SPDX-License-Identifier: BSD-3-Clause */
/* Bulk: allocating and freeing one, all of n, or up to n buffers. */
#ifndef PP_BULK_H
#define PP_BULK_H

#include "pp_cache.h"
#include "pp_wait.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * `cache` is the calling thread's: pp_pool_cache() or pp_cache_create().
 * `flags` are of enum pp_flag, PP_TRY not with others. n is 0 .. PP_BULK_MAX
 * (2^28; more: nothing, and errno EINVAL), fastest when known at
 * compile time. The content of a buffer is undefined. A buffer may be freed by
 * any thread of any process that has the pool, into its own cache.
 */

/* One buffer, or NULL. Not pp_cache_get() with n = 1, so that the buffer stays
 * in a register: an address is taken on the miss only. */
static inline __attribute__((always_inline)) void *pp_alloc(struct pp_cache *cache, unsigned flags)
{
	uint32_t s;
	void *buf, *missed;

	if (PP_UNLIKELY(flags & ~PP_HIT_FLAGS_))
		return pp_cache_get_miss(cache, &missed, 1, flags) ? missed : NULL;
	s = (uint32_t)__atomic_load_n(&cache->s, __ATOMIC_RELAXED);
	__asm__("" : "+r"(s));
	s--;
	pp_cache_intend(cache, (int32_t)s);
	if (PP_UNLIKELY((int32_t)s < __atomic_load_n(&cache->lo, __ATOMIC_RELAXED)))
		return pp_cache_get_miss(cache, &missed, 1, flags) ? missed : NULL;
	pp_cache_count(cache, 1);
	buf = (void *)(cache->base | cache->slots[s]);
	__atomic_store_n(&cache->s, (int32_t)s, __ATOMIC_RELEASE); /* T2 */
	return buf;
}

/*
 * All n, or none: returns n or 0. Of none, an array of up to PP_KEPT is as it
 * was: rte_mempool has its caches filled in place, behind what is in them yet.
 */
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

/*
 * All n or none, with a wait of the caller's: `flags` and PP_WAIT. While it
 * waits it holds none. 0 with errno ETIMEDOUT, ECANCELED, EINVAL (more than the
 * pool could ever have, or flags that contradict each other) or EAGAIN (256
 * wait already). PP_WAIT in the calls above waits as long as
 * pp_pool_params.wait_us says; a burst that waited in vain takes what there is.
 *
 * Who waits is served in the order of arrival over all sizes, threads and
 * processes, PP_CRITICAL ones before the others; a large request at the head is
 * not overtaken by small ones behind it: its deadline bounds their wait. A free
 * of any thread serves the first.
 */
PP_API unsigned pp_alloc_bulk_wait(struct pp_cache *cache, void **bufs, unsigned n, unsigned flags,
				   struct pp_wait *wait);

/* One buffer of the cache's pool; NULL is not allowed. */
static inline __attribute__((always_inline)) void pp_free(struct pp_cache *cache, void *buf)
{
	uint32_t s = (uint32_t)__atomic_load_n(&cache->s, __ATOMIC_RELAXED);

	__asm__("" : "+r"(s));
	pp_cache_intend(cache, (int32_t)(s + 1));
	if (PP_UNLIKELY((int32_t)(s + 1) > __atomic_load_n(&cache->hi, __ATOMIC_RELAXED))) {
		void *missed = buf;

		pp_cache_put_miss(cache, &missed, 1);
		return;
	}
	cache->slots[s] = (uint32_t)(uintptr_t)buf;
	__atomic_store_n(&cache->s, (int32_t)(s + 1), __ATOMIC_RELEASE); /* T2 */
}

/* n buffers of the cache's pool, in any mix and order. */
static inline void pp_free_bulk(struct pp_cache *cache, void *const *bufs, unsigned n)
{
	pp_cache_put(cache, bufs, n);
}

/*
 * The same in any context, a signal handler or under a lock of the caller's:
 * into the own cache if this thread is not in the middle of a call with it,
 * else only noted, with atomics and no loop, until the next slow path of any
 * thread puts them where they belong. `cache` may be NULL. (The kernel has the
 * like in free_pages_nolock(), 2025.)
 *
 * Returns how many it took. With a cache of NULL each is looked at, and what is no buffer of
 * a pool is left alone, and counted (pp_counters.fault) where it lies in one's memory; with a
 * cache that is so in debug mode, and for what was so noted already.
 */
PP_API unsigned pp_free_nolock(struct pp_cache *cache, void *const *bufs, unsigned n);

/*
 * The same in other forms, all over one loop that takes 64 at a time. The
 * kernel has had them in turn: the array that is filled where it is NULL
 * (alloc_pages_bulk, Gorman 2021), the list (same series), and the callback
 * (Shi's mempool series, 2022).
 */

/*
 * Hands up to n buffers to fn as they come. fn returns whether it wants more;
 * the one it was handed is its own either way. Returns how many were handed
 * over. With PP_CRITICAL, PP_WAIT or PP_TRY (up to 512 then) all n are there
 * before the first is handed over, or none is (errno ENOMEM where there is no
 * memory for n pointers).
 */
typedef bool (*pp_bulk_fn)(void *buf, void *arg);
PP_API unsigned pp_alloc_bulk_cb(struct pp_cache *cache, unsigned n, unsigned flags, pp_bulk_fn fn,
				 void *arg);

/* Fills the slots of bufs[n] that are NULL, as far as there are buffers (with
 * PP_CRITICAL or PP_WAIT all of them or none), and returns how many of all n are
 * then set: n means ready. */
PP_API unsigned pp_alloc_bulk_fill(struct pp_cache *cache, void **bufs, unsigned n, unsigned flags);

/*
 * All n or none, linked through the buffers in front of *list: the word at
 * pp_pool_params.link of each points to the next. Returns n or 0.
 */
PP_API unsigned pp_alloc_bulk_list(struct pp_cache *cache, void **list, unsigned n, unsigned flags);

/* Frees a list so linked, up to its NULL, and makes each link NULL; returns how
 * many there were. */
PP_API unsigned pp_free_bulk_list(struct pp_cache *cache, void *list);

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
