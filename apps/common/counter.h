/* SPDX-License-Identifier: BSD-3-Clause */
/* Counter: a number that one thread adds to and others read meanwhile. */
#ifndef COUNTER_H
#define COUNTER_H

#include <stdint.h>

static inline void counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline uint64_t counter_read(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#endif
