/* SPDX-License-Identifier: BSD-3-Clause */
/* Burst: the longest one that comes through whole, and the buffer that it tells of. */
#include <math.h>

#include "rfc_run.h"

/* Where the first search begins. */
#define BURST_FIRST 64

/* Bursts that came through whole, and their pace. */
struct burst {
	struct rfc_run *run;
	double longest;
	double low, high; /* passes; fails, or 0 */
	double paces;
	unsigned paced;
};

static int burst_try(struct burst *burst, double frames)
{
	double expected = frames / burst->run->row->most;
	struct trial_result result;
	/* As fast as it goes; a line that is faster than the sender is the sender's matter. */
	int error = rfc_trial(burst->run, 0, expected, (uint64_t)frames, &result);

	if (error)
		return error;
	if (result.lost || !result.sent) {
		burst->high = frames;
		return 0;
	}
	burst->low = frames;
	/* Of one or two frames there is no pace. */
	if (result.sent >= BURST_FIRST && result.tx_pps > 0) {
		burst->paces += result.tx_pps;
		burst->paced++;
	}
	return 0;
}

/* Doubles or halves from a first guess until one passes and its double fails. */
static int burst_bracket(struct burst *burst, double guess)
{
	double frames = fmin(guess, burst->longest);

	while (frames >= 1) {
		int error = burst_try(burst, frames);

		if (error)
			return error;
		if (burst->low >= burst->longest || (burst->low > 0 && burst->high > 0))
			return 0;
		frames = burst->low > 0 ? fmin(burst->low * 2, burst->longest)
					: floor(burst->high / 2);
	}
	return 0;
}

static int burst_search(struct burst *burst, double guess)
{
	double resolution = burst->run->plan->burst_resolution;
	int error;

	burst->low = burst->high = 0;
	error = burst_bracket(burst, guess);
	while (!error && burst->high - burst->low > fmax(1, resolution * burst->low))
		error = burst_try(burst, floor((burst->low + burst->high) / 2));
	return error;
}

/* RFC 9004: the device forwards at its throughput while the burst comes in. */
static void burst_correct(struct rfc_row *row)
{
	struct rfc_burst *result = &row->burst;
	double forwarded = fmin(row->ndr.search.load / result->rate, 1);

	result->implied = result->frames / result->rate;
	result->corrected = result->implied * (1 - forwarded);
}

int rfc_bursts(struct rfc_run *run)
{
	struct rfc_row *row = run->row;
	struct rfc_burst *result = &row->burst;
	struct burst burst = {
		.run = run,
		.longest = fmax(floor(row->most * run->plan->burst_seconds), 1),
	};
	double sum = 0, squares = 0, guess = BURST_FIRST;

	for (unsigned i = 0; i < run->plan->burst_repetitions; i++) {
		int error = burst_search(&burst, guess);

		if (error)
			return error;
		sum += burst.low;
		squares += burst.low * burst.low;
		result->least = i ? fmin(result->least, burst.low) : burst.low;
		result->most = fmax(result->most, burst.low);
		result->unbounded += burst.low >= burst.longest;
		result->repetitions = i + 1;
		guess = fmax(burst.low, 1);
	}
	result->frames = sum / result->repetitions;
	result->deviation =
		sqrt(fmax(squares / result->repetitions - result->frames * result->frames, 0));
	/* The line's rate where there is one: that is what the RFC calls the theoretical one. */
	result->rate =
		run->plan->line_rate > 0 || !burst.paced ? row->most : burst.paces / burst.paced;
	burst_correct(row);
	return 0;
}
