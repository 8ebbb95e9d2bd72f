/* SPDX-License-Identifier: BSD-3-Clause */
/* Objcache: what is critical stays apart, and what is not needed goes back. */
#include "objbench.h"

static void test_critical_objects_share_the_critical_buffers_of_their_cache(void **state)
{
	struct objbench b;
	struct pp_objcache *oc;
	uint32_t per;
	void *objs[256];

	(void)state;
	objbench_make(&b, 2);
	oc = objbench_cache(&b, 100);
	per = objbench_books(oc).per_buffer;
	assert_in_range(per, 10, 100);
	objbench_drain(&b);
	for (uint32_t i = 0; i < 2 * per; i++) {
		objs[i] = pp_objcache_alloc(oc, PP_CRITICAL);
		assert_non_null(objs[i]);
		/* A buffer for the first object, and another when that is full. */
		assert_int_equal(objbench_books(oc).critical, 1 + i / per);
		assert_int_equal(objbench_kept(&b), 1 - i / per);
	}
	errno = 0;
	assert_null(pp_objcache_alloc(oc, PP_CRITICAL));
	assert_int_equal(errno, ENOMEM);
	/* Room in a buffer that is held is used before another one is asked for. */
	pp_objcache_free(oc, objs[3]);
	objs[3] = pp_objcache_alloc(oc, PP_CRITICAL);
	assert_non_null(objs[3]);
	assert_int_equal(pp_objcache_free_bulk(oc, objs, 2 * per), 2 * per);
	assert_ok(pp_objcache_destroy(oc));
	objbench_end(&b);
}

static void test_an_object_of_a_critical_buffer_never_serves_an_ordinary_request(void **state)
{
	static const unsigned ordinary[] = { 0, PP_TRY, PP_GROW, PP_WAIT, PP_WAIT | PP_GROW };
	struct objbench b;
	struct pp_objcache *oc;
	struct pp_wait wait;
	void *objs[8], *obj;

	(void)state;
	objbench_make(&b, 1);
	oc = objbench_cache(&b, 100);
	objbench_drain(&b);
	assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 8, PP_CRITICAL, NULL), 8);
	for (unsigned i = 0; i < 8; i++)
		assert_true(pp_objcache_is_critical(oc, objs[i]));
	/* The buffer stays held for objs[7], and has room: it is not for these. */
	pp_objcache_free_bulk(oc, objs, 7);
	assert_int_equal(objbench_books(oc).critical, 1);
	assert_int_equal(objbench_books(oc).cached, 0);
	for (unsigned i = 0; i < 5; i++) {
		pp_wait_for(&wait, 2000);
		assert_int_equal(pp_objcache_alloc_bulk(oc, &obj, 1, ordinary[i], &wait), 0);
		assert_int_equal(objbench_books(oc).out, 1);
	}
	obj = pp_objcache_alloc(oc, PP_CRITICAL);
	assert_true(pp_objcache_is_critical(oc, obj));
	pp_objcache_free(oc, obj);
	/* Ordinary ones are to be had again: they are what a critical request gets first. */
	pp_pool_free(b.pool, b.hoard + --b.hoarded, 1);
	obj = pp_objcache_alloc(oc, 0);
	assert_false(pp_objcache_is_critical(oc, obj));
	pp_objcache_free(oc, obj);
	obj = pp_objcache_alloc(oc, PP_CRITICAL);
	assert_false(pp_objcache_is_critical(oc, obj));
	pp_objcache_free(oc, obj);
	pp_objcache_free(oc, objs[7]);
	assert_ok(pp_objcache_destroy(oc));
	objbench_end(&b);
}

