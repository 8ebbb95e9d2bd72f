/* SPDX-License-Identifier: BSD-3-Clause */
/* Refused: what a device would not have is known by name and reason, and not tried for nothing. */
#include "pp_fail.h"
#include "support.h"

/* A device that can be out of room. */
struct narrow {
	uint32_t room; /* mappings that it still has */
	int error;
	const char *says;
	uint32_t asked, maps, unmaps;
	bool holds;        /* unmap() fails */
	const void *never; /* a hugepage that it cannot have */
};

static int narrow_map(void *device, void *va, size_t bytes, struct pp_mapping *mapping)
{
	struct narrow *narrow = device;

	(void)bytes;
	narrow->asked++;
	if (!narrow->room || va == narrow->never)
		return narrow->says ? pp_fail(-narrow->error, "%s", narrow->says) : -narrow->error;
	narrow->room--;
	narrow->maps++;
	mapping->iova = (uintptr_t)va;
	return 0;
}

static int narrow_unmap(void *device, void *va, size_t bytes, const struct pp_mapping *mapping)
{
	struct narrow *narrow = device;

	(void)va;
	(void)bytes;
	(void)mapping;
	narrow->room++;
	narrow->unmaps++;
	return narrow->holds ? -EBUSY : 0;
}

static const struct pp_dma_ops narrow_ops = {
	.name = "narrow",
	.map = narrow_map,
	.unmap = narrow_unmap,
};

/* Sixteen buffers a hugepage. */
static struct pp_pool *pool_pages(uint32_t pages, uint32_t max)
{
	struct pp_pool_params params = params_4k(131072 - 64, 16 * pages);

	params.buffers_max = 16 * max;
	return pool_of(&params);
}

static struct pp_device_info device_of(struct pp_pool *pool, int device)
{
	struct pp_device_info info;

	assert_ok(device);
	assert_ok(pp_pool_device(pool, (unsigned)device, &info));
	return info;
}

static void assert_printed(struct pp_pool *pool, const char *words)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	pp_pool_print(pool, out);
	fclose(out);
	if (!strstr(text, words))
		fail_msg("\"%s\" is not in: %s", words, text);
	free(text);
}

static void test_reason_of_a_refusal_is_kept(void **state)
{
	struct pp_pool *pool = pool_pages(4, 10);
	struct narrow wide = { .room = 100 };
	struct narrow narrow = { .room = 5, .error = ENOSPC, .says = "all 5 windows are in use" };
	struct pp_device_info info;
	int w, n;

	(void)state;
	assert_int_equal(stats_of(pool).lost_device, -1);
	assert_int_equal(stats_of(pool).lost_error, 0);
	w = pp_pool_map_device(pool, &narrow_ops, &wide);
	n = pp_pool_map_device(pool, &narrow_ops, &narrow);
	info = device_of(pool, n);
	assert_string_equal(info.name, "narrow");
	assert_int_equal(info.mapped, 4);
	assert_int_equal(info.refused, 0);
	assert_int_equal(info.error, 0);
	/* One goes in, the others do not; at once and later. */
	assert_int_equal(pp_pool_grow(pool, 3 * 16), 16);
	assert_error_names("device 1 (narrow)");
	assert_error_names("all 5 windows are in use");
	info = device_of(pool, n);
	assert_int_equal(info.mapped, 5);
	assert_int_equal(info.refused, 5);
	assert_int_equal(info.error, ENOSPC);
	assert_int_equal(info.page, 9);
	assert_string_equal(info.reason, "all 5 windows are in use");
	assert_int_equal(device_of(pool, w).mapped, 5);
	assert_int_equal(device_of(pool, w).refused, 0);
	assert_int_equal(wide.maps, wide.unmaps + 5);
	assert_int_equal(stats_of(pool).pages_lost, 5);
	assert_int_equal(stats_of(pool).lost_device, n);
	assert_int_equal(stats_of(pool).lost_error, ENOSPC);
	assert_printed(pool, "all 5 windows are in use");
	assert_printed(pool, "5 hugepages lost, the last to device 1 by error 28");
	/* The device is gone; that hugepages were lost to it is not. */
	assert_int_equal(pp_pool_unmap_device(pool, (unsigned)n), 0);
	assert_int_equal(pp_pool_device(pool, (unsigned)n, &info), -ENOENT);
	assert_int_equal(pp_pool_device(pool, PP_DEVICES_MAX, &info), -ENOENT);
	assert_int_equal(stats_of(pool).lost_error, ENOSPC);
	/* Who comes after it in its place has refused nothing. */
	narrow.room = 100;
	n = pp_pool_map_device(pool, &narrow_ops, &narrow);
	assert_int_equal(device_of(pool, n).refused, 0);
	pool_end(pool);
}

