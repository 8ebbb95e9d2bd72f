/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: objects are freed after their grace period, by the block, and with whatever there is left. */
#include "grace.h"

#include <pthread.h>
#include <unistd.h>

static void *drained[GRACE_BUFFERS];

static void defer_heads(struct pp_defer *defer, struct things *things, unsigned n)
{
	while (n--) {
		struct thing *thing = thing_make(things);

		MUST(pp_defer_free_head(defer, thing, &thing->head) == 0);
	}
}

struct reading {
	struct grace_epoch *epoch;
	_Atomic(struct thing *) *place;
	_Atomic bool has, leave;
};

static void *reader_run(void *arg)
{
	struct reading *reading = arg;
	struct thing *thing;

	grace_epoch_enter(reading->epoch, 3);
	thing = atomic_load(reading->place);
	atomic_store(&reading->has, true);
	while (!atomic_load(&reading->leave)) {
		/* Freed, this is another value, or ASan's business. */
		MUST(*(volatile uint64_t *)&thing->value == THING_LIVES);
		usleep(100);
	}
	grace_epoch_leave(reading->epoch, 3);
	return NULL;
}

static void test_nothing_is_freed_under_a_reader(void **state)
{
	struct grace_epoch epoch = { 0 };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_epoch_ops, &epoch, &things);
	struct pp_defer *defer = defer_of(&params);
	_Atomic(struct thing *) place = thing_make(&things);
	struct reading reading = { .epoch = &epoch, .place = &place };
	pthread_t reader;

	(void)state;
	assert_int_equal(pthread_create(&reader, NULL, reader_run, &reading), 0);
	while (!atomic_load(&reading.has))
		usleep(100);
	assert_ok(pp_defer_free(defer, atomic_exchange(&place, NULL)));
	defer_things(defer, &things, 500);
	defer_heads(defer, &things, 500);
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(pp_defer_poll(defer), 0);
		usleep(200);
	}
	assert_int_equal(atomic_load(&things.freed), 0);
	atomic_store(&reading.leave, true);
	pthread_join(reader, NULL);
	/* Without a barrier: three polls find all of it due. */
	for (unsigned i = 0; i < 3; i++)
		pp_defer_poll(defer);
	assert_int_equal(atomic_load(&things.freed), 1001);
	defer_end(defer, &things);
}

static void test_a_whole_block_is_freed_by_one_call(void **state)
{
	struct grace_clock clock = { 0 };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	struct pp_defer *defer = defer_of(&params);

	(void)state;
	defer_things(defer, &things, PP_DEFER_SLOTS);
	assert_int_equal(defer_stats(defer).grace_periods, 1);
	grace_clock_end(&clock);
	assert_int_equal(pp_defer_poll(defer), PP_DEFER_SLOTS);
	assert_int_equal(atomic_load(&things.calls), 1);
	defer_things(defer, &things, 10 * PP_DEFER_SLOTS);
	grace_clock_end(&clock);
	assert_int_equal(pp_defer_poll(defer), 10 * PP_DEFER_SLOTS);
	assert_int_equal(atomic_load(&things.calls), 11);
	assert_int_equal(atomic_load(&things.smallest), PP_DEFER_SLOTS);
	assert_int_equal(defer_stats(defer).grace_periods, 11);
	assert_int_equal(defer_stats(defer).blocks, 11);
	defer_end(defer, &things);
}

static void test_an_emptied_block_is_filled_again(void **state)
{
	struct grace_clock clock = { .ended = UINT64_MAX };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	struct pp_defer *defer = defer_of(&params);
	struct pp_defer_stats stats;

	(void)state;
	/* Every grace period is over at once: no more than a block and the kept ones. */
	defer_things(defer, &things, 1000 * PP_DEFER_SLOTS);
	stats = defer_stats(defer);
	assert_int_equal(stats.freed, 1000 * PP_DEFER_SLOTS);
	assert_int_equal(stats.recycled, 1000);
	assert_int_equal(stats.tried + stats.grown, 0);
	assert_true(stats_of(grace_pool).in_flight <= 9);
	defer_end(defer, &things);
}

