/* SPDX-License-Identifier: BSD-3-Clause */
/* Refusal: a device that will not map the n-th hugepage costs that one, or nothing. */
#include "recorder.h"

static void test_a_refused_idle_hugepage_is_all_that_is_lost(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 7; n++) {
		struct pp_pool *pool = pool_pages(6, 6, 0);
		struct recorder r = recorder_for(pool), first = recorder_for(pool);
		int d;

		assert_int_equal(pp_pool_map_device(pool, &recorder_ops, &first), 0);
		r.fail_map = n;
		d = pp_pool_map_device(pool, &recorder_ops, &r);
		assert_int_equal(d, 1);
		assert_int_equal(stats_of(pool).total, n <= 6 ? 5 * 16 : 6 * 16);
		assert_int_equal(stats_of(pool).pages_lost, n <= 6);
		assert_all_mapped(pool, &r);
		assert_all_mapped(pool, &first);
		all_can_be_had(pool, pp_pool_cache(pool));
		/* A later grow may try that hugepage again. */
		if (n <= 6)
			assert_int_equal(pp_pool_grow(pool, 1), 16);
		assert_all_mapped(pool, &r);
		assert_all_mapped(pool, &first);
		all_can_be_had(pool, pp_pool_cache(pool));
		pool_end(pool);
		assert_none_mapped(&r);
		assert_int_equal(r.maps, r.unmaps + (n <= 6));
	}
}

static void test_a_refused_hugepage_in_use_leaves_the_pool_as_before(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 6; n++) {
		struct pp_pool *pool = pool_pages(6, 6, 0);
		struct recorder r = recorder_for(pool);
		struct pp_cache *cache = pp_pool_cache(pool);
		void *bufs[96];

		assert_int_equal(pp_alloc_bulk(cache, bufs, 96, 0), 96);
		r.fail_map = n;
		r.fail_with = -EACCES;
		assert_int_equal(pp_pool_map_device(pool, &recorder_ops, &r), -EACCES);
		assert_non_null(strstr(pp_error(), "recorder"));
		assert_none_mapped(&r);
		assert_int_equal(r.unmaps, n - 1);
		assert_int_equal(stats_of(pool).total, 96);
		books_hold(pool, 96);
		r.fail_map = 0;
		assert_int_equal(pp_pool_map_device(pool, &recorder_ops, &r), 0);
		assert_all_mapped(pool, &r);
		pp_free_bulk(cache, bufs, 96);
		pool_end(pool);
		assert_none_mapped(&r);
	}
}

static void grow_with_failure(uint32_t n, int with, uint32_t added_fails)
{
	struct pp_pool *pool = pool_pages(4, 10, 0);
	struct recorder r = recorder_for(pool), good = recorder_for(pool);
	uint64_t total;
	int rc;

	assert_int_equal(pp_pool_map_device(pool, &recorder_ops, &good), 0);
	assert_int_equal(pp_pool_map_device(pool, &recorder_ops, &r), 1);
	r.fail_map = n ? r.maps + n : 0;
	r.fail_added = added_fails ? r.added + added_fails : 0;
	r.fail_with = with;
	rc = pp_pool_grow(pool, 6 * 16);
	total = stats_of(pool).total;
	if (rc < 0)
		assert_int_equal(rc, -EIO);
	assert_int_equal(total, 4 * 16 + (rc > 0 ? rc : 0));
	assert_int_equal(stats_of(pool).pages_lost, 1);
	assert_true(rc == 5 * 16);
	assert_all_mapped(pool, &r);
	assert_all_mapped(pool, &good);
	all_can_be_had(pool, pp_pool_cache(pool));
	pool_end(pool);
	assert_none_mapped(&r);
	assert_none_mapped(&good);
	assert_int_equal(good.maps, good.unmaps);
}

static void test_growing_past_a_refusal_loses_that_hugepage_only(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 6; n++) {
		grow_with_failure(n, -EIO, 0);
		grow_with_failure(n, -ENOMEM, 0);
		grow_with_failure(0, 0, n);
	}
}

static void test_growing_by_refused_hugepages_only_is_eio(void **state)
{
	static const int errors[] = { EIO, ENOMEM, ENOSPC, EPERM, EINVAL };

	(void)state;
	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct pp_pool *pool = pool_pages(4, 5, 0);
		struct pp_dma_none none = { .fail_map = 5, .fail_errno = errors[i] };

		assert_int_equal(pp_pool_map_device(pool, &pp_dma_none_ops, &none), 0);
		assert_int_equal(pp_pool_grow(pool, 1), -EIO);
		assert_error_names("none");
		assert_int_equal(none.failures, 1);
		books_hold(pool, 0);
		assert_int_equal(pp_pool_grow(pool, 1), 16);
		pool_end(pool);
		assert_int_equal(none.unmaps, none.maps - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_refused_idle_hugepage_is_all_that_is_lost),
		cmocka_unit_test(test_a_refused_hugepage_in_use_leaves_the_pool_as_before),
		cmocka_unit_test(test_growing_past_a_refusal_loses_that_hugepage_only),
		cmocka_unit_test(test_growing_by_refused_hugepages_only_is_eio),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
