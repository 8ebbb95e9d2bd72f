/* SPDX-License-Identifier: BSD-3-Clause */
/* Refill: a receiver whose frames are redirected and never come back to it (seed 003). */
#include "seeds.h"

#include <errno.h>
#include <pktpool.h>

#define BUFFERS (16u << 10)
/* A DPDK mbuf with its default room; and frames at a distance at which they share
 * one in 32 of a cache's sets. */
#define BUFFER_SIZE 2304u
#define ALIASED_SIZE 2048u
#define RING_SLOTS 1024u

enum { PKTPOOL_ONE, PKTPOOL_BULK, PKTPOOL_ALIASED, MEMPOOL_ONE, MEMPOOL_BULK, FLOOR, PEOPLE };

static const struct {
	const char *who;
	unsigned n;
	const struct seeds_loops *loops;
} people[PEOPLE] = {
	[PKTPOOL_ONE] = { "pktpool, one by one", 1, &pktpool_seeds },
	[PKTPOOL_BULK] = { "pktpool, 64 at once", SEEDS_REFILL, &pktpool_seeds },
	[PKTPOOL_ALIASED] = { "pktpool, 64 at once, of 2048 bytes", SEEDS_REFILL, &pktpool_seeds },
	[MEMPOOL_ONE] = { "ring_mp_mc, one by one", 1, &mempool_seeds },
	[MEMPOOL_BULK] = { "ring_mp_mc, 64 at once", SEEDS_REFILL, &mempool_seeds },
	[FLOOR] = { "floor: no pool", 1, &carousel_seeds },
};

static void refill_sample(struct seeds_runner *run, unsigned who, struct rte_ring *ring,
			  void *const seats[2], struct pair_sample *pair)
{
	const struct seeds_loops *loops = people[who].loops;
	struct bench_job jobs[2];
	struct pair_side sides[2];

	for (unsigned i = 0; i < 2; i++) {
		jobs[i] = (struct bench_job){
			.seat = seats[i],
			.ring = ring,
			.count = run->options->count,
		};
		sides[i].job = &jobs[i];
	}
	sides[0].loop = people[who].n > 1 ? loops->receive_bulk : loops->receive_one;
	sides[1].loop = loops->transmit;
	pair_run(run->lcore, sides, pair);
}

static int refill_measure(struct seeds_runner *run, struct seeds_row *rows[PEOPLE],
			  struct seeds_pools *pools, struct pp_cache *const aliased[2])
{
	struct seeds_carousel *carousel = carousel_create(BUFFERS, BUFFER_SIZE);
	void *seats[PEOPLE][2];

	if (!carousel)
		return -ENOMEM;
	for (unsigned i = 0; i < 2; i++) {
		seats[PKTPOOL_ONE][i] = seats[PKTPOOL_BULK][i] = pools->caches[i];
		seats[PKTPOOL_ALIASED][i] = aliased[i];
		seats[MEMPOOL_ONE][i] = seats[MEMPOOL_BULK][i] = pools->mempool;
		seats[FLOOR][i] = carousel;
	}
	for (unsigned round = 0; seeds_goes_on(run, round); round++)
		for (unsigned who = 0; who < PEOPLE; who++) {
			struct pair_sample pair;

			refill_sample(run, who, pools->ring, seats[who], &pair);
			/* The first round warms up. */
			if (round > 0)
				row_add(rows[who], pair.elapsed / run->options->count, &pair);
		}
	carousel_destroy(carousel);
	return 0;
}

/* As refill_measure(), with one more pool of ours. */
static int refill_measure_both(struct seeds_runner *run, struct seeds_row *rows[PEOPLE],
			       struct seeds_pools *pools)
{
	struct pp_pool *pool = pktpool_create(BUFFERS, ALIASED_SIZE, false);
	struct pp_cache *caches[2] = { NULL };
	int error = -ENOMEM;

	if (!pool)
		return error;
	caches[0] = pp_cache_create(pool, "first");
	caches[1] = pp_cache_create(pool, "second");
	if (caches[0] && caches[1])
		error = refill_measure(run, rows, pools, caches);
	pp_cache_destroy(caches[0]);
	pp_cache_destroy(caches[1]);
	if (pp_pool_destroy(pool)) {
		fprintf(stderr, "pktpool-bench: %s\n", pp_error());
		error = -EBUSY;
	}
	return error;
}

int refill_run(struct seeds_runner *run)
{
	struct seeds_row *rows[PEOPLE];
	struct seeds_pools pools;
	int error;

	for (unsigned who = 0; who < PEOPLE; who++) {
		rows[who] = row_open(run, SEEDS_REFILLING, people[who].who, people[who].n,
				     run->options->rounds);
		if (!rows[who])
			return -ENOMEM;
		rows[who]->rate = run->ghz * 1e3;
	}
	rows[PKTPOOL_BULK]->against = row_index(run->results, rows[PKTPOOL_ONE]);
	rows[MEMPOOL_BULK]->against = row_index(run->results, rows[MEMPOOL_ONE]);
	rows[FLOOR]->floor = true;
	error = seeds_pools_create(&pools, BUFFERS, BUFFER_SIZE, SEEDS_CACHE, RING_SLOTS);
	if (error)
		return error;
	error = refill_measure_both(run, rows, &pools);
	if (seeds_pools_destroy(&pools) && !error)
		error = -EUCLEAN;
	return error;
}
