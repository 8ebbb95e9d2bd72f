/* SPDX-License-Identifier: BSD-3-Clause */
/* Place: where buffer number i lies, and what its offset in a block is. */
#ifndef PP_PLACE_H
#define PP_PLACE_H

#include "pp_region.h"
#include "pp_tracts.h"

/* `at` / stride, for `at` below 256 GiB: exact, as both are below 2^32 in lines. */
static inline uint32_t pp_place_strides(const struct pp_region *region, uint64_t at)
{
	uint64_t lines = at / PP_LINE;

	if (!region->inverse)
		return (uint32_t)lines;
	return (uint32_t)(((unsigned __int128)lines * region->inverse) >> 64);
}

/* The hugepage a buffer belongs to: the one its last byte is on. */
static inline uint32_t pp_place_page(const struct pp_region *region, uint32_t index)
{
	if (region->flags & PP_POOL_GAPLESS)
		return (uint32_t)((((uint64_t)index + 1) * region->stride - 1) >>
				  region->page_shift);
	return index / region->per_page;
}

static inline uintptr_t pp_place_start(const struct pp_region *region, uint32_t index)
{
	if (region->flags & PP_POOL_GAPLESS)
		return region->base + (uint64_t)index * region->stride;
	return region->base + ((uint64_t)(index / region->per_page) << region->page_shift) +
	       (uint64_t)(index % region->per_page) * region->stride;
}

/* Narrow: the low half of the address handed out. Wide: where it starts, in lines. */
static inline uint32_t pp_place_offset(const struct pp_region *region, uint32_t index)
{
	uint64_t at = pp_place_start(region, index) - region->base;

	return region->wide ? (uint32_t)(at / PP_LINE) : (uint32_t)(at + region->lead);
}

static inline uintptr_t pp_place_of_offset(const struct pp_region *region, uint32_t offset)
{
	if (region->wide)
		return region->base + (uint64_t)offset * PP_LINE + region->lead;
	return region->base | offset;
}

static inline uint32_t pp_place_to_offset(const struct pp_region *region, const void *buf)
{
	uint64_t at = (uintptr_t)buf - region->base;

	return region->wide ? (uint32_t)((at - region->lead) / PP_LINE) : (uint32_t)at;
}

/* The number of a buffer known to be one. */
static inline uint32_t pp_place_index(const struct pp_region *region, uint32_t offset)
{
	uint64_t at = pp_place_of_offset(region, offset) - region->base;

	if (region->tracts)
		return pp_tracts_index(region->tracts, region->base + at);
	if (region->flags & PP_POOL_GAPLESS)
		return pp_place_strides(region, at);
	return (uint32_t)(at >> region->page_shift) * region->per_page +
	       pp_place_strides(region, at & (region->page - 1));
}

/*
 * A number of a buffer's own that costs a subtraction and a shift: the largest
 * power of two within the stride divides no two of them into one piece. Keys
 * are not dense: up to twice as many as there are buffers.
 */
static inline uint32_t pp_place_key(const struct pp_region *region, const void *buf)
{
	if (region->tracts)
		return pp_tracts_index(region->tracts, (uintptr_t)buf);
	return (uint32_t)(((uintptr_t)buf - region->base) >> region->key_shift);
}

static inline uint32_t pp_place_keys(const struct pp_region *region)
{
	if (region->tracts)
		return region->buffers_max;
	return (uint32_t)((region->buffer_bytes - 1) >> region->key_shift) + 1;
}

static inline uint32_t pp_place_index_key(const struct pp_region *region, uint32_t index)
{
	if (region->tracts)
		return index;
	return pp_place_key(region, (void *)(pp_place_start(region, index) + region->lead));
}

static inline uint32_t pp_place_offset_page(const struct pp_region *region, uint32_t offset)
{
	if (region->tracts)
		return 0;
	if (region->flags & PP_POOL_GAPLESS)
		return pp_place_page(region, pp_place_index(region, offset));
	return (uint32_t)((pp_place_of_offset(region, offset) - region->base) >>
			  region->page_shift);
}

#endif
