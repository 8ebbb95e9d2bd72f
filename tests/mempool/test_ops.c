/* SPDX-License-Identifier: BSD-3-Clause */
/* Ops: what an application may expect of a mempool, held by ours. */
#include "ops_test.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ops_options.h"

#define N 5000

struct worker {
	struct rte_mempool *mp;
	unsigned n;     /* got and put at a time, or up to 15 fewer */
	unsigned vary;  /* seed, 0: always n */
	unsigned times; /* 0: once, and then idle until told to end */
	unsigned failed;
	sem_t *done, *end;
};

static void *worker_run(void *arg)
{
	struct worker *worker = arg;
	unsigned n = worker->n;
	void *objs[N];

	for (unsigned i = 0; i < (worker->times ? worker->times : 1); i++) {
		if (worker->vary)
			n = worker->n - (unsigned)rand_r(&worker->vary) % 16;
		if (rte_mempool_get_bulk(worker->mp, objs, n)) {
			worker->failed++;
			continue;
		}
		for (unsigned k = 0; k < n; k++)
			*(struct worker **)objs[k] = worker;
		for (unsigned k = 0; k < n; k++)
			if (*(struct worker **)objs[k] != worker)
				worker->failed += 1000000;
		rte_mempool_put_bulk(worker->mp, objs, n);
	}
	sem_post(worker->done);
	if (worker->end)
		sem_wait(worker->end);
	return NULL;
}

static void test_every_object_can_be_had_by_one_thread(void **state)
{
	struct rte_mempool *mp = ops_mempool("every", N, 0, NULL);
	pthread_t threads[3];
	sem_t done, end;
	struct worker worker = { .mp = mp, .n = 777, .done = &done, .end = &end };

	(void)state;
	assert_non_null(mp);
	assert_int_equal(rte_mempool_avail_count(mp), N);
	ops_all_of(mp, N);
	sem_init(&done, 0, 0);
	sem_init(&end, 0, 0);
	for (unsigned t = 0; t < 3; t++) {
		pthread_create(&threads[t], NULL, worker_run, &worker);
		sem_wait(&done);
	}
	assert_int_equal(worker.failed, 0);
	/* They live, and have buffers in caches that they will not touch again. */
	ops_all_of(mp, N);
	for (unsigned t = 0; t < 3; t++)
		sem_post(&end);
	for (unsigned t = 0; t < 3; t++)
		pthread_join(threads[t], NULL);
	ops_all_of(mp, N);
	rte_mempool_free(mp);
}

static void test_mempools_of_any_size_have_as_many_as_they_say(void **state)
{
	static const unsigned sizes[] = { 1, 2, 31, 63, 64, 100, 511, 1023, 1024, 4096, 30001 };

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(sizes); i++) {
		struct rte_mempool *mp = ops_mempool("sizes", sizes[i], 0, NULL);

		assert_non_null(mp);
		ops_all_of(mp, sizes[i]);
		rte_mempool_free(mp);
	}
}

static void test_who_wants_no_more_than_a_share_always_gets_it(void **state)
{
	struct rte_mempool *mp = ops_mempool("shares", 1024, 0, NULL);
	struct worker workers[4];
	pthread_t threads[4];
	sem_t done;

	(void)state;
	assert_non_null(mp);
	sem_init(&done, 0, 0);
	for (unsigned t = 0; t < 4; t++) {
		workers[t] = (struct worker){
			.mp = mp, .n = 256, .vary = t + 1, .times = 20000, .done = &done
		};
		pthread_create(&threads[t], NULL, worker_run, &workers[t]);
	}
	for (unsigned t = 0; t < 4; t++) {
		pthread_join(threads[t], NULL);
		assert_int_equal(workers[t].failed, 0);
	}
	ops_all_of(mp, 1024);
	rte_mempool_free(mp);
}

