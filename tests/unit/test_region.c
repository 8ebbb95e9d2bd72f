/* SPDX-License-Identifier: BSD-3-Clause */
/* Region: hugepages come or are refused with a reason, and all go back. Counts them: runs alone. */
#include "support.h"

#include <sys/mman.h>
#include <unistd.h>

#define DIR_2M "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define DIR_1G "/sys/kernel/mm/hugepages/hugepages-1048576kB/"

static struct pp_pool_params params_2m(uint32_t buffer_size, uint32_t buffers)
{
	struct pp_pool_params params = params_4k(buffer_size, buffers);

	params.pages = PP_PAGES_2M;
	return params;
}

/* Other programs may take and return theirs meanwhile: a leak stays, they don't. */
static void assert_free_again(long before)
{
	for (unsigned i = 0; i < 100 && hugepages_free() != before; i++)
		usleep(100 * 1000);
	assert_int_equal(hugepages_free(), before);
}

static void test_hugepages_are_taken_and_all_given_back(void **state)
{
	struct pp_pool_params params = params_2m(1 << 20, 64);
	long before = hugepages_free();
	struct pp_pool *pool;
	struct pp_extent extent;
	unsigned char held[64];

	(void)state;
	params.flags = PP_POOL_GAPLESS;
	pool = pool_of(&params);
	pp_region_extent(pp_pool_region(pool), &extent);
	assert_int_equal(extent.pages, 32);
	assert_int_equal(stats_of(pool).pages, 32);
	/* Populated at creation, not when touched. */
	assert_int_equal(hugepages_free(), before - 32);
	all_can_be_had(pool, pp_pool_cache(pool));
	assert_int_equal(hugepages_free(), before - 32);
	assert_int_equal(mincore(extent.base, 4096 * 64, held), 0);
	for (unsigned i = 0; i < 64; i++)
		assert_true(held[i] & 1);
	pool_end(pool);
	assert_free_again(before);
}

static void test_reserved_is_not_taken(void **state)
{
	struct pp_pool_params params = params_2m(1 << 20, 64);
	long before = hugepages_free();
	struct pp_pool *pool;

	(void)state;
	/* A maximum far above what the machine has costs nothing until it is grown. */
	params.buffers_max = 1 << 17;
	pool = pool_of(&params);
	assert_true(hugepages_free() >= before - 70);
	pool_end(pool);
	assert_free_again(before);
}

static void test_shortage_is_enomem_that_says_what_to_do(void **state)
{
	long before = hugepages_free();
	struct pp_pool_params params = params_2m(1 << 21, (uint32_t)before + 65);
	struct pp_pool *pool = NULL;
	unsigned fds = fds_open();

	(void)state;
	assert_int_equal(pp_pool_create(&params, &pool), -ENOMEM);
	assert_null(pool);
	assert_error_names(DIR_2M);
	assert_error_names("echo");
	assert_error_names("nr_hugepages");
	assert_free_again(before);
	assert_int_equal(fds_open(), fds);
}

static void test_a_gigabyte_page_is_never_replaced_by_smaller_ones(void **state)
{
	struct pp_pool_params params = params_2m(4096, 64);
	struct pp_pool *pool = NULL;
	int rc;

	(void)state;
	params.pages = PP_PAGES_1G;
	params.buffer_size = 1 << 30;
	params.buffers = 64 + (uint32_t)hugepages_free_1g();
	rc = pp_pool_create(&params, &pool);
	assert_null(pool);
	if (access(DIR_1G, F_OK)) {
		assert_int_equal(rc, -ENOENT);
		return;
	}
	assert_int_equal(rc, -ENOMEM);
	assert_error_names("1 GiB");
	assert_error_names("echo");
	assert_error_names(DIR_1G "nr_hugepages");
}

