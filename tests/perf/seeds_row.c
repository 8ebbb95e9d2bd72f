/* SPDX-License-Identifier: BSD-3-Clause */
/* Row: the samples of one peer in one workload, which of them count, and what they say. */
#include "seeds.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct seeds_row *row_open(struct seeds_runner *run, enum seeds_subject subject, const char *who,
			   unsigned n, unsigned room)
{
	struct seeds_results *results = run->results;
	struct seeds_row *row = &results->rows[results->count];

	if (results->count == SEEDS_ROWS_MAX)
		return NULL;
	*row = (struct seeds_row){
		.subject = subject,
		.who = who,
		.n = n,
		.against = -1,
		.whole = -1,
		.samples = calloc(room, sizeof(*row->samples)),
		.room = room,
	};
	if (!row->samples)
		return NULL;
	results->count++;
	return row;
}

int row_index(const struct seeds_results *results, const struct seeds_row *row)
{
	return (int)(row - results->rows);
}

void row_add(struct seeds_row *row, double cost, const struct pair_sample *pair)
{
	struct seeds_sample *sample;

	if (row->count == row->room)
		return;
	sample = &row->samples[row->count++];
	*sample = (struct seeds_sample){ .cost = cost, .kept = true };
	if (pair) {
		sample->before = pair->before;
		sample->after = pair->after;
	}
}

/* As in bench_cell.c: a sample during which the cores moved does not count, nor
 * one taken elsewhere than most of its workload's, whichever peer it helps. */
static void rows_discard(struct seeds_results *results, enum seeds_subject subject, double *values)
{
	double median = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < results->count; i++) {
		struct seeds_row *row = &results->rows[i];

		for (unsigned s = 0; row->subject == subject && s < row->count; s++) {
			struct seeds_sample *sample = &row->samples[s];

			sample->kept = !trip_differs(sample->before, sample->after);
			if (sample->kept)
				values[n++] = (sample->before + sample->after) / 2;
		}
	}
	if (n)
		median = samples_median(values, n);
	for (unsigned i = 0; i < results->count; i++) {
		struct seeds_row *row = &results->rows[i];

		if (row->subject != subject)
			continue;
		row->round_trip = median;
		for (unsigned s = 0; s < row->count; s++) {
			struct seeds_sample *sample = &row->samples[s];

			if (sample->kept)
				sample->kept =
					!trip_differs((sample->before + sample->after) / 2, median);
			row->discarded += !sample->kept;
		}
	}
}

static void row_summarize(struct seeds_row *row, double *values)
{
	unsigned n = 0;

	for (unsigned s = 0; s < row->count; s++)
		if (row->samples[s].kept)
			values[n++] = row->samples[s].cost;
	row->kept = n;
	if (!n)
		return;
	row->median = samples_median(values, n);
	row->least = values[0];
	row->p99 = values[(n - 1) * 99ull / 100];
}

int rows_summarize(struct seeds_results *results)
{
	size_t samples = 1;
	double *values;

	for (unsigned i = 0; i < results->count; i++)
		samples += results->rows[i].count;
	values = calloc(samples, sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (unsigned subject = 0; subject < SEEDS_SUBJECTS; subject++)
		rows_discard(results, subject, values);
	for (unsigned i = 0; i < results->count; i++)
		row_summarize(&results->rows[i], values);
	free(values);
	return 0;
}

void rows_free(struct seeds_results *results)
{
	for (unsigned i = 0; i < results->count; i++)
		free(results->rows[i].samples);
	results->count = 0;
}

double row_gain(const struct seeds_results *results, const struct seeds_row *row, bool median)
{
	const struct seeds_row *against;

	if (row->against < 0)
		return NAN;
	against = &results->rows[row->against];
	if (!against->kept || !row->kept)
		return NAN;
	if (median)
		return (against->median / row->median - 1) * 100;
	return (against->least / row->least - 1) * 100;
}

const struct seeds_row *row_floor(const struct seeds_results *results, enum seeds_subject subject)
{
	for (unsigned i = 0; i < results->count; i++)
		if (results->rows[i].subject == subject && results->rows[i].floor)
			return &results->rows[i];
	return NULL;
}
