/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes: where a pool over several grows and shrinks, and what a node that has nothing left means. */
#include "nodes.h"

static void test_growing_goes_to_the_node_that_is_short(void **state)
{
	struct pp_pool *pool;
	void *some[48];

	(void)state;
	nodes_make(3, 100);
	pool = nodes_pool_big(6, 20, 0);
	/* All of node 1's are out, and one of node 2's. */
	node_here = 1;
	assert_int_equal(pp_alloc_bulk(pp_pool_cache(pool), some, 32, 0), 32);
	node_here = 2;
	assert_int_equal(pp_alloc_bulk(pp_pool_cache(pool), some + 32, 1, 0), 1);
	assert_int_equal(pp_pool_grow(pool, 1), 16);
	assert_int_equal(node_of(pool, 1).pages, 3);
	assert_int_equal(pp_pool_grow(pool, 1), 16);
	assert_int_equal(node_of(pool, 1).pages, 4);
	assert_int_equal(pp_pool_grow(pool, 1), 16);
	assert_int_equal(node_of(pool, 2).pages, 3);
	/* Short, but without hugepages: then the next. */
	nodes.left[0] = 0;
	assert_int_equal(pp_pool_grow(pool, 3 * 16), 3 * 16);
	assert_int_equal(node_of(pool, 0).pages, 2);
	nodes.left[1] = nodes.left[2] = 0;
	assert_int_equal(pp_pool_grow(pool, 1), -ENOMEM);
	assert_error_names("NUMA node");
	pp_free_bulk(pp_pool_cache(pool), some, 33);
	all_are_home(pool, 0);
	pool_end(pool);
}

static void test_growing_on_the_node_asked_for_or_nowhere(void **state)
{
	struct pp_pool *pool;

	(void)state;
	nodes_make(4, 100);
	pool = nodes_pool_big(4, 40, 0);
	for (int node = 0; node < 4; node++) {
		assert_int_equal(pp_pool_grow_on(pool, node, 33), 48);
		assert_int_equal(node_of(pool, node).pages, 4);
	}
	nodes.left[2] = 1;
	assert_int_equal(pp_pool_grow_on(pool, 2, 33), 16);
	assert_error_names("NUMA node 2");
	assert_int_equal(pp_pool_grow_on(pool, 2, 33), -ENOMEM);
	assert_error_names("NUMA node 2");
	assert_error_names("3 more");
	assert_int_equal(pp_pool_grow_on(pool, 4, 1), -EINVAL);
	assert_error_names("node 4");
	assert_int_equal(pp_pool_grow_on(pool, -1, 1), -EINVAL);
	all_are_home(pool, 0);
	pool_end(pool);
}

static void test_shrinking_on_the_node_asked_for(void **state)
{
	struct pp_pool *pool;
	void *some[16];

	(void)state;
	nodes_make(3, 100);
	pool = nodes_pool_big(9, 0, 0);
	assert_int_equal(pp_pool_shrink_on(pool, 1, 40, 100000), 32);
	assert_int_equal(node_of(pool, 1).pages, 1);
	/* The last of its node can go, too. */
	node_here = 1;
	assert_int_equal(pp_alloc_bulk(pp_pool_cache(pool), some, 1, 0), 1);
	assert_int_equal(pp_pool_shrink_on(pool, 1, 1, 1000), -EBUSY);
	pp_free(pp_pool_cache(pool), some[0]);
	assert_int_equal(pp_pool_shrink_on(pool, 1, 1, 100000), 16);
	assert_int_equal(pp_pool_shrink_on(pool, 1, 1, 1000), -EBUSY);
	assert_error_names("node 1");
	assert_int_equal(pp_alloc_bulk(pp_pool_cache(pool), some, 1, 0), 0);
	/* Nobody said which: the node that has most. */
	assert_int_equal(pp_pool_grow_on(pool, 1, 16), 16);
	assert_int_equal(pp_pool_shrink(pool, 64, 100000), 64);
	for (int node = 0; node < 3; node++)
		assert_int_equal(node_of(pool, node).pages, 1);
	assert_int_equal(pp_pool_shrink_on(pool, 3, 1, 0), -EINVAL);
	node_here = 0;
	all_are_home(pool, 0);
	pool_end(pool);
}

static void test_shrinking_takes_from_the_node_that_has_most(void **state)
{
	struct pp_pool *pool;

	(void)state;
	nodes_make(2, 100);
	pool = nodes_pool_big(4, 20, 0);
	/* Those of node 1 come last in the range. */
	assert_int_equal(pp_pool_grow_on(pool, 0, 3 * 16), 3 * 16);
	assert_int_equal(pp_pool_grow_on(pool, 1, 4 * 16), 4 * 16);
	for (unsigned left = 10; left > 2; left--) {
		assert_int_equal(pp_pool_shrink(pool, 16, 100000), 16);
		assert_int_equal(abs((int)node_of(pool, 0).pages - (int)node_of(pool, 1).pages),
				 left % 2);
	}
	all_are_home(pool, 0);
	pool_end(pool);
}

