/* SPDX-License-Identifier: BSD-3-Clause */
/* Page: page_pool's simple bench: one is allocated and freed, straight and by way of a ring. */
#include "seeds.h"

#include <errno.h>

#define BUFFERS (16u << 10)
#define BUFFER_SIZE SEEDS_PAGE
#define RING_SLOTS 1024u

enum { PKTPOOL, MEMPOOL, FLOOR, PEOPLE };
#define WAYS 3

static const char *const people[PEOPLE] = { "pktpool", "ring_mp_mc", "floor" };
static const enum seeds_subject ways[WAYS] = { SEEDS_ONE, SEEDS_RING, SEEDS_THREAD };

struct page_seats {
	void *seats[PEOPLE][2];
	struct bench_lifo *lifo;
	struct seeds_carousel *carousel;
};

static void page_alone(struct seeds_runner *run, struct seeds_row *row, bench_loop loop,
		       const struct bench_job *job, bool counts)
{
	uint64_t cycles = loop(job);

	if (counts)
		row_add(row, (double)cycles / run->options->count, NULL);
}

static void page_pair(struct seeds_runner *run, struct seeds_row *row,
		      const struct seeds_loops *loops, const struct bench_job jobs[2], bool counts)
{
	const struct pair_side sides[2] = { { loops->give, &jobs[0] }, { loops->take, &jobs[1] } };
	struct pair_sample pair;

	pair_run(run->lcore, sides, &pair);
	if (counts)
		row_add(row, pair.elapsed / run->options->count, &pair);
}

static void page_round(struct seeds_runner *run, struct seeds_row *rows[WAYS][PEOPLE],
		       struct seeds_pools *pools, struct page_seats *seats, bool counts)
{
	static const bench_loop *const ones[PEOPLE] = { &pktpool_loops.one, &mempool_loops.one,
							&lifo_loops.one };
	static const struct seeds_loops *const loops[PEOPLE] = { &pktpool_seeds, &mempool_seeds,
								 &carousel_seeds };

	for (unsigned who = 0; who < PEOPLE; who++) {
		struct bench_job jobs[2], one;

		for (unsigned i = 0; i < 2; i++)
			jobs[i] = (struct bench_job){
				.seat = seats->seats[who][i],
				.ring = pools->ring,
				.count = run->options->count,
			};
		one = jobs[0];
		if (who == FLOOR)
			one.seat = seats->lifo;
		page_alone(run, rows[0][who], *ones[who], &one, counts);
		page_alone(run, rows[1][who], loops[who]->ring, &jobs[0], counts);
		page_pair(run, rows[2][who], loops[who], jobs, counts);
	}
}

static int page_measure(struct seeds_runner *run, struct seeds_row *rows[WAYS][PEOPLE],
			struct seeds_pools *pools)
{
	struct page_seats seats = {
		.lifo = lifo_create(SEEDS_REFILL),
		.carousel = carousel_create(2 * RING_SLOTS, 64),
	};
	int error = seats.lifo && seats.carousel ? 0 : -ENOMEM;

	for (unsigned i = 0; i < 2; i++) {
		seats.seats[PKTPOOL][i] = pools->caches[i];
		seats.seats[MEMPOOL][i] = pools->mempool;
		seats.seats[FLOOR][i] = seats.carousel;
	}
	for (unsigned round = 0; seeds_goes_on(run, round) && !error; round++)
		page_round(run, rows, pools, &seats, round > 0);
	carousel_destroy(seats.carousel);
	lifo_destroy(seats.lifo);
	return error;
}

int page_run(struct seeds_runner *run)
{
	struct seeds_row *rows[WAYS][PEOPLE];
	struct seeds_pools pools;
	int error;

	for (unsigned way = 0; way < WAYS; way++)
		for (unsigned who = 0; who < PEOPLE; who++) {
			struct seeds_row *row =
				row_open(run, ways[way], people[who], 1, run->options->rounds);

			if (!row)
				return -ENOMEM;
			row->rate = run->ghz * 1e3;
			row->floor = who == FLOOR;
			rows[way][who] = row;
		}
	error = seeds_pools_create(&pools, BUFFERS, BUFFER_SIZE, SEEDS_CACHE, RING_SLOTS);
	if (error)
		return error;
	error = page_measure(run, rows, &pools);
	if (seeds_pools_destroy(&pools) && !error)
		error = -EUCLEAN;
	return error;
}