static void test_growing_into_a_shortage_leaves_the_pool_as_it_was(void **state)
{
	struct pp_pool_params params = params_2m(1 << 21, 64);
	struct pp_cache *cache;
	struct pp_pool *pool;
	long before = hugepages_free(), left;
	struct pp_stats was, now;
	int rc;

	(void)state;
	params.buffers_max = (uint32_t)before + 200;
	pool = pool_of(&params);
	cache = pp_pool_cache(pool);
	was = stats_of(pool);
	left = hugepages_free();
	rc = pp_pool_grow(pool, (uint32_t)left + 40);
	now = stats_of(pool);
	/* All of it or as much as there is, but the books must say the same. */
	if (rc < 0) {
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(now.total, was.total);
		assert_int_equal(hugepages_free(), left);
	} else {
		assert_int_equal(now.total, was.total + (uint64_t)rc);
		assert_int_equal(pp_pool_grow(pool, 1), -ENOMEM);
	}
	assert_error_names(DIR_2M);
	assert_error_names("echo");
	all_can_be_had(pool, cache);
	pool_end(pool);
	assert_free_again(before);
}

static void test_shrink_gives_hugepages_back_to_the_system(void **state)
{
	struct pp_pool_params params = params_2m(2048, 16 * 1000);
	long before = hugepages_free(), full;
	struct pp_cache *cache;
	struct pp_pool *pool;

	(void)state;
	pool = pool_of(&params);
	cache = pp_pool_cache(pool);
	all_can_be_had(pool, cache);
	full = hugepages_free();
	assert_ok(pp_pool_shrink(pool, 5000, 1000000));
	assert_true(hugepages_free() >= full + 4);
	assert_int_equal(before - hugepages_free(), stats_of(pool).pages);
	assert_ok(pp_pool_grow(pool, 3000));
	assert_int_equal(before - hugepages_free(), stats_of(pool).pages);
	all_can_be_had(pool, cache);
	pool_end(pool);
	assert_free_again(before);
}

static void test_ordinary_pages_only_when_asked_for_by_name(void **state)
{
	struct pp_pool_params params = params_2m(2048, 4096);
	long before = hugepages_free();
	struct pp_pool *pool;

	(void)state;
	/* The default is hugepages: zero in every field that has a default. */
	params = (struct pp_pool_params){ .sz = sizeof(params),
					  .buffer_size = 2048,
					  .buffers = 4096 };
	pool = pool_of(&params);
	assert_true(hugepages_free() < before);
	pool_end(pool);
	params.pages = PP_PAGES_4K;
	pool = pool_of(&params);
	assert_int_equal(hugepages_free(), before);
	pool_end(pool);
}

static void test_many_pools_give_every_hugepage_back(void **state)
{
	struct pp_pool_params params = params_2m(2048, 4000);
	long before = hugepages_free();
	unsigned fds = fds_open();

	(void)state;
	params.buffers_max = 12000;
	for (unsigned i = 0; i < 200; i++) {
		struct pp_pool *pool = pool_of(&params);
		void *buf = pp_alloc(pp_pool_cache(pool), 0);

		assert_ok(pp_pool_grow(pool, 2000));
		memset(buf, 1, 2048);
		pp_free(pp_pool_cache(pool), buf);
		assert_ok(pp_pool_destroy(pool));
	}
	assert_free_again(before);
	assert_int_equal(fds_open(), fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hugepages_are_taken_and_all_given_back),
		cmocka_unit_test(test_reserved_is_not_taken),
		cmocka_unit_test(test_shortage_is_enomem_that_says_what_to_do),
		cmocka_unit_test(test_a_gigabyte_page_is_never_replaced_by_smaller_ones),
		cmocka_unit_test(test_growing_into_a_shortage_leaves_the_pool_as_it_was),
		cmocka_unit_test(test_shrink_gives_hugepages_back_to_the_system),
		cmocka_unit_test(test_ordinary_pages_only_when_asked_for_by_name),
		cmocka_unit_test(test_many_pools_give_every_hugepage_back),
	};

	hugepages_need(80);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
