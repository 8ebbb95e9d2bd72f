/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffer: arithmetic between addresses, numbers and hugepages. */
#include <errno.h>

#include "pp_buffer.h"
#include "pp_place.h"
#include "pp_region.h"

PP_API int64_t pp_buffer_index(const struct pp_region *region, const void *addr)
{
	uint64_t at = (uintptr_t)addr - region->base;
	uint32_t in, p, j;
	int64_t index;

	if (at >= region->buffer_bytes)
		return -EINVAL;
	if (region->flags & PP_POOL_GAPLESS) {
		index = pp_place_strides(region, at);
		if (index >= region->buffers_max)
			return -EINVAL;
		p = pp_place_page(region, (uint32_t)index);
	} else {
		p = (uint32_t)(at >> region->page_shift);
		in = (uint32_t)(at & (region->page - 1));
		j = pp_place_strides(region, in);
		if (j >= region->pages[p].count || in - j * region->stride >= region->buffer_size)
			return -EINVAL;
		index = (int64_t)region->pages[p].first + j;
	}
	if (atomic_load_explicit(&region->pages[p].state, memory_order_acquire) == PP_PAGE_ABSENT)
		return -EINVAL;
	return index;
}

PP_API void *pp_buffer_at(const struct pp_region *region, uint32_t index)
{
	uint32_t p;

	if (index >= region->buffers_max)
		return NULL;
	p = pp_place_page(region, index);
	if (atomic_load_explicit(&region->pages[p].state, memory_order_acquire) == PP_PAGE_ABSENT)
		return NULL;
	return (void *)(pp_place_start(region, index) + region->lead);
}

PP_API uint32_t pp_buffer_index_end(const struct pp_region *region)
{
	return region->buffers_max;
}

PP_API int pp_buffer_node(const struct pp_region *region, const void *addr)
{
	uint64_t at = (uintptr_t)addr - region->base;

	if (at >= region->buffer_bytes)
		return -EINVAL;
	return atomic_load_explicit(&region->pages[at >> region->page_shift].node,
				    memory_order_relaxed);
}

static const struct pp_mapping *buffer_mapping(const struct pp_region *region, unsigned device,
					       uint64_t at)
{
	if (at >= region->buffer_bytes || device >= PP_DEVICES_MAX)
		return NULL;
	return &region->maps[(size_t)device * region->pages_max + (at >> region->page_shift)];
}

PP_API uint64_t pp_buffer_iova(const struct pp_region *region, unsigned device, const void *addr)
{
	uint64_t at = (uintptr_t)addr - region->base;
	const struct pp_mapping *mapping = buffer_mapping(region, device, at);
	/* M2: pairs with M1. */
	uint64_t iova = mapping ? __atomic_load_n(&mapping->iova, __ATOMIC_ACQUIRE) : UINT64_MAX;

	return iova == UINT64_MAX ? iova : iova + (at & (region->page - 1));
}

PP_API uint32_t pp_buffer_lkey(const struct pp_region *region, unsigned device, const void *addr)
{
	uint64_t at = (uintptr_t)addr - region->base;
	const struct pp_mapping *mapping = buffer_mapping(region, device, at);

	return mapping ? mapping->lkey : 0;
}

PP_API uint32_t pp_buffer_rkey(const struct pp_region *region, unsigned device, const void *addr)
{
	uint64_t at = (uintptr_t)addr - region->base;
	const struct pp_mapping *mapping = buffer_mapping(region, device, at);

	return mapping ? mapping->rkey : 0;
}

PP_API void pp_region_extent(const struct pp_region *region, struct pp_extent *extent)
{
	extent->base = (void *)region->base;
	extent->bytes = region->buffer_bytes;
	extent->page = region->page;
	extent->pages = region->pages_max;
	extent->stride = region->stride;
}

PP_API int pp_region_page(const struct pp_region *region, uint32_t p, struct pp_page_info *info)
{
	const struct pp_page *page;

	if (p >= region->pages_max)
		return -EINVAL;
	page = &region->pages[p];
	info->present = atomic_load_explicit(&page->state, memory_order_acquire) != PP_PAGE_ABSENT;
	info->node = atomic_load_explicit(&page->node, memory_order_relaxed);
	info->first = page->first;
	info->count = page->count;
	info->start = (void *)pp_place_start(region, page->first);
	return 0;
}
