/* SPDX-License-Identifier: BSD-3-Clause */
/* DMA verbs: what a device may refuse, by faults put in; what it does is tested on one (tests/guest). */
#include <pp_dma_verbs.h>

#include "recorder.h"
#include "shim.h"

static struct pp_dma_verbs *verbs_open(int access)
{
	struct pp_dma_verbs_params params = {
		.sz = sizeof(params),
		.pd = &shim_domain,
		.access = access,
	};
	struct pp_dma_verbs *verbs = NULL;

	assert_ok(pp_dma_verbs_create(&params, &verbs));
	return verbs;
}

static struct pp_dma_verbs_stats verbs_stats(struct pp_dma_verbs *verbs)
{
	struct pp_dma_verbs_stats stats;

	pp_dma_verbs_stats(verbs, &stats);
	return stats;
}

static void test_keys_are_those_of_the_region(void **state)
{
	struct pp_pool *pool = pool_pages(4, 6, 0);
	const struct pp_region *region = pp_pool_region(pool);
	struct pp_dma_verbs *verbs = verbs_open(0);
	int d = pp_pool_map_device(pool, &pp_dma_verbs_ops, verbs);
	struct pp_extent extent;

	(void)state;
	assert_ok(d);
	assert_int_equal(shim.access, IBV_ACCESS_LOCAL_WRITE);
	pp_region_extent(region, &extent);
	for (unsigned p = 0; p < 4; p++) {
		const char *va = (char *)extent.base + p * extent.page + 4321;
		struct ibv_sge sge[2];

		assert_ptr_equal(shim.mrs[p].addr, va - 4321);
		assert_int_equal(shim.mrs[p].length, extent.page);
		assert_int_equal(pp_buffer_lkey(region, (unsigned)d, va), 100 + p);
		assert_int_equal(pp_buffer_rkey(region, (unsigned)d, va), 1000 + p);
		assert_int_equal(pp_buffer_iova(region, (unsigned)d, va), (uintptr_t)va);
		assert_int_equal(pp_dma_verbs_sge(region, (unsigned)d, va, 99, sge), 1);
		assert_int_equal(sge[0].addr, (uintptr_t)va);
		assert_int_equal(sge[0].length, 99);
		assert_int_equal(sge[0].lkey, 100 + p);
		assert_ptr_equal(pp_dma_verbs_mr(verbs, va), &shim.mrs[p]);
	}
	assert_null(pp_dma_verbs_mr(verbs, (char *)extent.base - 1));
	assert_null(pp_dma_verbs_mr(verbs, (char *)extent.base + 4 * extent.page));
	assert_true(pp_pool_grow(pool, 1) > 0);
	assert_int_equal(shim.live, 5);
	assert_true(pp_pool_shrink(pool, 32, 100000) > 0);
	assert_int_equal(shim.live, stats_of(pool).pages);
	assert_int_equal(verbs_stats(verbs).mapped, stats_of(pool).pages);
	assert_int_equal(verbs_stats(verbs).bytes, stats_of(pool).pages * extent.page);
	assert_int_equal(pp_dma_verbs_destroy(verbs), -EBUSY);
	assert_error_names("pp_pool_unmap_device");
	pool_end(pool);
	assert_int_equal(shim.live, 0);
	assert_int_equal(shim.regs, shim.deregs);
	assert_ok(pp_dma_verbs_destroy(verbs));
}

