/* SPDX-License-Identifier: BSD-3-Clause */
/* Reserve: emergency buffers below a floor, and the marks of those that are out. */
#ifndef PP_RESERVE_H
#define PP_RESERVE_H

#include "pp_bulk.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The reserve holds `floor` buffers that only PP_CRITICAL allocations get, when
 * nothing else is left; they take all that they still lack, or none. A buffer
 * that leaves it is marked, beside the buffers, not in it. Any buffer that is
 * freed, by any thread, goes to the reserve before any cache while that is
 * below its floor; a marked one loses its mark with that. As long as a marked
 * one is out or the floor is not met, all calls of the pool go the long way.
 * While a critical call waits in line (PP_WAIT), others that do not wait, and
 * leases, get nothing from the reserve: it was there first.
 *
 * The rule for marked buffers is the kernel's for pfmemalloc pages (Gorman's
 * swap over network series, 2012): they are for what is critical only, and what
 * finds itself with one for anything else drops it.
 */

/*
 * Sets the floor: 0 (no reserve) to the pool's buffers, at any time. What is
 * missing is taken from what is free, idle caches included, and else from the
 * next buffers that are freed. 0, or -EINVAL. Any thread.
 */
PP_API int pp_pool_set_reserve(struct pp_pool *pool, uint32_t floor);

/* Whether a buffer of the pool, in flight, was drawn from the reserve; false of what is no
 * buffer of it, and of a pool that is NULL. O(1), any context. */
PP_API bool pp_marked(const struct pp_pool *pool, const void *buf);

/*
 * For who is about to use buffers for what is not critical: the marked ones of
 * bufs[n] are freed and counted (pp_counters.refused), the others move to the
 * front in their order, and so does what is no buffer of the pool. Returns how many
 * these are. Costs one load while no buffer is marked.
 */
PP_API unsigned pp_refuse_marked(struct pp_cache *cache, void **bufs, unsigned n);

/*
 * Of two buffers in flight, the mark of `from` goes to `to`: for a receive ring
 * into which a drawn buffer goes and out of which an older one comes. False and
 * nothing happens unless `from` is marked and `to` is not, and both are the
 * pool's (which may be NULL). A buffer that is not in flight must not be given one.
 */
PP_API bool pp_mark_pass(struct pp_pool *pool, const void *from, const void *to);

#ifdef __cplusplus
}
#endif
#endif
