/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts: what loops are made of: arrays, barriers, waiting for the other lcore. */
#ifndef BENCH_PARTS_H
#define BENCH_PARTS_H

#include "bench.h"

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_pause.h>
#include <rte_ring.h>

#define LOOP_INLINE static inline __attribute__((always_inline))

/* An array on the stack, whose place in its cache line is the sample's: wide
 * copies mind it, and an application's lies anywhere. */
#define LOOP_ARRAY(bufs, job)                                                  \
	void *room_[BENCH_BURST_MAX + 8] __attribute__((aligned(64))) = { 0 }; \
	void **bufs = room_ + (job)->shift

/* The pointers count as read and written here: nothing stays in a register
 * that an application would find in memory. */
#define LOOP_BARRIER(bufs) __asm__ volatile("" : : "r"(bufs) : "memory")

/* Waits for the other lcore to bring buffers back, but not for ever. */
#define LOOP_SPINS_MAX (1u << 28)
#define LOOP_GET(seat, bufs, n)                                    \
	do {                                                       \
		unsigned spins_ = 0;                               \
                                                                   \
		while (unlikely(peer_get(seat, bufs, n) != (n))) { \
			if (++spins_ == LOOP_SPINS_MAX)            \
				bench_starved();                   \
			rte_pause();                               \
		}                                                  \
	} while (0)

/* A burst that the compiler does not know: also not as "the same as last time". */
#define LOOP_HIDE(n, constant)                          \
	do {                                            \
		if (!(constant))                        \
			__asm__ volatile("" : "+r"(n)); \
	} while (0)

#endif
