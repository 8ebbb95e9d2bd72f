/* SPDX-License-Identifier: BSD-3-Clause */
/* Lock: a word that holds its holder's number, so that a reaper can tell whose it was. */
#ifndef PP_LOCK_H
#define PP_LOCK_H

#include <immintrin.h>
#include <sched.h>
#include <stdatomic.h>

#include "pp_types.h"

/* 0 free, else the holder's id + 1. Held for at most a copy of one block. */
typedef _Atomic uint32_t pp_lock_word;

/* Holders that have no cache: stewards (grow, shrink, collect) and threads without one. */
#define PP_NOBODY 0xfffffffeu

static inline bool pp_lock_try(pp_lock_word *lock, uint32_t id)
{
	uint32_t nobody = 0;

	/* K1: pairs with K2 of the holder before. */
	return atomic_load_explicit(lock, memory_order_relaxed) == 0 &&
	       atomic_compare_exchange_strong_explicit(lock, &nobody, id + 1, memory_order_acquire,
						       memory_order_relaxed);
}

/* Spins, and yields only when the holder seems to have lost its CPU. */
static inline void pp_lock_take(pp_lock_word *lock, uint32_t id)
{
	unsigned spins = 0;

	while (!pp_lock_try(lock, id)) {
		_mm_pause();
		if (++spins % 256 == 0)
			sched_yield();
	}
}

static inline void pp_lock_release(pp_lock_word *lock)
{
	atomic_store_explicit(lock, 0, memory_order_release); /* K2 */
}

#endif
