/* SPDX-License-Identifier: BSD-3-Clause */
/* Mempool-misuse: what is freed twice, and resized within its own resizing. */
#include "shelf.h"

#define SIZE 40
#define KEPT 16

static struct pp_mempool *debug_on(struct shelf *shelf, uint32_t flags)
{
	struct pp_mempool_params params = {
		.sz = sizeof(params), .ops = &shelf_ops, .min_nr = KEPT, .flags = flags
	};
	struct pp_mempool *mempool;

	shelf_make(shelf, SIZE);
	params.backing = shelf;
	assert_ok(pp_mempool_create(&params, &mempool));
	return mempool;
}

static void refused(struct pp_mempool *mempool, void **elems, unsigned n)
{
	errno = 0;
	assert_int_equal(pp_mempool_free_bulk(mempool, elems, n), 0);
	assert_int_equal(errno, EINVAL);
	assert_error_names("double free of");
}

static void test_what_is_kept_is_not_kept_twice(void **state)
{
	void *elems[SIZE], *twice[3];
	struct pp_mempool *mempool;
	struct shelf shelf;

	(void)state;
	mempool = debug_on(&shelf, PP_MEMPOOL_DEBUG);
	/* All there are, so that those which come back are kept. */
	for (unsigned i = 0; i < SIZE; i += 8)
		assert_int_equal(pp_mempool_alloc_bulk(mempool, elems + i, 8, 0, NULL), 8);
	assert_int_equal(pp_mempool_free_bulk(mempool, elems, 1), 1);
	refused(mempool, elems, 1);
	/* With others, and twice in one call: none of them is freed. */
	refused(mempool, elems, 5);
	twice[0] = twice[2] = elems[1];
	twice[1] = elems[2];
	refused(mempool, twice, 3);
	mempool_books(mempool, &shelf, SIZE - 1);
	assert_int_equal(mempool_stats(mempool).doubled, 3);
	/* Once more out, it may be freed once more. */
	assert_int_equal(pp_mempool_alloc_bulk(mempool, twice, 1, 0, NULL), 1);
	assert_ptr_equal(twice[0], elems[0]);
	assert_int_equal(pp_mempool_free_bulk(mempool, elems, SIZE), KEPT);
	assert_int_equal(mempool_stats(mempool).doubled, 3);
	mempool_end(mempool, &shelf);
}

static void test_unknown_flags_are_refused(void **state)
{
	struct pp_mempool_params params = { .sz = sizeof(params), .ops = &shelf_ops, .flags = 2 };
	struct pp_mempool *mempool;

	(void)state;
	assert_int_equal(pp_mempool_create(&params, &mempool), -EINVAL);
	assert_error_names("flags 0x2");
}

static struct pp_mempool *resized;
static int resizes[2];

/* As a callback of a pool's watermarks would that makes it smaller when that runs low. */
static unsigned resizing_alloc(void *backing, void **elems, unsigned n, unsigned flags)
{
	if (resized)
		resizes[0] = pp_mempool_resize(resized, 1);
	return shelf_ops.alloc_bulk(backing, elems, n, flags);
}

static void resizing_free(void *backing, void *const *elems, unsigned n)
{
	if (resized)
		resizes[1] = pp_mempool_resize(resized, 1);
	shelf_ops.free_bulk(backing, elems, n);
}

static void test_a_resize_within_a_resize_is_refused(void **state)
{
	const struct pp_mempool_ops ops = { resizing_alloc, resizing_free, NULL };
	struct pp_mempool_params params = { .sz = sizeof(params), .ops = &ops, .min_nr = 8 };
	struct pp_mempool *mempool;
	struct shelf shelf;

	(void)state;
	shelf_make(&shelf, SIZE);
	params.backing = &shelf;
	assert_ok(pp_mempool_create(&params, &mempool));
	resized = mempool;
	assert_ok(pp_mempool_resize(mempool, KEPT));
	assert_int_equal(resizes[0], -EDEADLK);
	assert_ok(pp_mempool_resize(mempool, 4));
	assert_int_equal(resizes[1], -EDEADLK);
	assert_int_equal(mempool_stats(mempool).kept, 4);
	resized = NULL;
	mempool_end(mempool, &shelf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_kept_is_not_kept_twice),
		cmocka_unit_test(test_unknown_flags_are_refused),
		cmocka_unit_test(test_a_resize_within_a_resize_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
