/* SPDX-License-Identifier: BSD-3-Clause */
/* Signals: owners stopped in the middle of a call, while another takes their buffers back. */
#include "storm.h"

#include <signal.h>
#include <unistd.h>

#define WORKERS 3

struct stage {
	struct storm *storm;
	struct pp_pool *pool;
	_Atomic bool stop;
};

static _Atomic uint64_t signals;

/* Long enough for a taker to come by, at whatever instruction the owner was. It does not
 * allocate. */
static void handler(int number)
{
	uint32_t spins = atomic_fetch_add(&signals, 1) % 64 * 200;

	(void)number;
	while (spins--)
		__asm__ volatile("pause");
}

/* Nothing but hits and the misses between: the signal lands inside a call most of the time. */
static void *worker_run(void *arg)
{
	struct stage *stage = arg;
	struct pp_cache *cache = pp_pool_cache(stage->pool);
	struct marks marks = { .of = stage->storm->of, .count = STORM_MARKS };
	uint32_t id = atomic_fetch_add(&stage->storm->ids, 1) + 1;
	uint64_t seed = id;
	void *bufs[64];

	MUST(cache);
	while (!atomic_load_explicit(&stage->stop, memory_order_relaxed)) {
		uint32_t n = 1 + random_next(&seed) % 64, got = 0;

		for (unsigned i = 0; i < 50; i++) {
			/* The single calls are code of their own. */
			if (i % 2)
				got = (bufs[0] = pp_alloc(cache, 0)) != NULL;
			else
				got = pp_alloc_burst(cache, bufs, n, i % 8 ? 0 : PP_TRY);
			if (i % 10 == 0) {
				marks_take(&marks, stage->pool, bufs, got, id);
				for (uint32_t j = 0; j < got; j++)
					*(volatile uint32_t *)bufs[j] = id;
				for (uint32_t j = 0; j < got; j++)
					MUST(*(volatile uint32_t *)bufs[j] == id);
				marks_drop(&marks, stage->pool, bufs, got, id);
			}
			if (got == 1)
				pp_free(cache, bufs[0]);
			else
				pp_free_bulk(cache, bufs, got);
			atomic_fetch_add_explicit(&stage->storm->moved, got, memory_order_relaxed);
		}
	}
	return NULL;
}

/* Takes back without a pause, and now and then all there is. */
static void *taker_run(void *arg)
{
	struct stage *stage = arg;
	struct marks marks = { .of = stage->storm->of, .count = STORM_MARKS };
	uint64_t seed = 5;
	void *bufs[600];

	while (!atomic_load_explicit(&stage->stop, memory_order_relaxed)) {
		uint32_t n;

		pp_pool_collect(stage->pool);
		n = pp_pool_alloc_burst(stage->pool, bufs, 1 + random_next(&seed) % 600);
		marks_take(&marks, stage->pool, bufs, n, UINT32_MAX);
		for (uint32_t j = 0; j < n; j++)
			*(volatile uint32_t *)bufs[j] = UINT32_MAX;
		if (random_next(&seed) % 4 == 0)
			usleep(50);
		for (uint32_t j = 0; j < n; j++)
			MUST(*(volatile uint32_t *)bufs[j] == UINT32_MAX);
		marks_drop(&marks, stage->pool, bufs, n, UINT32_MAX);
		pp_pool_free(stage->pool, bufs, n);
	}
	return NULL;
}

static void storm_run(uint32_t buffers, uint32_t flags, double seconds)
{
	struct stage stage = { .storm = storm_make() };
	struct pp_pool_params params = params_4k(2048, buffers);
	pthread_t workers[WORKERS], taker;
	uint64_t before = atomic_load(&signals);
	double end;

	params.owners = WORKERS + 1;
	params.flags = flags;
	stage.pool = pool_of(&params);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_create(&workers[i], NULL, worker_run, &stage);
	pthread_create(&taker, NULL, taker_run, &stage);
	end = seconds_now() + seconds;
	for (unsigned i = 0; seconds_now() < end; i++) {
		pthread_kill(workers[i % WORKERS], SIGUSR1);
		if (i % 8 == 0)
			usleep(20);
	}
	atomic_store(&stage.stop, true);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	pthread_join(taker, NULL);
	assert_true(atomic_load(&signals) > before + 100);
	assert_true(atomic_load(&stage.storm->moved) > 1000);
	printf("%llu signals, %llu buffers, %llu owners skipped\n",
	       (unsigned long long)(atomic_load(&signals) - before),
	       (unsigned long long)atomic_load(&stage.storm->moved),
	       (unsigned long long)stats_of(stage.pool).skipped);
	storm_settle(stage.storm, stage.pool);
	pool_end(stage.pool);
	storm_free(stage.storm);
}

static void test_interrupted_owners_lose_and_double_nothing(void **state)
{
	double seconds = storm_seconds(6);

	(void)state;
	storm_run(4000, 0, seconds / 3);
	storm_run(1200, 0, seconds / 3);
	storm_run(2000, PP_POOL_OWNERS, seconds / 6);
	storm_run(64, 0, seconds / 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interrupted_owners_lose_and_double_nothing),
	};
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };

	sigaction(SIGUSR1, &action, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
