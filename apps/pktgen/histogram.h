/* SPDX-License-Identifier: BSD-3-Clause */
/* Histogram: how often each value came, in cells whose width grows with the value. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

/*
 * Each power of two has 128 cells, as Gil Tene's HdrHistogram divides them:
 * what is read differs from what was recorded by less than 1/128, whatever its
 * size, and recording is a shift and an addition. Below 128 it is exact.
 */
#define HISTOGRAM_BITS 7
#define HISTOGRAM_VALUE_BITS 40
#define HISTOGRAM_CELLS ((HISTOGRAM_VALUE_BITS - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS)

/* Written by one thread. All zeros is empty. */
struct histogram {
	uint64_t count;
	uint64_t sum;
	uint64_t min, max; /* exact; min only if count is not 0 */
	uint64_t cells[HISTOGRAM_CELLS];
};

/* Of a value below 2^HISTOGRAM_VALUE_BITS. */
static inline unsigned histogram_cell(uint64_t value)
{
	unsigned shift;

	if (value >> HISTOGRAM_BITS == 0)
		return (unsigned)value;
	shift = 63 - HISTOGRAM_BITS - (unsigned)__builtin_clzll(value);
	return (shift << HISTOGRAM_BITS) + (unsigned)(value >> shift);
}

/* Larger values count as the largest. */
static inline void histogram_add(struct histogram *h, uint64_t value)
{
	if (__builtin_expect(value >> HISTOGRAM_VALUE_BITS != 0, 0))
		value = (1ULL << HISTOGRAM_VALUE_BITS) - 1;
	if (h->count++ == 0 || value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->sum += value;
	h->cells[histogram_cell(value)]++;
}

/* The largest value of the cell. */
uint64_t histogram_top(unsigned cell);

/*
 * The least value that at least the share q (0 .. 1) of all do not exceed, as
 * exactly as its cell; never below min or above max. 0 if empty.
 */
uint64_t histogram_quantile(const struct histogram *h, double q);

void histogram_merge(struct histogram *to, const struct histogram *from);

#endif
