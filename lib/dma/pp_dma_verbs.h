/* SPDX-License-Identifier: BSD-3-Clause */
/* Verbs: the DMA backend that registers a pool's hugepages with an RDMA device. */
#ifndef PP_DMA_VERBS_H
#define PP_DMA_VERBS_H

#include <infiniband/verbs.h>

#include "pktpool.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One memory region a hugepage, in one protection domain: a pool in three
 * domains has three devices, a domain can have several pools.
 *
 *	pp_dma_verbs_create(&params, &verbs);
 *	device = pp_pool_map_device(pool, &pp_dma_verbs_ops, verbs);
 *	...
 *	pp_pool_unmap_device(pool, device);    (or pp_pool_destroy(pool))
 *	pp_dma_verbs_destroy(verbs);           before ibv_dealloc_pd()
 *
 * The domain's keys are then pp_buffer_lkey() and pp_buffer_rkey(), and
 * pp_buffer_iova() is the buffer's own address. Growing registers a new
 * hugepage before a buffer of it can be had; shrinking deregisters it, and work
 * that still names its keys completes with an error.
 *
 * Create and destroy: any thread, one at a time for one domain. The rest: any
 * thread, at once.
 */
struct pp_dma_verbs;

/* Zero means the default. */
struct pp_dma_verbs_params {
	size_t sz;         /* sizeof(struct pp_dma_verbs_params) */
	struct ibv_pd *pd; /* stays the caller's; no default */
	/* enum ibv_access_flags; default IBV_ACCESS_LOCAL_WRITE. Remote writes and
	 * atomics want that one too; not IBV_ACCESS_ZERO_BASED. */
	int access;
};

/* 0; -EINVAL: no domain, or flags that contradict each other; -ENOMEM; or why
 * the device does not tell its limits. */
PP_API int pp_dma_verbs_create(const struct pp_dma_verbs_params *params,
			       struct pp_dma_verbs **verbs);

/*
 * -EBUSY, and it stays: hugepages are mapped by it yet, or the device keeps
 * regions because memory windows are bound to them (pp_error() says which).
 * NULL is fine.
 */
PP_API int pp_dma_verbs_destroy(struct pp_dma_verbs *verbs);

/*
 * For pp_pool_map_device(); its device is a struct pp_dma_verbs. map() says
 * -E2BIG: a hugepage is larger than the device's max_mr_size; -ENOSPC: max_mr
 * regions are registered by it; else what ibv_reg_mr() said, of which -ENOMEM
 * comes mostly of RLIMIT_MEMLOCK.
 */
PP_API extern const struct pp_dma_ops pp_dma_verbs_ops;

struct pp_dma_verbs_stats {
	uint64_t mapped;     /* hugepages registered now */
	uint64_t bytes;      /* of these */
	uint64_t kept;       /* left the pool, but the device keeps the region: tried again
			      * with every later map, unmap and destroy */
	uint64_t maps;       /* registrations so far */
	uint64_t unmaps;     /* deregistrations so far, one for each at most */
	uint64_t failures;   /* refused registrations */
	uint64_t limit;      /* the device's max_mr */
	uint64_t limit_size; /* the device's max_mr_size, bytes */
};
PP_API void pp_dma_verbs_stats(struct pp_dma_verbs *verbs, struct pp_dma_verbs_stats *stats);

/*
 * Scatter elements for `bytes` at `addr`, which lie in a buffer of the pool;
 * `device` is what pp_pool_map_device() returned. Returns how many: 1, or 2
 * where a buffer of a gapless pool lies across two hugepages. -EINVAL: not all
 * of it is mapped for that device. Two loads and no lock.
 */
PP_API int pp_dma_verbs_sge(const struct pp_region *region, unsigned device, const void *addr,
			    uint32_t bytes, struct ibv_sge sge[2]);

/* The region that holds `addr`, NULL if none does: to bind memory windows to, or
 * to ask of; not to be deregistered. Gone with its hugepage. */
PP_API struct ibv_mr *pp_dma_verbs_mr(struct pp_dma_verbs *verbs, const void *addr);

#ifdef __cplusplus
}
#endif
#endif
