/* SPDX-License-Identifier: BSD-3-Clause */
/* Mempool: what it takes, keeps, refuses and gives back, by one thread. */
#include "shelf.h"

#define SIZE 40
#define KEPT 16

static void none_here(struct pp_mempool *mempool, void **elems, unsigned n, unsigned flags,
		      int error)
{
	errno = 0;
	assert_int_equal(pp_mempool_alloc_bulk(mempool, elems, n, flags, NULL), 0);
	assert_int_equal(errno, error);
}

static void all_here(struct pp_mempool *mempool, void **elems, unsigned n, unsigned flags)
{
	assert_int_equal(pp_mempool_alloc_bulk(mempool, elems, n, flags, NULL), n);
}

/* The shelf would end the program if it got back what it had not given. */
static void test_every_element_comes_and_goes_by_the_callbacks(void **state)
{
	static const uint32_t sizes[] = { 3, 16, 1, 0, 40, 12, 0, 7 };
	struct pp_mempool *mempool;
	struct shelf shelf;

	(void)state;
	mempool = mempool_begin(&shelf, SIZE, KEPT);
	assert_int_equal(shelf_out(&shelf), KEPT);
	for (unsigned i = 0; i < 8; i++) {
		assert_ok(pp_mempool_resize(mempool, sizes[i]));
		assert_int_equal(mempool_stats(mempool).kept, sizes[i]);
		mempool_books(mempool, &shelf, 0);
	}
	mempool_end(mempool, &shelf);
}

static void test_what_cannot_be_filled_is_not_made(void **state)
{
	struct pp_mempool_params params = { .sz = sizeof(params), .ops = &shelf_ops };
	struct pp_mempool *mempool = (void *)1;
	struct shelf shelf;

	(void)state;
	shelf_make(&shelf, SIZE);
	params.backing = &shelf;
	params.min_nr = SIZE + 1;
	assert_int_equal(pp_mempool_create(&params, &mempool), -ENOMEM);
	assert_null(mempool);
	assert_error_names("40 of 41");
	assert_int_equal(shelf_out(&shelf), 0);
	/* With effort it may be. */
	shelf.high = SIZE;
	params.min_nr = SIZE;
	assert_ok(pp_mempool_create(&params, &mempool));
	mempool_end(mempool, &shelf);
}

static void test_more_than_min_nr_is_an_error(void **state)
{
	struct pp_mempool *mempool;
	struct shelf shelf;
	void *elems[SIZE];

	(void)state;
	mempool = mempool_begin(&shelf, SIZE, KEPT);
	none_here(mempool, elems, KEPT + 1, 0, EINVAL);
	assert_error_names("17 elements are more than min_nr: 16");
	none_here(mempool, elems, KEPT + 1, PP_GROW | PP_WAIT, EINVAL);
	all_here(mempool, elems, KEPT, 0);
	pp_mempool_free_bulk(mempool, elems, KEPT);
	mempool_end(mempool, &shelf);
}

static bool take_it(void *elem, void *arg)
{
	(void)elem;
	(void)arg;
	return true;
}

