/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: a pktmbuf pool grows and shrinks under those who use it, and its lists stay true. */
#include "dpdk_test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#define PATIENCE_US 1000000

static uint32_t page_mbufs(const struct rte_mempool *mp)
{
	struct pp_page_info info;

	assert_int_equal(pp_region_page(pp_pool_region(pp_pktmbuf_pool(mp)), 0, &info), 0);
	return info.count;
}

static void all_can_be_had(struct rte_mempool *mp)
{
	struct rte_mbuf **mbufs;
	unsigned n = test_drain(mp, &mbufs);

	assert_int_equal(n, mp->populated_size);
	for (unsigned i = 0; i < n; i++)
		test_mbuf_assert(mp, mbufs[i]);
	rte_pktmbuf_free_bulk(mbufs, n);
	free(mbufs);
}

static void grows_and_shrinks(uint32_t flags)
{
	struct rte_mempool *mp = test_pool_create(
		(struct pp_pktmbuf_params){ .mbufs = 500, .mbufs_max = 8000, .flags = flags });
	struct test_footprint small;
	uint32_t before = mp->populated_size;
	int n;

	/* The first growth also has EAL's heap take what it needs for chunks. */
	assert_true(pp_pktmbuf_pool_grow(mp, 1) > 0);
	assert_true(pp_pktmbuf_pool_shrink(mp, 1, PATIENCE_US) > 0);
	assert_int_equal(mp->populated_size, before);
	small = test_footprint();
	for (int round = 0; round < 3; round++) {
		n = pp_pktmbuf_pool_grow(mp, 2 * page_mbufs(mp) + 9);
		assert_true(n > (int)(2 * page_mbufs(mp)));
		assert_int_equal(mp->populated_size, before + (uint32_t)n);
		assert_int_equal(mp->nb_mem_chunks, 4);
		assert_int_equal(rte_mempool_in_use_count(mp), 0);
		test_lists_assert(mp);
		all_can_be_had(mp);
		assert_int_equal(pp_pktmbuf_pool_shrink(mp, (uint32_t)n, PATIENCE_US), n);
		assert_int_equal(mp->populated_size, before);
		assert_int_equal(mp->nb_mem_chunks, 1);
		test_lists_assert(mp);
		all_can_be_had(mp);
		test_footprint_assert(small);
	}
	while ((n = pp_pktmbuf_pool_grow(mp, 1)) > 0)
		test_lists_assert(mp);
	assert_int_equal(n, -ENOSPC);
	assert_int_equal(mp->populated_size,
			 pp_buffer_index_end(pp_pool_region(pp_pktmbuf_pool(mp))));
	all_can_be_had(mp);
	assert_int_equal(pp_pool_check(pp_pktmbuf_pool(mp)), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

static void test_lists_follow_growing_and_shrinking(void **state)
{
	(void)state;
	grows_and_shrinks(0);
}

static void test_lists_of_a_gapless_pool_follow_too(void **state)
{
	(void)state;
	grows_and_shrinks(PP_POOL_GAPLESS);
}

/* A hugepage in the middle leaves, then one at the start, and both come again. */
static void test_lists_follow_when_the_middle_leaves(void **state)
{
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){ .mbufs = 4000 });
	const struct pp_region *region = pp_pool_region(pp_pktmbuf_pool(mp));
	uint32_t all = mp->populated_size, pages = mp->nb_mem_chunks;
	unsigned leaving[] = { 1, 0 };
	struct rte_mbuf **mbufs;
	struct pp_page_info info;
	unsigned n;

	(void)state;
	assert_true(pages >= 4);
	for (unsigned i = 0; i < 2; i++) {
		/* Hold one mbuf of each other hugepage: this one alone can go. */
		unsigned held = 0;

		n = test_drain(mp, &mbufs);
		for (uint32_t p = 0; p < pages; p++) {
			assert_int_equal(pp_region_page(region, p, &info), 0);
			for (unsigned j = held; j < n && p != leaving[i]; j++) {
				int64_t at = pp_buffer_index(region, mbufs[j]) - info.first;

				if (at >= 0 && at < info.count) {
					RTE_SWAP(mbufs[held], mbufs[j]);
					held++;
					break;
				}
			}
		}
		rte_pktmbuf_free_bulk(mbufs + held, n - held);
		assert_true(pp_pktmbuf_pool_shrink(mp, 1, PATIENCE_US) > 0);
		assert_int_equal(pp_region_page(region, leaving[i], &info), 0);
		assert_false(info.present);
		test_lists_assert(mp);
		rte_pktmbuf_free_bulk(mbufs, held);
		free(mbufs);
		all_can_be_had(mp);
	}
	assert_true(pp_pktmbuf_pool_grow(mp, all) > 0);
	assert_int_equal(mp->populated_size, all);
	test_lists_assert(mp);
	all_can_be_had(mp);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

static void test_shrink_says_what_is_out(void **state)
{
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){ .mbufs = 2000 });
	struct rte_mbuf **mbufs;
	unsigned n = test_drain(mp, &mbufs);

	(void)state;
	assert_int_equal(pp_pktmbuf_pool_shrink(mp, 1, 1000), -EBUSY);
	test_lists_assert(mp);
	rte_pktmbuf_free_bulk(mbufs, n);
	free(mbufs);
	assert_true(pp_pktmbuf_pool_shrink(mp, 1, PATIENCE_US) > 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

/* Idle hugepages that another device refuses, at once or as they grow, are not on the lists. */
static void test_what_another_device_refuses_is_not_listed(void **state)
{
	struct rte_mempool *mp =
		test_pool_create((struct pp_pktmbuf_params){ .mbufs = 4000, .mbufs_max = 8000 });
	struct pp_pool *pool = pp_pktmbuf_pool(mp);
	uint32_t all = mp->populated_size, chunks = mp->nb_mem_chunks, before;
	struct pp_dma_none device = { .fail_map = 2 };
	int number = pp_pool_map_device(pool, &pp_dma_none_ops, &device), n;

	(void)state;
	assert_true(number >= 0);
	assert_int_equal(device.failures, 1);
	assert_int_equal(mp->nb_mem_chunks, chunks - 1);
	test_lists_assert(mp);
	all_can_be_had(mp);
	device.fail_map = device.maps + 1;
	before = mp->populated_size;
	n = pp_pktmbuf_pool_grow(mp, all);
	assert_true(n > 0);
	assert_int_equal(device.failures, 2);
	assert_int_equal(mp->populated_size, before + (uint32_t)n);
	test_lists_assert(mp);
	all_can_be_had(mp);
	assert_int_equal(pp_pool_unmap_device(pool, (unsigned)number), 0);
	test_lists_assert(mp);
	assert_int_equal(pp_pool_check(pool), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

struct storm {
	struct rte_mempool *mp;
	bool stop;
	uint64_t taken, stale;
	unsigned seed;
};

static void *storm_run(void *arg)
{
	struct storm *storm = arg;
	struct rte_mbuf *mbufs[600];
	unsigned held = 0;

	while (!__atomic_load_n(&storm->stop, __ATOMIC_RELAXED) || held) {
		unsigned n = (unsigned)rand_r(&storm->seed) % 100 + 1;

		if (n + held <= RTE_DIM(mbufs) && rand_r(&storm->seed) % 2 &&
		    !__atomic_load_n(&storm->stop, __ATOMIC_RELAXED)) {
			if (rte_pktmbuf_alloc_bulk(storm->mp, mbufs + held, n))
				continue;
			for (unsigned i = held; i < held + n; i++) {
				storm->stale += !test_mbuf_fresh(storm->mp, mbufs[i]);
				memset(rte_pktmbuf_mtod(mbufs[i], void *), 0x5a, 64);
			}
			held += n;
			storm->taken += n;
		} else {
			n = n < held ? n : held;
			held -= n;
			rte_pktmbuf_free_bulk(mbufs + held, n);
		}
	}
	return NULL;
}

/* Hugepages come and go many times while others take whatever is there. */
static void storm_rages(uint32_t flags)
{
	struct rte_mempool *mp = test_pool_create(
		(struct pp_pktmbuf_params){ .mbufs = 1700, .mbufs_max = 12000, .flags = flags });
	struct storm storms[3] = { 0 };
	pthread_t threads[3];
	uint64_t taken = 0;
	int grown = 0, shrunk = 0;

	for (int i = 0; i < 3; i++) {
		storms[i].mp = mp;
		storms[i].seed = (unsigned)i + 1;
		assert_int_equal(pthread_create(&threads[i], NULL, storm_run, &storms[i]), 0);
	}
	for (int round = 0; round < 20; round++) {
		while (pp_pktmbuf_pool_grow(mp, 1) > 0)
			grown++;
		/* The threads hold at most 1,800 of at least 2,600: some hugepages can go. */
		while (mp->nb_mem_chunks > 3 && pp_pktmbuf_pool_shrink(mp, 1, PATIENCE_US) > 0)
			shrunk++;
	}
	for (int i = 0; i < 3; i++) {
		__atomic_store_n(&storms[i].stop, true, __ATOMIC_RELAXED);
		pthread_join(threads[i], NULL);
		assert_int_equal(storms[i].stale, 0);
		taken += storms[i].taken;
	}
	print_message("%d hugepages came, %d went, %lu mbufs taken\n", grown, shrunk, taken);
	assert_true(grown >= 10 && shrunk >= 10);
	assert_int_equal(rte_mempool_in_use_count(mp), 0);
	test_lists_assert(mp);
	all_can_be_had(mp);
	assert_int_equal(pp_pool_check(pp_pktmbuf_pool(mp)), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

static void test_no_mbuf_is_taken_before_it_is_initialised(void **state)
{
	(void)state;
	storm_rages(0);
}

static void test_a_gapless_pool_weathers_the_storm(void **state)
{
	(void)state;
	storm_rages(PP_POOL_GAPLESS);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists_follow_growing_and_shrinking),
		cmocka_unit_test(test_lists_of_a_gapless_pool_follow_too),
		cmocka_unit_test(test_lists_follow_when_the_middle_leaves),
		cmocka_unit_test(test_shrink_says_what_is_out),
		cmocka_unit_test(test_what_another_device_refuses_is_not_listed),
		cmocka_unit_test(test_no_mbuf_is_taken_before_it_is_initialised),
		cmocka_unit_test(test_a_gapless_pool_weathers_the_storm),
	};

	test_eal_start(argc, argv, 32);
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
