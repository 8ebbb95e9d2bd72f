/* SPDX-License-Identifier: BSD-3-Clause */
/* About: pools found and looked at while they live. */
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

static void nothing(struct pp_pool *pool, void *arg)
{
	(void)pool;
	(*(unsigned *)arg)++;
}

static void test_every_pool_is_shown_once(void **state)
{
	struct pp_pool *pools[3];
	unsigned before = 0, n = 0;

	(void)state;
	pp_pool_each(nothing, &before);
	for (unsigned i = 0; i < 3; i++)
		pools[i] = pool_4k(2048, 64, 0);
	pp_pool_each(nothing, &n);
	assert_int_equal(n, before + 3);
	for (unsigned i = 0; i < 3; i++)
		pool_end(pools[i]);
	n = 0;
	pp_pool_each(nothing, &n);
	assert_int_equal(n, before);
}

static struct {
	struct pp_pool *pool;
	_Atomic int looking, let_go, destroyed;
} life;

static void life_look(struct pp_pool *pool, void *arg)
{
	struct pp_stats stats;

	(void)arg;
	if (pool != life.pool)
		return;
	life.looking = 1;
	while (!life.let_go)
		sched_yield();
	pp_pool_stats(pool, &stats);
	MUST(stats.total == 64);
	MUST(!life.destroyed);
}

static void *life_watch(void *arg)
{
	pp_pool_each(life_look, arg);
	return NULL;
}

static void *life_end(void *arg)
{
	MUST(!pp_pool_destroy(arg));
	life.destroyed = 1;
	return NULL;
}

static void test_pool_that_is_looked_at_is_not_destroyed_under_it(void **state)
{
	pthread_t watch, end;

	(void)state;
	life.pool = pool_4k(2048, 64, 0);
	assert_int_equal(pthread_create(&watch, NULL, life_watch, NULL), 0);
	while (!life.looking)
		sched_yield();
	assert_int_equal(pthread_create(&end, NULL, life_end, life.pool), 0);
	/* Time enough to do what it must not. */
	usleep(50000);
	life.let_go = 1;
	pthread_join(watch, NULL);
	pthread_join(end, NULL);
	assert_true(life.destroyed);
}

static void test_about_says_what_was_asked_for(void **state)
{
	struct pp_pool_params params = params_4k(2048, 5000);
	struct pp_pool_about about;
	struct pp_watermarks marks = { .low = 100, .high = 200 };
	struct pp_pool *pool;
	void *buf;

	(void)state;
	params.name = "told";
	params.owners = 7;
	params.flags = PP_POOL_OWNERS;
	pool = pool_of(&params);
	assert_ok(pp_pool_set_watermarks(pool, &marks));
	buf = pp_alloc(pp_pool_cache(pool), 0);
	pp_pool_about(pool, &about);
	assert_string_equal(about.name, "told");
	assert_int_equal(about.buffer_size, 2048);
	assert_int_equal(about.buffers_max, 5000);
	assert_int_equal(about.owners_max, 7);
	assert_int_equal(about.flags, PP_POOL_OWNERS);
	assert_int_equal(about.pages, PP_PAGES_4K);
	assert_false(about.foreign);
	assert_int_equal(about.low, 100);
	assert_int_equal(about.high, 200);
	assert_int_equal(about.nodes, 1);
	assert_int_equal(about.node[0].pages, stats_of(pool).pages);
	assert_int_equal(about.node[0].fresh, stats_of(pool).fresh);
	assert_int_equal(about.node[0].depot, stats_of(pool).depot);
	pp_free(pp_pool_cache(pool), buf);
	pool_end(pool);
}

struct reading {
	struct pp_pool *pool;
	_Atomic int rounds, end;
};

static void cache_read(const struct pp_cache_info *info, void *arg)
{
	*(uint64_t *)arg += info->cached;
}

static void holding_read(const struct pp_holding *holding, void *arg)
{
	*(uint64_t *)arg += holding->buffers;
}

/* All that telemetry reads. */
static void pool_read(struct pp_pool *pool)
{
	struct pp_pool_about about;
	struct pp_stats stats;
	uint64_t sum = 0;

	pp_pool_about(pool, &about);
	pp_pool_stats(pool, &stats);
	pp_pool_each_cache(pool, cache_read, &sum);
	if (about.flags & (PP_POOL_OWNERS | PP_POOL_DEBUG)) {
		MUST(pp_pool_each_holding(pool, holding_read, &sum) >= 0);
		MUST(pp_pool_each_out(pool, NULL, NULL, NULL) >= 0);
	}
}

static void *reading_do(void *arg)
{
	struct reading *reading = arg;

	while (!reading->end) {
		pool_read(reading->pool);
		reading->rounds++;
	}
	return NULL;
}

/* The line that hits work on, and how often they missed. */
static uint64_t misses_of(struct pp_cache *cache, unsigned rounds)
{
	struct pp_counters before = counters_of(cache), after;
	void *bufs[32];

	for (unsigned i = 0; i < rounds; i++) {
		MUST(pp_alloc_bulk(cache, bufs, 32, 0) == 32);
		pp_free_bulk(cache, bufs, 32);
	}
	after = counters_of(cache);
	return after.slow + after.slow_free - before.slow - before.slow_free;
}

static void test_reading_writes_nothing_that_hits_work_on(void **state)
{
	static const uint32_t flags[] = { 0, PP_POOL_OWNERS, PP_POOL_DEBUG };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct pp_pool *pool = pool_4k(256, 20000, flags[i]);
		struct pp_cache *cache = pp_cache_create(pool, "worker");
		struct pp_cache line;
		void *bufs[1000];

		assert_int_equal(pp_alloc_bulk(cache, bufs, 1000, 0), 1000);
		memcpy(&line, cache, sizeof(line));
		pool_read(pool);
		assert_memory_equal(cache, &line, sizeof(line));
		pp_free_bulk(cache, bufs, 1000);
		pool_end(pool);
	}
}

static void test_reading_sends_no_call_the_long_way(void **state)
{
	static const uint32_t flags[] = { 0, PP_POOL_OWNERS };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct reading reading = { .pool = pool_4k(256, 20000, flags[i]) };
		struct pp_cache *cache = pp_cache_create(reading.pool, "worker");
		pthread_t reader;

		misses_of(cache, 100);
		assert_int_equal(misses_of(cache, 1000), 0);
		assert_int_equal(pthread_create(&reader, NULL, reading_do, &reading), 0);
		while (reading.rounds < 50)
			assert_int_equal(misses_of(cache, 1000), 0);
		reading.end = 1;
		pthread_join(reader, NULL);
		pool_end(reading.pool);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pool_is_shown_once),
		cmocka_unit_test(test_pool_that_is_looked_at_is_not_destroyed_under_it),
		cmocka_unit_test(test_about_says_what_was_asked_for),
		cmocka_unit_test(test_reading_writes_nothing_that_hits_work_on),
		cmocka_unit_test(test_reading_sends_no_call_the_long_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
