/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: caches by lcore id are made once, whoever asks; other threads and children have their own. */
#include "dpdk_test.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pp_lcore.h"

#define MBUFS 4000
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

static void *thread_churn(void *arg)
{
	struct rte_mempool *mp = arg;
	struct rte_mbuf *mbufs[32];

	for (int i = 0; i < 10000; i++) {
		if (rte_pktmbuf_alloc_bulk(mp, mbufs, 32))
			return "a thread got nothing";
		for (int j = 0; j < 32; j++)
			if (!test_mbuf_fresh(mp, mbufs[j]))
				return "a thread got an mbuf that is not fresh";
		rte_pktmbuf_free_bulk(mbufs, 32);
	}
	return NULL;
}

static void threads_churn(struct rte_mempool *mp, int n)
{
	pthread_t threads[8];
	void *complaint;

	for (int i = 0; i < n; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thread_churn, mp), 0);
	for (int i = 0; i < n; i++) {
		pthread_join(threads[i], &complaint);
		if (complaint)
			fail_msg("%s", (char *)complaint);
	}
}

static void test_threads_unknown_to_eal_leave_all_they_had(void **state)
{
	struct rte_mempool *mp =
		test_pool_create((struct pp_pktmbuf_params){ .mbufs = MBUFS, .owners = 8 });
	struct rte_mbuf **mbufs;
	struct pp_stats stats;
	unsigned n;

	(void)state;
	threads_churn(mp, 4);
	pp_pool_stats(pp_pktmbuf_pool(mp), &stats);
	assert_int_equal(stats.in_flight, 0);
	/* Their caches did the work: the depot saw blocks, not single calls. */
	assert_int_equal(stats.sum.long_way, 0);
	n = test_drain(mp, &mbufs);
	assert_int_equal(n, mp->populated_size);
	rte_pktmbuf_free_bulk(mbufs, n);
	free(mbufs);
	assert_int_equal(pp_pool_check(pp_pktmbuf_pool(mp)), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

static void test_more_threads_than_caches_still_allocate(void **state)
{
	struct rte_mempool *mp =
		test_pool_create((struct pp_pktmbuf_params){ .mbufs = MBUFS, .owners = 1 });

	(void)state;
	assert_non_null(pp_pool_cache(pp_pktmbuf_pool(mp)));
	threads_churn(mp, 3);
	assert_int_equal(rte_mempool_in_use_count(mp), 0);
	assert_int_equal(pp_pool_check(pp_pktmbuf_pool(mp)), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

static pthread_key_t late_key;

/* Runs when the thread's caches have been given back, or just before. */
static void late_use(void *arg)
{
	struct rte_mempool *mp = arg;

	for (int i = 0; i < 50; i++)
		rte_pktmbuf_free(rte_pktmbuf_alloc(mp));
}

static void *thread_brief(void *arg)
{
	struct rte_mempool *mp = arg;
	struct rte_mbuf *mbufs[20];

	pthread_setspecific(late_key, mp);
	for (int i = 0; i < 20; i++) {
		if (rte_pktmbuf_alloc_bulk(mp, mbufs, 20))
			return "a thread got nothing";
		rte_pktmbuf_free_bulk(mbufs, 20);
	}
	return NULL;
}

static void *threads_start(void *arg)
{
	void *complaint = NULL;
	pthread_t thread;

	for (int i = 0; i < 300 && !complaint; i++)
		if (pthread_create(&thread, NULL, thread_brief, arg) ||
		    pthread_join(thread, &complaint))
			complaint = "no thread";
	return complaint;
}

/* A cache that was given back may be another's: nobody finds it after that. */
static void test_threads_may_allocate_while_they_end(void **state)
{
	struct rte_mempool *mp =
		test_pool_create((struct pp_pktmbuf_params){ .mbufs = MBUFS, .owners = 3 });
	pthread_t threads[3];
	struct rte_mbuf **mbufs;
	void *complaint;
	unsigned n;

	(void)state;
	assert_int_equal(pthread_key_create(&late_key, late_use), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, threads_start, mp), 0);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &complaint);
		assert_null(complaint);
	}
	pthread_key_delete(late_key);
	assert_int_equal(rte_mempool_in_use_count(mp), 0);
	assert_int_equal(pp_pool_check(pp_pktmbuf_pool(mp)), 0);
	n = test_drain(mp, &mbufs);
	assert_int_equal(n, mp->populated_size);
	rte_pktmbuf_free_bulk(mbufs, n);
	free(mbufs);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

static void test_a_forked_child_has_a_cache_of_its_own(void **state)
{
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){ .mbufs = MBUFS });
	struct pp_pool *pool = pp_pktmbuf_pool(mp);
	struct pp_cache *lcore = pp_lcore_cache(pool, 0);
	struct pp_stats before, after;
	int status = -1;
	pid_t child;

	(void)state;
	assert_null(thread_churn(mp));
	pp_pool_stats(pool, &before);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		_exit(thread_churn(mp) || pp_lcore_cache(pool, 0) == lcore ? 1 : 0);
	assert_null(thread_churn(mp));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	pp_pool_stats(pool, &after);
	assert_int_equal(after.owners, before.owners + 2);
	assert_int_equal(after.in_flight, 0);
	assert_int_equal(pp_pool_check(pool), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_lcore_has_one_cache_of_its_own),
		cmocka_unit_test(test_all_who_ask_at_once_get_the_same),
		cmocka_unit_test(test_the_books_call_it_by_its_lcore),
		cmocka_unit_test(test_threads_unknown_to_eal_leave_all_they_had),
		cmocka_unit_test(test_more_threads_than_caches_still_allocate),
		cmocka_unit_test(test_threads_may_allocate_while_they_end),
		cmocka_unit_test(test_a_forked_child_has_a_cache_of_its_own),
	};

	test_eal_start(argc, argv, 16);
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
