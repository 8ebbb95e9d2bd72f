/* SPDX-License-Identifier: BSD-3-Clause */
/* Strangers: what is no pool, no buffer and no place for an answer is left alone, and said to be. */
#include "shelf.h"

#define FLOOR 64

static void user_none(const struct pp_mempool_user *user, void *arg)
{
	(void)user;
	(void)arg;
	fail();
}

static void test_null_is_no_handle(void **state)
{
	struct pp_mempool_stats books;
	struct pp_defer_stats defers;
	struct pp_mempool *mempool;
	struct shelf shelf;
	int here;

	(void)state;
	errno = 0;
	assert_null(pp_pool_cache(NULL));
	assert_int_equal(errno, EINVAL);
	assert_error_names("no pool");
	assert_false(pp_pool_is_low(NULL));
	assert_false(pp_marked(NULL, &here));
	assert_false(pp_mark_pass(NULL, &here, &here));
	errno = 0;
	assert_int_equal(pp_pool_collect(NULL), 0);
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_int_equal(pp_mempool_each_user(NULL, user_none, NULL), 0);
	assert_int_equal(errno, EINVAL);
	mempool = mempool_begin(&shelf, 8, 2);
	errno = 0;
	assert_int_equal(pp_mempool_each_user(mempool, NULL, NULL), 0);
	assert_int_equal(errno, EINVAL);
	errno = 0;
	pp_mempool_stats(mempool, NULL);
	assert_int_equal(errno, EINVAL);
	errno = 0;
	pp_mempool_stats(NULL, &books);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(books.out, 0);
	mempool_end(mempool, &shelf);
	errno = 0;
	pp_defer_stats(NULL, NULL);
	assert_int_equal(errno, EINVAL);
	memset(&defers, 0xa5, sizeof(defers));
	pp_defer_stats(NULL, &defers);
	assert_int_equal(defers.deferred, 0);
	assert_int_equal(pp_free_nolock(NULL, NULL, 3), 0);
}

/* By their places in memory: none of the pool's, its own books, between and inside of buffers. */
static unsigned strangers_of(struct pp_pool *pool, void **bufs, void *buf)
{
	static char far[64];
	struct pp_extent extent;

	pp_region_extent(pp_pool_region(pool), &extent);
	bufs[0] = far;
	bufs[1] = (char *)buf + 1;
	bufs[2] = (char *)buf + 64;
	bufs[3] = (void *)pool;
	bufs[4] = (char *)extent.base - 64;
	bufs[5] = (char *)extent.base + extent.bytes + 64;
	return 6;
}

static void test_what_is_no_buffer_is_not_freed_in_passing(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 1024, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	void *bufs[8], *buf = pp_alloc(cache, 0);
	unsigned n = strangers_of(pool, bufs, buf);
	uint64_t faults;

	(void)state;
	assert_int_equal(pp_free_nolock(NULL, bufs, n), 0);
	/* Those in its memory are on its record. */
	faults = stats_of(pool).sum.fault;
	assert_in_range(faults, 2, n - 1);
	books_hold(pool, 1);
	bufs[n] = buf;
	assert_int_equal(pp_free_nolock(NULL, bufs, n + 1), 1);
	books_hold(pool, 0);
	assert_int_equal(stats_of(pool).sum.fault, 2 * faults);
	assert_int_equal(pp_free_nolock(cache, &buf, 0), 0);
	assert_int_equal(pp_alloc_bulk(cache, bufs, 8, 0), 8);
	assert_int_equal(pp_free_nolock(cache, bufs, 8), 8);
	pool_end(pool);
}

static void test_what_is_no_buffer_is_not_refused(void **state)
{
	struct pp_pool_params p = params_4k(2048, 1024);
	void *all[2048], *bufs[8], *marked;
	struct pp_cache *cache;
	struct pp_pool *pool;
	unsigned n, k;

	(void)state;
	p.reserve = FLOOR;
	pool = pool_of(&p);
	cache = pp_pool_cache(pool);
	n = pp_alloc_burst(cache, all, 2048, 0);
	marked = pp_alloc(cache, PP_CRITICAL);
	assert_true(pp_marked(pool, marked));
	k = strangers_of(pool, bufs, marked);
	bufs[k] = marked;
	for (unsigned i = 0; i < k; i++)
		assert_false(pp_marked(pool, bufs[i]));
	assert_int_equal(pp_refuse_marked(cache, bufs, k + 1), k);
	assert_ptr_equal(bufs[1], (char *)marked + 1);
	assert_int_equal(stats_of(pool).sum.refused, 1);
	pp_free_bulk(cache, all, n);
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_null_is_no_handle),
		cmocka_unit_test(test_what_is_no_buffer_is_not_freed_in_passing),
		cmocka_unit_test(test_what_is_no_buffer_is_not_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
