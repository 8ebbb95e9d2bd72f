/* SPDX-License-Identifier: BSD-3-Clause */
/* Histogram: how often each value came, in cells whose width grows with the value. */
#include <math.h>

#include "histogram.h"

uint64_t histogram_top(unsigned cell)
{
	unsigned shift;

	if (cell >> HISTOGRAM_BITS == 0)
		return cell;
	/* The cells of a power of two begin at 2^BITS of them. */
	shift = (cell >> HISTOGRAM_BITS) - 1;
	return ((((uint64_t)cell - ((uint64_t)shift << HISTOGRAM_BITS)) + 1) << shift) - 1;
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
	uint64_t rank = (uint64_t)ceil(q * (double)h->count);
	uint64_t seen = 0;

	if (h->count == 0)
		return 0;
	if (rank == 0)
		return h->min;
	for (unsigned i = 0; i < HISTOGRAM_CELLS; i++) {
		seen += h->cells[i];
		if (seen < rank)
			continue;
		return histogram_top(i) < h->max ? histogram_top(i) : h->max;
	}
	return h->max;
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
	if (from->count == 0)
		return;
	if (to->count == 0 || from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
	to->count += from->count;
	to->sum += from->sum;
	for (unsigned i = 0; i < HISTOGRAM_CELLS; i++)
		to->cells[i] += from->cells[i];
}
