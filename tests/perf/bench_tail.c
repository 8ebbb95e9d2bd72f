/* SPDX-License-Identifier: BSD-3-Clause */
/* Tail: how long single bursts of 32 take in hold, the timing's own cost included. */
#include "bench.h"

#include <errno.h>
#include <rte_cycles.h>
#include <stdlib.h>

const char *const bench_tail_names[TAILS] = { "pktpool", "ring_mp_mc", "stack",
					      "ring_mp_mc cache 64" };
const char *const bench_tail_ops[TAIL_OPS] = { "get", "put", "both" };

#define TAIL_LAPS 24

typedef uint32_t tail_histogram[BENCH_TAIL_END];

static unsigned tail_at(const tail_histogram histogram, uint64_t total, double part)
{
	uint64_t seen = 0;
	unsigned i = 0;

	for (; i < BENCH_TAIL_END - 1; i++) {
		seen += histogram[i];
		if ((double)seen >= part * (double)total)
			break;
	}
	return i;
}

static void tail_summarize(const tail_histogram histogram, struct bench_tail *tail)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < BENCH_TAIL_END; i++)
		total += histogram[i];
	tail->bursts = total;
	tail->p50 = tail_at(histogram, total, 0.5);
	tail->p99 = tail_at(histogram, total, 0.99);
	tail->p999 = tail_at(histogram, total, 0.999);
}

static double tail_empty_measure(void)
{
	enum { TIMES = 4096 };
	uint64_t start = rte_rdtsc_precise(), end = start;

	for (unsigned i = 0; i < TIMES; i++)
		end = rte_rdtsc_precise();
	return (double)(end - start) / TIMES;
}

int tails_measure(struct bench_pools *pools, const struct bench_options *options, void **bufs,
		  struct bench_results *results)
{
	const struct bench_loops *loops[TAILS] = { &pktpool_loops, &mempool_loops, &mempool_loops,
						   &mempool_loops };
	tail_histogram *histograms = calloc(TAILS * TAIL_OPS, sizeof(*histograms));
	int error = -ENOMEM;
	void *seats[TAILS];

	if (!histograms || pools_add_small_cache(pools, options))
		goto out;
	seats[TAIL_PKTPOOL] = pools->seats[PEER_PKTPOOL][0];
	seats[TAIL_RING] = pools->seats[PEER_RING][0];
	seats[TAIL_STACK] = pools->seats[PEER_STACK][0];
	seats[TAIL_RING_64] = pools->small_cache;
	for (unsigned turn = 0; turn <= options->tail_turns; turn++) {
		/* Every peer has had its turn to warm up: the histograms begin again. */
		if (turn == 1)
			for (unsigned i = 0; i < TAILS * TAIL_OPS; i++)
				for (unsigned j = 0; j < BENCH_TAIL_END; j++)
					histograms[i][j] = 0;
		for (unsigned i = 0; i < TAILS; i++) {
			struct bench_job job = {
				.seat = seats[i],
				.bufs = bufs,
				.held = pools->held / 32 * 32,
				.laps = TAIL_LAPS,
				.tail_get = histograms[i * TAIL_OPS + TAIL_GET],
				.tail_put = histograms[i * TAIL_OPS + TAIL_PUT],
			};

			job_place(&job, pools->buffers, turn);
			loops[i]->tail(&job);
		}
	}
	for (unsigned i = 0; i < TAILS; i++) {
		tail_histogram *of = &histograms[i * TAIL_OPS];

		for (unsigned j = 0; j < BENCH_TAIL_END; j++)
			of[TAIL_BOTH][j] = of[TAIL_GET][j] + of[TAIL_PUT][j];
		for (unsigned op = 0; op < TAIL_OPS; op++)
			tail_summarize(of[op], &results->tails[i][op]);
	}
	results->tail_empty = tail_empty_measure();
	error = 0;
out:
	free(histograms);
	return error;
}
