/* SPDX-License-Identifier: BSD-3-Clause */
/* Page: hugepages that come, and the devices they are mapped for. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "pp_fail.h"
#include "pp_guard.h"
#include "pp_inside.h"

static uint32_t page_state(const struct pp_region *region, uint32_t p)
{
	return atomic_load_explicit(&region->pages[p].state, memory_order_acquire);
}

/* Populated, mapped for every device and told of, then opened to carvers. */
static int page_add(struct pp_pool *pool, uint32_t p)
{
	struct pp_store *store = &pool->store;
	struct pp_page *page = &store->region.pages[p];
	struct pp_shared *shared = store->shared;
	int rc = pp_region_populate(&store->region, p);

	if (rc)
		return rc;
	rc = pp_devices_map(&pool->devices, &store->region, p);
	if (rc)
		goto punch;
	rc = pp_devices_tell_added(&pool->devices, p);
	if (rc) {
		pp_devices_unmap(&pool->devices, &store->region, p);
		goto punch;
	}
	atomic_fetch_add_explicit(&shared->total, page->count, memory_order_relaxed);
	atomic_fetch_add_explicit(&shared->pages_present, 1, memory_order_relaxed);
	atomic_store_explicit(&page->collected, 0, memory_order_relaxed);
	/* P1: what was done to its buffers comes before the first is carved;
	 * pairs with P2 in page_carve(). */
	atomic_store_explicit(&page->carved, 0, memory_order_release);
	atomic_store_explicit(&page->state, PP_PAGE_PRESENT, memory_order_release); /* P1 */
	for (uint32_t d = 0; d < shared->facts.nodes; d++)
		pp_depot_hint(store, d, p);
	return 0;
punch:
	pp_region_punch(&store->region, p);
	atomic_fetch_add_explicit(&shared->pages_lost, 1, memory_order_relaxed);
	return -EIO;
}

void pp_page_remove(struct pp_pool *pool, uint32_t p)
{
	struct pp_store *store = &pool->store;
	struct pp_page *page = &store->region.pages[p];
	uint32_t carved = atomic_load_explicit(&page->carved, memory_order_relaxed);

	pp_devices_tell_removed(&pool->devices, p);
	pp_devices_unmap(&pool->devices, &store->region, p);
	pp_guard_forget(store, p);
	atomic_store_explicit(&page->state, PP_PAGE_ABSENT, memory_order_release);
	pp_region_punch(&store->region, p);
	atomic_fetch_sub_explicit(&store->shared->total, page->count, memory_order_relaxed);
	atomic_fetch_sub_explicit(&store->shared->carved, carved, memory_order_relaxed);
	atomic_fetch_sub_explicit(&store->shared->pages_present, 1, memory_order_relaxed);
	/* A floor that was set while this hugepage was about to leave. */
	if (atomic_load(&store->shared->floor) > atomic_load(&store->shared->total))
		pp_home_floor(store, PP_NOBODY, (uint32_t)atomic_load(&store->shared->total));
	/* Nothing to carve, until the hugepage comes back. */
	atomic_store_explicit(&page->carved, page->count, memory_order_relaxed);
	atomic_store_explicit(&page->collected, 0, memory_order_relaxed);
}

int64_t pp_page_grow(struct pp_pool *pool, uint32_t buffers)
{
	const struct pp_region *region = &pool->store.region;
	int64_t added = 0;
	int refused = 0;

	for (uint32_t p = 0; p < region->pages_max && added < buffers; p++) {
		int rc;

		if (page_state(region, p) != PP_PAGE_ABSENT || !region->pages[p].count)
			continue;
		rc = page_add(pool, p);
		if (!rc) {
			added += region->pages[p].count;
			continue;
		}
		if (rc == -ENOMEM || region->flags & PP_POOL_GAPLESS)
			return added ? added : rc;
		/* This hugepage is lost to a device, not the others. */
		refused = rc;
	}
	if (added)
		return added;
	return refused ? refused
		       : pp_fail(-ENOSPC, "the pool is at its maximum of %u buffers",
				 region->buffers_max);
}

/*
 * Mappings are known to the process that made them, so only that one may map
 * more, grow or shrink. If it is gone, so are they.
 */
static int page_mapper(struct pp_pool *pool)
{
	struct pp_shared *shared = pool->store.shared;
	const struct pp_region *region = &pool->store.region;
	int32_t mapper = atomic_load(&shared->mapper);

	if (!mapper || mapper == getpid())
		return 0;
	if (!kill(mapper, 0) || errno != ESRCH)
		return pp_fail(
			-EPERM,
			"process %d maps devices for this pool: only it may grow or shrink it",
			mapper);
	for (size_t i = 0; i < (size_t)PP_DEVICES_MAX * region->pages_max; i++)
		__atomic_store_n(&region->maps[i].iova, UINT64_MAX, __ATOMIC_RELEASE);
	atomic_store(&shared->mapper, 0);
	return 0;
}

int pp_page_lock(struct pp_pool *pool)
{
	int rc;

	pp_lock_take(&pool->store.shared->paging, PP_NOBODY);
	rc = page_mapper(pool);
	if (rc)
		pp_page_unlock(pool);
	return rc;
}

bool pp_page_try_lock(struct pp_pool *pool)
{
	if (!pp_lock_try(&pool->store.shared->paging, PP_NOBODY))
		return false;
	if (!page_mapper(pool))
		return true;
	pp_page_unlock(pool);
	return false;
}

