/* SPDX-License-Identifier: BSD-3-Clause */
/* Wait: all of 1 to 256 when nothing is left, freed by another lcore meanwhile (seed 003). */
#include "seeds.h"

#include <errno.h>
#include <pktpool.h>
#include <rte_cycles.h>
#include <rte_mempool.h>
#include <rte_pause.h>
#include <string.h>
#include <sys/resource.h>

#include "seeds_counted.h"

#define BUFFERS 512u
#define CALLS 32u /* of one sample */
#define FREED 32u /* at once */
#define GAP_US 50 /* between two frees: time to fall asleep again */
#define LONGEST_US 10000000
/* Calls that take half a second each: one of a sample, and so many in all. */
#define LONG_CALLS 8u

enum { PKTPOOL_WAIT, MEMPOOL_COUNTED, MEMPOOL_SLEEP, MEMPOOL_SLEEP_LONG, FLOOR, PEOPLE };

/* What one call is about; each side writes what the other reads. */
struct wait_desk {
	_Alignas(64) unsigned asked; /* calls so far */
	unsigned wanted;
	void *back[SEEDS_REQUEST]; /* what the call before got */
	unsigned got;
	_Alignas(64) bool ready; /* nothing is left */
	uint64_t enough;         /* when the free began that makes it enough */
};

struct wait_job {
	struct bench_job job;
	unsigned who, calls;
	const uint16_t *sizes, *delays; /* of each call; microseconds */
	struct wait_desk *desk;
	double *late;   /* cycles of each call */
	long *switches; /* how often the waiter left its CPU, over all of them */
};

/* What one side has of a peer; the other may have another of it. */
struct wait_seat {
	struct pp_cache *cache;
	struct seeds_counted *counted;
	unsigned *free; /* the floor's: how many there are */
};

/* All of n, by the time that no bench is worth waiting for. */
static void pktpool_wait(struct wait_seat *seat, void **bufs, unsigned n)
{
	struct pp_wait wait;

	pp_wait_for(&wait, LONGEST_US);
	if (!pp_alloc_bulk_wait(seat->cache, bufs, n, 0, &wait))
		bench_starved();
}

static void pktpool_free(struct wait_seat *seat, void *const *bufs, unsigned n)
{
	pp_free_bulk(seat->cache, bufs, n);
}

/* One at a time, and a sleep when there is none: svc_alloc_arg() slept half a second. */
static void mempool_retry(struct wait_seat *seat, void **bufs, unsigned n, unsigned us)
{
	for (unsigned i = 0; i < n; i++)
		while (rte_mempool_get(seat->counted->pool, &bufs[i]))
			rte_delay_us_sleep(us);
}

static void mempool_sleep(struct wait_seat *seat, void **bufs, unsigned n)
{
	mempool_retry(seat, bufs, n, 1000);
}

static void mempool_sleep_long(struct wait_seat *seat, void **bufs, unsigned n)
{
	mempool_retry(seat, bufs, n, 500 * 1000);
}

static void mempool_counted(struct wait_seat *seat, void **bufs, unsigned n)
{
	counted_get(seat->counted, bufs, n);
}

/* Burns its CPU until they are there: no wait ends sooner. */
static void floor_spin(struct wait_seat *seat, void **bufs, unsigned n)
{
	while (__atomic_load_n(seat->free, __ATOMIC_ACQUIRE) < n)
		rte_pause();
	for (unsigned i = 0; i < n; i++)
		bufs[i] = seat;
	__atomic_sub_fetch(seat->free, n, __ATOMIC_RELAXED);
}

static void mempool_free(struct wait_seat *seat, void *const *bufs, unsigned n)
{
	rte_mempool_put_bulk(seat->counted->pool, bufs, n);
}

static void mempool_counted_free(struct wait_seat *seat, void *const *bufs, unsigned n)
{
	counted_put(seat->counted, bufs, n);
}

static void floor_free(struct wait_seat *seat, void *const *bufs, unsigned n)
{
	(void)bufs;
	__atomic_add_fetch(seat->free, n, __ATOMIC_RELEASE);
}

/* All that there are, before the first call. */
static unsigned pktpool_drain(struct wait_seat *seat, void **bufs)
{
	pktpool_wait(seat, bufs, BUFFERS);
	return BUFFERS;
}