static void test_gapless_pool_shrinks_on_the_node_of_its_end(void **state)
{
	struct pp_pool *pool;

	(void)state;
	nodes_make(2, 100);
	pool = nodes_pool_big(4, 8, PP_POOL_GAPLESS);
	assert_ok(pp_pool_grow_on(pool, 1, 1));
	assert_int_equal(pp_pool_shrink_on(pool, 0, 1, 1000), -EBUSY);
	assert_error_names("from its end");
	assert_ok(pp_pool_shrink_on(pool, 1, 1, 100000));
	all_are_home(pool, 0);
	pool_end(pool);
}

static void test_calls_grow_on_their_own_node(void **state)
{
	struct pp_pool *pool;
	struct pp_cache *cache;
	void *some[200];

	(void)state;
	nodes_make(2, 3);
	pool = nodes_pool_big(4, 12, 0);
	node_here = 1;
	cache = pp_pool_cache(pool);
	assert_int_equal(pp_alloc_bulk(cache, some, 48, PP_GROW), 48);
	assert_int_equal(count_on(pool, some, 48, 1), 48);
	assert_int_equal(node_of(pool, 1).pages, 3);
	/* Node 1 has no more hugepages: node 0 only for who does not mind. */
	assert_int_equal(pp_alloc_bulk(cache, some + 48, 10, PP_GROW), 0);
	assert_int_equal(node_of(pool, 0).pages, 2);
	assert_int_equal(counters_of(cache).borrowed, 0);
	assert_int_equal(pp_alloc_bulk(cache, some + 48, 40, PP_GROW | PP_REMOTE), 40);
	assert_int_equal(node_of(pool, 0).pages, 3);
	assert_int_equal(count_on(pool, some, 88, 0), 40);
	assert_true(counters_of(cache).borrowed >= 40);
	pp_free_bulk(cache, some, 88);
	node_here = 0;
	all_are_home(pool, 0);
	pool_end(pool);
}

static void test_creation_wants_the_share_of_each_node(void **state)
{
	struct pp_pool_params params = params_4k(131072 - 64, 16 * 8);
	struct pp_pool *pool = NULL;
	unsigned fds = fds_open();

	(void)state;
	nodes_make(2, 3);
	nodes.left[0] = 100;
	params.nodes = 3;
	assert_int_equal(pp_pool_create(&params, &pool), -ENOMEM);
	assert_null(pool);
	assert_error_names("NUMA node 1");
	params.nodes = 1 << 2;
	assert_int_equal(pp_pool_create(&params, &pool), -EINVAL);
	assert_error_names("NUMA node 2");
	assert_error_names("0, 1");
	assert_int_equal(fds_open(), fds);
}

static void test_a_hugepage_comes_back_on_another_node(void **state)
{
	struct pp_pool *pool;
	uint64_t seed = 11;

	(void)state;
	nodes_make(4, 100);
	pool = nodes_pool_big(4, 12, 0);
	for (unsigned i = 0; i < 300; i++) {
		int node = (int)(random_next(&seed) % 4), rc;
		uint64_t total = stats_of(pool).total, had = node_of(pool, node).total;
		void *some[8];

		node_here = (int)(random_next(&seed) % 4);
		if (random_next(&seed) % 2) {
			rc = pp_pool_grow_on(pool, node, 1 + random_next(&seed) % 40);
			assert_true(rc > 0 || (rc == -ENOSPC && total == 12 * 16));
			if (rc > 0)
				assert_int_equal(node_of(pool, node).total, had + (uint64_t)rc);
		} else {
			rc = pp_pool_shrink_on(pool, node, 1, 100000);
			assert_int_equal(rc, had ? 16 : -EBUSY);
		}
		if (pp_alloc_bulk(pp_pool_cache(pool), some, 8, 0)) {
			if (stats_of(pool).cached == 0)
				assert_int_equal(count_on(pool, some, 8, node_here), 8);
			pp_free_bulk(pp_pool_cache(pool), some, 8);
		}
		all_are_home(pool, 0);
	}
	node_here = 0;
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_growing_goes_to_the_node_that_is_short),
		cmocka_unit_test(test_growing_on_the_node_asked_for_or_nowhere),
		cmocka_unit_test(test_shrinking_on_the_node_asked_for),
		cmocka_unit_test(test_shrinking_takes_from_the_node_that_has_most),
		cmocka_unit_test(test_gapless_pool_shrinks_on_the_node_of_its_end),
		cmocka_unit_test(test_calls_grow_on_their_own_node),
		cmocka_unit_test(test_creation_wants_the_share_of_each_node),
		cmocka_unit_test(test_a_hugepage_comes_back_on_another_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
