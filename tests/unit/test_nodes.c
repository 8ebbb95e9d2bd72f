/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes: whose buffers an allocation gets, and where freed ones go. */
#include <pthread.h>

#include "nodes.h"

#define MOST 20000

static void *bufs[MOST];

static void test_each_node_has_its_share(void **state)
{
	(void)state;
	for (int count = 1; count <= 8; count++) {
		struct pp_pool *pool;

		nodes_make(count, 100);
		pool = nodes_pool_big(4 * (uint32_t)count, 0, 0);
		for (int node = 0; node < count; node++) {
			assert_int_equal(node_of(pool, node).pages, 4);
			assert_int_equal(node_of(pool, node).total, 64);
			assert_int_equal(node_of(pool, node).free, 64);
			assert_int_equal(nodes.left[node], 96);
		}
		pool_end(pool);
	}
}

static void test_own_node_until_it_is_dry(void **state)
{
	(void)state;
	for (uint32_t flags = 0; flags <= PP_POOL_DEBUG; flags += PP_POOL_OWNERS) {
		struct pp_pool *pool;
		unsigned n, more;

		nodes_make(3, 100);
		pool = nodes_pool(12000, 0, flags & ~(uint32_t)PP_POOL_GAPLESS);
		for (node_here = 0; node_here < 3; node_here++) {
			struct pp_cache *cache = pp_cache_create(pool, "own");

			n = take_all(cache, bufs, MOST);
			assert_int_equal(n, node_of(pool, node_here).total);
			assert_int_equal(count_on(pool, bufs, n, node_here), n);
			assert_int_equal(counters_of(cache).borrowed, 0);
			assert_int_equal(pp_alloc_bulk(cache, bufs + n, 1, 0), 0);
			assert_int_equal(pp_alloc_bulk(cache, bufs + n, 1, PP_GROW), 0);
			/* With the flag all that there is. */
			more = 0;
			while (pp_alloc_bulk(cache, bufs + n + more, 1, PP_REMOTE))
				more++;
			assert_int_equal(n + more, stats_of(pool).total);
			assert_int_equal(counters_of(cache).borrowed, more);
			assert_int_equal(stats_of(pool).in_flight, n + more);
			pp_free_bulk(cache, bufs, n + more);
			pp_cache_destroy(cache);
			all_are_home(pool, 0);
		}
		node_here = 0;
		assert_int_equal(stats_of(pool).sum.remote, stats_of(pool).sum.borrowed);
		pool_end(pool);
	}
}

static void test_remote_is_implied_by_what_would_cost_more(void **state)
{
	static const unsigned flags[] = { PP_CRITICAL, PP_WAIT, PP_CRITICAL | PP_GROW };
	struct pp_pool *pool;
	struct pp_cache *cache;
	unsigned n;

	(void)state;
	nodes_make(2, 100);
	pool = nodes_pool(8000, 0, 0);
	assert_ok(pp_pool_set_reserve(pool, 100));
	cache = pp_pool_cache(pool);
	n = take_all(cache, bufs, MOST);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(pp_alloc_bulk(cache, bufs + n, 10, flags[i]), 10);
		assert_int_equal(count_on(pool, bufs + n, 10, 1), 10);
		n += 10;
	}
	/* Neither from the reserve nor by waiting. */
	assert_int_equal(stats_of(pool).marked, 0);
	assert_int_equal(counters_of(cache).wait, 0);
	pp_free_bulk(cache, bufs, n);
	pool_end(pool);
}

static void *free_all(void *arg)
{
	struct pp_pool *pool = arg;

	node_here = 1;
	for (unsigned i = 0; bufs[i]; i++)
		pp_free(pp_pool_cache(pool), bufs[i]);
	return NULL;
}