static unsigned mempool_drain(struct wait_seat *seat, void **bufs)
{
	return rte_mempool_get_bulk(seat->counted->pool, bufs, BUFFERS) ? 0 : BUFFERS;
}

static unsigned mempool_counted_drain(struct wait_seat *seat, void **bufs)
{
	counted_get(seat->counted, bufs, BUFFERS);
	return BUFFERS;
}

static unsigned floor_drain(struct wait_seat *seat, void **bufs)
{
	floor_spin(seat, bufs, BUFFERS);
	return BUFFERS;
}

static const struct {
	const char *who;
	void (*take)(struct wait_seat *seat, void **bufs, unsigned n);
	void (*free)(struct wait_seat *seat, void *const *bufs, unsigned n);
	unsigned (*drain)(struct wait_seat *seat, void **bufs);
} people[PEOPLE] = {
	[PKTPOOL_WAIT] = { "pktpool, all or wait", pktpool_wait, pktpool_free, pktpool_drain },
	[MEMPOOL_COUNTED] = { "ring_mp_mc, mutex and condition", mempool_counted,
			      mempool_counted_free, mempool_counted_drain },
	[MEMPOOL_SLEEP] = { "ring_mp_mc, one by one, sleeping 1 ms", mempool_sleep, mempool_free,
			    mempool_drain },
	[MEMPOOL_SLEEP_LONG] = { "ring_mp_mc, one by one, sleeping 500 ms", mempool_sleep_long,
				 mempool_free, mempool_drain },
	[FLOOR] = { "floor: spinning", floor_spin, floor_free, floor_drain },
};

static long switches_count(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) ? 0 : usage.ru_nvcsw;
}

static uint64_t waiter_loop(const struct bench_job *job)
{
	const struct wait_job *wait = (const void *)job;
	uint64_t begin = rte_rdtsc_precise();
	struct wait_desk *desk = wait->desk;

	while (!__atomic_load_n(&desk->ready, __ATOMIC_ACQUIRE))
		rte_pause();
	*wait->switches = -switches_count();
	for (unsigned call = 0; call < wait->calls; call++) {
		unsigned n = wait->sizes[call];
		void *bufs[SEEDS_REQUEST];

		__atomic_store_n(&desk->asked, call + 1, __ATOMIC_RELEASE);
		people[wait->who].take(job->seat, bufs, n);
		wait->late[call] =
			(double)(int64_t)(rte_rdtsc_precise() -
					  __atomic_load_n(&desk->enough, __ATOMIC_ACQUIRE));
		memcpy(desk->back, bufs, n * sizeof(*bufs));
		desk->got = n;
	}
	*wait->switches += switches_count();
	__atomic_store_n(&desk->asked, wait->calls + 1, __ATOMIC_RELEASE);
	return rte_rdtsc_precise() - begin;
}

/* The next call, and the buffers of the one before; returns how many are held. */
static unsigned desk_await(struct wait_desk *desk, unsigned asked, void **held, unsigned count)
{
	while (__atomic_load_n(&desk->asked, __ATOMIC_ACQUIRE) != asked)
		rte_pause();
	memcpy(held + count, desk->back, desk->got * sizeof(*held));
	return count + desk->got;
}

static uint64_t holder_loop(const struct bench_job *job)
{
	const struct wait_job *wait = (const void *)job;
	uint64_t begin = rte_rdtsc_precise();
	void *held[BUFFERS];
	unsigned count = people[wait->who].drain(job->seat, held);

	if (count != BUFFERS)
		bench_starved();
	__atomic_store_n(&wait->desk->ready, true, __ATOMIC_RELEASE);
	for (unsigned call = 0; call < wait->calls; call++) {
		unsigned left = wait->sizes[call];

		count = desk_await(wait->desk, call + 1, held, count);
		rte_delay_us_block(wait->delays[call]);
		while (left) {
			unsigned n = left < FREED ? left : FREED;

			left -= n;
			count -= n;
			if (!left)
				__atomic_store_n(&wait->desk->enough, rte_rdtsc_precise(),
						 __ATOMIC_RELEASE);
			people[wait->who].free(job->seat, held + count, n);
			if (left)
				rte_delay_us_block(GAP_US);
		}
	}
	count = desk_await(wait->desk, wait->calls + 1, held, count);
	people[wait->who].free(job->seat, held, count);
	return rte_rdtsc_precise() - begin;
}

