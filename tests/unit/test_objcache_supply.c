/* SPDX-License-Identifier: BSD-3-Clause */
/* Supply: what the critical mempool cannot give may come from elsewhere. */
#include "objbench.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* Objects of 600 bytes. */
#define PER 3u

static struct pp_objcache *three_a_buffer(struct objbench *b)
{
	struct pp_objcache *oc = objbench_cache(b, 600);

	assert_int_equal(objbench_books(oc).per_buffer, PER);
	return oc;
}

static void test_critical_with_effort_grows_the_pool_when_the_mempool_is_too_small(void **state)
{
	struct pp_pool_params pool_params = params_4k(2048, 64);
	struct pp_mempool_params params = {
		.sz = sizeof(params), .name = "small", .ops = &pp_mempool_pool, .min_nr = 2
	};
	struct objbench b = { 0 };
	struct pp_objcache *oc;
	static void *all[MANY];
	void *objs[3 * PER];
	uint64_t total;
	unsigned n = 0;

	(void)state;
	pool_params.buffers_max = MANY;
	b.pool = params.backing = pool_of(&pool_params);
	assert_ok(pp_mempool_create(&params, &b.mempool));
	oc = three_a_buffer(&b);
	total = stats_of(b.pool).total;
	assert_in_range(total, 64, MANY / 2);
	while ((all[n] = pp_alloc(pp_pool_cache(b.pool), 0)))
		n++;
	/* Three buffers: more than the mempool ever has. */
	errno = 0;
	assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 3 * PER, PP_CRITICAL, NULL), 0);
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 3 * PER, PP_CRITICAL | PP_GROW, NULL),
			 3 * PER);
	assert_true(stats_of(b.pool).total > total);
	assert_int_equal(objbench_kept(&b), 2);
	assert_int_equal(pp_objcache_free_bulk(oc, objs, 3 * PER), 3 * PER);
	assert_ok(pp_objcache_destroy(oc));
	pp_pool_free(b.pool, all, n);
	objbench_end(&b);
}

/* What lies in this thread's cache of the pool, too. */
static void drain(struct objbench *b)
{
	void *buffer;

	objbench_drain(b);
	while ((buffer = pp_alloc(pp_pool_cache(b->pool), 0)))
		b->hoard[b->hoarded++] = buffer;
}

static int addresses_compare(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return (x > y) - (x < y);
}

static void wait_begins(struct pp_objcache *oc, pthread_t *thread, struct errand *e)
{
	e->oc = oc;
	e->got = 0;
	pp_wait_for(e->wait, 20000000);
	pthread_create(thread, NULL, errand_alloc, e);
	while (!objbench_books(oc).waiters)
		usleep(100);
	/* Asleep at the source. */
	usleep(2000);
	assert_int_equal(objbench_books(oc).waiters, 1);
}

static void
test_a_critical_wait_for_more_than_the_mempool_has_is_served_by_other_frees(void **state)
{
	struct objbench b;
	struct pp_objcache *oc;
	struct pp_wait wait;
	void *got[3 * PER], *mine[3 * PER];
	struct errand e = { .n = 3 * PER, .flags = PP_CRITICAL | PP_WAIT, .wait = &wait };
	pthread_t thread;

	(void)state;
	objbench_make(&b, 1);
	oc = three_a_buffer(&b);
	e.objs = got;
	for (unsigned round = 0; round < 10; round++) {
		assert_int_equal(pp_objcache_alloc_bulk(oc, mine, 3 * PER, 0, NULL), 3 * PER);
		drain(&b);
		wait_begins(oc, &thread, &e);
		if (round % 2) {
			b.hoarded -= 3;
			pp_pool_free(b.pool, b.hoard + b.hoarded, 3);
		} else {
			for (unsigned i = 0; i < 3 * PER; i++)
				pp_objcache_free(oc, mine[i]);
		}
		pthread_join(thread, NULL);
		assert_int_equal(e.got, 3 * PER);
		assert_int_equal(pp_objcache_free_bulk(oc, got, 3 * PER), 3 * PER);
		if (round % 2)
			assert_int_equal(pp_objcache_free_bulk(oc, mine, 3 * PER), 3 * PER);
		pp_objcache_shrink(oc);
		assert_int_equal(objbench_kept(&b), 1);
	}
	assert_ok(pp_objcache_destroy(oc));
	objbench_end(&b);
}

