/* SPDX-License-Identifier: BSD-3-Clause */
/* Thread: which cache is whose, made on first use and left to the others at exit. */
#ifndef PP_THREAD_H
#define PP_THREAD_H

#include "pp_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The calling thread's own cache of this pool, made on the first call and
 * given up when the thread ends (a forked child gets new ones). Any thread:
 * nothing is asked of EAL, and none pays for not being one of its. NULL when
 * all the pool's caches are taken: errno ENOSPC; pp_pool_alloc_burst() and
 * pp_pool_free() still work then. NULL, too, of a pool that is NULL: errno EINVAL.
 */
PP_API struct pp_cache *pp_pool_cache(struct pp_pool *pool);

/*
 * The same with its hit inlined, for libraries that ask on every burst. The
 * key is good for the pool's life and for all threads; keep it beside the pool.
 */
struct pp_pool_key {
	struct pp_pool *pool;
	uint64_t generation;
	uint32_t slot;
};
PP_API void pp_pool_key(struct pp_pool *pool, struct pp_pool_key *key);

/* A thread's caches by pool; an entry counts while its generation is the pool's. */
struct pp_thread_entry {
	uint64_t generation;
	struct pp_cache *cache;
};
PP_API extern __thread struct pp_thread_entry *pp_thread_entries
	__attribute__((tls_model("initial-exec")));

static inline struct pp_cache *pp_key_cache(const struct pp_pool_key *key)
{
	const struct pp_thread_entry *entries = pp_thread_entries;

	if (PP_LIKELY(entries && entries[key->slot].generation == key->generation))
		return entries[key->slot].cache;
	return pp_pool_cache(key->pool);
}

/*
 * A cache as a handle, for who keeps his own books of threads (one per EAL
 * lcore, per queue, per coroutine scheduler). One thread of the process that
 * made it may use it at a time. NULL with errno ENOSPC (all caches taken) or
 * EINVAL (no pool). `name` (the first 15 characters count, NULL for the
 * thread's) is what the books call it.
 */
PP_API struct pp_cache *pp_cache_create(struct pp_pool *pool, const char *name);

/*
 * Leaves its buffers to the others. Not for one got from pp_pool_cache(). NULL
 * is fine. Twice is a fault ("double destroy"), counted and reported in every
 * pool and otherwise without effect, as long as no new cache has the place of the
 * old one; then it is that one's end, and cannot be told from it.
 */
PP_API void pp_cache_destroy(struct pp_cache *cache);

/* The pool that a cache is of. */
PP_API struct pp_pool *pp_cache_pool(const struct pp_cache *cache);

#ifdef __cplusplus
}
#endif
#endif
