/* SPDX-License-Identifier: BSD-3-Clause */
/* Pair: two lcores that start together, and the round trip between them before and after. */
#include "bench.h"

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_pause.h>

#define TRIPS 1000

/* The line that goes to and fro; nothing else is in it. */
static struct {
	_Alignas(128) volatile uint64_t turn;
	_Alignas(128) unsigned arrived;
} pair;

struct pair_task {
	const struct pair_side *side;
	uint64_t cycles;
};

static void pair_meet(unsigned meeting)
{
	__atomic_add_fetch(&pair.arrived, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&pair.arrived, __ATOMIC_ACQUIRE) < 2 * meeting)
		rte_pause();
}

static double pair_ping(void)
{
	uint64_t start = rte_rdtsc();

	for (uint64_t i = 0; i < TRIPS; i++) {
		pair.turn = 2 * i + 1;
		while (pair.turn != 2 * i + 2)
			;
	}
	return (double)(rte_rdtsc() - start) / TRIPS;
}

static void pair_pong(void)
{
	for (uint64_t i = 0; i < TRIPS; i++) {
		while (pair.turn != 2 * i + 1)
			;
		pair.turn = 2 * i + 2;
	}
}

static int pair_other(void *arg)
{
	struct pair_task *task = arg;

	pair_meet(1);
	pair_pong();
	pair_meet(2);
	task->cycles = task->side->loop(task->side->job);
	pair_meet(3);
	pair_pong();
	return 0;
}

void pair_run(unsigned lcore, const struct pair_side sides[2], struct pair_sample *sample)
{
	struct pair_task task = { .side = &sides[1] };
	uint64_t start;

	pair.arrived = 0;
	pair.turn = 0;
	rte_eal_remote_launch(pair_other, &task, lcore);
	pair_meet(1);
	sample->before = pair_ping();
	pair_meet(2);
	start = rte_rdtsc_precise();
	sample->cycles[0] = (double)sides[0].loop(sides[0].job);
	pair.turn = 0;
	pair_meet(3);
	/* From the start until both are done: a pipeline's time ends with its consumer's. */
	sample->elapsed = (double)(rte_rdtsc_precise() - start);
	sample->after = pair_ping();
	rte_eal_wait_lcore(lcore);
	sample->cycles[1] = (double)task.cycles;
}