static void test_blocks_come_in_this_order(void **state)
{
	struct grace_clock clock = { .stuck = true };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	struct pp_cache *cache = pp_pool_cache(grace_pool);
	struct pp_defer *defer;
	unsigned n;

	(void)state;
	params.keep = 2;
	defer = defer_of(&params);
	assert_int_equal(defer_stats(defer).kept, 2);
	/* Three in the current block for PP_TRY to find, and no more. */
	n = pool_drain(grace_pool, drained, GRACE_BUFFERS);
	pp_pool_free(grace_pool, drained, n - 3);
	pp_free_bulk(cache, drained + n - 3, 3);
	defer_things(defer, &things, 3 * PP_DEFER_SLOTS);
	assert_int_equal(defer_stats(defer).tried, 3);
	assert_int_equal(defer_stats(defer).recycled, 0);
	/* Then those that were kept, whichever the form. */
	defer_things(defer, &things, PP_DEFER_SLOTS);
	defer_heads(defer, &things, PP_DEFER_SLOTS);
	assert_int_equal(defer_stats(defer).recycled, 2);
	assert_int_equal(defer_stats(defer).kept, 0);
	/* Then the head, or the pool the long way for who may. */
	defer_heads(defer, &things, 1);
	assert_int_equal(defer_stats(defer).to_head, 1);
	defer_things(defer, &things, 1);
	assert_int_equal(defer_stats(defer).grown, 1);
	assert_int_equal(defer_stats(defer).to_wait, 0);
	assert_int_equal(atomic_load(&clock.waits), 0);
	/* Then, with the pool empty, waiting; an emptied block comes first again. */
	defer_things(defer, &things, PP_DEFER_SLOTS - 1);
	n = pool_drain(grace_pool, drained, GRACE_BUFFERS);
	atomic_store(&clock.stuck, false);
	defer_things(defer, &things, 1);
	assert_int_equal(defer_stats(defer).to_wait, 1);
	assert_int_equal(atomic_load(&clock.waits), 1);
	defer_things(defer, &things, 1);
	assert_int_equal(defer_stats(defer).to_wait, 1);
	assert_int_equal(defer_stats(defer).recycled, 3);
	pp_free_bulk(cache, drained, n);
	defer_end(defer, &things);
}

/* With 0 free buffers from the first to the last. */
static void test_an_empty_pool_leaves_the_heads(void **state)
{
	struct grace_clock clock = { .stuck = true };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	unsigned n = pool_drain(grace_pool, drained, GRACE_BUFFERS);
	struct pp_defer *defer = defer_of(&params);

	(void)state;
	assert_int_equal(n, GRACE_BUFFERS);
	assert_int_equal(defer_stats(defer).kept, 0);
	defer_heads(defer, &things, 1000);
	assert_int_equal(defer_stats(defer).to_head, 1000);
	assert_int_equal(pp_defer_poll(defer), 0);
	/* The first waits for the first grace period, all others for the second. */
	grace_clock_end(&clock);
	assert_int_equal(pp_defer_poll(defer), 1);
	assert_int_equal(pp_defer_poll(defer), 0);
	grace_clock_end(&clock);
	assert_int_equal(pp_defer_poll(defer), 999);
	assert_int_equal(atomic_load(&things.largest), PP_DEFER_SLOTS);
	assert_int_equal(atomic_load(&things.calls), 1 + (999 + 63) / 64);
	/* By themselves, too, without a poll. */
	atomic_store(&clock.ended, UINT64_MAX / 2);
	defer_heads(defer, &things, 1000);
	assert_true(atomic_load(&things.freed) > 1900);
	assert_int_equal(atomic_load(&clock.waits), 0);
	atomic_store(&clock.stuck, false);
	defer_end(defer, &things);
	assert_int_equal(stats_of(grace_pool).in_flight, GRACE_BUFFERS);
	pp_free_bulk(pp_pool_cache(grace_pool), drained, n);
}

static void test_an_empty_pool_makes_one_argument_wait(void **state)
{
	struct grace_clock clock = { 0 };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	unsigned n = pool_drain(grace_pool, drained, GRACE_BUFFERS);
	struct pp_defer *defer = defer_of(&params);

	(void)state;
	for (unsigned i = 1; i <= 100; i++) {
		defer_things(defer, &things, 1);
		assert_int_equal(atomic_load(&things.freed), i);
		assert_int_equal(atomic_load(&clock.waits), i);
	}
	assert_int_equal(defer_stats(defer).to_wait, 100);
	defer_end(defer, &things);
	pp_free_bulk(pp_pool_cache(grace_pool), drained, n);
}

struct filling {
	struct pp_defer *defer;
	struct things *things;
	unsigned n;
	pthread_barrier_t done;
};

static void *filler_run(void *arg)
{
	struct filling *filling = arg;

	defer_things(filling->defer, filling->things, filling->n);
	return NULL;
}

/* Fills, is looked at, and goes on. */
static void *filler_stay(void *arg)
{
	struct filling *filling = arg;

	for (unsigned i = 0; i < 2; i++) {
		defer_things(filling->defer, filling->things, filling->n);
		pthread_barrier_wait(&filling->done);
		pthread_barrier_wait(&filling->done);
	}
	return NULL;
}

