/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: callbacks of watermarks that a pp_defer's own calls have crossed. */
#include "grace.h"

static void *drained[GRACE_BUFFERS];

/* What a flow table does that evicts when its pool runs low. */
struct evictor {
	struct pp_defer *defer;
	struct things *things;
	unsigned evicts, told;
	bool heads;
};

static void evict(struct pp_pool *of, bool low, void *arg)
{
	struct evictor *evictor = arg;

	assert_ptr_equal(of, grace_pool);
	evictor->told += low;
	for (unsigned i = 0; low && i < evictor->evicts; i++) {
		struct thing *thing = thing_make(evictor->things);

		MUST(!(evictor->heads ? pp_defer_free_head(evictor->defer, thing, &thing->head)
				      : pp_defer_free(evictor->defer, thing)));
	}
}

static uint32_t free_now(void)
{
	struct pp_stats s = stats_of(grace_pool);

	return (uint32_t)(s.fresh + s.cached + s.deques + s.depot);
}

/* The block that is to be fetched is the one by which the pool runs low. */
static void evicted_while_a_block_is_fetched(unsigned evicts, bool heads)
{
	struct grace_clock clock = { .stuck = true };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	struct evictor evictor = { .things = &things, .evicts = evicts, .heads = heads };
	struct pp_watermarks marks = { .fn = evict, .arg = &evictor };
	unsigned n;

	params.keep = 1;
	evictor.defer = defer_of(&params);
	/* Nothing for PP_TRY, and the one that is kept gets full. */
	n = pool_drain(grace_pool, drained, GRACE_BUFFERS);
	pp_pool_free(grace_pool, drained, n);
	defer_things(evictor.defer, &things, PP_DEFER_SLOTS);
	marks.low = marks.high = free_now();
	assert_ok(pp_pool_set_watermarks(grace_pool, &marks));
	defer_things(evictor.defer, &things, 1);
	assert_int_equal(evictor.told, 1);
	defer_things(evictor.defer, &things, 200);
	atomic_store(&clock.stuck, false);
	defer_end(evictor.defer, &things);
	marks.low = marks.high = 0;
	assert_ok(pp_pool_set_watermarks(grace_pool, &marks));
}

static void test_what_is_evicted_while_a_block_is_fetched_is_not_lost(void **state)
{
	(void)state;
	/* One; as many as make a block full, and more; by their heads, too. */
	for (unsigned heads = 0; heads < 2; heads++) {
		evicted_while_a_block_is_fetched(1, heads);
		evicted_while_a_block_is_fetched(PP_DEFER_SLOTS, heads);
		evicted_while_a_block_is_fetched(3 * PP_DEFER_SLOTS + 5, heads);
	}
}

/* As a pp_defer of its own for what is evicted. */
static void make_and_end(struct pp_pool *of, bool low, void *arg)
{
	struct evictor *evictor = arg;
	struct grace_clock clock = { 0 };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(of, &grace_clock_ops, &clock, &things);
	struct pp_defer *defer;

	if (low)
		return;
	evictor->told++;
	MUST(!pp_defer_create(&params, &defer));
	MUST(!pp_defer_destroy(defer));
}

/* Ends with an empty block beside the one that is kept for all: it goes back to
 * the pool. */
static void *fill_and_end(void *arg)
{
	struct evictor *evictor = arg;
	struct pp_watermarks marks = { .fn = make_and_end, .arg = evictor };

	defer_things(evictor->defer, evictor->things, PP_DEFER_SLOTS);
	pp_defer_poll(evictor->defer);
	marks.low = marks.high = free_now() + 1;
	MUST(!pp_pool_set_watermarks(grace_pool, &marks));
	MUST(pp_pool_is_low(grace_pool));
	return NULL;
}

static void test_a_thread_that_ends_holds_no_lock_that_a_callback_takes(void **state)
{
	struct grace_clock clock = { .ended = UINT64_MAX / 2 };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	struct pp_watermarks none = { 0 };
	struct evictor evictor = { .things = &things };

	(void)state;
	params.keep = 1;
	evictor.defer = defer_of(&params);
	thread_do(fill_and_end, &evictor);
	/* Now, or when somebody polls. */
	pp_defer_poll(evictor.defer);
	assert_false(pp_pool_is_low(grace_pool));
	assert_int_equal(evictor.told, 1);
	assert_ok(pp_pool_set_watermarks(grace_pool, &none));
	defer_end(evictor.defer, &things);
}

/* Each in a pool of its own: what lies in its caches counts. */
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, grace_begin, grace_finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(test_what_is_evicted_while_a_block_is_fetched_is_not_lost),
		CLAIM(test_a_thread_that_ends_holds_no_lock_that_a_callback_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
