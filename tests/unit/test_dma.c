/* SPDX-License-Identifier: BSD-3-Clause */
/* DMA: each hugepage mapped for each device once, unmapped once, found in no time. */
#include <time.h>

#include "recorder.h"

static void test_device_addresses_are_right_to_the_last_byte(void **state)
{
	struct pp_pool *pool = pool_pages(6, 8, 0);
	const struct pp_region *region = pp_pool_region(pool);
	struct recorder r = recorder_for(pool), second = recorder_for(pool);
	struct pp_dma_none none = { 0 };
	struct pp_extent extent;
	int d, e, f;

	(void)state;
	second.shift = 1ull << 33;
	d = pp_pool_map_device(pool, &recorder_ops, &r);
	e = pp_pool_map_device(pool, &recorder_ops, &second);
	f = pp_pool_map_device(pool, &pp_dma_none_ops, &none);
	assert_true(d >= 0 && e >= 0 && f >= 0 && d != e && e != f && d != f);
	assert_int_equal(none.maps, 6);
	pp_region_extent(region, &extent);
	for (size_t at = 0; at < 6 * extent.page; at += at % 4096 == 4095 ? 1 : 4095) {
		char *va = (char *)extent.base + at;

		assert_int_equal(pp_buffer_iova(region, (unsigned)d, va), at + (1ull << 40));
		assert_int_equal(pp_buffer_iova(region, (unsigned)e, va), at + (1ull << 33));
		assert_int_equal(pp_buffer_iova(region, (unsigned)f, va), (uintptr_t)va);
		assert_int_equal(pp_buffer_lkey(region, (unsigned)d, va), 1000 + at / extent.page);
		assert_int_equal(pp_buffer_lkey(region, (unsigned)f, va), 0);
	}
	/* Absent hugepages, other devices, other memory. */
	assert_int_equal(pp_buffer_iova(region, (unsigned)d, (char *)extent.base + 6 * extent.page),
			 UINT64_MAX);
	assert_int_equal(pp_buffer_iova(region, (unsigned)d, &r), UINT64_MAX);
	assert_int_equal(pp_buffer_iova(region, PP_DEVICES_MAX, extent.base), UINT64_MAX);
	assert_int_equal(pp_buffer_iova(region, UINT32_MAX, extent.base), UINT64_MAX);
	assert_int_equal(pp_buffer_iova(region, 7, extent.base), UINT64_MAX);
	pool_end(pool);
	assert_none_mapped(&r);
	assert_none_mapped(&second);
	assert_int_equal(r.unmaps, 6);
	assert_int_equal(none.unmaps, 6);
	/* Not told when the pool goes. */
	assert_int_equal(r.removed, 0);
}

static void test_eight_devices_and_not_nine(void **state)
{
	struct pp_pool *pool = pool_pages(4, 4, 0);
	struct recorder r[PP_DEVICES_MAX + 1];

	(void)state;
	for (int d = 0; d < PP_DEVICES_MAX; d++) {
		r[d] = recorder_for(pool);
		assert_int_equal(pp_pool_map_device(pool, &recorder_ops, &r[d]), d);
	}
	assert_int_equal(pp_pool_map_device(pool, &recorder_ops, &r[PP_DEVICES_MAX]), -ENOSPC);
	/* A number that is free again is used again. */
	assert_int_equal(pp_pool_unmap_device(pool, 3), 0);
	assert_none_mapped(&r[3]);
	assert_int_equal(pp_pool_unmap_device(pool, 3), -ENOENT);
	assert_int_equal(pp_pool_unmap_device(pool, PP_DEVICES_MAX), -ENOENT);
	r[3] = recorder_for(pool);
	assert_int_equal(pp_pool_map_device(pool, &recorder_ops, &r[3]), 3);
	pool_end(pool);
	for (int d = 0; d < PP_DEVICES_MAX; d++)
		assert_none_mapped(&r[d]);
}

static void test_hugepages_come_and_go_with_their_mappings(void **state)
{
	struct pp_pool *pool = pool_pages(4, 9, 0);
	struct recorder r = recorder_for(pool);
	int rc;

	(void)state;
	assert_int_equal(pp_pool_map_device(pool, &recorder_ops, &r), 0);
	for (unsigned i = 0; i < 20; i++) {
		rc = pp_pool_grow(pool, 70);
		assert_true(rc > 0 || rc == -ENOSPC);
		assert_all_mapped(pool, &r);
		all_can_be_had(pool, pp_pool_cache(pool));
		assert_true(pp_pool_shrink(pool, 20 + 5 * i, 100000) > 0);
		assert_all_mapped(pool, &r);
	}
	assert_true(r.removed > 0);
	assert_int_equal(r.maps - r.unmaps, stats_of(pool).pages);
	pool_end(pool);
	assert_none_mapped(&r);
}