void pp_page_unlock(struct pp_pool *pool)
{
	pp_lock_release(&pool->store.shared->paging);
}

PP_API int pp_pool_grow(struct pp_pool *pool, uint32_t buffers)
{
	int64_t added = pp_page_lock(pool);

	if (added)
		return (int)added;
	added = pp_page_grow(pool, buffers ? buffers : 1);
	pp_page_unlock(pool);
	if (added > 0 && pp_home_pressed(&pool->store))
		pp_home_feed(&pool->store, PP_NOBODY);
	return added > INT32_MAX ? INT32_MAX : (int)added;
}

static void device_forget(struct pp_pool *pool, unsigned device)
{
	for (uint32_t p = pool->store.region.pages_max; p-- > 0;)
		pp_devices_unmap_one(&pool->devices, &pool->store.region, device, p);
	pool->devices.device[device].ops = NULL;
	for (unsigned d = 0; d < PP_DEVICES_MAX; d++)
		if (pool->devices.device[d].ops)
			return;
	atomic_store(&pool->store.shared->mapper, 0);
}

/* One hugepage for one device, in full; a refused one that nobody uses leaves the pool. */
static int device_take_page(struct pp_pool *pool, unsigned device, uint32_t p)
{
	struct pp_region *region = &pool->store.region;
	const struct pp_dma_ops *ops = pool->devices.device[device].ops;
	struct pp_page *page = &region->pages[p];
	uint32_t untouched = 0;
	int rc = pp_devices_map_one(&pool->devices, region, device, p);

	if (!rc && ops->page_added) {
		rc = ops->page_added(pool->devices.device[device].context, p);
		if (rc)
			pp_devices_unmap_one(&pool->devices, region, device, p);
	}
	if (!rc)
		return 0;
	/* Gone from carvers in one step, if none has been there. */
	if (region->flags & PP_POOL_GAPLESS ||
	    !atomic_compare_exchange_strong_explicit(&page->carved, &untouched, page->count,
						     memory_order_acq_rel, memory_order_relaxed))
		return rc;
	atomic_fetch_add_explicit(&pool->store.shared->carved, page->count, memory_order_relaxed);
	atomic_fetch_add_explicit(&pool->store.shared->pages_lost, 1, memory_order_relaxed);
	/* The refusing device was never told of it. */
	pool->devices.device[device].ops = NULL;
	pp_page_remove(pool, p);
	pool->devices.device[device].ops = ops;
	return 0;
}

static int device_add(struct pp_pool *pool, const struct pp_dma_ops *ops, void *context)
{
	struct pp_region *region = &pool->store.region;
	unsigned device = 0;
	int rc;

	while (device < PP_DEVICES_MAX && pool->devices.device[device].ops)
		device++;
	if (device == PP_DEVICES_MAX)
		return pp_fail(-ENOSPC, "the pool is mapped for %d devices already",
			       PP_DEVICES_MAX);
	pool->devices.device[device].ops = ops;
	pool->devices.device[device].context = context;
	for (uint32_t p = 0; p < region->pages_max; p++) {
		if (page_state(region, p) == PP_PAGE_ABSENT)
			continue;
		rc = device_take_page(pool, device, p);
		if (rc) {
			for (uint32_t q = p; q-- > 0 && ops->page_removed;)
				if (page_state(region, q) != PP_PAGE_ABSENT)
					ops->page_removed(context, q);
			device_forget(pool, device);
			return rc;
		}
	}
	return (int)device;
}

PP_API int pp_pool_map_device(struct pp_pool *pool, const struct pp_dma_ops *ops, void *device)
{
	int rc;

	if (!ops || !ops->map || !ops->unmap)
		return pp_fail(-EINVAL, "a device needs map and unmap");
	rc = pp_page_lock(pool);
	if (rc)
		return rc;
	rc = device_add(pool, ops, device);
	if (rc >= 0)
		atomic_store(&pool->store.shared->mapper, getpid());
	pp_page_unlock(pool);
	return rc;
}

PP_API int64_t pp_pool_unmap_device(struct pp_pool *pool, unsigned device)
{
	struct pp_sums sums;
	int64_t out;
	int rc;

	if (device >= PP_DEVICES_MAX || !pool->devices.device[device].ops)
		return pp_fail(-ENOENT, "the pool has no device %u", device);
	rc = pp_page_lock(pool);
	if (rc)
		return rc;
	device_forget(pool, device);
	pp_walk_sums(&pool->store, &sums);
	out = (int64_t)(atomic_load(&pool->store.shared->total) - pp_sums_free(&sums));
	pp_page_unlock(pool);
	return out > 0 ? out : 0;
}

static const struct pp_dma_ops *device_ops(struct pp_pool *pool, unsigned device)
{
	return device < PP_DEVICES_MAX ? pool->devices.device[device].ops : NULL;
}

PP_API void pp_pool_sync_for_device(struct pp_pool *pool, unsigned device, void *va, size_t bytes)
{
	const struct pp_dma_ops *ops = device_ops(pool, device);

	if (ops && ops->sync_for_device)
		ops->sync_for_device(pool->devices.device[device].context, va, bytes);
}

PP_API void pp_pool_sync_for_cpu(struct pp_pool *pool, unsigned device, void *va, size_t bytes)
{
	const struct pp_dma_ops *ops = device_ops(pool, device);

	if (ops && ops->sync_for_cpu)
		ops->sync_for_cpu(pool->devices.device[device].context, va, bytes);
}