static void wait_sample(struct seeds_runner *run, struct seeds_row *rows[2],
			struct wait_seat seats[2], const struct wait_job *wait)
{
	struct wait_desk desk = { 0 };
	struct wait_job jobs[2] = { *wait, *wait };
	const struct pair_side sides[2] = { { waiter_loop, &jobs[0].job },
					    { holder_loop, &jobs[1].job } };
	struct pair_sample pair;

	for (unsigned i = 0; i < 2; i++) {
		jobs[i].job.seat = &seats[i];
		jobs[i].desk = &desk;
	}
	pair_run(run->lcore, sides, &pair);
	/* No round trip is asked for: they are a thousand times less. */
	for (unsigned call = 0; call < wait->calls; call++)
		row_add(rows[0], wait->late[call] / (run->ghz * 1e3), NULL);
	if (rows[1])
		row_add(rows[1], (double)*wait->switches / wait->calls, NULL);
}

static void wait_measure(struct seeds_runner *run, struct seeds_row *rows[PEOPLE][2],
			 struct wait_seat seats[PEOPLE][2], unsigned rounds)
{
	uint16_t sizes[CALLS], delays[CALLS];
	double late[CALLS];
	uint32_t random = 1;
	long switches;

	for (unsigned round = 0; round < rounds && seeds_goes_on(run, round); round++) {
		struct wait_job wait = {
			.sizes = sizes, .delays = delays, .late = late, .switches = &switches
		};

		for (unsigned call = 0; call < CALLS; call++) {
			random = random * 1664525 + 1013904223;
			sizes[call] = (uint16_t)(1 + (random >> 24));
			delays[call] = (uint16_t)(50 + (random >> 8) % 1000);
		}
		for (wait.who = 0; wait.who < PEOPLE; wait.who++) {
			bool slow = wait.who == MEMPOOL_SLEEP_LONG;

			wait.calls = slow ? 1 : CALLS;
			if (!slow || round < LONG_CALLS)
				wait_sample(run, rows[wait.who], seats[wait.who], &wait);
		}
	}
}

static int rows_open(struct seeds_runner *run, struct seeds_row *rows[PEOPLE][2], unsigned rounds)
{
	for (unsigned who = 0; who < PEOPLE; who++) {
		rows[who][0] =
			row_open(run, SEEDS_WAIT, people[who].who, SEEDS_REQUEST, rounds * CALLS);
		if (!rows[who][0])
			return -ENOMEM;
	}
	rows[FLOOR][0]->floor = true;
	/* The floor never sleeps. */
	for (unsigned who = 0; who < FLOOR; who++) {
		rows[who][1] = row_open(run, SEEDS_WAKEUPS, people[who].who, SEEDS_REQUEST, rounds);
		if (!rows[who][1])
			return -ENOMEM;
	}
	return 0;
}

int wait_run(struct seeds_runner *run)
{
	struct seeds_counted counted[] = { { .mutex = PTHREAD_MUTEX_INITIALIZER,
					     .came = PTHREAD_COND_INITIALIZER,
					     .free = BUFFERS } };
	unsigned rounds = run->options->rounds / 4 + 1, free = BUFFERS;
	struct seeds_row *rows[PEOPLE][2] = { 0 };
	struct wait_seat seats[PEOPLE][2];
	struct seeds_pools pools;
	int error;

	error = rows_open(run, rows, rounds);
	if (error)
		return error;
	/* No cache: what lies in one is out of the waiter's reach. */
	error = seeds_pools_create(&pools, BUFFERS, SEEDS_PAGE, 0, 64);
	if (error)
		return error;
	counted->pool = pools.mempool;
	for (unsigned who = 0; who < PEOPLE; who++)
		for (unsigned i = 0; i < 2; i++)
			seats[who][i] = (struct wait_seat){ .cache = pools.caches[i],
							    .counted = counted,
							    .free = &free };
	wait_measure(run, rows, seats, rounds);
	if (seeds_pools_destroy(&pools))
		error = -EUCLEAN;
	return error;
}