static void test_what_is_wrong_is_refused_and_the_books_stay(void **state)
{
	struct pp_mempool *mempool;
	struct shelf shelf;
	void *elems[SIZE];

	(void)state;
	mempool = mempool_begin(&shelf, SIZE, KEPT);
	none_here(mempool, elems, 0, 0, EINVAL);
	none_here(mempool, elems, PP_MEMPOOL_MAX + 1, 0, EINVAL);
	none_here(mempool, elems, 1, PP_TRY, EINVAL);
	none_here(mempool, elems, 1, 1u << 20, EINVAL);
	none_here(mempool, NULL, 1, 0, EINVAL);
	none_here(NULL, elems, 1, 0, EINVAL);
	assert_int_equal(pp_mempool_alloc_bulk_cb(mempool, 1, 0, NULL, NULL, NULL), 0);
	assert_int_equal(pp_mempool_alloc_bulk_cb(mempool, 0, 0, NULL, take_it, NULL), 0);
	assert_int_equal(pp_mempool_resize(mempool, PP_MEMPOOL_MAX + 1), -EINVAL);
	assert_int_equal(pp_mempool_resize(NULL, 1), -EINVAL);
	assert_ok(pp_mempool_destroy(NULL));
	mempool_books(mempool, &shelf, 0);

	all_here(mempool, elems, 4, 0);
	elems[4] = NULL;
	errno = 0;
	assert_int_equal(pp_mempool_free_bulk(mempool, elems, 5), 0);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(pp_mempool_free_bulk(mempool, NULL, 4), 0);
	assert_int_equal(pp_mempool_free_bulk(NULL, elems, 4), 0);
	assert_int_equal(pp_mempool_free_bulk(mempool, elems, 0), 0);
	elems[4] = elems[0];
	assert_int_equal(pp_mempool_free_bulk(mempool, elems, 5), 0);
	assert_error_names("more than are out");
	mempool_books(mempool, &shelf, 4);
	pp_mempool_free_bulk(mempool, elems, 4);
	/* Freed twice: nothing is out. */
	errno = 0;
	assert_int_equal(pp_mempool_free_bulk(mempool, elems, 4), 0);
	assert_int_equal(errno, EINVAL);
	mempool_end(mempool, &shelf);
}

static void test_wrong_parameters_are_refused(void **state)
{
	static const struct pp_mempool_ops lame = { .alloc_bulk = NULL };
	struct pp_mempool_params good = { sizeof(good), "x", &shelf_ops, NULL, 0, 0 }, bad[8];
	struct pp_mempool *mempool;

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		bad[i] = good;
	bad[0].sz = 0;
	bad[1].sz = sizeof(good) + 8;
	bad[2].name = "";
	bad[3].name = "a name that is longer than thirty-one";
	bad[4].ops = &lame;
	bad[5].min_nr = PP_MEMPOOL_MAX + 1;
	bad[6].ops = &pp_mempool_pool;
	bad[7].ops = &pp_mempool_malloc;
	for (unsigned i = 0; i < 8; i++) {
		mempool = (void *)1;
		assert_int_equal(pp_mempool_create(&bad[i], &mempool), -EINVAL);
		assert_null(mempool);
	}
	assert_int_equal(pp_mempool_create(NULL, &mempool), -EINVAL);
	assert_int_equal(pp_mempool_create(&good, NULL), -EINVAL);
}

static void test_backing_then_reserve_then_effort(void **state)
{
	struct pp_mempool *mempool;
	struct shelf shelf;
	void *elems[64];

	(void)state;
	mempool = mempool_begin(&shelf, SIZE, KEPT);
	shelf.high = 8; /* 16 at hand, 8 with effort */
	shelf.asked = shelf.effort = 0;

	/* At hand: neither reserve nor effort. */
	all_here(mempool, elems, 12, PP_GROW);
	assert_int_equal(mempool_stats(mempool).kept, KEPT);
	assert_int_equal(mempool_stats(mempool).drawn, 0);
	/* 4 at hand: the remainder is the reserve's. */
	all_here(mempool, elems + 12, 10, PP_GROW);
	assert_int_equal(mempool_stats(mempool).kept, KEPT - 6);
	assert_int_equal(mempool_stats(mempool).drawn, 6);
	assert_int_equal(shelf.asked, 2);
	assert_int_equal(shelf.effort, 0);
	/* 10 kept are not 11: not without effort, and with it they stay. */
	none_here(mempool, elems + 22, 11, 0, EAGAIN);
	assert_int_equal(mempool_stats(mempool).kept, KEPT - 6);
	all_here(mempool, elems + 22, 16, PP_GROW);
	assert_int_equal(shelf.effort, 1);
	assert_int_equal(shelf_out(&shelf), SIZE);
	assert_int_equal(mempool_stats(mempool).kept, 2);
	mempool_books(mempool, &shelf, 38);
	pp_mempool_free_bulk(mempool, elems, 38);
	mempool_end(mempool, &shelf);
}

