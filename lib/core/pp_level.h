/* SPDX-License-Identifier: BSD-3-Clause */
/* Level: watermarks that tell of a pool running low before it is empty. */
#ifndef PP_LEVEL_H
#define PP_LEVEL_H

#include "pp_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Called by the thread whose call crossed a mark, inside that call, with no
 * lock held; it may use the pool. `low` says which way.
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
	int eventfd; /* 1 is added to it on each crossing; 0 or less: none */
};

/* 0 or -EINVAL. fn is called at once where the pool is low already. Any
 * thread, but not while others change them. In a pool of
 * several processes the marks are everybody's, fn and eventfd are called in the
 * process whose thread crossed. */
PP_API int pp_pool_set_watermarks(struct pp_pool *pool, const struct pp_watermarks *marks);

/*
 * Advice for who receives: true while the pool is low; then better copy what
 * has come and give its buffer back at once than hold it (as NDIS asks of its
 * drivers' users). One load while it is not; may be asked before every burst.
 */
PP_API bool pp_pool_is_low(struct pp_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