static void test_polls_flush_what_fills_slowly(void **state)
{
	struct grace_clock clock = { 0 };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	struct filling filling = { .things = &things, .n = 5 };
	pthread_t thread;

	(void)state;
	filling.defer = defer_of(&params);
	pthread_barrier_init(&filling.done, NULL, 2);
	pthread_create(&thread, NULL, filler_stay, &filling);
	for (unsigned i = 1; i <= 2; i++) {
		pthread_barrier_wait(&filling.done);
		/* Seen; still the same block, so its grace period begins; over. */
		if (i == 1)
			assert_int_equal(pp_defer_poll(filling.defer), 0);
		grace_clock_end(&clock);
		assert_int_equal(pp_defer_poll(filling.defer), 0);
		assert_int_equal(pp_defer_poll(filling.defer), 0);
		grace_clock_end(&clock);
		assert_int_equal(pp_defer_poll(filling.defer), 5);
		assert_int_equal(defer_stats(filling.defer).flushed, i);
		pthread_barrier_wait(&filling.done);
	}
	pthread_join(thread, NULL);
	assert_int_equal(defer_stats(filling.defer).deferred, 10);
	defer_end(filling.defer, &things);
	pthread_barrier_destroy(&filling.done);
}

static void test_what_comes_after_its_beginning_waits_for_the_next(void **state)
{
	struct grace_clock clock = { 0 };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	struct pp_defer *defer = defer_of(&params);

	(void)state;
	defer_things(defer, &things, 5);
	pp_defer_poll(defer);
	pp_defer_poll(defer);
	defer_things(defer, &things, 3);
	grace_clock_end(&clock);
	assert_int_equal(pp_defer_poll(defer), 5);
	assert_int_equal(pp_defer_poll(defer), 0);
	/* Full before its second grace period is over: the rest goes with the block. */
	defer_things(defer, &things, PP_DEFER_SLOTS - 8);
	assert_int_equal(pp_defer_poll(defer), 0);
	grace_clock_end(&clock);
	assert_int_equal(pp_defer_poll(defer), PP_DEFER_SLOTS - 5);
	assert_int_equal(atomic_load(&things.calls), 2);
	defer_end(defer, &things);
}

static void test_polls_do_not_cut_up_what_fills_fast(void **state)
{
	struct grace_clock clock = { .ended = UINT64_MAX / 2 };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	struct pp_defer *defer = defer_of(&params);

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		defer_things(defer, &things, 100);
		pp_defer_poll(defer);
	}
	assert_int_equal(defer_stats(defer).flushed, 0);
	assert_int_equal(atomic_load(&things.smallest), PP_DEFER_SLOTS);
	defer_end(defer, &things);
}

static void test_a_thread_that_ends_leaves_its_block(void **state)
{
	struct grace_clock clock = { 0 };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	struct filling filling = { .things = &things, .n = PP_DEFER_SLOTS + 10 };

	(void)state;
	params.threads = 1;
	filling.defer = defer_of(&params);
	/* One after another in the only place. */
	for (unsigned i = 1; i <= 5; i++) {
		thread_do(filler_run, &filling);
		assert_int_equal(defer_stats(filling.defer).threads, 0);
		grace_clock_end(&clock);
		assert_int_equal(pp_defer_poll(filling.defer), filling.n);
		assert_int_equal(atomic_load(&things.calls), 2 * i);
		assert_int_equal(defer_stats(filling.defer).recycled, 2 * i);
	}
	assert_int_equal(defer_stats(filling.defer).to_wait, 0);
	defer_end(filling.defer, &things);
}

static void test_threads_without_a_place_go_without_a_block(void **state)
{
	struct grace_clock clock = { 0 };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	struct filling filling = { .things = &things, .n = 3 };

	(void)state;
	params.threads = 1;
	filling.defer = defer_of(&params);
	defer_things(filling.defer, &things, 1);
	thread_do(filler_run, &filling);
	assert_int_equal(defer_stats(filling.defer).to_wait, 3);
	assert_int_equal(atomic_load(&things.freed), 3);
	assert_int_equal(defer_stats(filling.defer).threads, 1);
	defer_end(filling.defer, &things);
}

/* Each in a pool of its own: what lies in its caches counts. */
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, grace_begin, grace_finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(test_nothing_is_freed_under_a_reader),
		CLAIM(test_a_whole_block_is_freed_by_one_call),
		CLAIM(test_an_emptied_block_is_filled_again),
		CLAIM(test_blocks_come_in_this_order),
		CLAIM(test_an_empty_pool_leaves_the_heads),
		CLAIM(test_an_empty_pool_makes_one_argument_wait),
		CLAIM(test_polls_flush_what_fills_slowly),
		CLAIM(test_what_comes_after_its_beginning_waits_for_the_next),
		CLAIM(test_polls_do_not_cut_up_what_fills_fast),
		CLAIM(test_a_thread_that_ends_leaves_its_block),
		CLAIM(test_threads_without_a_place_go_without_a_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
