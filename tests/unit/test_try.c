/* SPDX-License-Identifier: BSD-3-Clause */
/* Try: allocating and freeing in the middle of something else. */
#include <limits.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

static struct pp_pool *pool;
static struct pp_cache *cache;
static void *bufs[64];

/* A cache with 100 in its block, and 64 out. */
static void begin(uint32_t flags)
{
	void *some[164];

	pool = pool_4k(2048, 16384, flags);
	cache = pp_pool_cache(pool);
	assert_int_equal(pp_alloc_bulk(cache, some, 164, 0), 164);
	pp_free_bulk(cache, some + 64, 100);
	memcpy(bufs, some, sizeof(bufs));
}

static void end(void)
{
	pp_free_bulk(cache, bufs, 64);
	pool_end(pool);
}

static void test_tries_go_on_among_themselves_and_with_other_calls(void **state)
{
	static const uint32_t flags[] = { 0, PP_POOL_OWNERS, PP_POOL_DEBUG };

	(void)state;
	for (unsigned f = 0; f < 3; f++) {
		void *more[8];

		begin(flags[f]);
		for (unsigned i = 0; i < 50; i++) {
			assert_int_equal(pp_alloc_bulk(cache, more, 4, PP_TRY), 4);
			assert_int_equal(pp_alloc_burst(cache, more + 4, 4, PP_TRY), 4);
			if (i % 3 == 0)
				pp_free(cache, pp_alloc(cache, 0));
			pp_free_nolock(cache, more, 8);
			if (i % 2)
				pp_free(cache, pp_alloc(cache, 0));
			books_hold(pool, 64);
		}
		end();
	}
}

/* As a handler would find it that interrupted a call after it said what it wants. */
static void test_nothing_is_touched_in_the_middle_of_a_call(void **state)
{
	int32_t s, want;
	void *buf;

	(void)state;
	begin(0);
	s = cache->s;
	want = cache->want = s - 5;
	assert_null(pp_alloc(cache, PP_TRY));
	pp_free_nolock(cache, bufs, 1);
	assert_int_equal(cache->s, s);
	assert_int_equal(cache->want, want);
	cache->want = INT_MIN; /* on its slow path */
	assert_null(pp_alloc(cache, PP_TRY));
	pp_free_nolock(cache, bufs + 1, 1);
	assert_int_equal(cache->s, s);
	cache->want = s;
	/* Both are free all the same. */
	books_hold(pool, 62);
	buf = pp_alloc(cache, PP_TRY);
	assert_non_null(buf);
	assert_int_equal(pp_alloc_bulk(cache, bufs, 2, 0), 2);
	pp_free(cache, buf);
	end();
}

/* The other end of it: the call that was interrupted before it said so has an old `s`. */
static void test_changed_cache_sends_the_next_call_the_long_way(void **state)
{
	uint64_t slow;

	(void)state;
	begin(0);
	slow = counters_of(cache).slow;
	pp_free(cache, pp_alloc(cache, 0));
	slow = counters_of(cache).slow;
	pp_free_nolock(cache, bufs, 64);
	assert_true(cache->lo > INT_MAX / 2);
	assert_true(cache->hi < 0);
	assert_int_equal(pp_alloc_bulk(cache, bufs, 64, 0), 64);
	assert_int_equal(counters_of(cache).slow, slow + 1);
	pp_free(cache, pp_alloc(cache, 0));
	assert_int_equal(counters_of(cache).slow, slow + 1);
	end();
}

static void test_limits_that_a_taker_has_closed_stay_closed(void **state)
{
	(void)state;
	begin(0);
	cache->lo = INT_MAX;
	cache->hi = -1;
	assert_null(pp_alloc(cache, PP_TRY));
	pp_free_nolock(cache, bufs, 1);
	assert_int_equal(cache->lo, INT_MAX);
	assert_int_equal(cache->hi, -1);
	assert_int_equal(cache->want, cache->s);
	bufs[0] = pp_alloc(cache, 0);
	end();
}

static void test_taker_finds_what_a_try_has_left(void **state)
{
	uint64_t cached;

	(void)state;
	begin(0);
	cached = stats_of(pool).cached;
	pp_free_nolock(cache, bufs, 64);
	assert_int_equal(stats_of(pool).cached, cached + 64);
	assert_int_equal(pp_pool_collect(pool), cached + 64);
	assert_null(pp_alloc(cache, PP_TRY));
	assert_int_equal(pp_alloc_bulk(cache, bufs, 64, 0), 64);
	end();
}