/* What the backing had refills the reserve, rather than nothing. */
static void test_what_was_not_enough_goes_back(void **state)
{
	struct pp_mempool *mempool;
	struct shelf shelf;
	void *elems[SIZE], *more[KEPT];

	(void)state;
	mempool = mempool_begin(&shelf, SIZE, KEPT);
	shelf.high = 24;
	all_here(mempool, elems, KEPT, 0);
	assert_int_equal(mempool_stats(mempool).kept, 0);
	shelf.high = 20; /* 4 at hand */
	none_here(mempool, more, 5, 0, EAGAIN);
	assert_int_equal(mempool_stats(mempool).kept, 4);
	mempool_books(mempool, &shelf, KEPT);
	none_here(mempool, more, 5, 0, EAGAIN);
	assert_int_equal(mempool_stats(mempool).kept, 4);
	pp_mempool_free_bulk(mempool, elems, KEPT);
	mempool_end(mempool, &shelf);
}

static void test_a_free_refills_the_reserve_first(void **state)
{
	struct pp_mempool *mempool;
	struct shelf shelf;
	void *elems[SIZE];

	(void)state;
	mempool = mempool_begin(&shelf, SIZE, KEPT);
	for (unsigned i = 0; i < SIZE; i += 8)
		all_here(mempool, elems + i, 8, 0);
	assert_int_equal(mempool_stats(mempool).kept, 0);
	assert_int_equal(pp_mempool_free_bulk(mempool, elems, 10), 10);
	assert_int_equal(shelf.given, 0);
	assert_int_equal(pp_mempool_free_bulk(mempool, elems + 10, 10), 6);
	assert_int_equal(mempool_stats(mempool).kept, KEPT);
	assert_int_equal(pp_mempool_free_bulk(mempool, elems + 20, 20), 0);
	mempool_end(mempool, &shelf);
}

static void test_a_minimum_of_zero_takes_any_n(void **state)
{
	struct pp_mempool *mempool;
	struct shelf shelf;
	void *elems[SIZE + 1];

	(void)state;
	mempool = mempool_begin(&shelf, SIZE, 0);
	none_here(mempool, elems, SIZE + 1, PP_GROW, EAGAIN);
	mempool_books(mempool, &shelf, 0);
	all_here(mempool, elems, SIZE, 0);
	assert_int_equal(pp_mempool_free_bulk(mempool, elems, SIZE), 0);
	mempool_end(mempool, &shelf);
}

static void test_resize_below_and_above_what_is_out(void **state)
{
	struct pp_mempool *mempool;
	struct shelf shelf;
	void *elems[SIZE];

	(void)state;
	mempool = mempool_begin(&shelf, SIZE, KEPT);
	shelf.high = 24;
	all_here(mempool, elems, KEPT, 0); /* all of the reserve */
	assert_ok(pp_mempool_resize(mempool, 4));
	mempool_books(mempool, &shelf, KEPT);
	assert_int_equal(pp_mempool_free_bulk(mempool, elems, 8), 4);
	/* 8 out and 4 kept: 28 more is all there is. */
	assert_int_equal(pp_mempool_resize(mempool, 33), -ENOMEM);
	assert_int_equal(mempool_stats(mempool).min_nr, 4);
	mempool_books(mempool, &shelf, 8);
	assert_ok(pp_mempool_resize(mempool, 32));
	assert_int_equal(mempool_stats(mempool).kept, 32);
	assert_int_equal(shelf_out(&shelf), SIZE);
	assert_int_equal(pp_mempool_free_bulk(mempool, elems + 8, 8), 0);
	mempool_end(mempool, &shelf);
}

