/* SPDX-License-Identifier: BSD-3-Clause */
/* Regions: the memory of the mempools that a protection domain's queues use. */
#ifndef PP_REGIONS_H
#define PP_REGIONS_H

#include <rte_mbuf.h>
#include <rte_spinlock.h>

#include "pp_dma_verbs.h"

#define PP_REGIONS_MAX 256

/*
 * One range of addresses: a pktpool's, whose hugepages have regions of their
 * own that come and go with them, or a chunk of another mempool.
 */
struct pp_range {
	unsigned version; /* odd while it is another's next */
	uintptr_t base;
	size_t bytes; /* 0: forgotten, and its place is free */
	const struct rte_mempool *mp;
	struct pp_pool *pool; /* NULL: a chunk, and mr is its region */
	const struct pp_region *region;
	unsigned device;
	struct ibv_mr *mr;
};

/* Any thread adds and forgets, under the lock; others may look up meanwhile, without. */
struct pp_regions {
	rte_spinlock_t lock;
	struct ibv_pd *pd;
	struct pp_dma_verbs *verbs;
	unsigned n;
	struct pp_range ranges[PP_REGIONS_MAX];
};

/* Registers the mempool's memory, once: 0, or -errno with pp_error(). */
int pp_regions_add(struct pp_regions *regions, const struct rte_mempool *mp);

/* A mempool that is about to end: none of its memory is in a queue. */
void pp_regions_forget(struct pp_regions *regions, const struct rte_mempool *mp);

/* Deregisters all: no queue may be at work. */
void pp_regions_clear(struct pp_regions *regions);

/* As pp_dma_verbs_sge(): 1 or 2, or 0 if the memory is not known. *hint is the
 * caller's, and 0 at first. */
int pp_regions_sge(const struct pp_regions *regions, unsigned *hint, const void *addr,
		   uint32_t bytes, struct ibv_sge sge[2]);

/* Of an mbuf's data; of a mempool not seen before, the memory is registered. */
int pp_regions_mbuf(struct pp_regions *regions, unsigned *hint, const struct rte_mbuf *m,
		    struct ibv_sge sge[2]);

#endif
