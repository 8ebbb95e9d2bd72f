/* SPDX-License-Identifier: BSD-3-Clause */
/* Regions: the memory of the mempools that a protection domain's queues use. */
#include "pp_regions.h"
#include "pp_fail.h"
#include "pp_mbufs.h"

static struct pp_range *range_find(const struct pp_regions *regions, const void *addr)
{
	unsigned n = __atomic_load_n(&regions->n, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < n; i++)
		if ((uintptr_t)addr - regions->ranges[i].base <
		    __atomic_load_n(&regions->ranges[i].bytes, __ATOMIC_RELAXED))
			return (struct pp_range *)&regions->ranges[i];
	return NULL;
}

static int range_add(struct pp_regions *regions, const struct pp_range *range)
{
	unsigned n = regions->n;

	if (n == PP_REGIONS_MAX)
		return pp_fail(-ENOSPC, "more than %u pieces of memory: make mempools of fewer",
			       PP_REGIONS_MAX);
	regions->ranges[n] = *range;
	/* Those that look it up see it whole. */
	__atomic_store_n(&regions->n, n + 1, __ATOMIC_RELEASE);
	return 0;
}

/* Hugepages that a device refuses leave the pool, and a port has to have all of it. */
static int pool_map(struct pp_regions *regions, struct pp_pool *pool)
{
	struct pp_device_info info;
	int device = pp_pool_map_device(pool, &pp_dma_verbs_ops, regions->verbs);

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

	if (range_find(regions, addr))
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
	__atomic_store_n(&range->bytes, 0, __ATOMIC_RELEASE);
	if (range->pool)
		pp_pool_unmap_device(range->pool, range->device);
	else if (range->mr)
		ibv_dereg_mr(range->mr);
	range->pool = NULL;
	range->mr = NULL;
	range->mp = NULL;
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

	if (unlikely((uintptr_t)addr - range->base >= range->bytes)) {
		range = range_find(regions, addr);
		if (!range)
			return 0;
		*hint = (unsigned)(range - regions->ranges);
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
