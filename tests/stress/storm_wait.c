/* SPDX-License-Identifier: BSD-3-Clause */
/* Wait: who waits gets buffers in its turn, by its deadline, and holds none meanwhile. */
#include "storm.h"
#include "storm_rule.h"
#include "storm_seats.h"

#include <signal.h>
#include <unistd.h>

#define TURNS 2000

/* What is going on, to be named when it never ends. */
static const char *volatile doing = "";

static void watchdog(int number)
{
	static const char after[] = ": still not done, probably a deadlock\n";

	(void)number;
	if (write(STDERR_FILENO, doing, strlen(doing)) < 0 ||
	    write(STDERR_FILENO, after, sizeof(after) - 1) < 0)
		_exit(2);
	_exit(1);
}

static struct pp_pool *pool_waited_for(uint32_t flags, uint32_t reserve)
{
	struct pp_pool_params params = params_4k(256, BUFFERS);

	params.owners = 24;
	params.flags = flags;
	params.reserve = reserve;
	return pool_of(&params);
}

struct half {
	struct pp_pool *pool;
	struct marks *marks;
	unsigned flags;
	uint32_t id;
	uint32_t turns;
};

/* More than half of all, again and again: two can never have it at a time. */
static void *half_run(void *arg)
{
	struct half *half = arg;
	struct pp_cache *cache = pp_pool_cache(half->pool);
	uint64_t seed = half->id;
	void *bufs[BUFFERS];

	for (uint32_t i = 0; i < half->turns; i++) {
		uint32_t n = BUFFERS / 2 + 1 + random_next(&seed) % (BUFFERS / 4);
		struct pp_wait wait;

		pp_wait_for(&wait, PP_FOREVER);
		MUST(pp_alloc_bulk_wait(cache, bufs, n, half->flags, &wait) == n);
		marks_take(half->marks, half->pool, bufs, n, half->id);
		/* The other shall come and wait. */
		if (i % 2)
			sched_yield();
		marks_drop(half->marks, half->pool, bufs, n, half->id);
		seat_free(half->pool, cache, bufs, n, random_next(&seed) % WAYS_IN_THREAD);
	}
	return NULL;
}

static void two_halves(unsigned flags, uint32_t reserve)
{
	struct pp_pool *pool = pool_waited_for(0, reserve);
	struct marks marks = marks_make(pool);
	struct half halves[2];
	pthread_t threads[2];

	doing = "two threads, each needs more than half of the pool";
	for (unsigned i = 0; i < 2; i++) {
		halves[i] = (struct half){ pool, &marks, i ? flags : 0, i + 1, TURNS };
		MUST(!pthread_create(&threads[i], NULL, half_run, &halves[i]));
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("2 times %d turns with more than half, %llu of them waited\n", TURNS,
	       (unsigned long long)stats_of(pool).sum.wait);
	assert_int_equal(stats_of(pool).waiters, 0);
	pool_end(pool);
	marks_free(&marks);
}

static void test_two_that_need_more_than_half_each_go_on(void **state)
{
	(void)state;
	two_halves(0, 0);
	two_halves(PP_GROW, 0);
	two_halves(PP_CRITICAL, 100);
}

/* `foreign` of those who wait are processes. */
static void line_run(unsigned foreign)
{
	struct pp_pool *pool = pool_waited_for(0, 0);
	struct seats *seats = seats_make(pool, foreign);
	double seconds = storm_seconds(8);

	doing = "eight wait, and are served in their order";
	rule_rounds(seats, pool, 0, seconds / 6);
	rule_rounds(seats, pool, 60, seconds / 6);
	seats_end(seats);
	pool_end(pool);
}

static void test_nobody_is_served_before_his_turn(void **state)
{
	(void)state;
	line_run(0);
}

static void test_nor_in_another_process(void **state)
{
	(void)state;
	if (!WITH_TSAN)
		line_run(SEATS / 2);
}

/* While a call waits its thread holds nothing, although there is some. */
static void test_who_waits_holds_nothing(void **state)
{
	struct pp_pool *pool = pool_waited_for(PP_POOL_OWNERS, 0);
	struct seats *seats = seats_make(pool, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	uint64_t seed = 3;
	void *bufs[BUFFERS];
	uint32_t total;

	(void)state;
	doing = "one waits, and holds nothing";
	for (unsigned i = 0; i < 300; i++) {
		uint64_t waits = stats_of(pool).sum.wait;
		uint32_t left = random_next(&seed) % 200, n;

		pp_pool_collect(pool);
		total = take_all(cache, bufs, BUFFERS);
		n = left + 1 + random_next(&seed) % 300;
		pp_free_bulk(cache, bufs + total - left, left);
		seat_ask(&seats->seat[0], n, i % 2 ? PP_GROW : 0, PP_FOREVER);
		SEAT_SOON(stats_of(pool).sum.wait == waits + 1);
		SEAT_SOON(stats_of(pool).in_flight == total - left);
		assert_int_equal(seat_in_flight(pool, &seats->seat[0]), 0);
		pp_free_bulk(cache, bufs, total - left);
		SEAT_SOON(seat_is_done(&seats->seat[0]));
		assert_int_equal(seats->seat[0].got, n);
		assert_int_equal(seat_in_flight(pool, &seats->seat[0]), n);
		seats_empty(seats);
	}
	seats_end(seats);
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_that_need_more_than_half_each_go_on),
		cmocka_unit_test(test_nobody_is_served_before_his_turn),
		cmocka_unit_test(test_nor_in_another_process),
		cmocka_unit_test(test_who_waits_holds_nothing),
	};

	signal(SIGALRM, watchdog);
	alarm(WITH_TSAN ? 400 : 55);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
