/* SPDX-License-Identifier: BSD-3-Clause */
/* Tracts: where in somebody else's memory a pool's buffers lie, and their numbers. */
#ifndef PP_TRACTS_H
#define PP_TRACTS_H

#include <stdatomic.h>
#include <stdint.h>

#define PP_TRACTS_MAX 64

/*
 * Buffers lie at least a stride apart, so no two of a tract have the same
 * number. With gaps between them (an allocator that lets none lie across two
 * pages) numbers are left out, and what a number's address is cannot be told.
 */
struct pp_tract {
	uintptr_t start, end; /* of the addresses handed out, the last one excluded */
	uint32_t first;       /* number of the first buffer */
	uint32_t gapless;
};

/*
 * In control memory; tracts are added and never taken out.
 *
 * field   written by                       read by
 * n       who adds one, after the tract    anyone
 * stride  at creation                      anyone
 */
struct pp_tracts {
	_Atomic uint32_t n;
	uint32_t stride;
	struct pp_tract tract[PP_TRACTS_MAX];
};

/* The number of a buffer known to be one; of any other address UINT32_MAX. */
static inline uint32_t pp_tracts_index(const struct pp_tracts *tracts, uintptr_t addr)
{
	uint32_t n = atomic_load_explicit(&tracts->n, memory_order_acquire);

	for (uint32_t i = 0; i < n; i++) {
		const struct pp_tract *tract = &tracts->tract[i];

		if (addr - tract->start < tract->end - tract->start)
			return tract->first + (uint32_t)((addr - tract->start) / tracts->stride);
	}
	return UINT32_MAX;
}

/* The same of any address: -1 where no buffer begins, as far as can be told. */
static inline int64_t pp_tracts_find(const struct pp_tracts *tracts, uintptr_t addr)
{
	uint32_t n = atomic_load_explicit(&tracts->n, memory_order_acquire);

	for (uint32_t i = 0; i < n; i++) {
		const struct pp_tract *tract = &tracts->tract[i];

		if (addr - tract->start >= tract->end - tract->start)
			continue;
		if (tract->gapless && (addr - tract->start) % tracts->stride)
			return -1;
		return (int64_t)tract->first + (int64_t)((addr - tract->start) / tracts->stride);
	}
	return -1;
}

#endif
