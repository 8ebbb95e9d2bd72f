/* SPDX-License-Identifier: BSD-3-Clause */
/* Fill: sunrpc's array of 256: what a request used of it is filled again (seed 003). */
#include "seeds.h"

#include <errno.h>
#include <pktpool.h>
#include <rte_cycles.h>
#include <rte_mempool.h>
#include <rte_pause.h>
#include <rte_ring.h>
#include <string.h>

#include "seeds_counted.h"

#define BUFFERS (8u << 10)
#define RING_SLOTS 1024u
#define CALLS 256u /* of one sample */

enum { PKTPOOL_ONE, PKTPOOL_FILL, PKTPOOL_WAIT, MEMPOOL_ONE, MEMPOOL_COUNTED, FLOOR, PEOPLE };

/* `slots` are SEEDS_REQUEST, the first n of them NULL: sets those. */
typedef void (*fill_slots)(void *seat, void **slots, unsigned n);
typedef void (*free_slots)(void *seat, void *const *bufs, unsigned n);

static void pktpool_one(void *seat, void **slots, unsigned n)
{
	(void)n;
	for (unsigned i = 0; i < SEEDS_REQUEST; i++)
		while (!slots[i]) {
			slots[i] = pp_alloc(seat, 0);
			if (!slots[i])
				rte_delay_us_sleep(1000);
		}
}

static void pktpool_fill(void *seat, void **slots, unsigned n)
{
	(void)n;
	if (pp_alloc_bulk_fill(seat, slots, SEEDS_REQUEST, 0) != SEEDS_REQUEST)
		bench_starved();
}

/* All of n, however long that takes; here they are always there. */
static void pktpool_wait(void *seat, void **slots, unsigned n)
{
	struct pp_wait wait;

	pp_wait_for(&wait, PP_FOREVER);
	if (!pp_alloc_bulk_wait(seat, slots, n, 0, &wait))
		bench_starved();
}

static void pktpool_free(void *seat, void *const *bufs, unsigned n)
{
	pp_free_bulk(seat, bufs, n);
}

/* As the kernel did it: a page at a time, and a sleep when there is none. */
static void mempool_one(void *seat, void **slots, unsigned n)
{
	(void)n;
	for (unsigned i = 0; i < SEEDS_REQUEST; i++)
		while (!slots[i] && rte_mempool_get(seat, &slots[i]))
			rte_delay_us_sleep(1000);
}

static void mempool_free(void *seat, void *const *bufs, unsigned n)
{
	rte_mempool_put_bulk(seat, bufs, n);
}

/* It cannot fill what is NULL, but is told where that is. */
static void mempool_counted(void *seat, void **slots, unsigned n)
{
	counted_get(seat, slots, n);
}

static void mempool_counted_free(void *seat, void *const *bufs, unsigned n)
{
	counted_put(seat, bufs, n);
}

/* The pointers alone, from memory that holds them ready. */
static void floor_fill(void *seat, void **slots, unsigned n)
{
	memcpy(slots, seat, n * sizeof(*slots));
}

static void floor_free(void *seat, void *const *bufs, unsigned n)
{
	(void)seat;
	(void)bufs;
	(void)n;
}

static const struct {
	const char *who;
	unsigned n;
	fill_slots fill;
	free_slots free;
} people[PEOPLE] = {
	[PKTPOOL_ONE] = { "pktpool, one by one", 1, pktpool_one, pktpool_free },
	[PKTPOOL_FILL] = { "pktpool, array filled", SEEDS_REQUEST, pktpool_fill, pktpool_free },
	[PKTPOOL_WAIT] = { "pktpool, all or wait", SEEDS_REQUEST, pktpool_wait, pktpool_free },
	[MEMPOOL_ONE] = { "ring_mp_mc, one by one", 1, mempool_one, mempool_free },
	[MEMPOOL_COUNTED] = { "ring_mp_mc, counted by a mutex", SEEDS_REQUEST, mempool_counted,
			      mempool_counted_free },
	[FLOOR] = { "floor: copying pointers", SEEDS_REQUEST, floor_fill, floor_free },
};

/* One lcore's part; starts with what pair_run() knows. */
struct fill_job {
	struct bench_job job;
	unsigned who;
	const uint16_t *sizes; /* of CALLS requests: what each uses */
	unsigned total;        /* buffers that pass over the ring */
	uint32_t *cycles;      /* of each call */
};

static void slots_hand_over(const struct bench_job *job, void **slots, unsigned n)
{
	unsigned sent = 0;

	while ((sent += rte_ring_sp_enqueue_burst(job->ring, slots + sent, n - sent, NULL)) < n)
		rte_pause();
	memset(slots, 0, n * sizeof(*slots));
}