static void test_an_empty_critical_buffer_is_in_its_mempool_when_the_free_returns(void **state)
{
	struct objbench b;
	struct pp_objcache *oc;
	void *objs[64];
	uint32_t per;

	(void)state;
	objbench_make(&b, 3);
	oc = objbench_cache(&b, 512);
	per = objbench_books(oc).per_buffer;
	objbench_drain(&b);
	for (unsigned round = 0; round < 100; round++) {
		assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 3 * per, PP_CRITICAL, NULL),
				 3 * per);
		assert_int_equal(objbench_kept(&b), 0);
		for (uint32_t i = 0; i < 3 * per; i++) {
			pp_objcache_free(oc, objs[i]);
			assert_int_equal(objbench_kept(&b) + objbench_books(oc).critical, 3);
		}
		assert_int_equal(objbench_kept(&b), 3);
		assert_int_equal(objbench_books(oc).cached, 0);
	}
	assert_int_equal(objbench_books(oc).constructed, objbench_books(oc).destructed);
	assert_ok(pp_objcache_destroy(oc));
	objbench_end(&b);
}

static void test_several_caches_share_one_critical_mempool(void **state)
{
	struct objbench b;
	struct pp_objcache *oc[3];
	void *obj[3];

	(void)state;
	objbench_make(&b, 2);
	for (unsigned i = 0; i < 3; i++)
		oc[i] = objbench_cache(&b, 64u << i);
	objbench_drain(&b);
	for (unsigned round = 0; round < 30; round++) {
		unsigned first = round % 3, second = (round + 1) % 3, third = (round + 2) % 3;

		obj[first] = pp_objcache_alloc(oc[first], PP_CRITICAL);
		obj[second] = pp_objcache_alloc(oc[second], PP_CRITICAL);
		assert_non_null(obj[first]);
		assert_non_null(obj[second]);
		assert_null(pp_objcache_alloc(oc[third], PP_CRITICAL));
		pp_objcache_free(oc[first], obj[first]);
		obj[third] = pp_objcache_alloc(oc[third], PP_CRITICAL);
		assert_non_null(obj[third]);
		pp_objcache_free(oc[third], obj[third]);
		pp_objcache_free(oc[second], obj[second]);
		assert_int_equal(objbench_kept(&b), 2);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_ok(pp_objcache_destroy(oc[i]));
	objbench_end(&b);
}

static void test_shrink_returns_empty_buffers_to_the_pool(void **state)
{
	struct objbench b;
	struct pp_objcache_params params;
	struct pp_objcache *oc;
	static void *objs[MANY];
	uint32_t per, held;

	(void)state;
	objbench_make(&b, 1);
	params = objbench_params(&b, 128);
	params.keep = 5;
	oc = objbench_cache_with(&params);
	per = objbench_books(oc).per_buffer;
	assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 20 * per, 0, NULL), 20 * per);
	held = objbench_books(oc).buffers;
	assert_in_range(held, 20, 25);
	assert_int_equal(stats_of(b.pool).in_flight, held + 1);
	assert_int_equal(pp_objcache_free_bulk(oc, objs + 1, 20 * per - 1), 20 * per - 1);
	/* What is above `keep` has gone by itself. */
	assert_true(objbench_books(oc).empty <= 5);
	assert_true(pp_objcache_shrink(oc) > 0);
	assert_int_equal(objbench_books(oc).buffers, 1);
	assert_int_equal(stats_of(b.pool).in_flight, 2);
	assert_int_equal(pp_objcache_shrink(oc), 0);
	pp_objcache_free(oc, objs[0]);
	assert_int_equal(pp_objcache_shrink(oc), 1);
	assert_int_equal(stats_of(b.pool).in_flight, 1);
	assert_ok(pp_objcache_destroy(oc));
	objbench_end(&b);
}