static void test_more_threads_than_caches_still_get_and_put(void **state)
{
	struct rte_mempool *mp = ops_mempool("few", N, 0, "caches=2");
	struct worker workers[6];
	pthread_t threads[6];
	sem_t done;

	(void)state;
	assert_non_null(mp);
	sem_init(&done, 0, 0);
	for (unsigned t = 0; t < 6; t++) {
		workers[t] = (struct worker){ .mp = mp, .n = 300, .times = 2000, .done = &done };
		pthread_create(&threads[t], NULL, worker_run, &workers[t]);
	}
	for (unsigned t = 0; t < 6; t++) {
		pthread_join(threads[t], NULL);
		assert_int_equal(workers[t].failed, 0);
	}
	ops_all_of(mp, N);
	rte_mempool_free(mp);
}

static void test_bulk_takes_all_or_nothing(void **state)
{
	struct rte_mempool *mp = ops_mempool("bulk", N, 0, NULL);
	static void *objs[N + 1];

	(void)state;
	assert_non_null(mp);
	assert_int_equal(rte_mempool_get_bulk(mp, objs, N + 1), -ENOBUFS);
	assert_int_equal(rte_mempool_avail_count(mp), N);
	assert_int_equal(rte_mempool_get_bulk(mp, objs, N), 0);
	assert_int_equal(rte_mempool_avail_count(mp), 0);
	assert_int_equal(rte_mempool_get_bulk(mp, objs + N, 1), -ENOBUFS);
	rte_mempool_put_bulk(mp, objs, N);
	assert_int_equal(rte_mempool_avail_count(mp), N);
	rte_mempool_free(mp);
}

/* By n until there are none, several times, with some put back between: each is out once. */
static void drain_by(struct rte_mempool *mp, unsigned n)
{
	static struct {
		unsigned out;
	} * objs[N + 64];
	unsigned all = 0;

	for (unsigned round = 0; round < 6; round++) {
		while (!rte_mempool_get_bulk(mp, (void **)&objs[all], n))
			for (unsigned end = all + n; all < end; all++)
				assert_int_equal(objs[all]->out++, 0);
		assert_int_equal(all + rte_mempool_avail_count(mp), N);
		for (unsigned left = round < 5 ? all / (round + 2) : 0; all > left;) {
			unsigned put = RTE_MIN(all - left, n + 2 * round + 1);

			for (unsigned end = all - put; all > end; all--)
				objs[all - 1]->out = 0;
			rte_mempool_put_bulk(mp, (void **)&objs[all], put);
		}
	}
	assert_int_equal(rte_mempool_avail_count(mp), N);
}

/* rte_mempool fills its cache from the ops in place, and where there is not enough for that goes
 * on with what was there: an object written there would be out twice. */
static void test_a_mempool_run_dry_through_its_caches_has_each_object_once(void **state)
{
	static const unsigned caches[] = { 3, 8, 32, 250, 512 };

	(void)state;
	for (unsigned c = 0; c < RTE_DIM(caches); c++) {
		struct rte_mempool *mp = ops_mempool("dry", N, caches[c], NULL);

		assert_non_null(mp);
		for (unsigned n = 1; n <= 64; n += 3)
			drain_by(mp, n);
		ops_all_of(mp, N);
		rte_mempool_free(mp);
	}
}

static void test_mempools_come_and_go_beside_a_thread_that_remembers(void **state)
{
	sem_t done, end;
	struct worker worker = { .n = 100, .done = &done, .end = &end };
	unsigned zones;
	void *obj;

	(void)state;
	sem_init(&done, 0, 0);
	sem_init(&end, 0, 0);
	zones = ops_zones();
	/* More than a process can have at a time. */
	for (unsigned i = 0; i < 600; i++) {
		pthread_t thread;

		worker.mp = ops_mempool("comes", 2000, 0, NULL);
		assert_non_null(worker.mp);
		if (i % 100 == 0)
			pthread_create(&thread, NULL, worker_run, &worker);
		assert_int_equal(rte_mempool_get(worker.mp, &obj), 0);
		rte_mempool_put(worker.mp, obj);
		if (i % 100 == 0)
			sem_wait(&done);
		assert_int_equal(rte_mempool_avail_count(worker.mp), 2000);
		rte_mempool_free(worker.mp);
		/* Its cache was the mempool's, which has gone. */
		if (i % 100 == 0) {
			sem_post(&end);
			pthread_join(thread, NULL);
		}
	}
	assert_int_equal(ops_zones(), zones);
}

#define PIECE (8ul << 20)
#define GIB (1ul << 30)
#define RANGE (40 * GIB)