static uint64_t server_loop(const struct bench_job *job)
{
	const struct fill_job *fill = (const void *)job;
	uint64_t begin = rte_rdtsc_precise();
	void *slots[SEEDS_REQUEST] = { 0 };

	people[fill->who].fill(job->seat, slots, SEEDS_REQUEST);
	for (unsigned call = 0; call < CALLS; call++) {
		unsigned n = fill->sizes[call];
		uint64_t start;

		slots_hand_over(job, slots, n);
		start = rte_rdtsc_precise();
		people[fill->who].fill(job->seat, slots, n);
		fill->cycles[call] = (uint32_t)(rte_rdtsc_precise() - start);
	}
	slots_hand_over(job, slots, SEEDS_REQUEST);
	return rte_rdtsc_precise() - begin;
}

static uint64_t freer_loop(const struct bench_job *job)
{
	const struct fill_job *fill = (const void *)job;
	uint64_t begin = rte_rdtsc_precise();
	void *bufs[SEEDS_REFILL];

	for (unsigned done = 0; done < fill->total;) {
		unsigned got = rte_ring_sc_dequeue_burst(job->ring, bufs, SEEDS_REFILL, NULL);

		if (got)
			people[fill->who].free(job->seat, bufs, got);
		else
			rte_pause();
		done += got;
	}
	return rte_rdtsc_precise() - begin;
}

static void fill_sample(struct seeds_runner *run, struct seeds_row *row, struct rte_ring *ring,
			void *const seats[2], const struct fill_job *fill, bool counts)
{
	struct fill_job jobs[2] = { *fill, *fill };
	const struct pair_side sides[2] = { { server_loop, &jobs[0].job },
					    { freer_loop, &jobs[1].job } };
	struct pair_sample pair;

	for (unsigned i = 0; i < 2; i++) {
		jobs[i].job.seat = seats[i];
		jobs[i].job.ring = ring;
	}
	pair_run(run->lcore, sides, &pair);
	for (unsigned call = 0; call < CALLS && counts; call++)
		row_add(row, fill->cycles[call] / (run->ghz * 1e3), &pair);
}

static void fill_measure(struct seeds_runner *run, struct seeds_row *rows[PEOPLE],
			 struct rte_ring *ring, void *seats[PEOPLE][2])
{
	uint32_t cycles[CALLS], random = 1;
	uint16_t sizes[CALLS];

	for (unsigned round = 0; seeds_goes_on(run, round); round++) {
		struct fill_job fill = { .sizes = sizes, .total = SEEDS_REQUEST, .cycles = cycles };

		/* 1 .. 256, the same for each peer. */
		for (unsigned call = 0; call < CALLS; call++) {
			random = random * 1664525 + 1013904223;
			sizes[call] = (uint16_t)(1 + (random >> 24));
			fill.total += sizes[call];
		}
		for (fill.who = 0; fill.who < PEOPLE; fill.who++)
			fill_sample(run, rows[fill.who], ring, seats[fill.who], &fill, round > 0);
	}
}

static int rows_open(struct seeds_runner *run, struct seeds_row *rows[PEOPLE])
{
	for (unsigned who = 0; who < PEOPLE; who++) {
		rows[who] = row_open(run, SEEDS_FILL, people[who].who, people[who].n,
				     run->options->rounds * CALLS);
		if (!rows[who])
			return -ENOMEM;
	}
	rows[PKTPOOL_FILL]->against = row_index(run->results, rows[PKTPOOL_ONE]);
	rows[PKTPOOL_WAIT]->against = row_index(run->results, rows[PKTPOOL_ONE]);
	rows[MEMPOOL_COUNTED]->against = row_index(run->results, rows[MEMPOOL_ONE]);
	rows[FLOOR]->floor = true;
	return 0;
}

int fill_run(struct seeds_runner *run)
{
	struct seeds_counted counted = { .mutex = PTHREAD_MUTEX_INITIALIZER,
					 .came = PTHREAD_COND_INITIALIZER,
					 .free = BUFFERS };
	void *ready[SEEDS_REQUEST];
	struct seeds_row *rows[PEOPLE];
	void *seats[PEOPLE][2];
	struct seeds_pools pools;
	int error = rows_open(run, rows);

	if (error)
		return error;
	error = seeds_pools_create(&pools, BUFFERS, SEEDS_PAGE, SEEDS_CACHE, RING_SLOTS);
	if (error)
		return error;
	counted.pool = mempool_create("counted", BUFFERS, SEEDS_PAGE, "ring_mp_mc", 0);
	if (!counted.pool)
		error = -ENOMEM;
	for (unsigned i = 0; i < SEEDS_REQUEST; i++)
		ready[i] = &ready[i];
	for (unsigned i = 0; i < 2; i++) {
		seats[PKTPOOL_ONE][i] = seats[PKTPOOL_FILL][i] = pools.caches[i];
		seats[PKTPOOL_WAIT][i] = pools.caches[i];
		seats[MEMPOOL_ONE][i] = pools.mempool;
		seats[MEMPOOL_COUNTED][i] = &counted;
		seats[FLOOR][i] = ready;
	}
	if (!error) {
		fill_measure(run, rows, pools.ring, seats);
		error = mempool_check(counted.pool);
	}
	rte_mempool_free(counted.pool);
	if (seeds_pools_destroy(&pools) && !error)
		error = -EUCLEAN;
	return error;
}