static void test_objects_are_aligned_apart_and_inside_their_buffers(void **state)
{
	static const uint32_t sizes[] = { 1, 8, 24, 63, 64, 65, 200, 1000, 1600 };
	static const uint32_t leads[] = { 0, 1, 64, 200, 130 };
	uint64_t seen = 0;

	(void)state;
	for (unsigned l = 0; l < 5; l++) {
		struct pp_pool_params pool_params = params_4k(2304, 128);
		struct pp_pool *pool;

		pool_params.lead = leads[l];
		pool_params.flags = l % 2 ? PP_POOL_GAPLESS : 0;
		pool = pool_of(&pool_params);
		for (unsigned s = 0; s < 9; s++)
			for (uint32_t align = 1; align <= 256; align *= 2) {
				struct pp_objcache_params params = { .sz = sizeof(params),
								     .object_size = sizes[s],
								     .align = align,
								     .pool = pool };
				struct pp_objcache *oc = objbench_cache_with(&params);
				uint32_t n = 3 * objbench_books(oc).per_buffer;
				char **objs = calloc(n, sizeof(*objs));

				assert_non_null(objs);
				assert_int_equal(pp_objcache_alloc_bulk(oc, (void **)objs, n, 0,
									NULL),
						 n);
				for (uint32_t i = 0; i < n; i++)
					memset(objs[i], (int)i, sizes[s]);
				for (uint32_t i = 0; i < n; i++) {
					char *last = objs[i] + sizes[s] - 1;

					assert_int_equal((uintptr_t)objs[i] % align, 0);
					/* Its own from end to end, and of one buffer. */
					assert_int_equal(*objs[i], (char)i);
					assert_int_equal(*last, (char)i);
					assert_int_equal(pp_buffer_index(pp_pool_region(pool),
									 last),
							 pp_buffer_index(pp_pool_region(pool),
									 objs[i]));
					seen++;
				}
				assert_int_equal(pp_objcache_free_bulk(oc, (void **)objs, n), n);
				free(objs);
				assert_ok(pp_objcache_destroy(oc));
			}
		pool_end(pool);
	}
	assert_true(seen > 10000);
}

static void test_a_mempool_can_stand_on_an_object_cache(void **state)
{
	struct objbench b;
	struct pp_objcache *oc;
	struct pp_mempool_params params = {
		.sz = sizeof(params), .name = "flows", .ops = &pp_mempool_objcache, .min_nr = 40
	};
	struct pp_mempool *flows;
	static void *taken[MANY];
	void *objs[40];
	unsigned n = 0;

	(void)state;
	objbench_make(&b, 1);
	oc = objbench_cache(&b, 100);
	params.backing = oc;
	assert_ok(pp_mempool_create(&params, &flows));
	assert_int_equal(objbench_books(oc).out, 40);
	while ((taken[n] = pp_objcache_alloc(oc, 0)))
		n++;
	/* There is not one left, but the mempool's. */
	assert_int_equal(pp_mempool_alloc_bulk(flows, objs, 40, 0, NULL), 40);
	for (unsigned i = 0; i < 40; i++)
		assert_false(pp_objcache_is_critical(oc, objs[i]));
	assert_int_equal(pp_mempool_alloc_bulk(flows, taken + n, 1, 0, NULL), 0);
	pp_mempool_free_bulk(flows, objs, 40);
	assert_int_equal(pp_objcache_free_bulk(oc, taken, n), n);
	assert_int_equal(objbench_books(oc).out, 40);
	assert_ok(pp_mempool_destroy(flows));
	assert_int_equal(objbench_books(oc).out, 0);
	assert_ok(pp_objcache_destroy(oc));
	objbench_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_critical_objects_share_the_critical_buffers_of_their_cache),
		cmocka_unit_test(
			test_an_object_of_a_critical_buffer_never_serves_an_ordinary_request),
		cmocka_unit_test(
			test_an_empty_critical_buffer_is_in_its_mempool_when_the_free_returns),
		cmocka_unit_test(test_several_caches_share_one_critical_mempool),
		cmocka_unit_test(test_shrink_returns_empty_buffers_to_the_pool),
		cmocka_unit_test(test_objects_are_aligned_apart_and_inside_their_buffers),
		cmocka_unit_test(test_a_mempool_can_stand_on_an_object_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
