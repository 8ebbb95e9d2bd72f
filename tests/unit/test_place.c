/* SPDX-License-Identifier: BSD-3-Clause */
/* Place: addresses, numbers and hugepages of buffers agree, and nothing else is "mine". */
#include "support.h"

static const uint32_t sizes[] = { 64,   128,  192,  1024,  1984,   2048,   2112,
				  2304, 4096, 9216, 65536, 100032, 1 << 21 };
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static struct pp_pool *pool_with(uint32_t size, uint32_t buffers, uint32_t max, uint32_t lead,
				 uint32_t flags)
{
	struct pp_pool_params params = params_4k(size, buffers);

	params.buffers_max = max;
	params.lead = lead;
	params.flags = flags;
	return pool_of(&params);
}

/* A few hugepages of each size, but not 100,000 of the smallest. */
static uint32_t some_of(uint32_t size)
{
	uint32_t three_pages = (3u << 21) / size;

	return three_pages < 64 ? 64 : three_pages > 70000 ? 70000 : three_pages;
}

static void both_ways(struct pp_pool *pool, uint32_t size, uint32_t lead, bool gapless)
{
	const struct pp_region *region = pp_pool_region(pool);
	struct pp_page_info page;
	struct pp_extent extent;
	uint64_t total = 0;
	char *last_end;

	pp_region_extent(region, &extent);
	assert_int_equal(extent.page, 2 << 20);
	assert_true(extent.stride >= size);
	last_end = extent.base;
	for (uint32_t p = 0; p < extent.pages; p++) {
		char *start = (char *)extent.base + p * extent.page;

		assert_ok(pp_region_page(region, p, &page));
		assert_true(page.present);
		total += page.count;
		for (uint32_t i = page.first; i < page.first + page.count; i++) {
			char *buf = pp_buffer_at(region, i), *first = buf - lead;

			assert_non_null(buf);
			assert_int_equal((uintptr_t)first % PP_LINE, 0);
			assert_int_equal(pp_buffer_index(region, buf), i);
			assert_int_equal(pp_buffer_index(region, first), i);
			assert_int_equal(pp_buffer_index(region, first + size - 1), i);
			assert_int_equal(pp_buffer_index(region, first + size / 2), i);
			assert_true(first >= last_end);
			last_end = first + size;
			assert_true(last_end <= (char *)extent.base + extent.bytes);
			if (i == page.first)
				assert_ptr_equal(page.start, first);
			if (!gapless)
				assert_true(first >= start && last_end <= start + extent.page);
			assert_int_equal(pp_buffer_node(region, buf), page.node);
			assert_ptr_equal(pp_pool_find(buf), pool);
		}
	}
	assert_int_equal(total, stats_of(pool).total);
	assert_true(pp_region_page(region, extent.pages, &page) < 0);
}

static void test_number_and_address_go_both_ways(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SIZES; i++)
		for (uint32_t lead = 0; lead < sizes[i]; lead += 128) {
			uint32_t n = some_of(sizes[i]);
			struct pp_pool *pool = pool_with(sizes[i], n, 0, lead, 0);

			both_ways(pool, sizes[i], lead, false);
			assert_int_equal(stats_of(pool).total, n);
			pool_end(pool);
			if (lead)
				break;
		}
}

static void test_gapless_buffers_follow_each_other_exactly(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SIZES; i++) {
		uint32_t size = sizes[i], n = some_of(size), lead = i % 2 ? 64 % size : 0;
		struct pp_pool *pool = pool_with(size, n, 0, lead, PP_POOL_GAPLESS);
		const struct pp_region *region = pp_pool_region(pool);
		struct pp_extent extent;

		pp_region_extent(region, &extent);
		assert_int_equal(extent.stride, size);
		for (uint32_t j = 0; j < n; j++)
			assert_ptr_equal(pp_buffer_at(region, j),
					 (char *)extent.base + (uint64_t)j * size + lead);
		both_ways(pool, size, lead, true);
		pool_end(pool);
	}
}

/* The line after each buffer up to the next, the ends of hugepages, and all around. */
static void test_gaps_and_outside_are_not_mine(void **state)
{
	struct pp_pool *pool = pool_with(2048, 5000, 0, 0, 0);
	const struct pp_region *region = pp_pool_region(pool);
	struct pp_extent extent;
	uint64_t mine = 0;
	int here = 0;

	(void)state;
	pp_region_extent(region, &extent);
	for (char *at = extent.base; at < (char *)extent.base + extent.bytes; at += PP_LINE) {
		int64_t index = pp_buffer_index(region, at);

		if (index < 0) {
			assert_int_equal(index, -EINVAL);
			assert_int_equal(pp_buffer_index(region, at + PP_LINE - 1), -EINVAL);
			continue;
		}
		mine += PP_LINE;
		assert_in_range(at - (char *)pp_buffer_at(region, (uint32_t)index), 0, 2047);
	}
	assert_int_equal(mine, stats_of(pool).total * 2048);
	assert_int_equal(pp_buffer_index(region, (char *)extent.base - 1), -EINVAL);
	assert_int_equal(pp_buffer_index(region, (char *)extent.base + extent.bytes), -EINVAL);
	assert_int_equal(pp_buffer_index(region, NULL), -EINVAL);
	assert_int_equal(pp_buffer_index(region, &here), -EINVAL);
	assert_int_equal(pp_buffer_index(region, (void *)UINTPTR_MAX), -EINVAL);
	assert_null(pp_buffer_at(region, pp_buffer_index_end(region)));
	assert_null(pp_buffer_at(region, UINT32_MAX));
	pool_end(pool);
}

