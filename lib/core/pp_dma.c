/* SPDX-License-Identifier: BSD-3-Clause */
/* DMA: a pool's devices, each hugepage mapped for each of them once. */
#include "pp_devices.h"

#include "pp_fail.h"

static struct pp_mapping *page_mapping(const struct pp_region *region, unsigned device, uint32_t p)
{
	return &region->maps[(size_t)device * region->pages_max + p];
}

int pp_devices_map_one(struct pp_devices *devices, const struct pp_region *region, unsigned device,
		       uint32_t p)
{
	const struct pp_dma_ops *ops = devices->device[device].ops;
	struct pp_mapping mapping = { 0 }, *slot = page_mapping(region, device, p);
	int rc = ops->map(devices->device[device].context, pp_region_page_start(region, p),
			  region->page, &mapping);

	if (rc)
		return pp_fail(rc, "device %u (%s) refused to map hugepage %u: error %d", device,
			       ops->name, p, -rc);
	slot->lkey = mapping.lkey;
	slot->rkey = mapping.rkey;
	/* M1: the keys before the address that says they are there; pairs with M2
	 * in pp_buffer_iova(). */
	__atomic_store_n(&slot->iova, mapping.iova, __ATOMIC_RELEASE);
	return 0;
}

void pp_devices_unmap_one(struct pp_devices *devices, const struct pp_region *region,
			  unsigned device, uint32_t p)
{
	struct pp_mapping *slot = page_mapping(region, device, p), mapping = *slot;

	if (mapping.iova == UINT64_MAX)
		return;
	/* Taken away first: whatever unmap() calls, it is called once. */
	__atomic_store_n(&slot->iova, UINT64_MAX, __ATOMIC_RELEASE);
	slot->lkey = slot->rkey = 0;
	devices->device[device].ops->unmap(devices->device[device].context,
					   pp_region_page_start(region, p), region->page, &mapping);
}

int pp_devices_map(struct pp_devices *devices, const struct pp_region *region, uint32_t p)
{
	for (unsigned d = 0; d < PP_DEVICES_MAX; d++) {
		int rc = devices->device[d].ops ? pp_devices_map_one(devices, region, d, p) : 0;

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
		if (devices->device[d].ops)
			pp_devices_unmap_one(devices, region, d, p);
}

int pp_devices_tell_added(struct pp_devices *devices, uint32_t p)
{
	for (unsigned d = 0; d < PP_DEVICES_MAX; d++) {
		const struct pp_dma_ops *ops = devices->device[d].ops;
		int rc = 0;

		if (ops && ops->page_added)
			rc = ops->page_added(devices->device[d].context, p);
		if (rc) {
			while (d-- > 0)
				if (devices->device[d].ops && devices->device[d].ops->page_removed)
					devices->device[d].ops->page_removed(
						devices->device[d].context, p);
			return rc;
		}
	}
	return 0;
}

void pp_devices_tell_removed(struct pp_devices *devices, uint32_t p)
{
	for (unsigned d = PP_DEVICES_MAX; d-- > 0;) {
		const struct pp_dma_ops *ops = devices->device[d].ops;

		if (ops && ops->page_removed)
			ops->page_removed(devices->device[d].context, p);
	}
}
