/* SPDX-License-Identifier: BSD-3-Clause */
/* Lock: a word that holds its holder's number, so that a reaper can tell whose it was. */
#ifndef PP_LOCK_H
#define PP_LOCK_H

#include <immintrin.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "pp_types.h"

/*
 * holder   0 free, else the holder's id + 1; held for at most a copy of one block
 * waiting  set by whoever waits, again and again; cleared by whoever gets it
 *
 * An owner that finds its pool empty takes its own lock over and over: without
 * `waiting` a taker or a reader of the books might never come in between.
 */
typedef struct {
	_Atomic uint32_t holder;
	_Atomic uint32_t waiting;
} pp_lock_word;

/* Holders that have no cache: stewards (grow, shrink, collect) and threads without one. */
#define PP_NOBODY 0xfffffffeu
/* How long a newcomer lets those before it go first, in pauses. */
#define PP_LOCK_COURTESY 256

static inline bool pp_lock_try(pp_lock_word *lock, uint32_t id)
{
	uint32_t nobody = 0;

	/* K1: pairs with K2 of the holder before. */
	return atomic_load_explicit(&lock->holder, memory_order_relaxed) == 0 &&
	       atomic_compare_exchange_strong_explicit(&lock->holder, &nobody, id + 1,
						       memory_order_acquire, memory_order_relaxed);
}

/* The holder seems to have lost its CPU: whoever goes on asking keeps it from having one. */
static inline void pp_lock_rest(unsigned spins)
{
	struct timespec rest = { 0, 50000 };

	if (spins < 4 * 256)
		sched_yield();
	else
		nanosleep(&rest, NULL);
}

/* Spins, then yields, then sleeps a little. */
static inline void pp_lock_take(pp_lock_word *lock, uint32_t id)
{
	unsigned spins = 0;

	while (PP_UNLIKELY(atomic_load_explicit(&lock->waiting, memory_order_relaxed)) &&
	       spins++ < PP_LOCK_COURTESY)
		_mm_pause();
	while (!pp_lock_try(lock, id)) {
		atomic_store_explicit(&lock->waiting, 1, memory_order_relaxed);
		_mm_pause();
		if (++spins % 256 == 0)
			pp_lock_rest(spins);
	}
	if (PP_UNLIKELY(atomic_load_explicit(&lock->waiting, memory_order_relaxed)))
		atomic_store_explicit(&lock->waiting, 0, memory_order_relaxed);
}

static inline void pp_lock_release(pp_lock_word *lock)
{
	atomic_store_explicit(&lock->holder, 0, memory_order_release); /* K2 */
	/* On a CPU that both share, who waits can only come in now. */
	if (PP_UNLIKELY(atomic_load_explicit(&lock->waiting, memory_order_relaxed)))
		sched_yield();
}

static inline bool pp_lock_held(const pp_lock_word *lock)
{
	return atomic_load_explicit(&lock->holder, memory_order_acquire) != 0;
}

#endif
