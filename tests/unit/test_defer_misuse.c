/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: what a pp_defer refuses, and that it is as before then. */
#include "grace.h"

static void test_destroy_refuses_while_a_reader_is_stuck(void **state)
{
	struct grace_clock clock = { .stuck = true };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	struct pp_defer *defer;

	(void)state;
	params.wait_us = 10000;
	defer = defer_of(&params);
	defer_things(defer, &things, 77);
	assert_int_equal(pp_defer_destroy(defer), -EBUSY);
	assert_error_names("77 objects");
	assert_int_equal(atomic_load(&things.freed), 0);
	/* It is as it was. */
	defer_things(defer, &things, 100);
	atomic_store(&clock.stuck, false);
	assert_ok(pp_defer_destroy(defer));
	assert_int_equal(atomic_load(&things.freed), 177);
}

static void test_a_place_is_free_again_after_64(void **state)
{
	struct grace_clock clock = { 0 };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	struct pp_defer *defers[64], *more = NULL;

	(void)state;
	params.keep = 1;
	for (unsigned i = 0; i < 64; i++) {
		defers[i] = defer_of(&params);
		defer_things(defers[i], &things, i);
	}
	assert_int_equal(pp_defer_create(&params, &more), -ENOSPC);
	assert_null(more);
	for (unsigned i = 0; i < 64; i++)
		assert_ok(pp_defer_destroy(defers[i]));
	assert_int_equal(atomic_load(&things.freed), 63 * 32);
	/* Whoever had a place before must not take this one for that one. */
	memset(&things, 0, sizeof(things));
	more = defer_of(&params);
	defer_things(more, &things, 100);
	defer_end(more, &things);
}

struct told {
	unsigned times;
	const void *buffer;
};

static void fault_note(struct pp_pool *of, const struct pp_fault *fault, void *arg)
{
	struct told *told = arg;

	assert_ptr_equal(of, grace_pool);
	assert_string_equal(fault->what, "double defer");
	told->buffer = fault->buffer;
	told->times++;
}

static void test_debug_mode_refuses_a_double_defer(void **state)
{
	struct grace_clock clock = { .stuck = true };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	struct told told = { 0 };
	struct thing *own, *pending;
	struct pp_defer *defer;

	(void)state;
	params.flags = PP_DEFER_DEBUG;
	params.fault = fault_note;
	params.fault_arg = &told;
	defer = defer_of(&params);
	pending = thing_make(&things);
	assert_ok(pp_defer_free(defer, pending));
	defer_things(defer, &things, PP_DEFER_SLOTS);
	own = thing_make(&things);
	assert_ok(pp_defer_free(defer, own));
	assert_int_equal(pp_defer_free(defer, own), -EALREADY);
	assert_int_equal(told.times, 1);
	assert_ptr_equal(told.buffer, own);
	/* Wherever it waits, and whoever comes with it. */
	assert_int_equal(pp_defer_free_head(defer, pending, &pending->head), -EALREADY);
	assert_int_equal(told.times, 2);
	assert_int_equal(defer_stats(defer).doubled, 2);
	atomic_store(&clock.stuck, false);
	defer_end(defer, &things);
}

static void test_what_makes_no_sense_is_refused(void **state)
{
	struct grace_clock clock = { 0 };
	struct things things = { 0 };
	const struct pp_defer_params good =
		grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	struct pp_pool *small = pool_4k(512, 64, 0);
	struct pp_grace_ops half = grace_clock_ops;
	struct pp_defer_params bad;
	struct pp_defer *defer = NULL;
	struct pp_defer_head head;
	struct thing *thing;

#define REFUSED(member, value)                                            \
	do {                                                              \
		bad = good;                                               \
		bad.member = value;                                       \
		assert_int_equal(pp_defer_create(&bad, &defer), -EINVAL); \
		assert_null(defer);                                       \
	} while (0)
	(void)state;
	assert_int_equal(pp_defer_create(NULL, &defer), -EINVAL);
	REFUSED(sz, 0);
	REFUSED(sz, sizeof(bad) + 8);
	REFUSED(name, "a name of more than 31 characters");
	REFUSED(pool, NULL);
	REFUSED(pool, small);
	assert_error_names("576 bytes");
	REFUSED(ops, NULL);
	half.done = NULL;
	REFUSED(ops, &half);
	REFUSED(free_bulk, NULL);
	REFUSED(threads, 4097);
	REFUSED(flags, 1u << 9);

	defer = defer_of(&good);
	thing = thing_make(&things);
	assert_int_equal(pp_defer_free(NULL, thing), -EINVAL);
	assert_int_equal(pp_defer_free_head(NULL, thing, &head), -EINVAL);
	assert_int_equal(pp_defer_free_head(defer, thing, NULL), -EINVAL);
	assert_int_equal(pp_defer_free(defer, NULL), 0);
	assert_int_equal(pp_defer_free_head(defer, NULL, &head), 0);
	assert_int_equal(pp_defer_barrier(NULL), -EINVAL);
	assert_int_equal(pp_defer_poll(NULL), 0);
	assert_int_equal(pp_defer_destroy(NULL), 0);
	/* Nothing of it was taken. */
	assert_int_equal(defer_stats(defer).deferred, 0);
	assert_int_equal(defer_stats(NULL).deferred, 0);
	assert_ok(pp_defer_free(defer, thing));
	defer_end(defer, &things);
	pool_end(small);
}

#define CLAIM(test) cmocka_unit_test_setup_teardown(test, grace_begin, grace_finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(test_destroy_refuses_while_a_reader_is_stuck),
		CLAIM(test_a_place_is_free_again_after_64),
		CLAIM(test_debug_mode_refuses_a_double_defer),
		CLAIM(test_what_makes_no_sense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