/* Addresses to be chosen from, on a multiple of 4 GiB; no memory yet. */
static char *range_reserve(void **range)
{
	*range = mmap(NULL, RANGE + 4 * GIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		      -1, 0);
	assert_ptr_not_equal(*range, MAP_FAILED);
	return (char *)(((uintptr_t)*range + 4 * GIB - 1) & ~(4 * GIB - 1));
}

static int piece_populate(struct rte_mempool *mp, char *at)
{
	assert_int_equal(mprotect(at, PIECE, PROT_READ | PROT_WRITE), 0);
	return rte_mempool_populate_iova(mp, at, RTE_BAD_IOVA, PIECE, NULL, NULL);
}

static void test_memory_beyond_four_gigabytes_is_served_too(void **state)
{
	/* Above, below and far from the first. */
	static const unsigned long places[] = { 10 * GIB, 18 * GIB, 6 * GIB, 39 * GIB };
	struct rte_mempool *mp = ops_empty("wide", 20000, 2048, 0, NULL);
	unsigned n = 0;
	void *range, *obj;
	char *base = range_reserve(&range);

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(places); i++) {
		int rc = piece_populate(mp, base + places[i]);

		assert_in_range(rc, 3000, 4200);
		n += (unsigned)rc;
		assert_int_equal(rte_mempool_avail_count(mp), n);
		/* All of these were used before the next piece came. */
		ops_all_of(mp, n);
	}
	assert_int_equal(mp->populated_size, n);
	assert_int_equal(mp->nb_mem_chunks, RTE_DIM(places));
	rte_mempool_free(mp);
	mp = ops_empty("wide", 20000, 2048, 0, NULL);
	assert_true(piece_populate(mp, base + places[0]) > 0);
	assert_int_equal(rte_mempool_get(mp, &obj), 0);
	ops_logged();
	/* What is in use would not be found where it moves to. */
	assert_true(piece_populate(mp, base + places[1]) <= 0);
	assert_non_null(strstr(ops_logged(), "some are in use"));
	rte_mempool_put(mp, obj);
	assert_true(piece_populate(mp, base + places[1]) > 0);
	ops_all_of(mp, mp->populated_size);
	rte_mempool_free(mp);
	munmap(range, RANGE + 4 * GIB);
}

static void test_unaligned_objects_stay_within_four_gigabytes(void **state)
{
	struct rte_mempool *mp = rte_mempool_create_empty("odd", 300000, 40, 0, 0, SOCKET_ID_ANY,
							  RTE_MEMPOOL_F_NO_CACHE_ALIGN);
	void *range;
	char *base = range_reserve(&range);

	(void)state;
	assert_non_null(mp);
	assert_int_equal(rte_mempool_set_ops_byname(mp, "pktpool", NULL), 0);
	assert_true(piece_populate(mp, base + 2 * GIB) > 0);
	ops_all_of(mp, mp->populated_size);
	ops_logged();
	assert_true(piece_populate(mp, base + 6 * GIB) <= 0);
	assert_non_null(strstr(ops_logged(), "cache lines"));
	ops_all_of(mp, mp->populated_size);
	rte_mempool_free(mp);
	munmap(range, RANGE + 4 * GIB);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_object_can_be_had_by_one_thread),
		cmocka_unit_test(test_mempools_of_any_size_have_as_many_as_they_say),
		cmocka_unit_test(test_who_wants_no_more_than_a_share_always_gets_it),
		cmocka_unit_test(test_more_threads_than_caches_still_get_and_put),
		cmocka_unit_test(test_bulk_takes_all_or_nothing),
		cmocka_unit_test(test_a_mempool_run_dry_through_its_caches_has_each_object_once),
		cmocka_unit_test(test_mempools_come_and_go_beside_a_thread_that_remembers),
		cmocka_unit_test(test_memory_beyond_four_gigabytes_is_served_too),
		cmocka_unit_test(test_unaligned_objects_stay_within_four_gigabytes),
	};

	ops_start(argv[1], argc > 2 ? argv[2] : "nohuge");
	return cmocka_run_group_tests_name("ops", tests, NULL, NULL) + ops_options_run();
}