static void test_device_is_told_before_any_buffer_can_be_had(void **state)
{
	struct pp_pool *pool = pool_pages(4, 8, 0);
	struct recorder r = recorder_for(pool);

	(void)state;
	assert_int_equal(pp_pool_map_device(pool, &recorder_ops, &r), 0);
	r.pool = pool;
	assert_int_equal(pp_pool_grow(pool, 16), 16);
	assert_false(r.seen_early);
	r.pool = NULL;
	assert_int_equal(stats_of(pool).in_flight, 64);
	assert_int_equal(pp_pool_recover(pool), 64);
	pool_end(pool);
}

static void test_device_leaves_with_buffers_in_flight(void **state)
{
	struct pp_pool *pool = pool_pages(4, 4, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	struct recorder r = recorder_for(pool);
	void *bufs[37];

	(void)state;
	assert_int_equal(pp_pool_map_device(pool, &recorder_ops, &r), 0);
	assert_int_equal(pp_alloc_bulk(cache, bufs, 37, 0), 37);
	assert_int_equal(pp_pool_unmap_device(pool, 0), 37);
	assert_none_mapped(&r);
	assert_int_equal(r.unmaps, 4);
	assert_int_equal(r.removed, 0);
	assert_int_equal(pp_buffer_iova(pp_pool_region(pool), 0, bufs[0]), UINT64_MAX);
	assert_int_equal(pp_buffer_lkey(pp_pool_region(pool), 0, bufs[0]), 0);
	books_hold(pool, 37);
	pp_free_bulk(cache, bufs, 37);
	pool_end(pool);
	assert_int_equal(r.unmaps, 4);
}

static void test_a_slow_unmap_is_waited_for(void **state)
{
	struct pp_pool *pool = pool_pages(4, 4, 0);
	struct pp_dma_none none = { .unmap_delay_us = 20000 };
	struct timespec start, end;

	(void)state;
	assert_int_equal(pp_pool_map_device(pool, &pp_dma_none_ops, &none), 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	pool_end(pool);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_int_equal(none.unmaps, 4);
	assert_true((end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000 >=
		    80);
}

static void test_sync_reaches_the_device_named(void **state)
{
	struct pp_pool *pool = pool_pages(4, 4, 0);
	struct recorder r = recorder_for(pool);
	struct pp_dma_none none = { 0 };
	struct pp_extent extent;

	(void)state;
	pp_region_extent(pp_pool_region(pool), &extent);
	assert_int_equal(pp_pool_map_device(pool, &pp_dma_none_ops, &none), 0);
	assert_int_equal(pp_pool_map_device(pool, &recorder_ops, &r), 1);
	pp_pool_sync_for_device(pool, 1, (char *)extent.base + 64, 1500);
	assert_ptr_equal(r.synced, (char *)extent.base + 64);
	assert_int_equal(r.synced_bytes, 1500);
	assert_int_equal(r.synced_for, 'd');
	pp_pool_sync_for_cpu(pool, 1, extent.base, 64);
	assert_int_equal(r.synced_for, 'c');
	r.synced_for = 0;
	/* A device without the hooks, and none at all. */
	pp_pool_sync_for_cpu(pool, 0, extent.base, 64);
	pp_pool_sync_for_device(pool, 5, extent.base, 64);
	pp_pool_sync_for_device(pool, 99, extent.base, 64);
	assert_int_equal(r.synced_for, 0);
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device_addresses_are_right_to_the_last_byte),
		cmocka_unit_test(test_eight_devices_and_not_nine),
		cmocka_unit_test(test_hugepages_come_and_go_with_their_mappings),
		cmocka_unit_test(test_device_is_told_before_any_buffer_can_be_had),
		cmocka_unit_test(test_device_leaves_with_buffers_in_flight),
		cmocka_unit_test(test_a_slow_unmap_is_waited_for),
		cmocka_unit_test(test_sync_reaches_the_device_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
