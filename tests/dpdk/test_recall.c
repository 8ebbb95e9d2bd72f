/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: what lies idle in other threads' caches can all be had by one, through the mempool. */
#include "dpdk_test.h"

#include <pthread.h>

#include "pp_critical.h"

#define THREADS 6
#define MBUFS 8000
#define RESERVE 64
#define BURST 32

/* Threads that have used the mempool, and do nothing more until they are let go. */
struct idlers {
	struct rte_mempool *mp;
	struct pp_pool *pool;
	unsigned each;
	pthread_t thread[THREADS];
	pthread_barrier_t filled, enough;
};

static void *idler_run(void *arg)
{
	struct idlers *idlers = arg;
	struct rte_mbuf **mbufs = calloc(idlers->each, sizeof(*mbufs));
	int rc = mbufs ? rte_pktmbuf_alloc_bulk(idlers->mp, mbufs, idlers->each) : -1;

	/* Each has its own by now, and all are freed into the caches of these. */
	pthread_barrier_wait(&idlers->filled);
	if (!rc)
		rte_pktmbuf_free_bulk(mbufs, idlers->each);
	free(mbufs);
	pthread_barrier_wait(&idlers->filled);
	pthread_barrier_wait(&idlers->enough);
	return rc ? "a thread got nothing" : NULL;
}

static struct pp_stats books(const struct idlers *idlers)
{
	struct pp_stats stats;

	pp_pool_stats(idlers->pool, &stats);
	return stats;
}

/* Nearly all mbufs go through the threads' hands; returns with many of them in their caches. */
static struct idlers *idlers_begin(unsigned owners, uint32_t reserve)
{
	/* Not on the stack: a test that fails leaves it to threads that wait. */
	struct idlers *idlers = calloc(1, sizeof(*idlers));

	assert_non_null(idlers);
	idlers->mp = test_pool_create(
		(struct pp_pktmbuf_params){ .mbufs = MBUFS, .owners = owners, .reserve = reserve });
	idlers->pool = pp_pktmbuf_pool(idlers->mp);
	idlers->each = (idlers->mp->populated_size - reserve) / THREADS;
	pthread_barrier_init(&idlers->filled, NULL, THREADS + 1);
	pthread_barrier_init(&idlers->enough, NULL, THREADS + 1);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&idlers->thread[i], NULL, idler_run, idlers), 0);
	pthread_barrier_wait(&idlers->filled);
	pthread_barrier_wait(&idlers->filled);
	assert_int_equal(books(idlers).owners, THREADS);
	assert_true(books(idlers).cached >= THREADS * 64);
	assert_int_equal(rte_mempool_avail_count(idlers->mp), idlers->mp->populated_size);
	return idlers;
}

static void idlers_end(struct idlers *idlers)
{
	void *complaint;

	pthread_barrier_wait(&idlers->enough);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(idlers->thread[i], &complaint);
		if (complaint)
			fail_msg("%s", (char *)complaint);
	}
	assert_int_equal(rte_mempool_in_use_count(idlers->mp), 0);
	assert_int_equal(pp_pool_check(idlers->pool), 0);
	assert_int_equal(pp_pktmbuf_pool_free(idlers->mp), 0);
	free(idlers);
}

static void test_all_that_lies_idle_can_be_had_by_one(void **state)
{
	/* One by one, in bursts of a few, of many, and all at once; a burst may have to leave
	 * less than itself. */
	static const unsigned bursts[] = { 1, 16, 100, UINT32_MAX };

	(void)state;
	for (unsigned b = 0; b < RTE_DIM(bursts); b++) {
		struct idlers *idlers = idlers_begin(THREADS + 2, 0);
		struct rte_mbuf **mbufs;
		unsigned all, burst, n = 0;

		all = idlers->mp->populated_size;
		burst = RTE_MIN(bursts[b], all);
		mbufs = calloc(all + burst, sizeof(*mbufs));
		assert_non_null(mbufs);
		if (burst == 1)
			while ((mbufs[n] = rte_pktmbuf_alloc(idlers->mp)))
				n++;
		else
			while (!rte_pktmbuf_alloc_bulk(idlers->mp, mbufs + n, burst))
				n += burst;
		assert_int_equal(n, all - all % burst);
		for (unsigned i = 0; i < n; i++)
			test_mbuf_assert(idlers->mp, mbufs[i]);
		/* What was less than a burst is there all the same. */
		assert_int_equal(rte_mempool_avail_count(idlers->mp), all - n);
		if (n < all)
			assert_int_equal(rte_pktmbuf_alloc_bulk(idlers->mp, mbufs + n, all - n), 0);
		rte_pktmbuf_free_bulk(mbufs, all);
		free(mbufs);
		idlers_end(idlers);
	}
}

