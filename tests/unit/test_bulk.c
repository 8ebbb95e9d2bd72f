/* SPDX-License-Identifier: BSD-3-Clause */
/* Bulk: one, all of n, up to n, and arrays that mix pools and strangers. */
#include "support.h"

static void test_bulk_takes_all_or_nothing(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 5000, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	void *bufs[5002];

	(void)state;
	assert_int_equal(pp_alloc_bulk(cache, bufs, 5001, 0), 0);
	books_hold(pool, 0);
	for (uint32_t held = 0; held <= 5000; held += 617) {
		if (held)
			assert_int_equal(pp_alloc_bulk(cache, bufs, held, 0), held);
		assert_int_equal(pp_alloc_bulk(cache, bufs + held, 5001 - held, 0), 0);
		books_hold(pool, held);
		assert_int_equal(pp_alloc_bulk(cache, bufs + held, 5000 - held, 0), 5000 - held);
		assert_null(pp_alloc(cache, 0));
		books_hold(pool, 5000);
		pp_free_bulk(cache, bufs, 5000);
		books_hold(pool, 0);
	}
	pool_end(pool);
}

/* rte_mempool has its caches filled in place, and counts on what lies there yet. */
static void test_an_array_that_gets_none_stays_as_it_was(void **state)
{
	static const unsigned flags[] = { 0, PP_REMOTE, PP_GROW, PP_CRITICAL, PP_TRY };
	struct pp_pool *pool = pool_4k(2048, 5000, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	void *bufs[5000], *array[PP_KEPT];

	(void)state;
	for (uint32_t n = 2; n <= PP_KEPT; n += n < 70 ? 1 : 53) {
		uint32_t left = n / 2 ? n / 2 : 1;

		assert_int_equal(pp_alloc_burst(cache, bufs, 5000, 0), 5000);
		pp_free_bulk(cache, bufs, left);
		for (uint32_t i = 0; i < PP_KEPT; i++)
			array[i] = &array[i];
		for (unsigned f = 0; f < sizeof(flags) / sizeof(flags[0]); f++) {
			assert_int_equal(pp_alloc_bulk(cache, array, n, flags[f]), 0);
			for (uint32_t i = 0; i < PP_KEPT; i++)
				assert_ptr_equal(array[i], &array[i]);
		}
		books_hold(pool, 5000 - left);
		pp_free_bulk(cache, bufs + left, 5000 - left);
	}
	pool_end(pool);
}

static void test_burst_takes_what_there_is(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 5000, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	struct pp_counters before = counters_of(cache), after;
	void *bufs[6000];

	(void)state;
	assert_int_equal(pp_alloc_burst(cache, bufs, 6000, 0), 5000);
	after = counters_of(cache);
	assert_int_equal(after.empty, before.empty + 1);
	assert_int_equal(pp_alloc_burst(cache, bufs + 5000, 1, 0), 0);
	pp_free_bulk(cache, bufs, 7);
	assert_int_equal(pp_alloc_burst(cache, bufs, 32, 0), 7);
	pp_free_bulk(cache, bufs, 5000);
	pool_end(pool);
}

static void test_the_largest_n_is_just_more_than_there_is(void **state)
{
	struct pp_pool *pool = pool_4k(64, 1000, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	void *bufs[1000];

	(void)state;
	for (unsigned warm = 0; warm < 2; warm++) {
		assert_int_equal(pp_alloc_bulk(cache, bufs, 1u << 28, 0), 0);
		assert_int_equal(pp_alloc_bulk(cache, bufs, 1u << 28, PP_TRY), 0);
		assert_int_equal(pp_alloc_burst(cache, bufs, 1u << 28, 0), 1000);
		books_hold(pool, 1000);
		pp_free_bulk(cache, bufs, 1000);
	}
	pool_end(pool);
}

static void test_none_is_none(void **state)
{
	static const uint32_t flags[] = { 0, PP_POOL_OWNERS, PP_POOL_DEBUG };

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		for (unsigned small = 0; small < 2; small++) {
			struct pp_pool *pool = pool_4k(2048, small ? 64 : 1024, flags[i]);
			struct pp_cache *cache = pp_pool_cache(pool);
			void *buf = NULL;

			for (unsigned warm = 0; warm < 2; warm++) {
				assert_int_equal(pp_alloc_bulk(cache, &buf, 0, 0), 0);
				assert_int_equal(pp_alloc_bulk(cache, &buf, 0, PP_TRY), 0);
				assert_int_equal(pp_alloc_burst(cache, &buf, 0, 0), 0);
				pp_free_bulk(cache, &buf, 0);
				assert_null(buf);
				/* Still idle: whatever is cached can be collected. */
				pp_pool_collect(pool);
				assert_int_equal(stats_of(pool).cached, 0);
				assert_int_equal(stats_of(pool).skipped, 0);
				buf = pp_alloc(cache, 0);
				pp_free(cache, buf);
				buf = NULL;
			}
			assert_int_equal(pp_free_any(&buf, 0), 0);
			pool_end(pool);
		}
}

/* Each n its own code: known at compile time, scalar up to 16, vectors and their rests above. */
#define CONSTANT(n)                                                    \
	do {                                                           \
		assert_int_equal(pp_alloc_bulk(cache, bufs, n, 0), n); \
		marks_take(marks, pool, bufs, n, 1);                   \
		marks_drop(marks, pool, bufs, n, 1);                   \
		pp_free_bulk(cache, bufs, n);                          \
	} while (0)

static void every_n(struct pp_pool *pool, struct marks *marks)
{
	struct pp_cache *cache = pp_pool_cache(pool);
	void *bufs[1100];

	for (volatile unsigned n = 0; n <= 1100; n++) {
		unsigned k = n;

		bufs[k < 1100 ? k : 0] = (void *)0x5a5a;
		assert_int_equal(pp_alloc_bulk(cache, bufs, k, 0), k);
		/* One past the end is left alone. */
		if (k < 1100)
			assert_ptr_equal(bufs[k], (void *)0x5a5a);
		marks_take(marks, pool, bufs, k, 1);
		marks_drop(marks, pool, bufs, k, 1);
		pp_free_bulk(cache, bufs, k);
	}
	for (unsigned i = 0; i < 200; i++) {
		CONSTANT(1);
		CONSTANT(2);
		CONSTANT(3);
		CONSTANT(8);
		CONSTANT(15);
		CONSTANT(16);
		CONSTANT(17);
		CONSTANT(31);
		CONSTANT(32);
		CONSTANT(64);
		CONSTANT(65);
	}
	books_hold(pool, 0);
	all_can_be_had(pool, cache);
}

static void test_every_n_gives_n_different_buffers(void **state)
{
	static const uint32_t flags[] = { 0, PP_POOL_OWNERS, PP_POOL_DEBUG, PP_POOL_GAPLESS };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct pp_pool *pool = pool_4k(192, 3000, flags[i]);
		struct marks marks = marks_make(pool);

		every_n(pool, &marks);
		marks_free(&marks);
		pool_end(pool);
	}
}

/* Offsets in other units, and limits that are never open inline. */
static void test_a_pool_beyond_4_gib_works_the_same(void **state)
{
	struct pp_pool_params params = params_4k(9216, 3000);
	struct pp_cache *cache;
	struct pp_pool *pool;
	struct marks marks;
	void *far[4];
	struct pp_extent extent;

	(void)state;
	params.buffers_max = 2 << 20;
	params.lead = 128;
	params.nodes = 1;
	pool = pool_of(&params);
	cache = pp_pool_cache(pool);
	pp_region_extent(pp_pool_region(pool), &extent);
	assert_true(extent.bytes > 4ul << 30);
	marks = marks_make(pool);
	every_n(pool, &marks);
	assert_int_equal(pp_alloc_bulk(cache, far, 4, PP_TRY), 4);
	assert_int_equal(pp_free_any(far, 4), 4);
	assert_int_equal(pp_pool_alloc_burst(pool, far, 4), 4);
	pp_pool_free(pool, far, 4);
	assert_ok(pp_pool_grow(pool, 10000));
	all_can_be_had(pool, cache);
	assert_ok(pp_pool_shrink(pool, 5000, 1000000));
	all_can_be_had(pool, cache);
	marks_free(&marks);
	pool_end(pool);
}

/* Only what lies beyond the first 4 GiB is in use: nothing of an address may be lost. */
static void test_buffers_beyond_4_gib_keep_their_addresses(void **state)
{
	struct pp_pool_params params = params_4k(1 << 21, 64);
	struct pp_pool *pool;
	struct marks marks;
	void *bufs[2200];
	struct pp_extent extent;
	uint32_t beyond = 0, n;

	(void)state;
	/* 2,200 hugepages' worth of ordinary pages would be 4.3 GiB: only 64 are there,
	 * so this looks at numbers and addresses of the rest without touching them. */
	params.buffers_max = 2200;
	pool = pool_of(&params);
	pp_region_extent(pp_pool_region(pool), &extent);
	for (uint32_t i = 0; i < 2200; i++) {
		char *at = (char *)extent.base + (uint64_t)i * extent.page;

		assert_ptr_equal(pp_pool_find(at), pool);
		assert_int_equal(pp_buffer_index(pp_pool_region(pool), at),
				 i < 64 ? (int64_t)i : -EINVAL);
		beyond += at - (char *)extent.base >= 4l << 30;
	}
	assert_int_equal(beyond, 2200 - 2048);
	marks = marks_make(pool);
	n = take_all(pp_pool_cache(pool), bufs, 2200);
	assert_int_equal(n, 64);
	marks_take(&marks, pool, bufs, n, 1);
	pp_free_bulk(pp_pool_cache(pool), bufs, n);
	marks_free(&marks);
	pool_end(pool);
}

static void test_free_any_takes_a_mix_of_pools(void **state)
{
	struct pp_pool *pools[3] = { pool_4k(64, 3000, 0), pool_4k(2048, 3000, PP_POOL_DEBUG),
				     pool_4k(9216, 64, PP_POOL_GAPLESS) };
	void *bufs[192], *mixed[200];
	unsigned k = 0;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pp_alloc_bulk(pp_pool_cache(pools[i]), bufs + 64 * i, 64, 0), 64);
	for (unsigned i = 0; i < 64; i++) {
		mixed[k++] = bufs[i];
		mixed[k++] = bufs[127 - i];
		mixed[k++] = bufs[128 + i];
		if (i % 8 == 0)
			mixed[k++] = NULL;
	}
	assert_int_equal(pp_free_any(mixed, k), 192);
	for (unsigned i = 0; i < 3; i++)
		pool_end(pools[i]);
}

