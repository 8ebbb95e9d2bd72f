/* SPDX-License-Identifier: BSD-3-Clause */
/* Seat: who waits in a pool's line for a mempool or an object cache keeps its place there. */
#include "ground.h"

#define KEPT 16
/* Objects of 600 bytes to a buffer of 2,048. */
#define PER 3u

/* Waits in the pool's line on nobody's behalf. */
struct other {
	struct pp_pool *pool;
	pthread_t thread;
	struct pp_wait wait;
	unsigned n, got;
	void *bufs[MOST];
	_Atomic bool done;
};

static void *other_run(void *arg)
{
	struct other *other = arg;

	other->got = pp_alloc_bulk_wait(pp_pool_cache(other->pool), other->bufs, other->n, 0,
					&other->wait);
	atomic_store(&other->done, true);
	return NULL;
}

static void other_start(struct other *other, const struct ground *ground, unsigned n)
{
	uint64_t before = stats_of(ground->pool).waiters;

	*other = (struct other){ .pool = ground->pool, .n = n };
	pp_wait_for(&other->wait, 60000000);
	MUST(!pthread_create(&other->thread, NULL, other_run, other));
	ground_until_wait(ground, before + 1);
}

static void other_end(struct other *other)
{
	pthread_join(other->thread, NULL);
	MUST(other->got == other->n);
	pp_pool_free(other->pool, other->bufs, other->n);
}

/* What comes by way of the mempool is kept for its first, which lacks that much less, and still
 * is before whoever came later. */
static void test_a_mempool_s_first_keeps_its_place_in_the_pool_s_line(void **state)
{
	(void)state;
	for (unsigned freed = 1; freed < 8; freed++) {
		struct waiter first;
		struct ground ground;
		struct other other;
		uint64_t wakes;

		ground_make(&ground, true, MOST, KEPT);
		ground_drain(&ground);
		waiter_start(&first, ground.mempool, 8, 60000000);
		ground_until_wait(&ground, 1);
		other_start(&other, &ground, 8 - freed);
		wakes = mempool_stats(ground.mempool).wakes;
		for (unsigned i = 0; i < freed; i++)
			ground_free(&ground, 1);
		/* None of these had anything for anybody. */
		assert_int_equal(mempool_stats(ground.mempool).wakes, wakes);
		ground_until_wait(&ground, 2);
		ground_leak(&ground, 8 - freed);
		waiter_until_done(&first);
		assert_false(atomic_load(&other.done));
		waiter_end(&first, 8, 0);
		/* Those went to the mempool: the next of the pool's are the other's. */
		ground_leak(&ground, 8 - freed);
		other_end(&other);
		ground_free(&ground, ground.n);
		/* The mempool's books miss what went behind its back. */
		assert_int_equal(pp_pool_alloc_burst(ground.pool, ground.elems, 2 * (8 - freed)),
				 2 * (8 - freed));
		assert_int_equal(mempool_stats(ground.mempool).out, 2 * (8 - freed));
		ground.n = 2 * (8 - freed);
		ground_end(&ground);
	}
}

/* The last that is lacking comes by way of the mempool, while the pool holds the others for it. */
static void test_what_a_pool_holds_for_the_first_is_enough_with_what_is_kept(void **state)
{
	(void)state;
	for (unsigned freed = 1; freed < 8; freed++) {
		struct waiter first;
		struct ground ground;
		struct other other;

		ground_make(&ground, true, MOST, KEPT);
		ground_drain(&ground);
		waiter_start(&first, ground.mempool, 8, 60000000);
		ground_until_wait(&ground, 1);
		other_start(&other, &ground, 1);
		ground_leak(&ground, 8 - freed);
		assert_false(atomic_load(&other.done));
		for (unsigned i = 0; i < freed; i++) {
			assert_false(atomic_load(&first.done));
			ground_free(&ground, 1);
		}
		waiter_until_done(&first);
		assert_false(atomic_load(&other.done));
		waiter_end(&first, 8, 0);
		ground_leak(&ground, 1);
		other_end(&other);
		ground_free(&ground, ground.n);
		assert_int_equal(pp_pool_alloc_burst(ground.pool, ground.elems, 9 - freed),
				 9 - freed);
		ground.n = 9 - freed;
		ground_end(&ground);
	}
}

struct errand {
	struct pp_objcache *oc;
	void *objs[3 * PER];
	unsigned got;
	struct pp_wait wait;
	_Atomic bool done;
};

static void *errand_run(void *arg)
{
	struct errand *errand = arg;

	errand->got =
		pp_objcache_alloc_bulk(errand->oc, errand->objs, 3 * PER, PP_WAIT, &errand->wait);
	atomic_store(&errand->done, true);
	return NULL;
}

static void test_an_object_cache_s_first_keeps_its_place_in_the_pool_s_line(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 64, 0);
	const struct ground ground = { .pool = pool };
	struct pp_objcache_params params = { .sz = sizeof(params),
					     .object_size = 600,
					     .pool = pool };
	static struct errand errand;
	void *objs[3 * PER], *bufs[64];
	struct pp_objcache *oc;
	struct other other;
	pthread_t thread;
	unsigned n;

	(void)state;
	assert_ok(pp_objcache_create(&params, &oc));
	for (unsigned freed = 1; freed < 3; freed++) {
		assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 3 * PER, 0, NULL), 3 * PER);
		pp_pool_collect(pool);
		n = pp_pool_alloc_burst(pool, bufs, 64);
		errand = (struct errand){ .oc = oc };
		pp_wait_for(&errand.wait, 60000000);
		assert_int_equal(pthread_create(&thread, NULL, errand_run, &errand), 0);
		ground_until_wait(&ground, 1);
		other_start(&other, &ground, 1);
		/* One object of a buffer after another: as many buffers fewer as they make. */
		for (unsigned i = 0; i < freed * PER; i++)
			pp_objcache_free(oc, objs[i]);
		assert_false(atomic_load(&errand.done));
		ground_until_wait(&ground, 2);
		for (unsigned i = freed; i < 3; i++) {
			assert_false(atomic_load(&other.done) || atomic_load(&errand.done));
			pp_pool_free(pool, &bufs[--n], 1);
		}
		pthread_join(thread, NULL);
		assert_int_equal(errand.got, 3 * PER);
		assert_false(atomic_load(&other.done));
		pp_pool_free(pool, &bufs[--n], 1);
		other_end(&other);
		assert_int_equal(pp_objcache_free_bulk(oc, errand.objs, 3 * PER), 3 * PER);
		assert_int_equal(pp_objcache_free_bulk(oc, objs + freed * PER, (3 - freed) * PER),
				 (3 - freed) * PER);
		pp_pool_free(pool, bufs, n);
		pp_objcache_shrink(oc);
	}
	assert_ok(pp_objcache_destroy(oc));
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_mempool_s_first_keeps_its_place_in_the_pool_s_line),
		cmocka_unit_test(test_what_a_pool_holds_for_the_first_is_enough_with_what_is_kept),
		cmocka_unit_test(test_an_object_cache_s_first_keeps_its_place_in_the_pool_s_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
