/* SPDX-License-Identifier: BSD-3-Clause */
/* Attach: a device comes to a pool with all its hugepages, or leaves it. */
#include <errno.h>
#include <unistd.h>

#include "pp_fail.h"
#include "pp_inside.h"

static uint32_t page_state(const struct pp_region *region, uint32_t p)
{
	return atomic_load_explicit(&region->pages[p].state, memory_order_acquire);
}

/* Safe in the middle of whatever the page lock is held for: who goes through the devices
 * looks at each anew, and takes each mapping away before it is undone. */
static void device_forget(struct pp_pool *pool, unsigned device)
{
	pp_devices_remove(&pool->devices, &pool->store.region, device);
	/* There may be room in the others, or nobody to refuse, now. */
	pp_page_changed(pool);
	for (unsigned d = 0; d < PP_DEVICES_MAX; d++)
		if (pp_devices_ops(&pool->devices, d))
			return;
	atomic_store(&pool->store.shared->mapper, 0);
}

/* One hugepage for one device, in full; a refused one that nobody uses leaves the pool. */
static int device_take_page(struct pp_pool *pool, unsigned device, uint32_t p)
{
	struct pp_region *region = &pool->store.region;
	struct pp_page *page = &region->pages[p];
	uint32_t untouched = 0;
	int rc = pp_devices_map_one(&pool->devices, region, device, p);

	if (!rc) {
		rc = pp_devices_tell_one(&pool->devices, device, p);
		if (rc)
			pp_devices_unmap_one(&pool->devices, region, device, p);
	}
	if (!rc)
		return pp_devices_ops(&pool->devices, device)
			       ? 0
			       : pp_fail(-ECANCELED,
					 "device %u was detached from inside a callback", device);
	/* Gone from carvers in one step, if none has been there. */
	if (region->flags & PP_POOL_GAPLESS ||
	    !atomic_compare_exchange_strong_explicit(&page->carved, &untouched, page->count,
						     memory_order_acq_rel, memory_order_relaxed))
		return rc;
	atomic_fetch_add_explicit(&pool->store.shared->carved, page->count, memory_order_relaxed);
	/* The refusing device was never told of it. */
	pool->devices.apart = (int)device + 1;
	pp_page_remove(pool, p);
	pool->devices.apart = 0;
	pp_page_refused(pool, p);
	return 0;
}

static int device_add(struct pp_pool *pool, const struct pp_dma_ops *ops, void *context)
{
	struct pp_region *region = &pool->store.region;
	unsigned device = 0;
	int rc;

	while (device < PP_DEVICES_MAX && pp_devices_ops(&pool->devices, device))
		device++;
	if (device == PP_DEVICES_MAX)
		return pp_fail(-ENOSPC, "the pool is mapped for %d devices already",
			       PP_DEVICES_MAX);
	pp_devices_add(&pool->devices, device, ops, context);
	pp_page_changed(pool);
	for (uint32_t p = 0; p < region->pages_max; p++) {
		if (page_state(region, p) == PP_PAGE_ABSENT)
			continue;
		rc = device_take_page(pool, device, p);
		if (rc == -ECANCELED && !pp_devices_ops(&pool->devices, device))
			return rc;
		if (rc) {
			for (uint32_t q = p; q-- > 0 && ops->page_removed;)
				if (page_state(region, q) != PP_PAGE_ABSENT &&
				    pp_devices_ops(&pool->devices, device))
					ops->page_removed(context, q);
			if (pp_devices_ops(&pool->devices, device))
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

static int64_t device_detach(struct pp_pool *pool, unsigned device)
{
	struct pp_sums sums;
	uint64_t total, back;

	if (!pp_devices_ops(&pool->devices, device))
		return pp_fail(-ENOENT, "the pool has no device %u", device);
	device_forget(pool, device);
	pp_walk_sums(&pool->store, &sums);
	total = atomic_load(&pool->store.shared->total);
	back = pp_sums_free(&sums);
	return total > back ? (int64_t)(total - back) : 0;
}

PP_API int64_t pp_pool_unmap_device(struct pp_pool *pool, unsigned device)
{
	/* In a callback of one of the devices: the lock is this thread's already. */
	bool inside = pp_page_is_mine(pool);
	int64_t out;

	if (!pp_devices_ops(&pool->devices, device))
		return pp_fail(-ENOENT, "the pool has no device %u", device);
	out = inside ? 0 : pp_page_lock(pool);
	if (out)
		return out;
	out = device_detach(pool, device);
	if (!inside)
		pp_page_unlock(pool);
	return out;
}

PP_API int pp_pool_device(struct pp_pool *pool, unsigned device, struct pp_device_info *info)
{
	const struct pp_region *region = &pool->store.region;
	const struct pp_dma_ops *ops = pp_devices_ops(&pool->devices, device);

	if (!ops)
		return pp_fail(-ENOENT, "the pool has no device %u", device);
	*info = (struct pp_device_info){ .name = ops->name };
	for (uint32_t p = 0; p < region->pages_max; p++)
		info->mapped += pp_devices_mapped(region, device, p);
	pp_devices_tell(&pool->devices, device, info);
	return 0;
}

PP_API void pp_pool_sync_for_device(struct pp_pool *pool, unsigned device, void *va, size_t bytes)
{
	const struct pp_dma_ops *ops = pp_devices_ops(&pool->devices, device);

	if (ops && ops->sync_for_device)
		ops->sync_for_device(pool->devices.device[device].context, va, bytes);
}

PP_API void pp_pool_sync_for_cpu(struct pp_pool *pool, unsigned device, void *va, size_t bytes)
{
	const struct pp_dma_ops *ops = pp_devices_ops(&pool->devices, device);

	if (ops && ops->sync_for_cpu)
		ops->sync_for_cpu(pool->devices.device[device].context, va, bytes);
}
