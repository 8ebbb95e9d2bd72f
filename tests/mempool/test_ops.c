/* SPDX-License-Identifier: BSD-3-Clause */
/* Ops: what an application may expect of a mempool, held by ours. */
#include "ops_test.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_mbuf.h>

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

static void test_what_is_no_option_fails_the_mempool_and_says_so(void **state)
{
	static const char *const bad[] = { "reserv=1",       "reserve",           "reserve=-1",
					   "reserve=1x",     "debug=2",           "caches=0",
					   "caches=251",     "layout=none",       "lcore_cache=513",
					   "debug=1,what=2", "reserve=999999999", "poison=" };
	unsigned zones = ops_zones();

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(bad); i++) {
		ops_logged();
		assert_null(ops_mempool("bad", 100, 0, bad[i]));
		assert_int_equal(rte_errno, EINVAL);
		assert_non_null(strstr(ops_logged(), "pktpool: bad: "));
		assert_int_equal(ops_zones(), zones);
	}
	setenv("PKTPOOL_MEMPOOL", "reserve=7,nonsense=1", 1);
	assert_null(ops_mempool("bad", 100, 0, NULL));
	assert_non_null(strstr(ops_logged(), "no option \"nonsense\" in PKTPOOL_MEMPOOL"));
	/* What a mempool is given counts for more than what all are. */
	setenv("PKTPOOL_MEMPOOL", "reserve=7", 1);
	for (unsigned given = 0; given < 2; given++) {
		struct rte_mempool *mp = ops_mempool("env", 100, 0, given ? "reserve=3" : NULL);

		assert_int_equal(mp->size, given ? 103 : 107);
		rte_mempool_free(mp);
	}
	unsetenv("PKTPOOL_MEMPOOL");
}

static int (*critical)(int on);

static void test_reserve_is_on_top_and_for_the_critical(void **state)
{
	struct rte_mempool *mp = ops_mempool("reserve", N, 0, "reserve=64");
	static void *objs[N + 64], *more;

	(void)state;
	assert_non_null(mp);
	assert_int_equal(mp->size, N + 64);
	assert_int_equal(rte_mempool_avail_count(mp), N + 64);
	assert_int_equal(rte_mempool_get_bulk(mp, objs, N), 0);
	assert_int_equal(rte_mempool_get(mp, &more), -ENOBUFS);
	assert_int_equal(critical(1), 0);
	assert_int_equal(rte_mempool_get_bulk(mp, objs + N, 65), -ENOBUFS);
	assert_int_equal(rte_mempool_get_bulk(mp, objs + N, 64), 0);
	assert_int_equal(rte_mempool_get(mp, &more), -ENOBUFS);
	assert_int_equal(critical(0), 1);
	/* What comes home fills the reserve first. */
	rte_mempool_put_bulk(mp, objs, 64);
	assert_int_equal(rte_mempool_get(mp, &more), -ENOBUFS);
	rte_mempool_put(mp, objs[64]);
	assert_int_equal(rte_mempool_get(mp, &more), 0);
	rte_mempool_put(mp, more);
	rte_mempool_put_bulk(mp, objs + 65, N - 1);
	assert_int_equal(rte_mempool_avail_count(mp), N + 64);
	rte_mempool_free(mp);
}

static void test_debug_sees_misuse_and_leaves_objects_alone(void **state)
{
	struct rte_mempool *mp = ops_mempool("debug", 1000, 0, "debug=1");
	int stranger = 0;
	void *obj;

	(void)state;
	assert_non_null(mp);
	ops_all_of(mp, 1000);
	assert_int_equal(rte_mempool_get(mp, &obj), 0);
	memset(obj, 0x11, 512);
	rte_mempool_put(mp, obj);
	assert_int_equal(((uint8_t *)obj)[500], 0x11);
	ops_logged();
	rte_mempool_put(mp, obj);
	assert_non_null(strstr(ops_logged(), "double free"));
	obj = &stranger;
	rte_mempool_ops_enqueue_bulk(mp, &obj, 1);
	assert_non_null(strstr(ops_logged(), "foreign free"));
	ops_all_of(mp, 1000);
	rte_mempool_free(mp);
}

/* Past what a sanitizer forbids. */
static __attribute__((no_sanitize_address, noinline)) uint8_t byte_peek(void *obj, unsigned at)
{
	return ((volatile uint8_t *)obj)[at];
}

static __attribute__((no_sanitize_address, noinline)) void byte_poke(void *obj, unsigned at)
{
	((volatile uint8_t *)obj)[at] = 1;
}