static void test_destroy_with_elements_out_frees_nothing(void **state)
{
	struct pp_mempool *mempool;
	struct shelf shelf;
	void *elem;

	(void)state;
	mempool = mempool_begin(&shelf, SIZE, KEPT);
	all_here(mempool, &elem, 1, 0);
	assert_int_equal(pp_mempool_destroy(mempool), -EBUSY);
	assert_error_names("1 elements are out");
	assert_int_equal(shelf_out(&shelf), KEPT + 1);
	mempool_books(mempool, &shelf, 1);
	pp_mempool_free_bulk(mempool, &elem, 1);
	mempool_end(mempool, &shelf);
}

struct taken {
	void *elems[300];
	unsigned n, most;
};

static bool take_some(void *elem, void *arg)
{
	struct taken *taken = arg;

	taken->elems[taken->n++] = elem;
	return taken->n < taken->most;
}

static void test_a_callback_gets_all_or_stops_it(void **state)
{
	struct pp_mempool *mempool;
	struct taken taken = { .most = 300 };
	struct shelf shelf;

	(void)state;
	mempool = mempool_begin(&shelf, 300, 300);
	assert_int_equal(pp_mempool_alloc_bulk_cb(mempool, 300, 0, NULL, take_some, &taken), 300);
	assert_int_equal(pp_mempool_alloc_bulk_cb(mempool, 1, 0, NULL, take_some, &taken), 0);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(taken.n, 300);
	pp_mempool_free_bulk(mempool, taken.elems, 300);
	taken = (struct taken){ .most = 7 };
	assert_int_equal(pp_mempool_alloc_bulk_cb(mempool, 20, 0, NULL, take_some, &taken), 7);
	mempool_books(mempool, &shelf, 7);
	pp_mempool_free_bulk(mempool, taken.elems, 7);
	mempool_end(mempool, &shelf);
}

static void test_failures_at_any_point_leave_the_books_balanced(void **state)
{
	struct pp_mempool *mempool;
	uint64_t seed = 7, out = 0;
	struct shelf shelf;
	void *elems[SIZE];

	(void)state;
	mempool = mempool_begin(&shelf, SIZE, 8);
	shelf_fails(&shelf, 60);
	for (unsigned i = 0; i < 200000; i++) {
		unsigned n = random_next(&seed) % 8 + 1;

		if (random_next(&seed) % 2 && out + n <= SIZE)
			out += pp_mempool_alloc_bulk(mempool, elems + out, n,
						     random_next(&seed) % 2 ? PP_GROW : 0, NULL);
		else if (out) {
			n = n < out ? n : (unsigned)out;
			out -= n;
			pp_mempool_free_bulk(mempool, elems + out, n);
		}
		if (i % 64 == 0) {
			int rc = pp_mempool_resize(mempool, 1 + random_next(&seed) % 20);

			assert_true(rc == 0 || rc == -ENOMEM);
		}
		mempool_books(mempool, &shelf, out);
	}
	assert_true(mempool_stats(mempool).drawn > 1000);
	if (out)
		pp_mempool_free_bulk(mempool, elems, (unsigned)out);
	mempool_end(mempool, &shelf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_element_comes_and_goes_by_the_callbacks),
		cmocka_unit_test(test_what_cannot_be_filled_is_not_made),
		cmocka_unit_test(test_more_than_min_nr_is_an_error),
		cmocka_unit_test(test_what_is_wrong_is_refused_and_the_books_stay),
		cmocka_unit_test(test_wrong_parameters_are_refused),
		cmocka_unit_test(test_backing_then_reserve_then_effort),
		cmocka_unit_test(test_what_was_not_enough_goes_back),
		cmocka_unit_test(test_a_free_refills_the_reserve_first),
		cmocka_unit_test(test_a_minimum_of_zero_takes_any_n),
		cmocka_unit_test(test_resize_below_and_above_what_is_out),
		cmocka_unit_test(test_destroy_with_elements_out_frees_nothing),
		cmocka_unit_test(test_a_callback_gets_all_or_stops_it),
		cmocka_unit_test(test_failures_at_any_point_leave_the_books_balanced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
