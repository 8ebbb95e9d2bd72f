/* SPDX-License-Identifier: BSD-3-Clause */
/* Level: watermarks are told of once each way, before the pool is empty. */
#include <sys/eventfd.h>
#include <unistd.h>

#include "support.h"

#define LOW 300
#define HIGH 600

static unsigned told_low, told_high;
static uint64_t free_when_told;

static uint64_t free_now(const struct pp_pool *pool)
{
	struct pp_stats s = stats_of(pool);

	return s.fresh + s.cached + s.deques + s.depot;
}

static void told(struct pp_pool *pool, bool low, void *arg)
{
	*(low ? &told_low : &told_high) += 1;
	free_when_told = free_now(pool);
	assert_ptr_equal(arg, &told_low);
	/* It may use the pool. */
	if (free_when_told)
		pp_free(pp_pool_cache(pool), pp_alloc(pp_pool_cache(pool), 0));
}

static void test_marks_are_told_of_once_each_way(void **state)
{
	struct pp_pool_params p = params_4k(2048, 2048);
	struct pp_watermarks marks = { LOW, HIGH, told, &told_low, eventfd(0, EFD_NONBLOCK) };
	static void *bufs[4096];
	struct pp_cache *cache;
	struct pp_pool *pool;
	uint64_t events;
	unsigned n = 0;

	(void)state;
	assert_true(marks.eventfd >= 0);
	p.owners = 2;
	p.reserve = 50;
	pool = pool_of(&p);
	cache = pp_pool_cache(pool);
	assert_ok(pp_pool_set_watermarks(pool, &marks));
	for (unsigned round = 1; round <= 3; round++) {
		while (free_now(pool) > LOW + 64) {
			n += pp_alloc_burst(cache, bufs + n, 8, 0);
			assert_false(pp_pool_is_low(pool));
		}
		while (!pp_pool_is_low(pool)) {
			assert_int_equal(pp_alloc_bulk(cache, bufs + n, 8, 0), 8);
			n += 8;
		}
		/* Not counting the reserve; late by a block at most. */
		assert_in_range(free_when_told, LOW - 128, LOW - 1);
		assert_int_equal(told_low, round);
		n += pp_alloc_burst(cache, bufs + n, 4096, 0);
		assert_int_equal(told_low, round);
		while (pp_pool_is_low(pool)) {
			assert_int_equal(told_high, round - 1);
			n -= 8;
			pp_free_bulk(cache, bufs + n, 8);
		}
		assert_in_range(free_now(pool), HIGH, HIGH + 8);
		assert_int_equal(told_high, round);
		pp_free_bulk(cache, bufs, n);
		n = 0;
	}
	assert_int_equal(read(marks.eventfd, &events, sizeof(events)), sizeof(events));
	assert_int_equal(events, 6);
	close(marks.eventfd);
	pool_end(pool);
}

static void test_freeing_clears_the_advice_though_nobody_polls(void **state)
{
	struct pp_watermarks marks = { LOW, HIGH, told, &told_low, -1 };
	struct pp_pool *pool = pool_4k(2048, 2048, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	static void *bufs[4096];
	unsigned n;

	(void)state;
	told_low = told_high = 0;
	assert_ok(pp_pool_set_watermarks(pool, &marks));
	n = pp_alloc_burst(cache, bufs, 4096, 0);
	assert_int_equal(told_low, 1);
	for (unsigned i = 0; i < n; i++)
		pp_free(cache, bufs[i]);
	assert_int_equal(told_high, 1);
	pool_end(pool);
}

static void test_marks_can_be_taken_away_and_must_make_sense(void **state)
{
	struct pp_watermarks marks = { LOW, LOW - 1, NULL, NULL, -1 };
	struct pp_pool *pool = pool_4k(2048, 2048, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	static void *bufs[4096];
	unsigned n;

	(void)state;
	assert_int_equal(pp_pool_set_watermarks(pool, &marks), -EINVAL);
	assert_error_names("watermarks");
	marks.high = 1 << 20;
	assert_int_equal(pp_pool_set_watermarks(pool, &marks), -EINVAL);
	assert_int_equal(pp_pool_set_watermarks(pool, NULL), -EINVAL);
	marks.high = LOW;
	n = pp_alloc_burst(cache, bufs, 4096, 0);
	/* Low from the start. */
	assert_ok(pp_pool_set_watermarks(pool, &marks));
	assert_true(pp_pool_is_low(pool));
	marks.low = marks.high = 0;
	assert_ok(pp_pool_set_watermarks(pool, &marks));
	assert_false(pp_pool_is_low(pool));
	pp_free_bulk(cache, bufs, n);
	pool_end(pool);
}

static void spoils_errno(struct pp_pool *pool, bool low, void *arg)
{
	(void)pool;
	(void)low;
	(void)arg;
	errno = EBADF;
}

static void test_what_a_callback_does_leaves_errno_alone(void **state)
{
	struct pp_watermarks marks = { LOW, HIGH, spoils_errno, NULL, eventfd(0, EFD_NONBLOCK) };
	struct pp_pool_params p = params_4k(2048, 2048);
	struct pp_pool *pool;
	uint64_t full = UINT64_MAX - 1;
	static void *bufs[4096];
	unsigned n;

	(void)state;
	p.wait_us = 1000;
	pool = pool_of(&p);
	assert_int_equal(write(marks.eventfd, &full, sizeof(full)), sizeof(full));
	assert_ok(pp_pool_set_watermarks(pool, &marks));
	n = (unsigned)stats_of(pool).total - LOW;
	assert_int_equal(pp_alloc_bulk(pp_pool_cache(pool), bufs, n, 0), n);
	errno = 0;
	/* Takes what there is and crosses, too late. */
	assert_int_equal(pp_alloc_burst(pp_pool_cache(pool), bufs + n, LOW + 1, PP_WAIT), LOW);
	assert_int_equal(errno, ETIMEDOUT);
	assert_true(stats_of(pool).low);
	pp_free_bulk(pp_pool_cache(pool), bufs, n + LOW);
	close(marks.eventfd);
	pool_end(pool);
}

static void test_high_mark_is_never_out_of_reach(void **state)
{
	struct pp_watermarks marks = { LOW, 2048, NULL, NULL, -1 };
	struct pp_pool *pool = pool_4k(2048, 2048, 0);
	static void *bufs[4096];
	unsigned n;

	(void)state;
	marks.high = (uint32_t)stats_of(pool).total;
	assert_ok(pp_pool_set_watermarks(pool, &marks));
	assert_ok(pp_pool_set_reserve(pool, 512));
	n = pp_alloc_burst(pp_pool_cache(pool), bufs, 4096, 0);
	assert_true(pp_pool_is_low(pool));
	pp_free_bulk(pp_pool_cache(pool), bufs, n);
	assert_false(pp_pool_is_low(pool));
	assert_int_equal(pp_pool_set_watermarks(pool, &marks), -EINVAL);
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks_are_told_of_once_each_way),
		cmocka_unit_test(test_freeing_clears_the_advice_though_nobody_polls),
		cmocka_unit_test(test_what_a_callback_does_leaves_errno_alone),
		cmocka_unit_test(test_high_mark_is_never_out_of_reach),
		cmocka_unit_test(test_marks_can_be_taken_away_and_must_make_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
