/* SPDX-License-Identifier: BSD-3-Clause */
/* Level: watermarks that tell of a pool running low before it is empty. */
#ifndef PP_LEVEL_H
#define PP_LEVEL_H

#include "pp_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Called by a thread whose call finds that a mark was crossed, inside that call, with no
 * lock of the library's held but the one that has it called by one thread at a time; it may use
 * the pool and set other marks. `low` says which way: what it hears last is so, and each of its
 * calls says something else than the one before. A crossing back that happens
 * while it is called is told after it; two that happen meanwhile are none.
 */
typedef void (*pp_level_fn)(struct pp_pool *pool, bool low, void *arg);

/*
 * A pool is low from when fewer than `low` buffers are free (the reserve not
 * counted) until `high` are. What lies in private blocks of caches is counted
 * when their owner goes the long way, about once per block (64 to 512 buffers).
 */
struct pp_watermarks {
	uint32_t low;   /* buffers; 0: no watermarks */
	uint32_t high;  /* low .. the pool's buffers less the reserve's */
	pp_level_fn fn; /* or NULL; of this process */
	void *arg;
	int eventfd; /* 1 is added to it each time fn is called, or would be; 0 or less: none */
};

/*
 * 0 or -EINVAL. fn is called at once where the pool is low already. Any thread. Waits
 * for an fn that is being called, unless that calls it: once it returns, the fn before is
 * not called any more, and what its arg points to may go.
 *
 * In a pool of several processes the marks are everybody's, and one process sets them at a time.
 * Each process calls its own fn, by the first of its threads that goes the long way after a
 * crossing, whosever that was.
 */
PP_API int pp_pool_set_watermarks(struct pp_pool *pool, const struct pp_watermarks *marks);

/*
 * Advice for who receives: true while the pool is low; then better copy what
 * has come and give its buffer back at once than hold it (as NDIS asks of its
 * drivers' users). One load while it is not; may be asked before every burst.
 * False of a pool that is NULL.
 */
PP_API bool pp_pool_is_low(struct pp_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
