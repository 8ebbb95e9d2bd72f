/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: caches by lcore id are made once, whoever asks, and end with their pool. */
#include "dpdk_test.h"

#include <errno.h>
#include <pthread.h>

#include "pp_lcore.h"

#define MBUFS 2000
#define LCORES 24
#define ASKERS 4

static void test_each_lcore_has_one_cache_of_its_own(void **state)
{
	struct rte_mempool *mp =
		test_pool_create((struct pp_pktmbuf_params){ .mbufs = MBUFS, .owners = 4 });
	struct pp_pool *pool = pp_pktmbuf_pool(mp);
	struct pp_cache *zero = pp_lcore_cache(pool, 0),
			*last = pp_lcore_cache(pool, RTE_MAX_LCORE - 1);
	void *buffer = pp_alloc(zero, 0);

	(void)state;
	assert_non_null(zero);
	assert_non_null(last);
	assert_ptr_not_equal(zero, last);
	assert_ptr_equal(pp_lcore_cache(pool, 0), zero);
	assert_ptr_equal(pp_cache_pool(zero), pool);
	test_mbuf_assert(mp, buffer);
	pp_free(last, buffer);
	errno = 0;
	assert_null(pp_lcore_cache(pool, RTE_MAX_LCORE));
	assert_int_equal(errno, EINVAL);
	assert_non_null(pp_lcore_cache(pool, 1));
	assert_non_null(pp_lcore_cache(pool, 2));
	errno = 0;
	assert_null(pp_lcore_cache(pool, 3));
	assert_int_equal(errno, ENOSPC);
	/* Released, all four can be had again, by others. */
	pp_lcore_release(pool);
	for (unsigned i = 10; i < 14; i++)
		assert_non_null(pp_lcore_cache(pool, i));
	assert_int_equal(pp_pool_check(pool), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

struct asker {
	struct pp_pool *pool;
	pthread_barrier_t *start;
	struct pp_cache *got[LCORES];
	pthread_t thread;
};

static void *asker_run(void *arg)
{
	struct asker *asker = arg;

	pthread_barrier_wait(asker->start);
	for (unsigned i = 0; i < LCORES; i++)
		asker->got[i] = pp_lcore_cache(asker->pool, i);
	return NULL;
}

/* One pool after another, as an address or a row may come again. */
static void test_all_who_ask_at_once_get_the_same(void **state)
{
	struct asker askers[ASKERS];
	pthread_barrier_t start;

	(void)state;
	pthread_barrier_init(&start, NULL, ASKERS);
	for (int round = 0; round < 20; round++) {
		struct rte_mempool *mp = test_pool_create(
			(struct pp_pktmbuf_params){ .mbufs = 64, .owners = LCORES + 2 });

		for (int i = 0; i < ASKERS; i++) {
			askers[i].pool = pp_pktmbuf_pool(mp);
			askers[i].start = &start;
			assert_int_equal(pthread_create(&askers[i].thread, NULL, asker_run,
							&askers[i]),
					 0);
		}
		for (int i = 0; i < ASKERS; i++)
			pthread_join(askers[i].thread, NULL);
		for (int j = 0; j < LCORES; j++) {
			assert_non_null(askers[0].got[j]);
			assert_ptr_equal(pp_cache_pool(askers[0].got[j]), pp_pktmbuf_pool(mp));
			for (int i = 1; i < ASKERS; i++)
				assert_ptr_equal(askers[i].got[j], askers[0].got[j]);
			for (int k = 0; k < j; k++)
				assert_ptr_not_equal(askers[0].got[j], askers[0].got[k]);
		}
		assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
	}
	pthread_barrier_destroy(&start);
}

struct names {
	unsigned lcores;
	bool seven;
};

static void name_see(const struct pp_cache_info *info, void *arg)
{
	struct names *names = arg;

	names->lcores += !strncmp(info->name, "lcore", 5);
	names->seven |= !strcmp(info->name, "lcore7");
}

static void test_the_books_call_it_by_its_lcore(void **state)
{
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){ .mbufs = 64 });
	struct names names = { 0 };

	(void)state;
	assert_non_null(pp_lcore_cache(pp_pktmbuf_pool(mp), 7));
	assert_non_null(pp_lcore_cache(pp_pktmbuf_pool(mp), 0));
	pp_pool_each_cache(pp_pktmbuf_pool(mp), name_see, &names);
	assert_int_equal(names.lcores, 2);
	assert_true(names.seven);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_lcore_has_one_cache_of_its_own),
		cmocka_unit_test(test_all_who_ask_at_once_get_the_same),
		cmocka_unit_test(test_the_books_call_it_by_its_lcore),
	};

	test_eal_start(argc, argv, 16);
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