static void test_free_nolock_needs_no_cache(void **state)
{
	static const uint32_t flags[] = { 0, PP_POOL_OWNERS, PP_POOL_DEBUG };

	(void)state;
	for (unsigned f = 0; f < 3; f++) {
		uint64_t depot;

		begin(flags[f]);
		depot = stats_of(pool).depot;
		pp_free_nolock(NULL, bufs, 64);
		assert_int_equal(stats_of(pool).depot, depot + 64);
		books_hold(pool, 0);
		assert_int_equal(pp_alloc_bulk(cache, bufs, 64, 0), 64);
		pp_free_nolock(NULL, bufs, 0);
		end();
	}
}

static unsigned faults;
static void on_fault(struct pp_pool *of, const struct pp_fault *fault, void *arg)
{
	(void)of;
	(void)fault;
	(void)arg;
	faults++;
}

static void test_free_nolock_is_checked_in_debug_mode(void **state)
{
	struct pp_pool_params p = params_4k(2048, 1024);
	void *buf;

	(void)state;
	p.flags = PP_POOL_DEBUG;
	p.fault = on_fault;
	pool = pool_of(&p);
	cache = pp_pool_cache(pool);
	buf = pp_alloc(cache, 0);
	faults = 0;
	pp_free(cache, buf);
	/* Free already: found when it is looked at. */
	pp_free_nolock(cache, &buf, 1);
	assert_ok(pp_pool_check(pool));
	books_hold(pool, 0);
	assert_int_equal(faults, 1);
	/* No buffer of it at all. */
	buf = (char *)buf + 1;
	pp_free_nolock(cache, &buf, 1);
	assert_int_equal(stats_of(pool).sum.fault, 2);
	pool_end(pool);
}

static _Atomic unsigned handled;
static void *kept[8];
static void on_signal(int number)
{
	unsigned n = pp_alloc_burst(cache, kept, 8, PP_TRY);

	(void)number;
	pp_free_nolock(cache, kept, n);
	handled++;
}

static void test_handler_may_do_both_at_any_moment(void **state)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	struct itimerspec every = { { 0, 20000 }, { 0, 20000 } };
	void *more[64];
	timer_t timer;

	(void)state;
	begin(0);
	signal(SIGALRM, on_signal);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	assert_int_equal(timer_settime(timer, 0, &every, NULL), 0);
	for (unsigned i = 0; handled < 2000; i++) {
		unsigned n = 1 + i % 64, flags = i % 3 ? 0 : PP_TRY;
		unsigned got = pp_alloc_bulk(cache, more, n, flags);

		MUST(got == n || flags);
		if (i % 5)
			pp_free_bulk(cache, more, got);
		else
			pp_free_nolock(cache, more, got);
	}
	timer_delete(timer);
	books_hold(pool, 64);
	end();
}

static void test_tiny_pool_gives_nothing_to_a_try(void **state)
{
	struct pp_pool_params p = params_4k(2048, 64);
	void *buf;

	(void)state;
	p.owners = 8;
	pool = pool_of(&p);
	cache = pp_pool_cache(pool);
	buf = pp_alloc(cache, 0);
	assert_null(pp_alloc(cache, PP_TRY));
	pp_free_nolock(cache, &buf, 1);
	pool_end(pool);
}

static bool wants_one(void *buf, void *arg)
{
	*(void **)arg = buf;
	return false;
}

static void test_forms_take_no_lock_in_a_try_either(void **state)
{
	uint64_t slow;
	void *list = NULL, *one;

	(void)state;
	begin(0);
	pp_free(cache, pp_alloc(cache, 0));
	slow = counters_of(cache).slow + counters_of(cache).slow_free;
	/* More than there is: none. Fewer than it wants: the rest goes back. */
	assert_int_equal(pp_alloc_bulk_list(cache, &list, 511, PP_TRY), 0);
	assert_null(list);
	assert_int_equal(pp_alloc_bulk_cb(cache, 90, PP_TRY, wants_one, &one), 1);
	assert_int_equal(pp_alloc_bulk_list(cache, &list, 90, PP_TRY), 90);
	assert_int_equal(counters_of(cache).slow + counters_of(cache).slow_free, slow);
	pp_free_bulk_list(cache, list);
	pp_free(cache, one);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tries_go_on_among_themselves_and_with_other_calls),
		cmocka_unit_test(test_nothing_is_touched_in_the_middle_of_a_call),
		cmocka_unit_test(test_changed_cache_sends_the_next_call_the_long_way),
		cmocka_unit_test(test_limits_that_a_taker_has_closed_stay_closed),
		cmocka_unit_test(test_taker_finds_what_a_try_has_left),
		cmocka_unit_test(test_free_nolock_needs_no_cache),
		cmocka_unit_test(test_free_nolock_is_checked_in_debug_mode),
		cmocka_unit_test(test_handler_may_do_both_at_any_moment),
		cmocka_unit_test(test_forms_take_no_lock_in_a_try_either),
		cmocka_unit_test(test_tiny_pool_gives_nothing_to_a_try),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
