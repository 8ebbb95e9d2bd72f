/* SPDX-License-Identifier: BSD-3-Clause */
/* Regions: the memory of the mempools that a protection domain's queues use. */
#include "pp_regions.h"
#include "pp_fail.h"
#include "pp_mbufs.h"

/*
 * Whether the range has it, read between two looks at its version: a place may
 * get another range meanwhile, and the base of one with the length of the other
 * has what neither has. Who has memory in it keeps it there.
 */
static bool range_has(const struct pp_range *range, const void *addr)
{
	/* Pairs with range_set()'s last store: all of the range, or the version is odd. */
	unsigned version = __atomic_load_n(&range->version, __ATOMIC_ACQUIRE);
	uintptr_t base = __atomic_load_n(&range->base, __ATOMIC_RELAXED);
	size_t bytes = __atomic_load_n(&range->bytes, __ATOMIC_RELAXED);

	if ((uintptr_t)addr - base >= bytes)
		return false;
	/* Pairs with range_set()'s fence: what is of the next range comes with its version. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return !(version & 1) && __atomic_load_n(&range->version, __ATOMIC_RELAXED) == version;
}

/* Its number, or -1. */
static int range_find(const struct pp_regions *regions, const void *addr)
{
	unsigned n = __atomic_load_n(&regions->n, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < n; i++)
		if (range_has(&regions->ranges[i], addr))
			return (int)i;
	return -1;
}

static void range_set(struct pp_range *place, const struct pp_range *range)
{
	unsigned version = place->version;

	__atomic_store_n(&place->version, version + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	place->mp = range->mp;
	place->pool = range->pool;
	place->region = range->region;
	place->device = range->device;
	place->mr = range->mr;
	__atomic_store_n(&place->base, range->base, __ATOMIC_RELAXED);
	__atomic_store_n(&place->bytes, range->bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&place->version, version + 2, __ATOMIC_RELEASE);
}

static int range_add(struct pp_regions *regions, const struct pp_range *range)
{
	unsigned i = 0;

	while (i < regions->n && regions->ranges[i].bytes)
		i++;
	if (i == PP_REGIONS_MAX)
		return pp_fail(-ENOSPC, "more than %u pieces of memory: make mempools of fewer",
			       PP_REGIONS_MAX);
	range_set(&regions->ranges[i], range);
	/* Those that look it up see it whole: pairs with range_find()'s load. */
	if (i == regions->n)
		__atomic_store_n(&regions->n, i + 1, __ATOMIC_RELEASE);
	return 0;
}

/*
 * All of it once, to see whether it can be done: an idle hugepage that a device
 * refuses leaves the pool, and a port that does not start is to cost nobody
 * anything. One would not tell: it is locked memory that ends, somewhere.
 */
static int pool_try(struct pp_dma_verbs *verbs, struct pp_pool *pool)
{
	struct pp_mapping mapping;
	struct pp_page_info page;
	struct pp_extent extent;
	uint32_t p;
	int rc = 0;

	pp_region_extent(pp_pool_region(pool), &extent);
	for (p = 0; p < extent.pages && !rc; p++)
		if (!pp_region_page(pp_pool_region(pool), p, &page) && page.present)
			rc = pp_dma_verbs_ops.map(verbs, (char *)extent.base + p * extent.page,
						  extent.page, &mapping);
	while (p-- > 0) {
		char *va = (char *)extent.base + p * extent.page;

		if (pp_dma_verbs_mr(verbs, va))
			pp_dma_verbs_ops.unmap(verbs, va, extent.page, &mapping);
	}
	return rc;
}

/* Hugepages that a device refuses leave the pool, and a port has to have all of it. */
static int pool_map(struct pp_regions *regions, struct pp_pool *pool)
{
	struct pp_device_info info;
	int device = pool_try(regions->verbs, pool);

	if (!device)
		device = pp_pool_map_device(pool, &pp_dma_verbs_ops, regions->verbs);
	if (device < 0 || pp_pool_device(pool, (unsigned)device, &info) || !info.refused)
		return device;
	pp_pool_unmap_device(pool, (unsigned)device);
	return pp_fail(-info.error, "%lu hugepages of pool %s cannot be registered: %s",
		       (unsigned long)info.refused, pp_pool_name(pool), info.reason);
}

static int pool_add(struct pp_regions *regions, const struct rte_mempool *mp, struct pp_pool *pool)
{
	struct pp_dma_verbs_params params = { .sz = sizeof(params), .pd = regions->pd };
	struct pp_range range = { .mp = mp, .pool = pool, .region = pp_pool_region(pool) };
	struct pp_extent extent;
	int rc = 0;

	if (!regions->verbs)
		rc = pp_dma_verbs_create(&params, &regions->verbs);
	if (rc)
		return rc;
	rc = pool_map(regions, pool);
	if (rc < 0)
		return rc;
	range.device = (unsigned)rc;
	pp_region_extent(range.region, &extent);
	range.base = (uintptr_t)extent.base;
	range.bytes = extent.bytes;
	rc = range_add(regions, &range);
	if (rc)
		pp_pool_unmap_device(pool, range.device);
	return rc;
}

static int chunk_add(struct pp_regions *regions, const struct rte_mempool *mp, void *addr,
		     size_t bytes)
{
	struct pp_range range = { .base = (uintptr_t)addr, .bytes = bytes, .mp = mp };
	int rc;

	if (range_find(regions, addr) >= 0)
		return 0;
	range.mr = ibv_reg_mr(regions->pd, addr, bytes, IBV_ACCESS_LOCAL_WRITE);
	if (!range.mr)
		return pp_fail(-errno,
			       "cannot register %zu KiB at %p: %s (RLIMIT_MEMLOCK? ulimit "
			       "-l unlimited)",
			       bytes >> 10, addr, strerror(errno));
	rc = range_add(regions, &range);
	if (rc)
		ibv_dereg_mr(range.mr);
	return rc;
}

static int regions_add(struct pp_regions *regions, const struct rte_mempool *mp)
{
	const struct rte_mempool_memhdr *chunk;
	struct pp_mbufs source;
	int rc = 0;

	pp_mbufs_open(&source, (struct rte_mempool *)(uintptr_t)mp);
	if (source.pool) {
		for (unsigned i = 0; i < regions->n; i++)
			if (regions->ranges[i].pool == source.pool)
				return 0;
		return pool_add(regions, mp, source.pool);
	}
	STAILQ_FOREACH(chunk, &mp->mem_list, next)
	{
		rc = chunk_add(regions, mp, chunk->addr, chunk->len);
		if (rc)
			break;
	}
	return rc;
}

int pp_regions_add(struct pp_regions *regions, const struct rte_mempool *mp)
{
	int rc;

	rte_spinlock_lock(&regions->lock);
	rc = regions_add(regions, mp);
	rte_spinlock_unlock(&regions->lock);
	return rc;
}

static void range_end(struct pp_range *range)
{
	static const struct pp_range none;
	struct pp_range old = *range;

	range_set(range, &none);
	if (old.pool)
		pp_pool_unmap_device(old.pool, old.device);
	else if (old.mr)
		ibv_dereg_mr(old.mr);
}

void pp_regions_forget(struct pp_regions *regions, const struct rte_mempool *mp)
{
	rte_spinlock_lock(&regions->lock);
	for (unsigned i = 0; i < regions->n; i++)
		if (regions->ranges[i].mp == mp)
			range_end(&regions->ranges[i]);
	rte_spinlock_unlock(&regions->lock);
}

void pp_regions_clear(struct pp_regions *regions)
{
	rte_spinlock_lock(&regions->lock);
	while (regions->n)
		range_end(&regions->ranges[--regions->n]);
	if (!pp_dma_verbs_destroy(regions->verbs))
		regions->verbs = NULL;
	rte_spinlock_unlock(&regions->lock);
}

int pp_regions_sge(const struct pp_regions *regions, unsigned *hint, const void *addr,
		   uint32_t bytes, struct ibv_sge sge[2])
{
	const struct pp_range *range = &regions->ranges[*hint];

	if (unlikely(!range_has(range, addr))) {
		int i = range_find(regions, addr);

		if (i < 0)
			return 0;
		range = &regions->ranges[i];
		*hint = (unsigned)i;
	}
	if (range->pool)
		return RTE_MAX(pp_dma_verbs_sge(range->region, range->device, addr, bytes, sge), 0);
	sge[0] = (struct ibv_sge){ .addr = (uintptr_t)addr,
				   .length = bytes,
				   .lkey = range->mr->lkey };
	return 1;
}

int pp_regions_mbuf(struct pp_regions *regions, unsigned *hint, const struct rte_mbuf *m,
		    struct ibv_sge sge[2])
{
	const void *data = rte_pktmbuf_mtod(m, const void *);
	uint32_t bytes = m->data_len;
	int n = pp_regions_sge(regions, hint, data, bytes, sge);

	if (likely(n) || RTE_MBUF_HAS_EXTBUF(m))
		return n;
	/* An mbuf's data may be another's. */
	if (RTE_MBUF_CLONED(m))
		m = rte_mbuf_from_indirect((void *)(uintptr_t)m);
	return pp_regions_add(regions, m->pool) ? 0
						: pp_regions_sge(regions, hint, data, bytes, sge);
}
