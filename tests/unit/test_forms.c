/* SPDX-License-Identifier: BSD-3-Clause */
/* Forms: bulks that come by callback, into the gaps of an array, and as a list. */
#include "support.h"

struct taken {
	void *bufs[600];
	unsigned n, stop;
};

static bool take_one(void *buf, void *arg)
{
	struct taken *taken = arg;

	taken->bufs[taken->n++] = buf;
	return taken->n != taken->stop;
}

static void test_a_callback_gets_each_buffer_as_it_comes(void **state)
{
	struct pp_pool *pool = pool_4k(256, 512, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	struct taken taken = { .stop = 0 };

	(void)state;
	assert_int_equal(pp_alloc_bulk_cb(cache, 200, 0, take_one, &taken), 200);
	assert_int_equal(taken.n, 200);
	books_hold(pool, 200);
	assert_int_equal(pp_alloc_bulk_cb(cache, 400, 0, take_one, &taken), 312);
	books_hold(pool, 512);
	pp_free_bulk(cache, taken.bufs, taken.n);
	assert_int_equal(pp_alloc_bulk_cb(cache, 0, 0, take_one, &taken), 0);
	pool_end(pool);
}

static void test_a_callback_that_stops_keeps_what_it_was_handed(void **state)
{
	struct pp_pool *pool = pool_4k(256, 512, 0);
	struct pp_cache *cache = pp_pool_cache(pool);

	(void)state;
	for (unsigned stop = 1; stop <= 130; stop++) {
		struct taken taken = { .stop = stop };

		assert_int_equal(pp_alloc_bulk_cb(cache, 131, 0, take_one, &taken), stop);
		assert_int_equal(taken.n, stop);
		books_hold(pool, stop);
		pp_free_bulk(cache, taken.bufs, stop);
	}
	pool_end(pool);
}

static void test_fill_touches_only_what_is_null(void **state)
{
	struct pp_pool *pool = pool_4k(256, 512, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	void *bufs[600] = { NULL }, *mine[600];
	char own[600];

	(void)state;
	for (unsigned i = 0; i < 300; i += 3)
		bufs[i] = own + i;
	memcpy(mine, bufs, sizeof(bufs));
	assert_int_equal(pp_alloc_bulk_fill(cache, bufs, 300, 0), 300);
	books_hold(pool, 200);
	for (unsigned i = 0; i < 300; i++) {
		assert_non_null(bufs[i]);
		if (mine[i])
			assert_ptr_equal(bufs[i], mine[i]);
		else
			assert_true(pp_buffer_index(pp_pool_region(pool), bufs[i]) >= 0);
	}
	/* Ready already: nothing is taken, and that is n too. */
	assert_int_equal(pp_alloc_bulk_fill(cache, bufs, 300, 0), 300);
	books_hold(pool, 200);
	/* 312 are left for 300 more: again ready; then 12 for the rest. */
	assert_int_equal(pp_alloc_bulk_fill(cache, bufs, 600, 0), 600);
	books_hold(pool, 500);
	for (unsigned i = 0; i < 600; i++)
		if (pp_pool_find(bufs[i]) == pool)
			pp_free(cache, bufs[i]);
	pool_end(pool);
}

static void test_fill_says_how_far_it_came(void **state)
{
	struct pp_pool *pool = pool_4k(256, 512, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	void *bufs[600] = { NULL };
	char own;

	(void)state;
	bufs[599] = &own;
	assert_int_equal(pp_alloc_bulk_fill(cache, bufs, 600, 0), 513);
	books_hold(pool, 512);
	pp_free(cache, bufs[7]);
	bufs[7] = NULL;
	assert_int_equal(pp_alloc_bulk_fill(cache, bufs, 600, 0), 513);
	assert_non_null(bufs[7]);
	bufs[599] = NULL;
	pp_free_any(bufs, 600);
	pool_end(pool);
}

static unsigned list_length(const void *list, unsigned link)
{
	unsigned n = 0;

	for (; list; list = *(void *const *)((const char *)list + link))
		n++;
	return n;
}

static void test_a_list_goes_in_front_of_what_was_there(void **state)
{
	struct pp_pool_params params = params_4k(256, 512);
	struct pp_pool *pool;
	struct pp_cache *cache;
	void *list = NULL, *bufs[512];

	(void)state;
	params.lead = 64;
	params.link = 40;
	pool = pool_of(&params);
	cache = pp_pool_cache(pool);
	assert_int_equal(pp_alloc_bulk_list(cache, &list, 100, 0), 100);
	assert_int_equal(list_length(list, 40), 100);
	assert_int_equal(pp_alloc_bulk_list(cache, &list, 65, 0), 65);
	assert_int_equal(list_length(list, 40), 165);
	books_hold(pool, 165);
	assert_int_equal(pp_free_bulk_list(cache, list), 165);
	books_hold(pool, 0);
	assert_int_equal(pp_free_bulk_list(cache, NULL), 0);
	/* Nobody finds a stale link in a buffer that was freed. */
	for (unsigned i = 0; i < 512; i++) {
		char *buf = pp_alloc(cache, 0);

		assert_non_null(buf);
		assert_null(*(void **)(buf + 40));
		bufs[i] = buf;
	}
	pp_free_bulk(cache, bufs, 512);
	pool_end(pool);
}

static void test_a_list_comes_whole_or_not_at_all(void **state)
{
	struct pp_pool *pool = pool_4k(256, 512, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	void *list = NULL, *before;

	(void)state;
	assert_int_equal(pp_alloc_bulk_list(cache, &list, 13, 0), 13);
	before = list;
	assert_int_equal(pp_alloc_bulk_list(cache, &list, 500, 0), 0);
	assert_ptr_equal(list, before);
	assert_int_equal(list_length(list, 0), 13);
	books_hold(pool, 13);
	assert_int_equal(pp_alloc_bulk_list(cache, &list, 499, 0), 499);
	books_hold(pool, 512);
	assert_int_equal(pp_free_bulk_list(cache, list), 512);
	pool_end(pool);
}

static void test_a_link_must_be_a_place_for_a_pointer(void **state)
{
	struct pp_pool_params params = params_4k(256, 512);
	struct pp_pool *pool;

	(void)state;
	params.link = 4;
	assert_int_equal(pp_pool_create(&params, &pool), -EINVAL);
	assert_error_names("link");
	params.link = 256;
	assert_int_equal(pp_pool_create(&params, &pool), -EINVAL);
	params.link = 192;
	params.lead = 64;
	assert_int_equal(pp_pool_create(&params, &pool), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_callback_gets_each_buffer_as_it_comes),
		cmocka_unit_test(test_a_callback_that_stops_keeps_what_it_was_handed),
		cmocka_unit_test(test_fill_touches_only_what_is_null),
		cmocka_unit_test(test_fill_says_how_far_it_came),
		cmocka_unit_test(test_a_list_goes_in_front_of_what_was_there),
		cmocka_unit_test(test_a_list_comes_whole_or_not_at_all),
		cmocka_unit_test(test_a_link_must_be_a_place_for_a_pointer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
