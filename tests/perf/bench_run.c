/* SPDX-License-Identifier: BSD-3-Clause */
/* Run: every pattern and burst, the peers taking turns sample by sample. */
#include "bench.h"

#include <errno.h>
#include <pktpool.h>
#include <rte_mempool.h>
#include <stdlib.h>
#include <string.h>

const unsigned bench_bursts[BENCH_BURSTS] = { 1, 8, 32, 64 };
const char *const bench_pattern_names[PATTERNS] = { "hot", "hold", "pipeline", "contended",
						    "one-by-one" };
const char *const bench_peer_names[PEERS] = { "pktpool", "ring_mp_mc", "stack", "floor" };

struct runner {
	const struct bench_options *options;
	struct bench_pools pools;
	unsigned lcore; /* the second one */
	void **bufs[2];
	struct bench_results *results;
};

void bench_starved(void)
{
	fprintf(stderr, "pktpool-bench: a pool ran dry with most of its buffers free\n");
	exit(BENCH_FAILED);
}

static const struct bench_loops *peer_loops(enum bench_peer peer, enum bench_pattern pattern)
{
	switch (peer) {
	case PEER_PKTPOOL:
		return &pktpool_loops;
	case PEER_FLOOR:
		return pattern == PATTERN_PIPELINE ? &bare_loops : &lifo_loops;
	default:
		return &mempool_loops;
	}
}

/*
 * Arrays begin 0, 16, 32, 48 bytes into a line in turn (malloc and the stack
 * promise 16), and caches at any of their places: a prime number of them further
 * whenever the arrays are back where they were.
 */
void job_place(struct bench_job *job, unsigned buffers, unsigned round)
{
	unsigned most = buffers / 32;

	job->shift = round % 4 * 2;
	job->aside = round / 4 * 37 % (most < BENCH_ASIDE_MAX ? most : BENCH_ASIDE_MAX);
}

static void sample_alone(struct runner *run, const struct bench_cell *cell, enum bench_peer peer,
			 unsigned round, struct bench_sample *sample)
{
	const struct bench_loops *loops = peer_loops(peer, cell->pattern);
	struct bench_job job = {
		.seat = run->pools.seats[peer][0],
		.bufs = run->bufs[0],
		.burst = cell->burst,
		.constant = cell->constant,
		.held = cell->held,
		.laps = run->options->count / cell->held + 1,
		.count = run->options->count,
	};
	uint64_t cycles;

	job_place(&job, cell->buffers, round);
	if (cell->pattern == PATTERN_HOLD) {
		cycles = loops->hold(&job);
		sample->cycles = (double)cycles / ((double)job.laps * job.held);
		return;
	}
	cycles = cell->pattern == PATTERN_HOT ? loops->hot(&job) : loops->one(&job);
	sample->cycles = (double)cycles / job.count;
}

static void sample_pair(struct runner *run, const struct bench_cell *cell, enum bench_peer peer,
			unsigned round, struct bench_sample *sample)
{
	const struct bench_loops *loops = peer_loops(peer, cell->pattern);
	bool pipeline = cell->pattern == PATTERN_PIPELINE;
	struct bench_job jobs[2];
	struct pair_side sides[2];
	struct pair_sample pair;

	for (unsigned i = 0; i < 2; i++) {
		jobs[i] = (struct bench_job){
			.seat = run->pools.seats[peer][i],
			.bufs = run->bufs[i],
			.ring = run->pools.ring,
			.burst = cell->burst,
			.constant = cell->constant,
			.held = cell->held,
			.laps = run->options->count / cell->held + 1,
			.count = run->options->count,
		};
		job_place(&jobs[i], cell->buffers, round);
		sides[i].job = &jobs[i];
		sides[i].loop = !pipeline ? loops->hold : i ? loops->consume : loops->produce;
	}
	pair_run(run->lcore, sides, &pair);
	sample->before = pair.before;
	sample->after = pair.after;
	if (pipeline)
		sample->cycles = pair.elapsed / jobs[0].count;
	else
		sample->cycles = (pair.cycles[0] + pair.cycles[1]) / 2 /
				 ((double)jobs[0].laps * jobs[0].held);
}

static int run_cell_open(struct runner *run, enum bench_pattern pattern, unsigned burst,
			 bool constant)
{
	struct bench_cell *cell = &run->results->cells[run->results->cell_count];

	*cell = (struct bench_cell){
		.pattern = pattern,
		.burst = burst,
		.constant = constant,
		.buffers = run->pools.buffers,
		.held = run->pools.held / burst * burst,
	};
	if (cell_init(cell, run->options->rounds))
		return -ENOMEM;
	run->results->cell_count++;
	return 0;
}

static int cells_open(struct runner *run)
{
	for (unsigned pattern = 0; pattern < PATTERN_ONE; pattern++)
		for (unsigned constant = 2; constant-- > 0;)
			for (unsigned b = 0; b < BENCH_BURSTS; b++)
				if (run_cell_open(run, pattern, bench_bursts[b], constant))
					return -ENOMEM;
	return run_cell_open(run, PATTERN_ONE, 1, true);
}

/* A round visits every cell, and in each cell every peer; the first is for warming up. */
static void cells_measure(struct runner *run, unsigned first)
{
	for (unsigned round = 0; round <= run->options->rounds; round++)
		for (unsigned i = first; i < run->results->cell_count; i++)
			for (unsigned peer = 0; peer < PEERS; peer++) {
				struct bench_cell *cell = &run->results->cells[i];
				struct bench_sample sample = { 0 };

				if (!run->pools.seats[peer][0])
					continue;
				if (pattern_is_paired(cell->pattern))
					sample_pair(run, cell, peer, round, &sample);
				else
					sample_alone(run, cell, peer, round, &sample);
				if (round > 0)
					cell_add(cell, peer, &sample);
			}
}

static int size_run(struct runner *run, unsigned buffers, bool first)
{
	unsigned from = run->results->cell_count;
	int error = pools_create(&run->pools, run->options, buffers);

	if (error)
		return error;
	for (unsigned i = 0; i < 2; i++) {
		run->bufs[i] = aligned_alloc(64, (run->pools.held + BENCH_BURST_MAX) / 8 * 64);
		if (!run->bufs[i])
			error = -ENOMEM;
	}
	if (!error)
		error = cells_open(run);
	if (!error) {
		cells_measure(run, from);
		for (unsigned i = from; i < run->results->cell_count && !error; i++)
			error = cell_summarize(&run->results->cells[i]);
	}
	if (!error && first)
		error = tails_measure(&run->pools, run->options, run->bufs[0], run->results);
	for (unsigned i = 0; i < 2; i++)
		free(run->bufs[i]);
	if (pools_destroy(&run->pools) && !error)
		error = -EUCLEAN;
	return error;
}

int bench_run(const struct bench_options *options, unsigned lcore, struct bench_results *results)
{
	struct runner run = { .options = options, .lcore = lcore, .results = results };
	int error = 0;

	results->memcpy_pointer = memcpy_measure(options->rounds * 16);
	results->create_pktpool =
		create_measure_pktpool(options->create_mib, options->create_rounds);
	results->create_mempool =
		create_measure_mempool(options->create_mib, options->create_rounds);
	if (results->create_pktpool < 0 || results->create_mempool < 0)
		return -ENOMEM;
	for (unsigned i = 0; i < options->size_count && !error; i++)
		error = size_run(&run, options->sizes[i], i == 0);
	return error;
}