static void test_what_is_freed_on_another_node_goes_home(void **state)
{
	struct pp_pool *pool;
	uint64_t whole;
	unsigned n;

	(void)state;
	nodes_make(2, 100);
	pool = nodes_pool(8000, 0, 0);
	n = take_all(pp_pool_cache(pool), bufs, MOST);
	bufs[n] = NULL;
	whole = stats_of(pool).sum.long_way;
	thread_do(free_all, pool);
	assert_int_equal(stats_of(pool).sum.remote, n);
	assert_int_equal(stats_of(pool).in_flight, 0);
	all_are_home(pool, 0);
	/* Most in whole blocks; and there they are. */
	assert_int_equal(take_all(pp_pool_cache(pool), bufs, MOST), n);
	assert_int_equal(count_on(pool, bufs, n, 0), n);
	assert_in_range(stats_of(pool).sum.long_way - whole, 0, n / 2);
	pp_free_bulk(pp_pool_cache(pool), bufs, n);
	pool_end(pool);
}

static void test_mixed_blocks_are_sorted(void **state)
{
	struct pp_pool *pool;
	struct pp_cache *cache;
	unsigned n;

	(void)state;
	nodes_make(4, 100);
	pool = nodes_pool(16000, 0, 0);
	cache = pp_pool_cache(pool);
	n = 0;
	while (pp_alloc_bulk(cache, bufs + n, 1, PP_REMOTE))
		n++;
	assert_int_equal(n, stats_of(pool).total);
	/* Neighbours are of different nodes from here on. */
	for (unsigned i = n - 1; i > 0; i--) {
		unsigned j = (unsigned)(i * 2654435761u) % (i + 1);
		void *other = bufs[i];

		bufs[i] = bufs[j];
		bufs[j] = other;
	}
	for (unsigned i = 0; i < n; i++)
		pp_free(cache, bufs[i]);
	all_are_home(pool, 0);
	pp_pool_collect(pool);
	for (int node = 0; node < 4; node++)
		assert_int_equal(node_of(pool, node).free, node_of(pool, node).total);
	pool_end(pool);
}

static void test_thread_that_moves_leaves_its_buffers_behind(void **state)
{
	struct pp_pool *pool;
	struct pp_cache *cache;
	unsigned n, more;

	(void)state;
	nodes_make(2, 100);
	pool = nodes_pool(8000, 0, 0);
	cache = pp_pool_cache(pool);
	n = take_all(cache, bufs, MOST);
	pp_free_bulk(cache, bufs, n);
	assert_true(stats_of(pool).deques > 0);
	node_here = 1;
	/* What it has in hand it uses; its next block is the new node's. */
	n = 0;
	while (count_on(pool, bufs, n, 1) == 0)
		n += pp_alloc_bulk(cache, bufs + n, 1, 0);
	assert_in_range(n, 1, 513);
	assert_int_equal(stats_of(pool).deques, 0);
	all_are_home(pool, n);
	more = take_all(cache, bufs + n, MOST - n);
	assert_int_equal(count_on(pool, bufs + n, more, 1), more);
	assert_int_equal(n + more - count_on(pool, bufs, n, 0), node_of(pool, 1).total);
	pp_free_bulk(cache, bufs, n + more);
	/* And back. */
	node_here = 0;
	n = 0;
	while (pp_alloc_bulk(cache, bufs + n, 1, 0))
		n++;
	assert_in_range(count_on(pool, bufs, n, 1), 0, 2 * 512);
	assert_true(count_on(pool, bufs, n, 0) == node_of(pool, 0).total);
	pp_free_bulk(cache, bufs, n);
	all_are_home(pool, 0);
	pool_end(pool);
}

static void test_who_runs_elsewhere_has_the_nearest(void **state)
{
	struct pp_pool_params params = params_4k(2048, 4000);
	struct pp_pool *pool;
	struct pp_cache *cache;

	(void)state;
	nodes_make(8, 100);
	params.nodes = 1 << 1 | 1 << 6;
	pool = pool_of(&params);
	for (node_here = 0; node_here < 8; node_here++) {
		int nearest = node_here <= 3 ? 1 : 6;

		cache = pp_cache_create(pool, "elsewhere");
		assert_int_equal(pp_alloc_bulk(cache, bufs, 100, 0), 100);
		assert_int_equal(count_on(pool, bufs, 100, nearest), 100);
		pp_free_bulk(cache, bufs, 100);
		pp_cache_destroy(cache);
		assert_int_equal(pp_pool_alloc_burst(pool, bufs, 100), 100);
		assert_int_equal(count_on(pool, bufs, 100, nearest), 100);
		pp_pool_free(pool, bufs, 100);
	}
	node_here = 0;
	pool_end(pool);
	/* Default: the caller's alone. */
	node_here = 5;
	pool = pool_4k(2048, 4000, 0);
	assert_int_equal(node_of(pool, 5).total, stats_of(pool).total);
	pool_end(pool);
	node_here = 0;
}

