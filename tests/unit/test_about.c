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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pool_is_shown_once),
		cmocka_unit_test(test_pool_that_is_looked_at_is_not_destroyed_under_it),
		cmocka_unit_test(test_about_says_what_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