static void test_poison_sees_a_write_after_the_free(void **state)
{
	struct rte_mempool *mp = ops_mempool("poison", 100, 0, "poison=128");
	void *obj;

	(void)state;
	assert_non_null(mp);
	assert_int_equal(rte_mempool_get(mp, &obj), 0);
	memset(obj, 0x11, 512);
	rte_mempool_put(mp, obj);
	assert_int_equal(byte_peek(obj, 127), 0x11);
	assert_int_equal(byte_peek(obj, 128), 0x5a);
	ops_logged();
	byte_poke(obj, 130);
	ops_all_of(mp, 100);
	assert_non_null(strstr(ops_logged(), "written after free"));
	rte_mempool_free(mp);
}

static unsigned layout_gaps(struct rte_mempool *mp)
{
	struct rte_mempool_objhdr *hdr;
	char *before = NULL;
	unsigned gaps = 0;

	STAILQ_FOREACH(hdr, &mp->elt_list, next)
	{
		size_t stride = mp->header_size + mp->elt_size + mp->trailer_size;

		if (before && (char *)hdr != before + stride)
			gaps++;
		before = (char *)hdr;
	}
	return gaps;
}

static void test_objects_are_gapless_and_ascending_unless_asked_otherwise(void **state)
{
	struct rte_mempool *mp = ops_empty("gaps", N, 2200, 0, NULL);
	bool physical = rte_eal_iova_mode() == RTE_IOVA_PA;

	(void)state;
	assert_int_equal(rte_mempool_populate_default(mp), N);
	/* With physical addresses, at the ends of its pieces. */
	assert_in_range(layout_gaps(mp), 0, mp->nb_mem_chunks - 1);
	assert_true(physical || mp->nb_mem_chunks == 1);
	ops_all_of(mp, N);
	rte_mempool_free(mp);
	mp = ops_empty("gaps", N, 2200, 0, "layout=one");
	ops_logged();
	if (rte_mempool_populate_default(mp) == N)
		assert_int_equal(layout_gaps(mp), 0);
	else
		assert_true(physical && strstr(ops_logged(), "in several pieces"));
	rte_mempool_free(mp);
	mp = ops_empty("gaps", N, 2200, 0, "layout=pages");
	assert_int_equal(rte_mempool_populate_default(mp), N);
	assert_int_not_equal(layout_gaps(mp), 0);
	ops_all_of(mp, N);
	rte_mempool_free(mp);
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

static void test_lcore_caches_are_tuned_and_private_data_stays(void **state)
{
	struct rte_mempool *mp;
	unsigned lcore = rte_lcore_id();

	(void)state;
	setenv("PKTPOOL_MEMPOOL", "lcore_cache=0", 1);
	mp = rte_pktmbuf_pool_create_by_ops("mbufs", 2000, 250, 64, 2176, SOCKET_ID_ANY, "pktpool");
	unsetenv("PKTPOOL_MEMPOOL");
	assert_non_null(mp);
	assert_int_equal(mp->cache_size, 250);
	assert_int_equal(mp->local_cache[lcore].size, 0);
	assert_int_equal(rte_pktmbuf_data_room_size(mp), 2176);
	assert_int_equal(rte_pktmbuf_priv_size(mp), 64);
	for (unsigned round = 0; round < 3; round++) {
		struct rte_mbuf *mbufs[2000];

		assert_int_equal(rte_pktmbuf_alloc_bulk(mp, mbufs, 2000), 0);
		assert_null(rte_pktmbuf_alloc(mp));
		rte_pktmbuf_free_bulk(mbufs, 2000);
		assert_int_equal(rte_mempool_avail_count(mp), 2000);
		assert_int_equal(mp->local_cache[lcore].len, 0);
	}
	rte_mempool_free(mp);
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
		cmocka_unit_test(test_what_is_no_option_fails_the_mempool_and_says_so),
		cmocka_unit_test(test_reserve_is_on_top_and_for_the_critical),
		cmocka_unit_test(test_debug_sees_misuse_and_leaves_objects_alone),
		cmocka_unit_test(test_poison_sees_a_write_after_the_free),
		cmocka_unit_test(test_objects_are_gapless_and_ascending_unless_asked_otherwise),
		cmocka_unit_test(test_memory_beyond_four_gigabytes_is_served_too),
		cmocka_unit_test(test_unaligned_objects_stay_within_four_gigabytes),
		cmocka_unit_test(test_lcore_caches_are_tuned_and_private_data_stays),
	};

	ops_start(argv[1], argc > 2 ? argv[2] : "nohuge");
	critical = (int (*)(int))ops_symbol("pktpool_mempool_critical");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