static void test_elements_follow_a_buffer_over_two_hugepages(void **state)
{
	struct pp_pool_params params = params_4k(3 * 64 * 1024, 24);
	struct pp_pool *pool;
	struct pp_dma_verbs *verbs = verbs_open(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ);
	struct ibv_sge sge[2];
	struct pp_extent extent;
	const char *end;
	int d;

	(void)state;
	params.buffers = params.buffers_max = 64;
	params.flags = PP_POOL_GAPLESS;
	pool = pool_of(&params);
	d = pp_pool_map_device(pool, &pp_dma_verbs_ops, verbs);
	assert_int_equal(shim.access, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ);
	pp_region_extent(pp_pool_region(pool), &extent);
	end = (char *)extent.base + extent.page;
	assert_int_equal(pp_dma_verbs_sge(pp_pool_region(pool), (unsigned)d, end - 100, 300, sge),
			 2);
	assert_int_equal(sge[0].addr, (uintptr_t)end - 100);
	assert_int_equal(sge[0].length, 100);
	assert_int_equal(sge[0].lkey, 100);
	assert_int_equal(sge[1].addr, (uintptr_t)end);
	assert_int_equal(sge[1].length, 200);
	assert_int_equal(sge[1].lkey, 101);
	assert_int_equal(pp_dma_verbs_sge(pp_pool_region(pool), (unsigned)d, end - 100, 100, sge),
			 1);
	/* Not the pool's, and not that device's. */
	assert_int_equal(pp_dma_verbs_sge(pp_pool_region(pool), (unsigned)d, &sge, 1, sge),
			 -EINVAL);
	assert_int_equal(pp_dma_verbs_sge(pp_pool_region(pool), (unsigned)d + 1, end, 1, sge),
			 -EINVAL);
	pool_end(pool);
	assert_ok(pp_dma_verbs_destroy(verbs));
}

static void test_limits_are_named_and_cost_what_is_beyond_them(void **state)
{
	struct pp_pool *pool = pool_pages(4, 8, 0);
	struct pp_mapping mapping;
	struct pp_extent extent;
	struct pp_dma_verbs *verbs;

	(void)state;
	shim.attr.max_mr = 3;
	verbs = verbs_open(0);
	assert_int_equal(verbs_stats(verbs).limit, 3);
	/* One idle hugepage more than there are regions: it leaves the pool. */
	assert_int_equal(pp_pool_map_device(pool, &pp_dma_verbs_ops, verbs), 0);
	assert_int_equal(stats_of(pool).pages, 3);
	pp_region_extent(pp_pool_region(pool), &extent);
	assert_int_equal(pp_dma_verbs_ops.map(verbs, extent.base, extent.page, &mapping), -ENOSPC);
	assert_error_names("max_mr");
	assert_error_names("shim0");
	assert_true(pp_pool_grow(pool, 16) < 0);
	books_hold(pool, 0);
	all_can_be_had(pool, pp_pool_cache(pool));
	assert_int_equal(pp_pool_unmap_device(pool, 0), 0);
	assert_int_equal(shim.live, 0);
	assert_ok(pp_dma_verbs_destroy(verbs));
	shim.attr.max_mr_size = extent.page - 1;
	verbs = verbs_open(0);
	assert_int_equal(pp_dma_verbs_ops.map(verbs, extent.base, extent.page, &mapping), -E2BIG);
	assert_error_names("max_mr_size");
	assert_int_equal(verbs_stats(verbs).failures, 1);
	pool_end(pool);
	assert_ok(pp_dma_verbs_destroy(verbs));
}

static void test_a_refused_registration_says_why_and_leaves_nothing(void **state)
{
	struct pp_pool *pool = pool_pages(4, 8, 0);
	struct pp_dma_verbs *verbs = verbs_open(0);
	struct pp_mapping mapping;
	struct pp_extent extent;
	void *bufs[64];

	(void)state;
	pp_region_extent(pp_pool_region(pool), &extent);
	/* All in flight: then it is the device that is refused, not a hugepage. */
	assert_int_equal(pp_alloc_bulk(pp_pool_cache(pool), bufs, 64, 0), 64);
	shim.reg_error = EPERM;
	assert_int_equal(pp_pool_map_device(pool, &pp_dma_verbs_ops, verbs), -EPERM);
	assert_int_equal(stats_of(pool).pages, 4);
	assert_int_equal(pp_dma_verbs_ops.map(verbs, extent.base, extent.page, &mapping), -EPERM);
	assert_error_names("Operation not permitted");
	shim.reg_error = 0;
	assert_int_equal(pp_pool_map_device(pool, &pp_dma_verbs_ops, verbs), 0);
	shim.reg_error = ENOMEM;
	assert_true(pp_pool_grow(pool, 16) < 0);
	assert_int_equal(shim.live, 4);
	books_hold(pool, 64);
	pp_free_bulk(pp_pool_cache(pool), bufs, 64);
	pool_end(pool);
	assert_int_equal(shim.live, 0);
	assert_int_equal(verbs_stats(verbs).mapped, 0);
	assert_ok(pp_dma_verbs_destroy(verbs));
}

