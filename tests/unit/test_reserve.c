/* SPDX-License-Identifier: BSD-3-Clause */
/* Reserve: what only critical calls get, how it is filled again, marks, leases. */
#include "support.h"

#define FLOOR 100

static struct pp_pool *pool_with(uint32_t reserve, uint32_t flags)
{
	struct pp_pool_params p = params_4k(2048, 2048);

	p.reserve = reserve;
	p.owners = 4;
	p.flags = flags;
	return pool_of(&p);
}

static void *bufs[4096];

/* Takes all that ordinary calls get; returns how many. */
static unsigned drain(struct pp_cache *cache)
{
	return pp_alloc_burst(cache, bufs, 4096, 0);
}

static void test_ordinary_calls_leave_the_reserve_alone(void **state)
{
	struct pp_pool *pool = pool_with(FLOOR, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	unsigned n;

	(void)state;
	assert_int_equal(stats_of(pool).reserve, FLOOR);
	n = drain(cache);
	assert_int_equal(n, stats_of(pool).total - FLOOR);
	assert_null(pp_alloc(cache, 0));
	assert_int_equal(pp_pool_alloc_burst(pool, bufs + n, 1), 0);
	assert_int_equal(stats_of(pool).reserve, FLOOR);
	books_hold(pool, n);
	pp_free_bulk(cache, bufs, n);
	pool_end(pool);
}

static void test_critical_gets_the_whole_remainder_or_nothing(void **state)
{
	struct pp_pool *pool = pool_with(FLOOR, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	unsigned n = drain(cache);

	(void)state;
	/* One from the depot, the rest from the reserve: too many by one. */
	pp_free(cache, bufs[--n]);
	assert_int_equal(pp_alloc_bulk(cache, bufs + n, FLOOR + 2, PP_CRITICAL), 0);
	assert_int_equal(stats_of(pool).reserve, FLOOR);
	books_hold(pool, n);
	assert_int_equal(pp_alloc_bulk(cache, bufs + n, FLOOR + 1, PP_CRITICAL), FLOOR + 1);
	assert_int_equal(stats_of(pool).reserve, 0);
	/* Only what came from the reserve is marked, and on record as this cache's. */
	assert_false(pp_marked(pool, bufs[n]));
	for (unsigned i = 1; i <= FLOOR; i++)
		assert_true(pp_marked(pool, bufs[n + i]));
	assert_int_equal(stats_of(pool).marked, FLOOR);
	assert_int_equal(counters_of(cache).reserve, FLOOR);
	pp_free_bulk(cache, bufs, n + FLOOR + 1);
	assert_int_equal(stats_of(pool).marked, 0);
	pool_end(pool);
}

static void test_reserve_is_filled_before_any_cache(void **state)
{
	struct pp_pool *pool = pool_with(FLOOR, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	unsigned n = drain(cache), all;

	(void)state;
	all = n + pp_alloc_bulk(cache, bufs + n, FLOOR, PP_CRITICAL);
	assert_int_equal(all, n + FLOOR);
	/* Unmarked ones do as well. */
	pp_free_bulk(cache, bufs, FLOOR - 1);
	assert_int_equal(stats_of(pool).reserve, FLOOR - 1);
	assert_int_equal(stats_of(pool).marked, FLOOR);
	assert_null(pp_alloc(cache, 0));
	pp_free_bulk(cache, bufs + FLOOR, 10);
	assert_int_equal(stats_of(pool).reserve, FLOOR);
	assert_int_equal(pp_alloc_burst(cache, bufs + FLOOR, 20, 0), 9);
	/* A marked one that finds it full is anybody's. */
	assert_true(stats_of(pool).pressed);
	pp_free_bulk(cache, bufs + n, FLOOR);
	assert_int_equal(stats_of(pool).reserve, FLOOR);
	assert_int_equal(stats_of(pool).marked, 0);
	assert_false(stats_of(pool).pressed);
	assert_int_equal(pp_alloc_burst(cache, bufs + n, FLOOR + 1, 0), FLOOR);
	pp_free_bulk(cache, bufs + FLOOR - 1, 10);
	pp_free_bulk(cache, bufs + FLOOR + 10, n - 10);
	pool_end(pool);
}

static void *free_elsewhere(void *arg)
{
	struct pp_pool *pool = arg;
	struct pp_cache *cache = pp_pool_cache(pool);

	pp_free_bulk(cache, bufs, 8);
	/* Not into this cache. */
	return pp_alloc(cache, 0);
}

static void test_free_by_another_thread_refills_the_reserve(void **state)
{
	struct pp_pool *pool = pool_with(FLOOR, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	unsigned n = drain(cache);

	(void)state;
	assert_int_equal(pp_alloc_bulk(cache, bufs + n, 8, PP_CRITICAL), 8);
	assert_null(thread_do(free_elsewhere, pool));
	assert_int_equal(stats_of(pool).reserve, FLOOR);
	/* Without a cache, too. */
	assert_int_equal(pp_alloc_bulk(cache, bufs, 8, PP_CRITICAL), 8);
	pp_pool_free(pool, bufs, 8);
	assert_int_equal(stats_of(pool).reserve, FLOOR);
	pp_free_bulk(cache, bufs + 8, n);
	pool_end(pool);
}

static void test_fast_path_opens_again_once_nothing_is_missing(void **state)
{
	struct pp_pool *pool = pool_with(FLOOR, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	unsigned n = drain(cache);
	uint64_t slow;

	(void)state;
	assert_int_equal(pp_alloc_bulk(cache, bufs + n, 8, PP_CRITICAL), 8);
	pp_free_bulk(cache, bufs, n + 8);
	assert_false(stats_of(pool).pressed);
	pp_free(cache, pp_alloc(cache, 0));
	slow = counters_of(cache).slow + counters_of(cache).slow_free;
	for (unsigned i = 0; i < 32; i++)
		pp_free(cache, pp_alloc(cache, 0));
	assert_int_equal(counters_of(cache).slow + counters_of(cache).slow_free, slow);
	pool_end(pool);
}

static void test_marked_buffers_are_refused_and_counted(void **state)
{
	struct pp_pool *pool = pool_with(FLOOR, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	unsigned n = drain(cache);
	void *mixed[4];

	(void)state;
	assert_int_equal(pp_refuse_marked(cache, bufs, n), n);
	assert_int_equal(pp_alloc_bulk(cache, bufs + n, 2, PP_CRITICAL), 2);
	mixed[0] = bufs[n];
	mixed[1] = bufs[0];
	mixed[2] = bufs[n + 1];
	mixed[3] = bufs[1];
	assert_int_equal(pp_refuse_marked(cache, mixed, 4), 2);
	assert_ptr_equal(mixed[0], bufs[0]);
	assert_ptr_equal(mixed[1], bufs[1]);
	assert_int_equal(counters_of(cache).refused, 2);
	assert_int_equal(stats_of(pool).reserve, FLOOR);
	assert_int_equal(pp_refuse_marked(cache, mixed, 0), 0);
	pp_free_bulk(cache, bufs, n);
	pool_end(pool);
}

static void test_mark_passes_from_one_buffer_to_another(void **state)
{
	struct pp_pool *pool = pool_with(FLOOR, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	unsigned n = drain(cache);

	(void)state;
	assert_int_equal(pp_alloc_bulk(cache, bufs + n, 2, PP_CRITICAL), 2);
	assert_false(pp_mark_pass(pool, bufs[0], bufs[1]));
	assert_false(pp_mark_pass(pool, bufs[n], bufs[n]));
	assert_false(pp_mark_pass(pool, bufs[n], bufs[n + 1]));
	assert_true(pp_mark_pass(pool, bufs[n], bufs[0]));
	assert_true(pp_marked(pool, bufs[0]));
	assert_false(pp_marked(pool, bufs[n]));
	assert_int_equal(stats_of(pool).marked, 2);
	pp_free_bulk(cache, bufs, n + 2);
	assert_int_equal(stats_of(pool).marked, 0);
	pool_end(pool);
}

static void test_floor_can_be_set_while_running(void **state)
{
	struct pp_pool *pool = pool_with(0, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	unsigned n = drain(cache);

	(void)state;
	/* What is idle in a cache serves, what is out comes as it is freed. */
	pp_free_bulk(cache, bufs, 50);
	assert_ok(pp_pool_set_reserve(pool, FLOOR));
	assert_int_equal(stats_of(pool).reserve, 50);
	assert_int_equal(stats_of(pool).floor, FLOOR);
	assert_true(stats_of(pool).pressed);
	pp_free_bulk(cache, bufs + 50, 60);
	assert_int_equal(stats_of(pool).reserve, FLOOR);
	assert_false(stats_of(pool).pressed);
	assert_ok(pp_pool_set_reserve(pool, 20));
	assert_int_equal(stats_of(pool).reserve, 20);
	assert_int_equal(pp_alloc_burst(cache, bufs, 200, 0), 90);
	assert_int_equal(pp_pool_set_reserve(pool, (uint32_t)stats_of(pool).total + 1), -EINVAL);
	assert_error_names("reserve");
	assert_int_equal(stats_of(pool).floor, 20);
	assert_ok(pp_pool_set_reserve(pool, 0));
	assert_int_equal(stats_of(pool).reserve, 0);
	pp_free_bulk(cache, bufs, 90);
	pp_free_bulk(cache, bufs + 110, n - 110);
	pool_end(pool);
}

static void test_shrink_leaves_the_reserve_its_floor(void **state)
{
	struct pp_pool_params p = params_4k(2048, 4096);
	struct pp_pool *pool;
	uint32_t total;

	(void)state;
	p.owners = 2;
	p.reserve = 900;
	pool = pool_of(&p);
	total = (uint32_t)stats_of(pool).total;
	assert_true(stats_of(pool).pages > 2);
	/* Hugepages that hold the reserve may go, if it finds room elsewhere. */
	while (pp_pool_shrink(pool, 1, 0) > 0)
		assert_int_equal(stats_of(pool).reserve, 900);
	assert_true(stats_of(pool).total < total);
	assert_true(stats_of(pool).total >= 900);
	assert_error_names("floor");
	pool_end(pool);
}

static void test_lease_cannot_fail_until_used_up(void **state)
{
	struct pp_pool *pool = pool_with(FLOOR, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	struct pp_lease *lease;
	void *leased[64];
	unsigned n;

	(void)state;
	assert_ok(pp_reserve_lease(pool, 64, &lease));
	/* Paid for: the reserve is full again. */
	assert_int_equal(stats_of(pool).reserve, FLOOR);
	assert_int_equal(stats_of(pool).leased, 64);
	n = drain(cache);
	assert_int_equal(n, stats_of(pool).total - FLOOR - 64);
	for (unsigned i = 0; i < 64; i++) {
		assert_int_equal(pp_lease_left(lease), 64 - i);
		leased[i] = pp_lease_take(lease);
		assert_non_null(leased[i]);
		assert_false(pp_marked(pool, leased[i]));
	}
	assert_null(pp_lease_take(lease));
	pp_lease_end(lease);
	pp_lease_end(NULL);
	assert_int_equal(stats_of(pool).leased, 0);
	pp_free_bulk(cache, leased, 64);
	pp_free_bulk(cache, bufs, n);
	pool_end(pool);
}

static void test_lease_is_given_back_whole(void **state)
{
	struct pp_pool *pool = pool_with(FLOOR, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	unsigned n = drain(cache);
	struct pp_lease *lease, *other;

	(void)state;
	assert_ok(pp_reserve_lease(pool, FLOOR - 10, &lease));
	assert_int_equal(pp_reserve_lease(pool, 11, &other), -EAGAIN);
	assert_int_equal(pp_reserve_lease(pool, 0, &other), -EINVAL);
	assert_int_equal(pp_reserve_lease(pool, FLOOR + 1, &other), -EINVAL);
	assert_int_equal(stats_of(pool).reserve, 10);
	pp_lease_end(lease);
	assert_int_equal(stats_of(pool).reserve, FLOOR);
	pp_free_bulk(cache, bufs, n);
	pool_end(pool);
}

static void test_reserve_works_in_debug_and_tiny_pools(void **state)
{
	static const uint32_t flags[] = { PP_POOL_DEBUG, PP_POOL_OWNERS };
	struct pp_pool_params p = params_4k(2048, 64);
	struct pp_pool *pool;
	struct pp_lease *lease;

	(void)state;
	p.reserve = 16;
	p.owners = 8;
	for (unsigned i = 0; i < 3; i++) {
		struct pp_cache *cache;
		unsigned n;

		pool = i < 2 ? pool_with(FLOOR, flags[i]) : pool_of(&p);
		cache = pp_pool_cache(pool);
		n = drain(cache);
		n += pp_alloc_bulk(cache, bufs + n, 8, PP_CRITICAL);
		assert_int_equal(stats_of(pool).marked, 8);
		assert_int_equal(n, stats_of(pool).total - stats_of(pool).reserve);
		assert_ok(pp_reserve_lease(pool, 2, &lease));
		books_hold(pool, n + 2);
		pp_lease_end(lease);
		pp_free_bulk(cache, bufs, n);
		pool_end(pool);
	}
}

static int child_frees(void *arg)
{
	struct pp_cache *cache = pp_pool_cache(arg);

	pp_free_bulk(cache, bufs, 8);
	return stats_of(arg).reserve == FLOOR && !pp_alloc(cache, 0) ? 0 : 1;
}

static void test_free_in_another_process_refills_the_reserve(void **state)
{
	struct pp_pool *pool = pool_with(FLOOR, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	unsigned n = drain(cache);

	(void)state;
	assert_int_equal(pp_alloc_bulk(cache, bufs + n, 8, PP_CRITICAL), 8);
	assert_int_equal(child_do(child_frees, pool), 0);
	assert_int_equal(stats_of(pool).reserve, FLOOR);
	pp_free_bulk(cache, bufs + 8, n);
	pool_end(pool);
}

static void test_cache_that_ends_may_be_all_that_the_reserve_lacked(void **state)
{
	struct pp_pool_params p = params_4k(2048, 4096);
	struct pp_cache *cache, *other;
	struct pp_pool *pool;
	unsigned n;

	(void)state;
	p.owners = 2;
	pool = pool_of(&p);
	cache = pp_pool_cache(pool);
	other = pp_cache_create(pool, "ends");
	n = drain(cache);
	/* Full blocks in its deque, and an idle cache. */
	pp_free_bulk(other, bufs, n - 1);
	n = stats_of(pool).deques > 0;
	assert_true(n);
	/* Short by one as long as that one is out. */
	assert_ok(pp_pool_set_reserve(pool, (uint32_t)stats_of(pool).total));
	assert_true(stats_of(pool).pressed);
	pp_cache_destroy(other);
	assert_true(stats_of(pool).pressed);
	pp_free(cache, bufs[stats_of(pool).total - 1]);
	assert_false(stats_of(pool).pressed);
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ordinary_calls_leave_the_reserve_alone),
		cmocka_unit_test(test_critical_gets_the_whole_remainder_or_nothing),
		cmocka_unit_test(test_reserve_is_filled_before_any_cache),
		cmocka_unit_test(test_free_by_another_thread_refills_the_reserve),
		cmocka_unit_test(test_fast_path_opens_again_once_nothing_is_missing),
		cmocka_unit_test(test_marked_buffers_are_refused_and_counted),
		cmocka_unit_test(test_mark_passes_from_one_buffer_to_another),
		cmocka_unit_test(test_floor_can_be_set_while_running),
		cmocka_unit_test(test_shrink_leaves_the_reserve_its_floor),
		cmocka_unit_test(test_lease_cannot_fail_until_used_up),
		cmocka_unit_test(test_lease_is_given_back_whole),
		cmocka_unit_test(test_reserve_works_in_debug_and_tiny_pools),
		cmocka_unit_test(test_cache_that_ends_may_be_all_that_the_reserve_lacked),
		cmocka_unit_test(test_free_in_another_process_refills_the_reserve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
