/* SPDX-License-Identifier: BSD-3-Clause */
/* Deadline: waits end neither before it nor long after it, while others are at work. */
#include "storm.h"

#include <time.h>
#include <unistd.h>

#define BUFFERS 2048
#define WAITERS 3
#define WAITS 150
#define LOADERS 3
#define TRIES 6
/* Two ticks of a kernel with 250 a second, and one to be scheduled in. */
#define TICK_US 10000

struct stage {
	struct pp_pool *pool;
	_Atomic bool stop;
};

/* One who waits for what never comes, or only sleeps. */
struct waiter {
	struct stage *stage;
	bool sleeps;
	uint64_t seed;
	double late_us[WAITS];
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static void sleep_until(uint64_t deadline)
{
	struct timespec until = { (time_t)(deadline / 1000000000ull),
				  (long)(deadline % 1000000000ull) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL))
		;
}

static void *waiter_run(void *arg)
{
	struct waiter *waiter = arg;
	struct pp_cache *cache = pp_pool_cache(waiter->stage->pool);
	void *bufs[BUFFERS];

	MUST(cache);
	for (unsigned i = 0; i < WAITS; i++) {
		uint32_t r = random_next(&waiter->seed);
		uint64_t deadline = now_ns() + 1000 * (uint64_t)(r % 12000), ended;
		struct pp_wait wait;

		if (waiter->sleeps)
			sleep_until(deadline);
		else {
			pp_wait_until(&wait, deadline);
			MUST(!pp_alloc_bulk_wait(cache, bufs, BUFFERS / 2, PP_GROW, &wait));
			MUST(errno == ETIMEDOUT);
		}
		ended = now_ns();
		MUST(ended >= deadline);
		waiter->late_us[i] = (double)(ended - deadline) / 1000;
	}
	return NULL;
}

/* Beside them the pool is in use, on every CPU. */
static void *loader_run(void *arg)
{
	struct stage *stage = arg;
	struct pp_cache *cache = pp_pool_cache(stage->pool);
	uint64_t seed = (uintptr_t)&seed;
	void *bufs[64];

	MUST(cache);
	while (!atomic_load(&stage->stop)) {
		unsigned n = pp_alloc_burst(cache, bufs, 1 + random_next(&seed) % 64, 0);

		pp_free_bulk(cache, bufs, n);
	}
	return NULL;
}

static int double_order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct lateness {
	double median, p99, most;
};

static struct lateness lateness_of(const struct waiter *waiters, unsigned n)
{
	double all[WAITERS * WAITS];

	for (unsigned i = 0; i < n; i++)
		memcpy(all + (size_t)i * WAITS, waiters[i].late_us, sizeof(waiters[i].late_us));
	n *= WAITS;
	qsort(all, n, sizeof(*all), double_order);
	return (struct lateness){ all[n / 2], all[n * 99 / 100], all[n - 1] };
}

static struct lateness waits_run(struct stage *stage, uint64_t seed, struct lateness *control)
{
	static struct waiter waiters[WAITERS + 1];
	pthread_t threads[WAITERS + 1];
	struct lateness late;

	for (unsigned i = 0; i <= WAITERS; i++) {
		waiters[i] = (struct waiter){ stage, i == WAITERS, seed + i, { 0 } };
		MUST(!pthread_create(&threads[i], NULL, waiter_run, &waiters[i]));
	}
	for (unsigned i = 0; i <= WAITERS; i++)
		pthread_join(threads[i], NULL);
	late = lateness_of(waiters, WAITERS);
	*control = lateness_of(waiters + WAITERS, 1);
	return late;
}

/*
 * All of them within a tick, in one try at least. Where even who only sleeps is
 * late, the CPUs have other work, and a thread that holds a lock may be without
 * one for long: then 99 of 100.
 */
static bool tick_kept(const struct lateness *late, const struct lateness *control)
{
	if (late->median > TICK_US / 4.0)
		return false;
	return late->most <= TICK_US || (control->most > TICK_US / 4.0 && late->p99 <= TICK_US);
}

static void test_a_deadline_is_kept_within_a_tick(void **state)
{
	struct pp_pool_params params = params_4k(256, BUFFERS);
	struct stage stage = { 0 };
	pthread_t loaders[LOADERS];
	void *bufs[BUFFERS];
	bool kept = false;
	unsigned out;

	(void)state;
	params.owners = WAITERS + 1 + LOADERS + 2;
	stage.pool = pool_of(&params);
	out = pp_alloc_bulk(pp_pool_cache(stage.pool), bufs, BUFFERS * 3 / 4, 0);
	assert_int_equal(out, BUFFERS * 3 / 4);
	for (unsigned i = 0; i < LOADERS; i++)
		MUST(!pthread_create(&loaders[i], NULL, loader_run, &stage));
	for (unsigned i = 0; i < TRIES && !kept; i++) {
		struct lateness control, late = waits_run(&stage, i * 10 + 1, &control);

		printf("%u waits late by %.0f us (median), %.0f (99%%), %.0f (most); "
		       "sleepers by %.0f, %.0f, %.0f\n",
		       WAITERS * WAITS, late.median, late.p99, late.most, control.median,
		       control.p99, control.most);
		kept = tick_kept(&late, &control);
	}
	atomic_store(&stage.stop, true);
	for (unsigned i = 0; i < LOADERS; i++)
		pthread_join(loaders[i], NULL);
	assert_true(kept);
	pp_free_bulk(pp_pool_cache(stage.pool), bufs, out);
	pool_end(stage.pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_deadline_is_kept_within_a_tick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