static void test_who_waits_for_buffers_asks_for_fewer_when_objects_are_freed(void **state)
{
	struct objbench b;
	struct pp_objcache *oc;
	struct pp_wait wait;
	void *got[2 * PER], *mine[3 * PER];
	struct errand e = { .n = 2 * PER, .wait = &wait };
	pthread_t thread;

	(void)state;
	objbench_make(&b, 1);
	oc = three_a_buffer(&b);
	e.objs = got;
	for (unsigned critical = 0; critical < 2; critical++) {
		assert_int_equal(pp_objcache_alloc_bulk(oc, mine, 3 * PER, 0, NULL), 3 * PER);
		drain(&b);
		e.flags = PP_WAIT | (critical ? PP_CRITICAL : 0);
		wait_begins(oc, &thread, &e);
		/* One of each buffer: none gets empty, and one buffer is all that is lacking. */
		qsort(mine, 3 * PER, sizeof(*mine), addresses_compare);
		for (unsigned i = 0; i < 3; i++)
			pp_objcache_free(oc, mine[i * PER]);
		/* The mempool has it, the pool must be given it. */
		if (!critical)
			pp_pool_free(b.pool, b.hoard + --b.hoarded, 1);
		pthread_join(thread, NULL);
		assert_int_equal(e.got, 2 * PER);
		assert_int_equal(objbench_kept(&b), !critical);
		assert_int_equal(pp_objcache_free_bulk(oc, got, 2 * PER), 2 * PER);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(pp_objcache_free_bulk(oc, mine + i * PER + 1, 2), 2);
		pp_objcache_shrink(oc);
	}
	assert_ok(pp_objcache_destroy(oc));
	objbench_end(&b);
}

static int ctor_errno;
static unsigned ctor_calls;
static int failing(void *obj, void *arg)
{
	(void)obj;
	(void)arg;
	ctor_calls++;
	return -ctor_errno;
}

static void *free_later(void *arg)
{
	void **held = arg;

	usleep(20000);
	pp_free_any(held, 3);
	return NULL;
}

/* Whatever it is, it is not the wait's. */
static void test_a_constructor_that_fails_ends_the_wait_with_its_errno(void **state)
{
	static const int errors[] = { ECANCELED, EAGAIN, EIO };
	struct pp_pool_params pool_params = params_4k(2048, 64);
	struct pp_objcache_params params = {
		.sz = sizeof(params), .name = "fails", .object_size = 600, .ctor = failing
	};
	struct pp_objcache *oc;
	static void *all[MANY];

	(void)state;
	params.pool = pool_of(&pool_params);
	assert_ok(pp_objcache_create(&params, &oc));
	for (unsigned i = 0; i < 3; i++) {
		struct pp_wait wait;
		pthread_t thread;
		unsigned n;

		n = pp_alloc_burst(pp_pool_cache(params.pool), all, MANY, PP_GROW);
		assert_true(n > 3);
		ctor_errno = errors[i];
		ctor_calls = 0;
		assert_int_equal(pthread_create(&thread, NULL, free_later, all + n - 3), 0);
		pp_wait_for(&wait, 5000000);
		errno = 0;
		assert_int_equal(pp_objcache_alloc_bulk(oc, all + n, 1, PP_WAIT, &wait), 0);
		assert_int_equal(errno, errors[i]);
		assert_int_equal(ctor_calls, 1);
		pthread_join(thread, NULL);
		pp_free_bulk(pp_pool_cache(params.pool), all, n - 3);
	}
	assert_ok(pp_objcache_destroy(oc));
	pool_end(params.pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_critical_with_effort_grows_the_pool_when_the_mempool_is_too_small),
		cmocka_unit_test(
			test_a_critical_wait_for_more_than_the_mempool_has_is_served_by_other_frees),
		cmocka_unit_test(test_who_waits_for_buffers_asks_for_fewer_when_objects_are_freed),
		cmocka_unit_test(test_a_constructor_that_fails_ends_the_wait_with_its_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
