/* SPDX-License-Identifier: BSD-3-Clause */
/* DMA: a pool's devices, each hugepage mapped for each of them once. */
#include "pp_devices.h"

#include <stdio.h>
#include <string.h>

#include "pp_fail.h"

static struct pp_mapping *page_mapping(const struct pp_region *region, unsigned device, uint32_t p)
{
	return &region->maps[(size_t)device * region->pages_max + p];
}

static void *device_context(const struct pp_devices *devices, unsigned device)
{
	return devices->device[device].context;
}

static void error_copy(char text[PP_REASON])
{
	snprintf(text, PP_REASON, "%s", pp_error());
}

/* Kept for who asks later; the reason is what the device has put into pp_error(), which was
 * `before` before it was asked. */
static int device_refuses(struct pp_devices *devices, unsigned device, const struct pp_dma_ops *ops,
			  uint32_t p, int rc, const char *before)
{
	char reason[PP_REASON];

	error_copy(reason);
	if (!strcmp(reason, before))
		snprintf(reason, sizeof(reason), "%s", strerror(-rc));
	pp_lock_take(&devices->telling, PP_NOBODY);
	devices->device[device].refused++;
	devices->device[device].error = -rc;
	devices->device[device].page = p;
	memcpy(devices->device[device].reason, reason, sizeof(reason));
	pp_lock_release(&devices->telling);
	devices->lost = pp_devices_lost(device, -rc);
	return pp_fail(rc, "device %u (%s) refused hugepage %u, error %d: %s", device, ops->name, p,
		       -rc, reason);
}

void pp_devices_add(struct pp_devices *devices, unsigned device, const struct pp_dma_ops *ops,
		    void *context)
{
	pp_lock_take(&devices->telling, PP_NOBODY);
	memset(&devices->device[device], 0, sizeof(devices->device[device]));
	pp_lock_release(&devices->telling);
	devices->device[device].context = context;
	atomic_store_explicit(&devices->device[device].ops, ops, memory_order_release);
}

int pp_devices_map_one(struct pp_devices *devices, const struct pp_region *region, unsigned device,
		       uint32_t p)
{
	const struct pp_dma_ops *ops = pp_devices_ops(devices, device);
	struct pp_mapping mapping = { 0 }, *slot = page_mapping(region, device, p);
	void *context = device_context(devices, device), *va = pp_region_page_start(region, p);
	char before[PP_REASON];
	int rc;

	error_copy(before);
	rc = ops->map(context, va, region->page, &mapping);
	if (!pp_devices_ops(devices, device)) {
		/* Detached from in there: what it mapped just now was not yet known. */
		if (!rc)
			ops->unmap(context, va, region->page, &mapping);
		return 0;
	}
	if (rc)
		return device_refuses(devices, device, ops, p, rc, before);
	slot->lkey = mapping.lkey;
	slot->rkey = mapping.rkey;
	/* M1: the keys before the address that says they are there; pairs with M2
	 * in pp_buffer_iova(). */
	__atomic_store_n(&slot->iova, mapping.iova, __ATOMIC_RELEASE);
	return 0;
}

/* False: there is none. */
static bool mapping_take(const struct pp_region *region, unsigned device, uint32_t p,
			 struct pp_mapping *mapping)
{
	struct pp_mapping *slot = page_mapping(region, device, p);

	*mapping = *slot;
	if (mapping->iova == UINT64_MAX)
		return false;
	/* Taken away first: whatever unmap() calls, it is called once. */
	__atomic_store_n(&slot->iova, UINT64_MAX, __ATOMIC_RELEASE);
	slot->lkey = slot->rkey = 0;
	return true;
}

void pp_devices_unmap_one(struct pp_devices *devices, const struct pp_region *region,
			  unsigned device, uint32_t p)
{
	const struct pp_dma_ops *ops = pp_devices_ops(devices, device);
	struct pp_mapping mapping;

	if (!ops || !mapping_take(region, device, p, &mapping))
		return;
	if (!ops->unmap(device_context(devices, device), pp_region_page_start(region, p),
			region->page, &mapping))
		return;
	pp_lock_take(&devices->telling, PP_NOBODY);
	devices->device[device].stuck++;
	pp_lock_release(&devices->telling);
}

void pp_devices_remove(struct pp_devices *devices, const struct pp_region *region, unsigned device)
{
	const struct pp_dma_ops *ops = pp_devices_ops(devices, device);
	void *context = device_context(devices, device);
	struct pp_mapping mapping;

	/* First, so that nobody calls it any more, not even who is doing so just now. */
	atomic_store_explicit(&devices->device[device].ops, NULL, memory_order_release);
	for (uint32_t p = region->pages_max; p-- > 0;)
		if (mapping_take(region, device, p, &mapping))
			ops->unmap(context, pp_region_page_start(region, p), region->page,
				   &mapping);
}

int pp_devices_map(struct pp_devices *devices, const struct pp_region *region, uint32_t p)
{
	for (unsigned d = 0; d < PP_DEVICES_MAX; d++) {
		int rc = pp_devices_ops(devices, d) ? pp_devices_map_one(devices, region, d, p) : 0;

		if (rc) {
			pp_devices_unmap(devices, region, p);
			return rc;
		}
	}
	return 0;
}

void pp_devices_unmap(struct pp_devices *devices, const struct pp_region *region, uint32_t p)
{
	for (unsigned d = PP_DEVICES_MAX; d-- > 0;)
		pp_devices_unmap_one(devices, region, d, p);
}

bool pp_devices_mapped(const struct pp_region *region, unsigned device, uint32_t p)
{
	return __atomic_load_n(&page_mapping(region, device, p)->iova, __ATOMIC_ACQUIRE) !=
	       UINT64_MAX;
}

int pp_devices_tell_one(struct pp_devices *devices, unsigned device, uint32_t p)
{
	const struct pp_dma_ops *ops = pp_devices_ops(devices, device);
	char before[PP_REASON];
	int rc;

	if (!ops || !ops->page_added)
		return 0;
	error_copy(before);
	rc = ops->page_added(device_context(devices, device), p);
	return rc && pp_devices_ops(devices, device)
		       ? device_refuses(devices, device, ops, p, rc, before)
		       : 0;
}

static void tell_removed_below(struct pp_devices *devices, unsigned device, uint32_t p)
{
	while (device-- > 0) {
		const struct pp_dma_ops *ops = pp_devices_ops(devices, device);

		if (ops && ops->page_removed && devices->apart != (int)device + 1)
			ops->page_removed(device_context(devices, device), p);
	}
}

int pp_devices_tell_added(struct pp_devices *devices, uint32_t p)
{
	for (unsigned d = 0; d < PP_DEVICES_MAX; d++) {
		int rc = pp_devices_tell_one(devices, d, p);

		if (rc) {
			tell_removed_below(devices, d, p);
			return rc;
		}
	}
	return 0;
}

void pp_devices_tell_removed(struct pp_devices *devices, uint32_t p)
{
	tell_removed_below(devices, PP_DEVICES_MAX, p);
}

void pp_devices_tell(struct pp_devices *devices, unsigned device, struct pp_device_info *info)
{
	pp_lock_take(&devices->telling, PP_NOBODY);
	info->refused = devices->device[device].refused;
	info->stuck = devices->device[device].stuck;
	info->error = devices->device[device].error;
	info->page = devices->device[device].page;
	memcpy(info->reason, devices->device[device].reason, sizeof(info->reason));
	pp_lock_release(&devices->telling);
}