static void test_a_region_with_windows_bound_is_kept_and_goes_later(void **state)
{
	struct pp_pool *pool = pool_pages(4, 4, 0);
	struct pp_dma_verbs *verbs = verbs_open(0);

	(void)state;
	assert_int_equal(pp_pool_map_device(pool, &pp_dma_verbs_ops, verbs), 0);
	shim.dereg_error = EBUSY;
	assert_int_equal(pp_pool_shrink(pool, 16, 100000), 16);
	assert_int_equal(verbs_stats(verbs).kept, 1);
	assert_int_equal(verbs_stats(verbs).mapped, 3);
	assert_int_equal(shim.live, 4);
	/* The same address again, in a region of its own. */
	assert_int_equal(pp_pool_grow(pool, 16), 16);
	assert_int_equal(shim.live, 5);
	pool_end(pool);
	assert_int_equal(verbs_stats(verbs).kept, 5);
	assert_int_equal(pp_dma_verbs_destroy(verbs), -EBUSY);
	assert_error_names("keeps 5 memory regions");
	shim.dereg_error = 0;
	assert_ok(pp_dma_verbs_destroy(verbs));
	assert_int_equal(shim.live, 0);
	assert_int_equal(shim.deregs, 5);
}

static void test_wrong_parameters_are_refused(void **state)
{
	struct pp_dma_verbs_params params = { .sz = sizeof(params) };
	struct pp_dma_verbs *verbs = NULL;
	struct pp_mapping mapping = { 0 };
	char other[64];

	(void)state;
	assert_int_equal(pp_dma_verbs_create(NULL, &verbs), -EINVAL);
	assert_int_equal(pp_dma_verbs_create(&params, &verbs), -EINVAL);
	assert_error_names("protection domain");
	params.pd = &shim_domain;
	params.access = IBV_ACCESS_REMOTE_WRITE;
	assert_int_equal(pp_dma_verbs_create(&params, &verbs), -EINVAL);
	assert_error_names("IBV_ACCESS_LOCAL_WRITE");
	params.access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_ZERO_BASED;
	assert_int_equal(pp_dma_verbs_create(&params, &verbs), -EINVAL);
	params.access = 0;
	shim.query_error = EIO;
	assert_int_equal(pp_dma_verbs_create(&params, &verbs), -EIO);
	assert_error_names("shim0");
	params.sz = 1;
	assert_int_equal(pp_dma_verbs_create(&params, &verbs), -EINVAL);
	assert_null(verbs);
	assert_ok(pp_dma_verbs_destroy(NULL));
	shim.query_error = 0;
	verbs = verbs_open(0);
	assert_int_equal(pp_dma_verbs_ops.unmap(verbs, other, 64, &mapping), -ENOENT);
	assert_ok(pp_dma_verbs_destroy(verbs));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_keys_are_those_of_the_region, shim_reset),
		cmocka_unit_test_setup(test_elements_follow_a_buffer_over_two_hugepages,
				       shim_reset),
		cmocka_unit_test_setup(test_limits_are_named_and_cost_what_is_beyond_them,
				       shim_reset),
		cmocka_unit_test_setup(test_a_refused_registration_says_why_and_leaves_nothing,
				       shim_reset),
		cmocka_unit_test_setup(test_a_region_with_windows_bound_is_kept_and_goes_later,
				       shim_reset),
		cmocka_unit_test_setup(test_wrong_parameters_are_refused, shim_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