static void absent_pages(uint32_t size, uint32_t flags)
{
	struct pp_pool *pool = pool_with(size, 1000, 9000, 0, flags);
	const struct pp_region *region = pp_pool_region(pool);
	struct pp_extent extent;
	struct pp_page_info page;
	uint32_t there = 0, end = pp_buffer_index_end(region);

	pp_region_extent(region, &extent);
	for (uint32_t i = 0; i < end; i++)
		there += pp_buffer_at(region, i) != NULL;
	assert_int_equal(there, stats_of(pool).total);
	assert_in_range(there, 1000, 8999);
	assert_ok(pp_region_page(region, extent.pages - 1, &page));
	assert_false(page.present);
	assert_true(page.count > 0);
	assert_int_equal(pp_buffer_index(region, page.start), -EINVAL);
	assert_int_equal(pp_buffer_index(region, (char *)extent.base + extent.bytes - extent.page),
			 -EINVAL);
	assert_null(pp_buffer_at(region, page.first));
	assert_int_equal(pp_buffer_iova(region, 0, page.start), UINT64_MAX);
	pool_end(pool);
}

static void test_absent_hugepages_are_not_mine(void **state)
{
	(void)state;
	absent_pages(2048, 0);
	absent_pages(2048, PP_POOL_GAPLESS);
	absent_pages(1984, PP_POOL_GAPLESS);
	absent_pages(9216, PP_POOL_GAPLESS);
	absent_pages(9216, 0);
}

static void test_find_knows_which_pool_an_address_is_of(void **state)
{
	struct pp_pool *pools[20];
	struct pp_extent extent;
	char *heap = malloc(1), *gone;

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		pools[i] = pool_with(64 + 64 * i, 200, 0, 0, 0);
	for (unsigned i = 0; i < 20; i++) {
		pp_region_extent(pp_pool_region(pools[i]), &extent);
		assert_ptr_equal(pp_pool_find(extent.base), pools[i]);
		assert_ptr_equal(pp_pool_find(pp_buffer_at(pp_pool_region(pools[i]), 199)),
				 pools[i]);
		assert_true(pp_pool_find((char *)extent.base - 1) != pools[i]);
	}
	assert_null(pp_pool_find(NULL));
	assert_null(pp_pool_find(heap));
	assert_null(pp_pool_find(&heap));
	assert_null(pp_pool_find((void *)UINTPTR_MAX));
	assert_null(pp_pool_find((void *)(1ul << 47)));
	for (unsigned i = 0; i < 20; i++) {
		gone = pp_buffer_at(pp_pool_region(pools[i]), 0);
		pool_end(pools[i]);
		assert_null(pp_pool_find(gone));
	}
	free(heap);
}

/* How evenly the starts of a pool's buffers spread over `sets` sets of a cache. */
static uint32_t fullest_set(struct pp_pool *pool, uint32_t sets, uint32_t *used)
{
	const struct pp_region *region = pp_pool_region(pool);
	uint32_t *load = calloc(sets, sizeof(*load)), most = 0;

	assert_non_null(load);
	*used = 0;
	for (uint32_t i = 0; i < pp_buffer_index_end(region); i++) {
		uint32_t *set = &load[(uintptr_t)pp_buffer_at(region, i) / PP_LINE % sets];

		*used += !*set;
		if (++*set > most)
			most = *set;
	}
	free(load);
	return most;
}

static void test_colouring_spreads_equal_offsets_over_cache_sets(void **state)
{
	static const uint32_t wide[] = { 1024, 1536, 2048, 2304, 2176, 4096, 8192, 9216, 16384 };

	(void)state;
	for (unsigned i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		struct pp_pool *pool = pool_4k(wide[i], 4096, 0);
		uint32_t used, most = fullest_set(pool, 64, &used);

		/* All 64 sets of a first-level cache, none with twice its share. */
		assert_int_equal(used, 64);
		assert_in_range(most, 64, 127);
		pool_end(pool);
	}
}

static void test_gapless_pool_has_no_colour(void **state)
{
	struct pp_pool *pool = pool_4k(4096, 4096, PP_POOL_GAPLESS);
	uint32_t used;

	(void)state;
	/* The counterpart: what the test above would see without colouring. */
	fullest_set(pool, 64, &used);
	assert_int_equal(used, 1);
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number_and_address_go_both_ways),
		cmocka_unit_test(test_gapless_buffers_follow_each_other_exactly),
		cmocka_unit_test(test_gaps_and_outside_are_not_mine),
		cmocka_unit_test(test_absent_hugepages_are_not_mine),
		cmocka_unit_test(test_find_knows_which_pool_an_address_is_of),
		cmocka_unit_test(test_colouring_spreads_equal_offsets_over_cache_sets),
		cmocka_unit_test(test_gapless_pool_has_no_colour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