static void test_free_any_leaves_strangers_alone_and_names_the_first(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 1024, 0);
	const struct pp_region *region = pp_pool_region(pool);
	char local, *heap = malloc(64), name[32];
	struct pp_extent extent;
	void *bufs[6];

	(void)state;
	pp_region_extent(region, &extent);
	memset(heap, 7, 64);
	bufs[0] = pp_alloc(pp_pool_cache(pool), 0);
	bufs[1] = &local;
	bufs[2] = heap;
	bufs[3] = (char *)bufs[0] + 64;               /* inside a buffer is not its address */
	bufs[4] = (char *)extent.base + extent.bytes; /* the pool's own books */
	bufs[5] = (void *)64;
	assert_int_equal(pp_free_any(bufs, 6), 1);
	snprintf(name, sizeof(name), "%p", (void *)&local);
	assert_error_names(name);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(heap[i], 7);
	free(heap);
	pool_end(pool);
}

static bool wants_more(void *buf, void *arg)
{
	(void)buf;
	(void)arg;
	return true;
}

static void test_numbers_over_the_limit_and_null_are_refused(void **state)
{
	static const unsigned flags[] = { 0, PP_TRY, PP_CRITICAL, PP_GROW, PP_WAIT };
	/* Not known to the compiler. */
	volatile unsigned most = PP_BULK_MAX;
	struct pp_pool *pool = pool_4k(2048, 1024, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	struct pp_lease *lease;
	struct pp_wait wait;
	static void *some[64];
	void **volatile hidden = some, **bufs = hidden, *list = NULL;

	(void)state;
	pp_free(cache, pp_alloc(cache, 0));
	pp_wait_for(&wait, 0);
	for (unsigned i = 0; i < 5; i++)
		for (unsigned n = most + 1; n; n = n < UINT32_MAX / 2 ? 2 * n
						   : n == UINT32_MAX  ? 0
								      : UINT32_MAX) {
			errno = 0;
			assert_int_equal(pp_alloc_bulk(cache, bufs, n, flags[i]), 0);
			assert_int_equal(errno, EINVAL);
			assert_error_names("is more than");
			assert_int_equal(pp_alloc_bulk_wait(cache, bufs, n, 0, &wait), 0);
			pp_free_bulk(cache, bufs, n);
			books_hold(pool, 0);
		}
	assert_int_equal(pp_alloc_bulk_cb(cache, 1, 0, NULL, NULL), 0);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(pp_alloc_bulk_cb(cache, 513, PP_TRY, wants_more, NULL), 0);
	assert_int_equal(pp_alloc_bulk_list(cache, NULL, 1, 0), 0);
	assert_int_equal(pp_alloc_bulk_list(cache, &list, 0, 0), 0);
	assert_int_equal(pp_alloc_bulk_fill(cache, NULL, 1, 0), 0);
	assert_int_equal(pp_pool_set_reserve(NULL, 1), -EINVAL);
	assert_int_equal(pp_reserve_lease(NULL, 1, &lease), -EINVAL);
	assert_int_equal(pp_reserve_lease(pool, 1, NULL), -EINVAL);
	assert_null(pp_lease_take(NULL));
	assert_int_equal(pp_lease_left(NULL), 0);
	assert_int_equal(pp_pool_set_watermarks(NULL, NULL), -EINVAL);
	pp_wait_cancel(NULL);
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bulk_takes_all_or_nothing),
		cmocka_unit_test(test_an_array_that_gets_none_stays_as_it_was),
		cmocka_unit_test(test_burst_takes_what_there_is),
		cmocka_unit_test(test_the_largest_n_is_just_more_than_there_is),
		cmocka_unit_test(test_none_is_none),
		cmocka_unit_test(test_every_n_gives_n_different_buffers),
		cmocka_unit_test(test_a_pool_beyond_4_gib_works_the_same),
		cmocka_unit_test(test_buffers_beyond_4_gib_keep_their_addresses),
		cmocka_unit_test(test_free_any_takes_a_mix_of_pools),
		cmocka_unit_test(test_free_any_leaves_strangers_alone_and_names_the_first),
		cmocka_unit_test(test_numbers_over_the_limit_and_null_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