struct waiter {
	struct pp_pool *pool;
	int node;
	unsigned got;
	void *mine[64];
};

static void *wait_for_some(void *arg)
{
	struct waiter *waiter = arg;
	struct pp_wait wait;

	node_here = waiter->node;
	pp_wait_for(&wait, 60u * 1000000);
	waiter->got = pp_alloc_bulk_wait(pp_pool_cache(waiter->pool), waiter->mine, 64, 0, &wait);
	pp_free_bulk(pp_pool_cache(waiter->pool), waiter->mine, waiter->got);
	return NULL;
}

static void test_who_waits_is_served_by_any_node(void **state)
{
	struct waiter waiter = { .node = 1 };
	pthread_t thread;
	unsigned n = 0;

	(void)state;
	nodes_make(2, 100);
	waiter.pool = nodes_pool(8000, 0, 0);
	while (pp_alloc_bulk(pp_pool_cache(waiter.pool), bufs + n, 1, PP_REMOTE))
		n++;
	pthread_create(&thread, NULL, wait_for_some, &waiter);
	while (stats_of(waiter.pool).waiters == 0)
		;
	/* All of node 0. */
	pp_free_bulk(pp_pool_cache(waiter.pool), bufs, 64);
	assert_int_equal(count_on(waiter.pool, bufs, 64, 0), 64);
	pthread_join(thread, NULL);
	assert_int_equal(waiter.got, 64);
	pp_free_bulk(pp_pool_cache(waiter.pool), bufs + 64, n - 64);
	all_are_home(waiter.pool, 0);
	pool_end(waiter.pool);
}

static void test_reserve_is_of_all_nodes(void **state)
{
	struct pp_pool *pool;
	unsigned n = 0, k;

	(void)state;
	nodes_make(2, 100);
	pool = nodes_pool(8000, 0, 0);
	assert_ok(pp_pool_set_reserve(pool, 5000));
	while (pp_alloc_bulk(pp_pool_cache(pool), bufs + n, 1, PP_REMOTE))
		n++;
	assert_int_equal(stats_of(pool).reserve, 5000);
	k = pp_alloc_bulk(pp_pool_cache(pool), bufs + n, 5000, PP_CRITICAL);
	assert_int_equal(k, 5000);
	assert_true(count_on(pool, bufs + n, k, 0) > 0 && count_on(pool, bufs + n, k, 1) > 0);
	assert_int_equal(counters_of(pp_pool_cache(pool)).borrowed, count_on(pool, bufs, n + k, 1));
	pp_free_bulk(pp_pool_cache(pool), bufs, n + k);
	assert_int_equal(stats_of(pool).reserve, 5000);
	assert_int_equal(stats_of(pool).marked, 0);
	all_are_home(pool, 0);
	assert_ok(pp_pool_set_reserve(pool, 0));
	all_are_home(pool, 0);
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_node_has_its_share),
		cmocka_unit_test(test_own_node_until_it_is_dry),
		cmocka_unit_test(test_remote_is_implied_by_what_would_cost_more),
		cmocka_unit_test(test_what_is_freed_on_another_node_goes_home),
		cmocka_unit_test(test_mixed_blocks_are_sorted),
		cmocka_unit_test(test_thread_that_moves_leaves_its_buffers_behind),
		cmocka_unit_test(test_who_runs_elsewhere_has_the_nearest),
		cmocka_unit_test(test_who_waits_is_served_by_any_node),
		cmocka_unit_test(test_reserve_is_of_all_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
