/* SPDX-License-Identifier: BSD-3-Clause */
/* Offset: how a block remembers a buffer (32 bits of its address) and gives it back. */
#ifndef PP_OFFSET_H
#define PP_OFFSET_H

#include "pp_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A pool's buffers lie in one aligned window of 4 GiB, so the low half of an
 * address is the offset and the window's base is the other half. (Pools beyond
 * 4 GiB keep units of 64 bytes and always take the long way, where the
 * conversion costs little beside the call: see pp_cache_get_miss().)
 *
 * Up to 16 go in pairs of scalar registers, inline: one 64-bit load or store a
 * pair, which beats vectors that have to wait for stores still in flight.
 * Above, a copy chosen when the library is loaded.
 */
PP_API extern void (*pp_offset_out_many)(uintptr_t base, const uint32_t *offsets, void **bufs,
					 unsigned n);
PP_API extern void (*pp_offset_in_many)(uint32_t *offsets, void *const *bufs, unsigned n);

#define PP_OFFSET_INLINE 16

typedef uint64_t __attribute__((may_alias, aligned(4))) pp_offset_pair;

static inline __attribute__((always_inline)) void
pp_offset_out(uintptr_t base, const uint32_t *offsets, void **bufs, unsigned n)
{
	unsigned i = 0;

	/* A burst that turns out to be one buffer is spared the loop. */
	if (!__builtin_constant_p(n) && n == 1) {
		bufs[0] = (void *)(base | offsets[0]);
		return;
	}
	if (n > PP_OFFSET_INLINE) {
		pp_offset_out_many(base, offsets, bufs, n);
		return;
	}
#pragma GCC unroll 8
	for (; i + 2 <= n; i += 2) {
		uint64_t pair = *(const pp_offset_pair *)(offsets + i);

		/* Opaque, or the compiler makes two loads or a vector of it. */
		__asm__("" : "+r"(pair));
		bufs[i] = (void *)(base | (uint32_t)pair);
		__asm__("" ::: "memory");
		bufs[i + 1] = (void *)(base | pair >> 32);
		__asm__("" ::: "memory");
	}
	if (i < n)
		bufs[i] = (void *)(base | offsets[i]);
}

static inline __attribute__((always_inline)) void pp_offset_in(uint32_t *offsets, void *const *bufs,
							       unsigned n)
{
	unsigned i = 0;

	if (!__builtin_constant_p(n) && n == 1) {
		offsets[0] = (uint32_t)(uintptr_t)bufs[0];
		return;
	}
	if (n > PP_OFFSET_INLINE) {
		pp_offset_in_many(offsets, bufs, n);
		return;
	}
#pragma GCC unroll 8
	for (; i + 2 <= n; i += 2) {
		uint64_t low = (uint64_t)(uintptr_t)bufs[i];
		uint64_t high = (uint64_t)(uintptr_t)bufs[i + 1];

		__asm__("" : "+r"(low), "+r"(high));
		*(pp_offset_pair *)(offsets + i) = (uint32_t)low | high << 32;
		__asm__("" ::: "memory");
	}
	if (i < n)
		offsets[i] = (uint32_t)(uintptr_t)bufs[i];
}

#ifdef __cplusplus
}
#endif
#endif
