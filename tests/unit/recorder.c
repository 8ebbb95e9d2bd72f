/* SPDX-License-Identifier: BSD-3-Clause */
/* Recorder: see recorder.h. */
#include "recorder.h"

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

const struct pp_dma_ops recorder_ops = {
	.name = "recorder",
	.map = recorder_map,
	.unmap = recorder_unmap,
	.sync_for_device = recorder_sync_device,
	.sync_for_cpu = recorder_sync_cpu,
	.page_added = recorder_added,
	.page_removed = recorder_removed,
};

struct pp_pool *pool_pages(uint32_t pages, uint32_t max_pages, uint32_t flags)
{
	/* An odd number of lines has no colour: 16 buffers a hugepage. */
	struct pp_pool_params params = params_4k(131072 - 64, 16 * pages);

	params.buffers_max = 16 * max_pages;
	params.flags = flags;
	return pool_of(&params);
}

struct recorder recorder_for(struct pp_pool *pool)
{
	struct pp_extent extent;

	pp_region_extent(pp_pool_region(pool), &extent);
	return (struct recorder){ .base = extent.base, .shift = 1ull << 40, .fail_with = -EIO };
}

void assert_all_mapped(struct pp_pool *pool, struct recorder *r)
{
	struct pp_page_info info;

	for (uint32_t p = 0; !pp_region_page(pp_pool_region(pool), p, &info); p++) {
		assert_int_equal(r->mapped[p], info.present);
		assert_int_equal(r->told[p], info.present);
	}
}

void assert_none_mapped(struct recorder *r)
{
	for (uint32_t p = 0; p < PAGES_MOST; p++)
		assert_false(r->mapped[p]);
}