static void test_device_that_gives_no_reason_gives_its_errno(void **state)
{
	struct pp_pool *pool = pool_pages(4, 5);
	struct narrow narrow = { .room = 4, .error = EDQUOT };
	int n = pp_pool_map_device(pool, &narrow_ops, &narrow);

	(void)state;
	/* What is in pp_error() from before is not the device's. */
	assert_int_equal(pp_pool_grow_on(pool, 63, 1), -EINVAL);
	assert_int_equal(pp_pool_grow(pool, 1), -EIO);
	assert_string_equal(device_of(pool, n).reason, strerror(EDQUOT));
	assert_int_equal(pp_pool_grow(pool, 1), -EIO);
	assert_string_equal(device_of(pool, n).reason, strerror(EDQUOT));
	assert_int_equal(device_of(pool, n).refused, 2);
	pool_end(pool);
}

static void test_idle_hugepages_lost_to_who_comes_are_told(void **state)
{
	struct pp_pool *pool = pool_pages(6, 6);
	struct narrow narrow = { .room = 2, .error = ENOMEM, .says = "locked memory" };
	int n = pp_pool_map_device(pool, &narrow_ops, &narrow);

	(void)state;
	assert_int_equal(stats_of(pool).pages, 2);
	assert_int_equal(stats_of(pool).pages_lost, 4);
	assert_int_equal(stats_of(pool).lost_error, ENOMEM);
	assert_int_equal(device_of(pool, n).mapped, 2);
	assert_int_equal(device_of(pool, n).refused, 4);
	assert_string_equal(device_of(pool, n).reason, "locked memory");
	pool_end(pool);
}

/* How often the device is asked by a call that grows by itself. */
static uint32_t asked_by_call(struct pp_pool *pool, struct narrow *narrow)
{
	static void *bufs[500];
	uint32_t asked = narrow->asked;
	unsigned n = pp_alloc_burst(pp_pool_cache(pool), bufs, 500, PP_GROW);

	pp_free_bulk(pp_pool_cache(pool), bufs, n);
	books_hold(pool, 0);
	return narrow->asked - asked;
}

