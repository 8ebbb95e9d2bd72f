/* SPDX-License-Identifier: BSD-3-Clause */
/* Cell: the samples of one place in the table, which of them count, and what they say. */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>

/* Round trips that differ by more than this are another machine. */
#define TRIP_TOLERANCE 0.2

int cell_init(struct bench_cell *cell, unsigned rounds)
{
	struct bench_sample *all = calloc((size_t)rounds * PEERS, sizeof(*all));

	if (!all)
		return -ENOMEM;
	for (unsigned peer = 0; peer < PEERS; peer++)
		cell->samples[peer] = all + (size_t)peer * rounds;
	return 0;
}

void cell_free(struct bench_cell *cell)
{
	free(cell->samples[0]);
}

void cell_add(struct bench_cell *cell, enum bench_peer peer, const struct bench_sample *sample)
{
	unsigned round = cell->rounds[peer]++;

	cell->samples[peer][round] = *sample;
	cell->samples[peer][round].kept = true;
}

static int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

bool trip_differs(double a, double b)
{
	double low = a < b ? a : b, high = a < b ? b : a;

	return high > low * (1 + TRIP_TOLERANCE);
}

double samples_median(double *values, unsigned n)
{
	qsort(values, n, sizeof(*values), double_compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/*
 * The two cores move under a guest while it runs. A sample during which they
 * moved says nothing, and one taken elsewhere than most of its cell's can't be
 * compared with them: neither counts, whichever peer it helps.
 */
static void cell_discard(struct bench_cell *cell, double *values)
{
	unsigned n = 0;

	for (unsigned peer = 0; peer < PEERS; peer++)
		for (unsigned r = 0; r < cell->rounds[peer]; r++) {
			struct bench_sample *sample = &cell->samples[peer][r];

			sample->kept = !trip_differs(sample->before, sample->after);
			if (sample->kept)
				values[n++] = (sample->before + sample->after) / 2;
			else
				cell->discarded++;
		}
	if (n == 0)
		return;
	cell->round_trip = samples_median(values, n);
	for (unsigned peer = 0; peer < PEERS; peer++)
		for (unsigned r = 0; r < cell->rounds[peer]; r++) {
			struct bench_sample *sample = &cell->samples[peer][r];

			if (!sample->kept)
				continue;
			sample->kept = !trip_differs((sample->before + sample->after) / 2,
						     cell->round_trip);
			cell->discarded += !sample->kept;
		}
}

int cell_summarize(struct bench_cell *cell)
{
	unsigned samples = 0;
	double *values;

	for (unsigned peer = 0; peer < PEERS; peer++)
		samples += cell->rounds[peer];
	values = calloc(samples + 1, sizeof(*values));
	if (!values)
		return -ENOMEM;
	if (pattern_is_paired(cell->pattern))
		cell_discard(cell, values);
	for (unsigned peer = 0; peer < PEERS; peer++) {
		struct bench_summary *summary = &cell->peers[peer];
		unsigned n = 0;

		for (unsigned r = 0; r < cell->rounds[peer]; r++)
			if (cell->samples[peer][r].kept)
				values[n++] = cell->samples[peer][r].cycles;
		summary->kept = n;
		if (n) {
			summary->median = samples_median(values, n);
			summary->least = values[0];
		}
	}
	free(values);
	return 0;
}
