/* SPDX-License-Identifier: BSD-3-Clause */
/* Lcore: caches by EAL lcore id, for who holds the id and not the thread. */
#ifndef PP_LCORE_H
#define PP_LCORE_H

#include "pp_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The cache of that lcore in this pool, made on first use and called "lcoreN"
 * in the pool's books. NULL with errno: EINVAL no such lcore id
 * (0..RTE_MAX_LCORE-1), ENOSPC all caches of the pool are taken, ENOMEM.
 * One thread may use it at a time; any thread may ask for it. A forked child
 * gets others.
 *
 * A thread that allocates for itself has no need of it: pp_pool_cache() finds
 * the thread's own cache without being told a number, also where there is none
 * (rte_lcore_id() is LCORE_ID_ANY in threads that EAL did not start). This is
 * for books kept by lcore id: a scheduler that moves work between threads, or
 * per-lcore state set up from the main one. The two are different caches.
 */
PP_API struct pp_cache *pp_lcore_cache(struct pp_pool *pool, unsigned lcore_id);

/*
 * Gives up all of the pool's caches made above; to be called before
 * pp_pool_destroy(), while no lcore uses one. Freeing a pktmbuf pool does it.
 */
PP_API void pp_lcore_release(struct pp_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