static void test_calls_do_not_ask_again_until_something_changes(void **state)
{
	struct pp_pool *pool = pool_pages(4, 20);
	struct narrow narrow = { .room = 4, .error = ENOSPC }, other = { .room = 100 };
	int n = pp_pool_map_device(pool, &narrow_ops, &narrow), o;
	uint32_t asked;

	(void)state;
	assert_int_equal(asked_by_call(pool, &narrow), 16);
	assert_int_equal(asked_by_call(pool, &narrow), 0);
	assert_int_equal(stats_of(pool).pages_lost, 16);
	/* Asked for by name: tried, each. */
	asked = narrow.asked;
	assert_int_equal(pp_pool_grow(pool, 1), -EIO);
	assert_int_equal(narrow.asked - asked, 16);
	assert_int_equal(asked_by_call(pool, &narrow), 0);
	/* A device comes, or goes. */
	o = pp_pool_map_device(pool, &narrow_ops, &other);
	assert_int_equal(asked_by_call(pool, &narrow), 16);
	assert_int_equal(asked_by_call(pool, &narrow), 0);
	assert_ok(pp_pool_unmap_device(pool, (unsigned)o));
	assert_int_equal(asked_by_call(pool, &narrow), 16);
	assert_int_equal(asked_by_call(pool, &narrow), 0);
	/* It has one mapping less: one fits again. */
	assert_int_equal(pp_pool_shrink(pool, 16, 100000), 16);
	assert_int_equal(asked_by_call(pool, &narrow), 17);
	assert_int_equal(stats_of(pool).pages, 4);
	assert_int_equal(asked_by_call(pool, &narrow), 0);
	/* Room came to it from elsewhere, and one was added by name: the rest stays known. */
	narrow.room = 1;
	assert_int_equal(pp_pool_grow(pool, 16), 16);
	assert_int_equal(asked_by_call(pool, &narrow), 0);
	/* Without it there is nobody to refuse. */
	assert_ok(pp_pool_unmap_device(pool, (unsigned)n));
	assert_int_equal(asked_by_call(pool, &narrow), 0);
	assert_int_equal(stats_of(pool).total, 320);
	pool_end(pool);
}

static void test_one_refused_hugepage_is_passed_over(void **state)
{
	struct pp_pool *pool = pool_pages(4, 8);
	struct narrow narrow = { .room = 100, .error = EEXIST };
	struct pp_extent extent;
	void *bufs[112];

	(void)state;
	pp_region_extent(pp_pool_region(pool), &extent);
	narrow.never = (char *)extent.base + 4 * extent.page;
	assert_int_equal(pp_pool_map_device(pool, &narrow_ops, &narrow), 0);
	assert_int_equal(pp_alloc_bulk(pp_pool_cache(pool), bufs, 70, PP_GROW), 70);
	assert_int_equal(narrow.asked, 4 + 2);
	assert_int_equal(pp_alloc_bulk(pp_pool_cache(pool), bufs + 70, 20, PP_GROW), 20);
	assert_int_equal(narrow.asked, 4 + 2 + 1);
	pp_free_bulk(pp_pool_cache(pool), bufs, 90);
	/* Refused again by name, it counts once: the last one is still to be had by calls. */
	assert_int_equal(pp_pool_shrink(pool, 32, 100000), 32);
	assert_int_equal(pp_pool_grow(pool, 1), 16);
	assert_int_equal(pp_pool_grow(pool, 1), 16);
	assert_int_equal(pp_alloc_bulk(pp_pool_cache(pool), bufs, 112, PP_GROW), 112);
	assert_int_equal(stats_of(pool).pages, 7);
	assert_int_equal(pp_alloc_bulk(pp_pool_cache(pool), bufs, 1, PP_GROW), 0);
	pp_free_bulk(pp_pool_cache(pool), bufs, 112);
	pool_end(pool);
}

static void test_unmap_that_fails_is_counted(void **state)
{
	struct pp_pool *pool = pool_pages(4, 4);
	struct narrow narrow = { .room = 4 };
	int n = pp_pool_map_device(pool, &narrow_ops, &narrow);

	(void)state;
	narrow.holds = true;
	assert_int_equal(pp_pool_shrink(pool, 32, 100000), 32);
	assert_int_equal(device_of(pool, n).stuck, 2);
	assert_int_equal(narrow.unmaps, 2);
	assert_printed(pool, "2 not unmapped");
	pool_end(pool);
	assert_int_equal(narrow.unmaps, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reason_of_a_refusal_is_kept),
		cmocka_unit_test(test_device_that_gives_no_reason_gives_its_errno),
		cmocka_unit_test(test_idle_hugepages_lost_to_who_comes_are_told),
		cmocka_unit_test(test_calls_do_not_ask_again_until_something_changes),
		cmocka_unit_test(test_one_refused_hugepage_is_passed_over),
		cmocka_unit_test(test_unmap_that_fails_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