static void test_who_has_no_cache_gets_them_too(void **state)
{
	struct idlers *idlers;
	struct rte_mbuf **mbufs;
	unsigned n;

	(void)state;
	idlers = idlers_begin(THREADS, 0);
	assert_null(pp_pool_cache(idlers->pool));
	n = test_drain(idlers->mp, &mbufs);
	assert_int_equal(n, idlers->mp->populated_size);
	rte_pktmbuf_free_bulk(mbufs, n);
	free(mbufs);
	idlers_end(idlers);
}

/* The reserve is for when there is nothing else, and idle buffers are something else. */
static void test_a_receiver_has_what_is_idle_before_the_reserve(void **state)
{
	uint64_t before = pp_critical_drawn();
	struct idlers *idlers;
	struct rte_mbuf **mbufs;
	unsigned all, n = 0;

	(void)state;
	idlers = idlers_begin(THREADS + 2, RESERVE);
	all = idlers->mp->populated_size;
	mbufs = calloc(all + BURST, sizeof(*mbufs));
	assert_non_null(mbufs);
	pp_critical_begin();
	while (n + BURST <= all - RESERVE) {
		assert_int_equal(rte_pktmbuf_alloc_bulk(idlers->mp, mbufs + n, BURST), 0);
		n += BURST;
	}
	assert_int_equal(pp_critical_drawn(), before);
	/* And then, with what is left of the others. */
	assert_int_equal(rte_pktmbuf_alloc_bulk(idlers->mp, mbufs + n, all - n), 0);
	assert_int_equal(pp_critical_drawn() - before, RESERVE);
	assert_int_equal(pp_critical_end(NULL, 0, NULL, NULL), 0);
	assert_int_equal(books(idlers).reserve, 0);
	rte_pktmbuf_free_bulk(mbufs, all);
	free(mbufs);
	idlers_end(idlers);
}

/* Who asks for more than there is does not send the others the long way. */
static void test_what_cannot_be_had_is_not_taken_from_its_owners(void **state)
{
	struct rte_mbuf **mbufs;
	struct idlers *idlers;
	uint64_t cached;

	(void)state;
	idlers = idlers_begin(THREADS + 2, 0);
	mbufs = calloc(idlers->mp->populated_size + 1, sizeof(*mbufs));
	assert_non_null(mbufs);
	cached = books(idlers).cached;
	assert_int_not_equal(rte_pktmbuf_alloc_bulk(idlers->mp, mbufs,
						    idlers->mp->populated_size + 1),
			     0);
	assert_true(books(idlers).cached >= cached);
	free(mbufs);
	idlers_end(idlers);
}

#define ROUNDS 300
#define RIVALS 4

/* Some that each want more than half, at once: one of them has it. */
struct rival {
	struct rte_mempool *mp;
	pthread_barrier_t *together;
	struct rte_mbuf **mbufs;
	unsigned n;
	bool got[ROUNDS];
};

static void *rival_run(void *arg)
{
	struct rival *rival = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(rival->together);
		rival->got[i] = !rte_pktmbuf_alloc_bulk(rival->mp, rival->mbufs, rival->n);
		pthread_barrier_wait(rival->together);
		if (rival->got[i])
			rte_pktmbuf_free_bulk(rival->mbufs, rival->n);
	}
	return NULL;
}

static void test_of_some_that_want_more_than_half_one_has_it(void **state)
{
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){ .mbufs = MBUFS });
	unsigned n = mp->populated_size * 2 / 3;
	struct rival rivals[RIVALS];
	pthread_barrier_t together;
	pthread_t thread[RIVALS];

	(void)state;
	pthread_barrier_init(&together, NULL, RIVALS);
	for (unsigned i = 0; i < RIVALS; i++) {
		rivals[i] = (struct rival){ .mp = mp, .together = &together, .n = n };
		rivals[i].mbufs = calloc(n, sizeof(*rivals[i].mbufs));
		assert_non_null(rivals[i].mbufs);
	}
	for (unsigned i = 0; i < RIVALS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, rival_run, &rivals[i]), 0);
	for (unsigned i = 0; i < RIVALS; i++)
		pthread_join(thread[i], NULL);
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned got = 0;

		for (unsigned r = 0; r < RIVALS; r++)
			got += rivals[r].got[i];
		if (got != 1)
			fail_msg("round %u: %u got them", i, got);
	}
	for (unsigned i = 0; i < RIVALS; i++)
		free(rivals[i].mbufs);
	assert_int_equal(pp_pool_check(pp_pktmbuf_pool(mp)), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_that_lies_idle_can_be_had_by_one),
		cmocka_unit_test(test_who_has_no_cache_gets_them_too),
		cmocka_unit_test(test_a_receiver_has_what_is_idle_before_the_reserve),
		cmocka_unit_test(test_what_cannot_be_had_is_not_taken_from_its_owners),
		cmocka_unit_test(test_of_some_that_want_more_than_half_one_has_it),
	};

	test_eal_start(argc, argv, 32);
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
