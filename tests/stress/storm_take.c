/* SPDX-License-Identifier: BSD-3-Clause */
/* Take: a taker beside owners whose stores are late, in one process and from another. */
#include "storm.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define OWNERS 2
#define COLD (128ul << 20)
#define LATE 48

struct stage {
	struct storm *storm;
	struct pp_pool *pool;
	volatile char *cold;
};

/*
 * Stores that miss every cache: what the owner stores next (its intent) waits
 * behind them for microseconds, while its loads (of the limits) do not wait.
 * This is what the taker's barrier is for; without it the owner looks idle.
 */
static void stores_pile_up(volatile char *cold, uint64_t *seed)
{
	for (unsigned i = 0; i < LATE; i++)
		cold[(size_t)random_next(seed) * 64 % COLD] = 1;
}

/* Nothing here but hits, unless the limits were closed: no atomic operation drains the stores
 * between their piling up and the call. */
static void *owner_run(void *arg)
{
	struct stage *stage = arg;
	struct pp_cache *cache = pp_pool_cache(stage->pool);
	struct marks marks = { .of = stage->storm->of, .count = STORM_MARKS };
	uint32_t id = atomic_fetch_add(&stage->storm->ids, 1) + 1;
	uint64_t seed = id;
	void *bufs[16];

	MUST(cache);
	while (!atomic_load_explicit(&stage->storm->stop, memory_order_relaxed)) {
		uint32_t n = 1 + random_next(&seed) % 16;

		stores_pile_up(stage->cold, &seed);
		/* The single calls are code of their own. */
		if (n > 12)
			n = (bufs[0] = pp_alloc(cache, 0)) != NULL;
		else
			n = pp_alloc_burst(cache, bufs, n, 0);
		marks_take(&marks, stage->pool, bufs, n, id);
		marks_drop(&marks, stage->pool, bufs, n, id);
		stores_pile_up(stage->cold, &seed);
		if (n == 1)
			pp_free(cache, bufs[0]);
		else
			pp_free_bulk(cache, bufs, n);
		atomic_fetch_add_explicit(&stage->storm->moved, n, memory_order_relaxed);
	}
	return NULL;
}

/* Collects without a pause, and holds what came for a moment: a double would meet its twin. */
static void taker_run(struct storm *storm, struct pp_pool *pool)
{
	struct marks marks = { .of = storm->of, .count = STORM_MARKS };
	void *bufs[400];

	while (!atomic_load_explicit(&storm->stop, memory_order_relaxed))
		for (unsigned i = 0; i < 50; i++) {
			uint32_t n;

			pp_pool_collect(pool);
			n = pp_pool_alloc_burst(pool, bufs, 400);
			marks_take(&marks, pool, bufs, n, UINT32_MAX);
			marks_drop(&marks, pool, bufs, n, UINT32_MAX);
			pp_pool_free(pool, bufs, n);
		}
}

static void *taker_thread(void *arg)
{
	struct stage *stage = arg;

	taker_run(stage->storm, stage->pool);
	return NULL;
}

static pid_t taker_process(struct storm *storm)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	MUST(pid >= 0);
	if (pid)
		return pid;
	taker_run(storm, storm_attach(storm, getppid()));
	_exit(0);
}

static void take_from_owners(bool from_another_process, double seconds)
{
	struct stage stage = { .storm = storm_make() };
	struct pp_pool_params params = params_4k(256, 1024);
	pthread_t owners[OWNERS], taker;
	double end;
	pid_t pid = 0;
	int status;

	stage.cold = mmap(NULL, COLD, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	assert_true(stage.cold != MAP_FAILED);
	if (from_another_process)
		pid = taker_process(stage.storm);
	params.owners = OWNERS + 1;
	stage.pool = pool_of(&params);
	storm_offer(stage.storm, stage.pool);
	for (unsigned i = 0; i < OWNERS; i++)
		pthread_create(&owners[i], NULL, owner_run, &stage);
	if (!pid)
		pthread_create(&taker, NULL, taker_thread, &stage);
	end = seconds_now() + seconds;
	while (seconds_now() < end)
		usleep(10000);
	atomic_store(&stage.storm->stop, true);
	for (unsigned i = 0; i < OWNERS; i++)
		pthread_join(owners[i], NULL);
	if (!pid)
		pthread_join(taker, NULL);
	else
		MUST(waitpid(pid, &status, 0) == pid && !status);
	printf("%llu buffers beside a taker\n",
	       (unsigned long long)atomic_load(&stage.storm->moved));
	assert_true(atomic_load(&stage.storm->moved) > 100);
	storm_settle(stage.storm, stage.pool);
	pool_end(stage.pool);
	munmap((void *)stage.cold, COLD);
	storm_free(stage.storm);
}

static void test_an_owner_with_late_stores_is_not_taken_for_idle(void **state)
{
	(void)state;
	take_from_owners(false, storm_seconds(6) / 2);
}

/* The creator has never forked since there was a pool: attaching alone must prepare it. */
static void test_nor_by_a_taker_in_another_process(void **state)
{
	(void)state;
	take_from_owners(true, storm_seconds(6) / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_owner_with_late_stores_is_not_taken_for_idle),
		cmocka_unit_test(test_nor_by_a_taker_in_another_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
