/* SPDX-License-Identifier: BSD-3-Clause */
/* DMA: each hugepage mapped for each device once, unmapped once, and failures that cost one. */
#include "support.h"

#include <time.h>

#define PAGES_MOST 64

/* A device that remembers what is mapped, and trips over any second time. */
struct recorder {
	bool mapped[PAGES_MOST];
	bool told[PAGES_MOST];
	uint32_t maps, unmaps, added, removed;
	uint32_t fail_map;   /* refuse this one, counted from 1 */
	uint32_t fail_added; /* refuse to be told of this one */
	int fail_with;
	char *base;
	uint64_t shift; /* iova = offset + shift */
	void *synced;
	size_t synced_bytes;
	int synced_for;
	struct pp_pool *pool;
	bool seen_early;
};

static uint32_t page_of(struct recorder *r, void *va, size_t bytes)
{
	uint32_t p;

	assert_int_equal(bytes, 2 << 20);
	assert_int_equal((uintptr_t)va % bytes, 0);
	if (!r->base)
		r->base = va;
	p = (uint32_t)(((char *)va - r->base) / (ptrdiff_t)bytes);
	assert_in_range(p, 0, PAGES_MOST - 1);
	return p;
}

static int recorder_map(void *device, void *va, size_t bytes, struct pp_mapping *mapping)
{
	struct recorder *r = device;
	uint32_t p = page_of(r, va, bytes);

	assert_false(r->mapped[p]);
	if (++r->maps == r->fail_map)
		return r->fail_with;
	r->mapped[p] = true;
	mapping->iova = (uint64_t)p * bytes + r->shift;
	mapping->lkey = 1000 + p;
	mapping->rkey = 2000 + p;
	return 0;
}

static int recorder_unmap(void *device, void *va, size_t bytes, const struct pp_mapping *mapping)
{
	struct recorder *r = device;
	uint32_t p = page_of(r, va, bytes);

	assert_true(r->mapped[p]);
	assert_int_equal(mapping->iova, (uint64_t)p * bytes + r->shift);
	assert_int_equal(mapping->lkey, 1000 + p);
	assert_int_equal(mapping->rkey, 2000 + p);
	r->mapped[p] = false;
	r->unmaps++;
	return 0;
}

static void recorder_sync_device(void *device, void *va, size_t bytes)
{
	struct recorder *r = device;

	r->synced = va;
	r->synced_bytes = bytes;
	r->synced_for = 'd';
}

static void recorder_sync_cpu(void *device, void *va, size_t bytes)
{
	recorder_sync_device(device, va, bytes);
	((struct recorder *)device)->synced_for = 'c';
}

static int recorder_added(void *device, uint32_t page)
{
	struct recorder *r = device;
	void *bufs[64];
	unsigned n;

	assert_true(r->mapped[page]);
	assert_false(r->told[page]);
	if (++r->added == r->fail_added)
		return -EPERM;
	r->told[page] = true;
	if (!r->pool)
		return 0;
	/* No buffer of it can be had yet. */
	while ((n = pp_pool_alloc_burst(r->pool, bufs, 64)) != 0)
		for (unsigned i = 0; i < n; i++)
			r->seen_early |= ((char *)bufs[i] - r->base) >> 21 == (int64_t)page;
	return 0;
}

static void recorder_removed(void *device, uint32_t page)
{
	struct recorder *r = device;

	assert_true(r->mapped[page]);
	assert_true(r->told[page]);
	r->told[page] = false;
	r->removed++;
}

static const struct pp_dma_ops recorder_ops = {
	.name = "recorder",
	.map = recorder_map,
	.unmap = recorder_unmap,
	.sync_for_device = recorder_sync_device,
	.sync_for_cpu = recorder_sync_cpu,
	.page_added = recorder_added,
	.page_removed = recorder_removed,
};

static struct pp_pool *pool_pages(uint32_t pages, uint32_t max_pages, uint32_t flags)
{
	/* An odd number of lines has no colour: 16 buffers a hugepage. */
	struct pp_pool_params params = params_4k(131072 - 64, 16 * pages);

	params.buffers_max = 16 * max_pages;
	params.flags = flags;
	return pool_of(&params);
}

static struct recorder recorder_for(struct pp_pool *pool)
{
	struct pp_extent extent;

	pp_region_extent(pp_pool_region(pool), &extent);
	return (struct recorder){ .base = extent.base, .shift = 1ull << 40, .fail_with = -EIO };
}

static void assert_all_mapped(struct pp_pool *pool, struct recorder *r)
{
	struct pp_page_info info;

	for (uint32_t p = 0; !pp_region_page(pp_pool_region(pool), p, &info); p++) {
		assert_int_equal(r->mapped[p], info.present);
		assert_int_equal(r->told[p], info.present);
	}
}

static void assert_none_mapped(struct recorder *r)
{
	for (uint32_t p = 0; p < PAGES_MOST; p++)
		assert_false(r->mapped[p]);
}

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
		cmocka_unit_test(test_a_refused_idle_hugepage_is_all_that_is_lost),
		cmocka_unit_test(test_a_refused_hugepage_in_use_leaves_the_pool_as_before),
		cmocka_unit_test(test_growing_past_a_refusal_loses_that_hugepage_only),
		cmocka_unit_test(test_growing_by_refused_hugepages_only_is_eio),
		cmocka_unit_test(test_hugepages_come_and_go_with_their_mappings),
		cmocka_unit_test(test_device_is_told_before_any_buffer_can_be_had),
		cmocka_unit_test(test_device_leaves_with_buffers_in_flight),
		cmocka_unit_test(test_a_slow_unmap_is_waited_for),
		cmocka_unit_test(test_sync_reaches_the_device_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
