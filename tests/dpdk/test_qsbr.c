/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: DPDK's quiescent states are a pp_defer's grace periods; who waits is not waited for. */
#include "dpdk_test.h"

#include <errno.h>
#include <pthread.h>
#include <rte_rcu_qsbr.h>
#include <unistd.h>

#include "pp_qsbr.h"

#define READERS 4
#define OBJECTS 100

static struct rte_rcu_qsbr *qsbr;
static struct pp_qsbr grace;
static struct pp_pool *pool;
static struct pp_defer *defer;
static unsigned freed;
static __thread uint32_t reader_id = PP_QSBR_NONE;

static uint32_t reader_mine(void)
{
	return reader_id;
}

static void objects_free(void *arg, void *const *objs, unsigned n)
{
	__atomic_fetch_add(&freed, n, __ATOMIC_RELAXED);
	pp_defer_buffers(arg, objs, n);
}

static int defer_begin(void **state)
{
	struct pp_pool_params buffers = { .sz = sizeof(buffers),
					  .buffer_size = 1024,
					  .buffers = 1024,
					  .owners = 8,
					  .pages = (enum pp_pages)test_pages };
	struct pp_defer_params params = { .sz = sizeof(params),
					  .ops = &pp_qsbr_ops,
					  .grace = &grace,
					  .free_bulk = objects_free };

	(void)state;
	qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, rte_rcu_qsbr_get_memsize(READERS));
	assert_non_null(qsbr);
	assert_int_equal(rte_rcu_qsbr_init(qsbr, READERS), 0);
	grace = (struct pp_qsbr){ qsbr, reader_mine };
	assert_int_equal(pp_pool_create(&buffers, &pool), 0);
	params.pool = params.arg = pool;
	assert_int_equal(pp_defer_create(&params, &defer), 0);
	freed = 0;
	return 0;
}

static int defer_finish(void **state)
{
	(void)state;
	assert_int_equal(pp_defer_destroy(defer), 0);
	assert_int_equal(pp_pool_check(pool), 0);
	assert_int_equal(pp_pool_destroy(pool), 0);
	free(qsbr);
	return 0;
}

static void objects_defer(unsigned n)
{
	while (n--)
		assert_int_equal(pp_defer_free(defer, pp_alloc(pp_pool_cache(pool), 0)), 0);
}

static void reader_begin(uint32_t id)
{
	assert_int_equal(rte_rcu_qsbr_thread_register(qsbr, id), 0);
	rte_rcu_qsbr_thread_online(qsbr, id);
}

static void reader_end(uint32_t id)
{
	rte_rcu_qsbr_thread_offline(qsbr, id);
	assert_int_equal(rte_rcu_qsbr_thread_unregister(qsbr, id), 0);
}

/* Until nothing more comes: at most two grace periods for a part of a block. */
static void polls_make(void)
{
	for (unsigned i = 0; i < 4; i++)
		pp_defer_poll(defer);
}

static void test_a_reader_that_does_not_rest_keeps_all(void **state)
{
	(void)state;
	reader_begin(1);
	objects_defer(OBJECTS);
	polls_make();
	assert_int_equal(freed, 0);
	rte_rcu_qsbr_quiescent(qsbr, 1);
	polls_make();
	assert_int_equal(freed, OBJECTS);
	/* One state is good for what was deferred before it only. */
	objects_defer(1);
	polls_make();
	assert_int_equal(freed, OBJECTS);
	reader_end(1);
}

static void test_a_reader_that_is_offline_keeps_nothing(void **state)
{
	(void)state;
	reader_begin(2);
	rte_rcu_qsbr_thread_offline(qsbr, 2);
	objects_defer(OBJECTS);
	polls_make();
	assert_int_equal(freed, OBJECTS);
	reader_end(2);
}

/* Who waits stays offline if it was: else it would keep others from then on. */
static void test_waiting_brings_nobody_online(void **state)
{
	(void)state;
	reader_begin(0);
	reader_id = 0;
	rte_rcu_qsbr_thread_offline(qsbr, 0);
	objects_defer(OBJECTS);
	assert_int_equal(pp_defer_barrier(defer), 0);
	objects_defer(OBJECTS);
	polls_make();
	assert_int_equal(freed, 2 * OBJECTS);
	reader_end(0);
	reader_id = PP_QSBR_NONE;
}

static void test_a_reader_unknown_as_such_waits_for_itself(void **state)
{
	struct pp_wait wait;

	(void)state;
	grace.reader = NULL;
	reader_begin(0);
	objects_defer(OBJECTS);
	pp_wait_for(&wait, 20000);
	assert_int_equal(pp_defer_barrier_wait(defer, &wait), -ETIMEDOUT);
	/* Known, it does not. */
	grace.reader = reader_mine;
	reader_id = 0;
	assert_int_equal(pp_defer_barrier(defer), 0);
	assert_int_equal(freed, OBJECTS);
	reader_end(0);
	reader_id = PP_QSBR_NONE;
}

static void *reader_bar(void *arg)
{
	reader_id = (uint32_t)(uintptr_t)arg;
	rte_rcu_qsbr_thread_register(qsbr, reader_id);
	rte_rcu_qsbr_thread_online(qsbr, reader_id);
	for (unsigned i = 0; i < 50; i++) {
		void *obj = pp_alloc(pp_pool_cache(pool), 0);

		if (pp_defer_free(defer, obj) || pp_defer_barrier(defer))
			abort();
	}
	rte_rcu_qsbr_thread_offline(qsbr, reader_id);
	rte_rcu_qsbr_thread_unregister(qsbr, reader_id);
	return NULL;
}

/* Each online and in a barrier, again and again. */
static void test_readers_that_wait_do_not_wait_for_each_other(void **state)
{
	pthread_t threads[READERS];

	(void)state;
	for (uintptr_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reader_bar, (void *)i), 0);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(freed, READERS * 50);
}

static void *lcore_note(void *arg)
{
	*(uint32_t *)arg = pp_qsbr_lcore();
	return NULL;
}

static void test_an_lcore_is_known_by_its_id_and_others_are_not(void **state)
{
	uint32_t other = 0;
	pthread_t thread;

	(void)state;
	assert_int_equal(pp_qsbr_lcore(), 0);
	assert_int_equal(pthread_create(&thread, NULL, lcore_note, &other), 0);
	pthread_join(thread, NULL);
	assert_int_equal(other, PP_QSBR_NONE);
	assert_int_equal(PP_QSBR_NONE, RTE_QSBR_THRID_INVALID);
}

#define CLAIM(test) cmocka_unit_test_setup_teardown(test, defer_begin, defer_finish)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CLAIM(test_a_reader_that_does_not_rest_keeps_all),
		CLAIM(test_a_reader_that_is_offline_keeps_nothing),
		CLAIM(test_waiting_brings_nobody_online),
		CLAIM(test_a_reader_unknown_as_such_waits_for_itself),
		CLAIM(test_readers_that_wait_do_not_wait_for_each_other),
		CLAIM(test_an_lcore_is_known_by_its_id_and_others_are_not),
	};

	test_eal_start(argc, argv, 4);
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
