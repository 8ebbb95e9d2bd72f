/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs: see ops_jobs.h. */
#include "ops_jobs.h"

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <rte_ring.h>

/* Round trips of a line between the two CPUs. */
#define TRIPS 1000

static struct rte_ring *ring;
static volatile unsigned started;

/* The line that goes to and fro; nothing else is in it. */
static struct {
	volatile uint64_t turn;
} line __rte_aligned(128);

struct job {
	struct rte_mempool *mp;
	unsigned n;
	uint64_t cycles; /* to be spent */
	uint64_t objs, spent;
};

void jobs_begin(void)
{
	ring = rte_ring_create("bench", 1024, (int)rte_socket_id(), RING_F_SP_ENQ | RING_F_SC_DEQ);
	must(ring != NULL, "no ring");
}

static void job_hot(struct job *job)
{
	void *objs[64];
	uint64_t began = rte_rdtsc();

	do {
		for (unsigned i = 0; i < 256; i++) {
			must(!rte_mempool_get_bulk(job->mp, objs, job->n), "no objects");
			rte_mempool_put_bulk(job->mp, objs, job->n);
		}
		job->objs += 256 * job->n;
		job->spent = rte_rdtsc() - began;
	} while (job->spent < job->cycles);
}

static void job_hold(struct job *job)
{
	static __thread void *objs[HELD];
	uint64_t began = rte_rdtsc();

	do {
		for (unsigned i = 0; i < HELD; i += job->n)
			must(!rte_mempool_get_bulk(job->mp, objs + i, job->n), "no objects");
		for (unsigned i = 0; i < HELD; i += job->n)
			rte_mempool_put_bulk(job->mp, objs + i, job->n);
		job->objs += HELD;
		job->spent = rte_rdtsc() - began;
	} while (job->spent < job->cycles);
}

static int lcore_hold(void *arg)
{
	__atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&started, __ATOMIC_SEQ_CST) < 2)
		rte_pause();
	job_hold(arg);
	return 0;
}

/* Until a NULL comes. */
static int lcore_sink(void *arg)
{
	struct job *job = arg;
	void *objs[64];

	for (;;) {
		unsigned n = rte_ring_sc_dequeue_burst(ring, objs, job->n, NULL);

		if (n && !objs[n - 1]) {
			if (n > 1)
				rte_mempool_put_bulk(job->mp, objs, n - 1);
			return 0;
		}
		if (n)
			rte_mempool_put_bulk(job->mp, objs, n);
	}
}

static void job_pipeline(struct job *job)
{
	void *objs[64], *end = NULL;
	uint64_t began;

	rte_eal_remote_launch(lcore_sink, job, rte_get_next_lcore(-1, 1, 0));
	began = rte_rdtsc();
	do {
		for (unsigned i = 0; i < 64; i++) {
			must(!rte_mempool_get_bulk(job->mp, objs, job->n), "no objects");
			while (!rte_ring_sp_enqueue_bulk(ring, objs, job->n, NULL))
				rte_pause();
		}
		job->objs += 64 * job->n;
		job->spent = rte_rdtsc() - began;
	} while (job->spent < job->cycles);
	while (rte_ring_sp_enqueue(ring, end))
		rte_pause();
	rte_eal_mp_wait_lcore();
}

static void job_contended(struct job *job)
{
	struct job other = *job;

	started = 0;
	rte_eal_remote_launch(lcore_hold, &other, rte_get_next_lcore(-1, 1, 0));
	lcore_hold(job);
	rte_eal_mp_wait_lcore();
	job->objs += other.objs;
	job->spent += other.spent;
}

static int lcore_pong(void *arg)
{
	(void)arg;
	for (uint64_t i = 0; i < TRIPS; i++) {
		while (line.turn != 2 * i + 1)
			;
		line.turn = 2 * i + 2;
	}
	return 0;
}

double trip_measure(void)
{
	uint64_t began;

	line.turn = 0;
	rte_eal_remote_launch(lcore_pong, NULL, rte_get_next_lcore(-1, 1, 0));
	/* The first one waits for the lcore. */
	line.turn = 1;
	while (line.turn != 2)
		;
	began = rte_rdtsc();
	for (uint64_t i = 1; i < TRIPS; i++) {
		line.turn = 2 * i + 1;
		while (line.turn != 2 * i + 2)
			;
	}
	rte_eal_mp_wait_lcore();
	return (double)(rte_rdtsc() - began) * 1e9 / (double)rte_get_tsc_hz() / (TRIPS - 1);
}

double job_run(struct rte_mempool *mp, enum pattern pattern, unsigned n, unsigned ms)
{
	struct job job = { .mp = mp, .n = n, .cycles = rte_get_tsc_hz() / 1000 * ms };

	switch (pattern) {
	case HOT:
		job_hot(&job);
		break;
	case HOLD:
		job_hold(&job);
		break;
	case PIPELINE:
		job_pipeline(&job);
		break;
	default:
		job_contended(&job);
	}
	return (double)job.spent / (double)job.objs;
}
