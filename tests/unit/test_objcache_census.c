/* SPDX-License-Identifier: BSD-3-Clause */
/* Census: what is constructed once is destroyed once, also where a constructor fails. */
#include "objbench.h"

/* Objects that know whether they are constructed, by their address. */
struct census {
	_Atomic int32_t alive;
	_Atomic int32_t born;
	int32_t fails_at;
	int error;
	const struct pp_region *region;
	uint8_t there[BUFFERS * 2048];
};

static uint8_t *census_at(struct census *census, const void *obj)
{
	struct pp_extent extent;

	pp_region_extent(census->region, &extent);
	return &census->there[((const char *)obj - (const char *)extent.base) % (BUFFERS * 2048)];
}

static int census_ctor(void *obj, void *arg)
{
	struct census *census = arg;

	if (census->fails_at && atomic_load(&census->born) == census->fails_at)
		return census->error;
	MUST(!(*census_at(census, obj))++);
	*(uint32_t *)obj = 0xc0ffee;
	atomic_fetch_add(&census->born, 1);
	atomic_fetch_add(&census->alive, 1);
	return 0;
}

static void census_dtor(void *obj, void *arg)
{
	struct census *census = arg;

	MUST((*census_at(census, obj))-- == 1);
	MUST(*(uint32_t *)obj == 0xc0ffee);
	*(uint32_t *)obj = 0;
	atomic_fetch_sub(&census->alive, 1);
}

static struct pp_objcache *cache_counted(struct objbench *b, struct census *census)
{
	struct pp_objcache_params params = objbench_params(b, 200);

	memset(census, 0, sizeof(*census));
	census->region = pp_pool_region(b->pool);
	params.ctor = census_ctor;
	params.dtor = census_dtor;
	params.arg = census;
	params.keep = 3;
	return objbench_cache_with(&params);
}

static void test_each_object_is_constructed_and_destroyed_once_a_stay(void **state)
{
	static struct census census;
	struct objbench b;
	struct pp_objcache *oc;
	struct pp_objcache_stats stats;
	static void *objs[MANY];
	uint64_t seed = 1;

	(void)state;
	objbench_make(&b, 4);
	oc = cache_counted(&b, &census);
	for (unsigned round = 0; round < 300; round++) {
		unsigned n = 1 + random_next(&seed) % 300;

		n = pp_objcache_alloc_bulk(oc, objs, n, round % 2 ? PP_CRITICAL : 0, NULL);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(*(uint32_t *)objs[i], 0xc0ffee);
		/* In another order than they came. */
		while (n) {
			unsigned at = random_next(&seed) % n;

			pp_objcache_free(oc, objs[at]);
			objs[at] = objs[--n];
		}
		stats = objbench_books(oc);
		assert_int_equal(stats.out, 0);
		assert_int_equal(stats.constructed - stats.destructed, census.alive);
		assert_int_equal(census.alive, stats.buffers * stats.per_buffer);
		if (round % 50 == 49) {
			pp_objcache_shrink(oc);
			assert_int_equal(census.alive, 0);
		}
	}
	assert_ok(pp_objcache_destroy(oc));
	assert_int_equal(census.alive, 0);
	assert_true(census.born > 1000);
	objbench_end(&b);
}

static void test_a_constructor_that_fails_gives_everything_back(void **state)
{
	static struct census census;
	static void *objs[MANY];
	struct objbench b;
	struct pp_objcache *oc;
	uint32_t per;

	(void)state;
	for (unsigned critical = 0; critical < 2; critical++) {
		unsigned flags = critical ? PP_CRITICAL : 0;

		objbench_make(&b, 8);
		oc = cache_counted(&b, &census);
		per = objbench_books(oc).per_buffer;
		if (critical)
			objbench_drain(&b);
		census.error = -EXDEV;
		/* In the first object, in the middle, in a later buffer. */
		for (int32_t at = 1; at < (int32_t)(4 * per); at += 5) {
			census.born = 0;
			census.fails_at = at;
			errno = 0;
			assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 5 * per, flags, NULL), 0);
			assert_int_equal(errno, EXDEV);
			assert_error_names("constructor");
			assert_int_equal(census.alive, 0);
			assert_int_equal(objbench_kept(&b), 8);
			assert_int_equal(objbench_books(oc).buffers + objbench_books(oc).critical,
					 0);
			assert_int_equal(stats_of(b.pool).in_flight, 8 + b.hoarded);
		}
		census.fails_at = 0;
		assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 5 * per, flags, NULL), 5 * per);
		pp_objcache_free_bulk(oc, objs, 5 * per);
		assert_ok(pp_objcache_destroy(oc));
		assert_int_equal(census.alive, 0);
		objbench_end(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_object_is_constructed_and_destroyed_once_a_stay),
		cmocka_unit_test(test_a_constructor_that_fails_gives_everything_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
