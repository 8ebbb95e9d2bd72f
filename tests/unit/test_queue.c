/* SPDX-License-Identifier: BSD-3-Clause */
/* Queue: who is served, in what order, by whose free. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "waiters.h"

static void free_fast(void)
{
	pp_free(pp_pool_cache(pool), bufs[--out]);
}
static void free_without_cache(void)
{
	pp_pool_free(pool, &bufs[--out], 1);
}
static void free_nolock(void)
{
	pp_free_nolock(NULL, &bufs[--out], 1);
}
static void *exit_with_it(void *arg)
{
	(void)arg;
	pp_free(pp_pool_cache(pool), bufs[--out]);
	return NULL;
}
static void free_and_exit(void)
{
	thread_do(exit_with_it, NULL);
}
static int child_frees(void *arg)
{
	pp_free(pp_pool_cache(pool), arg);
	return 0;
}
static void free_in_a_child(void)
{
	assert_int_equal(child_do(child_frees, bufs[--out]), 0);
}
static void free_any(void)
{
	assert_int_equal(pp_free_any(&bufs[--out], 1), 1);
}

/* None of them knows that anybody waits. */
static void test_every_way_to_free_wakes_the_waiter(void **state)
{
	void (*ways[])(void) = { free_fast,     free_without_cache, free_nolock,
				 free_and_exit, free_in_a_child,    free_any };
	struct waiter w;

	(void)state;
	begin(0);
	for (unsigned i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		double began;

		waiter_start(&w, 1, 0, PP_FOREVER);
		usleep(2000);
		began = now_ms();
		ways[i]();
		pthread_join(w.thread, NULL);
		assert_int_equal(w.got, 1);
		assert_true(now_ms() - began < 1000);
		bufs[out++] = w.bufs[0];
	}
	end();
}

static void test_first_come_is_first_served_over_all_sizes(void **state)
{
	static const unsigned sizes[8] = { 300, 1, 64, 7, 200, 2, 33, 100 };
	struct waiter w[8];
	unsigned all = 0, given = 0;

	(void)state;
	begin(0);
	served = 0;
	for (unsigned i = 0; i < 8; i++)
		waiter_start(&w[i], sizes[i], 0, PP_FOREVER);
	for (unsigned i = 0; i < 8; i++) {
		all += sizes[i];
		/* One short: nobody moves, though the next would do with less. */
		pp_free_bulk(pp_pool_cache(pool), bufs + given, all - given - 1);
		given = all - 1;
		usleep(3000);
		assert_int_equal(served, i);
		assert_int_equal(stats_of(pool).waiters, 8 - i);
		pp_free(pp_pool_cache(pool), bufs[given++]);
		while (!w[i].over)
			usleep(100);
		assert_int_equal(served, i + 1);
		assert_int_equal(order[i], sizes[i]);
	}
	for (unsigned i = 0; i < 8; i++)
		waiter_end(&w[i], sizes[i], 0);
	memmove(bufs, bufs + given, (out - given) * sizeof(*bufs));
	out -= given;
	end();
}

static void test_who_gives_up_lets_the_next_one_be_served(void **state)
{
	struct waiter first, second;

	(void)state;
	begin(0);
	waiter_start(&first, 500, 0, PP_FOREVER);
	waiter_start(&second, 5, 0, PP_FOREVER);
	pp_free_bulk(pp_pool_cache(pool), bufs + out - 10, 10);
	out -= 10;
	usleep(3000);
	assert_false(second.over);
	pp_wait_cancel(&first.wait);
	waiter_end(&first, 0, ECANCELED);
	waiter_end(&second, 5, 0);
	end();
}

static void test_critical_waiters_come_first_and_have_the_reserve(void **state)
{
	struct waiter plain, critical;

	(void)state;
	begin(20);
	waiter_start(&plain, 5, 0, PP_FOREVER);
	waiter_start(&critical, 30, PP_CRITICAL, PP_FOREVER);
	/* 20 from the reserve: ten more will do, and they are not the other's. */
	pp_free_bulk(pp_pool_cache(pool), bufs + out - 9, 9);
	out -= 9;
	usleep(3000);
	assert_false(critical.over);
	assert_false(plain.over);
	free_fast();
	pthread_join(critical.thread, NULL);
	assert_int_equal(critical.got, 30);
	assert_int_equal(stats_of(pool).marked, 20);
	assert_false(plain.over);
	pp_free_bulk(pp_pool_cache(pool), critical.bufs, 30);
	waiter_end(&plain, 5, 0);
	assert_int_equal(stats_of(pool).reserve, 20);
	end();
}

/* As a thread that loses its CPU in the middle of its first free, and never calls again. */
static void test_free_that_ends_after_the_caches_were_closed_serves_the_waiter(void **state)
{
	struct pp_cache *cache;
	uint64_t skipped;
	struct waiter w;

	(void)state;
	begin(0);
	cache = pp_cache_create(pool, "stopped");
	pp_free(cache, bufs[out - 1]);
	assert_ptr_equal(pp_alloc(cache, 0), bufs[out - 1]);
	skipped = stats_of(pool).skipped;
	cache->want = cache->s + 1;
	waiter_start(&w, 1, 0, PP_FOREVER);
	usleep(3000);
	assert_false(w.over);
	assert_true(stats_of(pool).skipped > skipped);
	cache->slots[cache->s] = (uint32_t)(uintptr_t)bufs[--out];
	__atomic_store_n(&cache->s, cache->s + 1, __ATOMIC_RELEASE);
	waiter_end(&w, 1, 0);
	pp_cache_destroy(cache);
	end();
}

static int child_waits(void *arg)
{
	struct pp_wait wait;

	(void)arg;
	pp_wait_for(&wait, PP_FOREVER);
	pp_alloc_bulk_wait(pp_pool_cache(pool), bufs, 10, 0, &wait);
	return 0;
}

static void test_waiter_that_is_killed_leaves_the_line(void **state)
{
	struct waiter w;
	pid_t child;

	(void)state;
	begin(0);
	for (unsigned granted = 0; granted < 2; granted++) {
		child = fork();
		assert_true(child >= 0);
		if (!child)
			_exit(child_waits(NULL));
		while (!stats_of(pool).waiters)
			usleep(100);
		/* Stopped, it cannot fetch what it is granted. */
		kill(child, SIGSTOP);
		waiter_start(&w, 5, 0, PP_FOREVER);
		if (granted) {
			pp_free_bulk(pp_pool_cache(pool), bufs + out - 10, 10);
			out -= 10;
			assert_int_equal(stats_of(pool).waiters, 1);
		}
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		if (!granted) {
			pp_free_bulk(pp_pool_cache(pool), bufs + out - 5, 5);
			out -= 5;
		}
		/* Looks after it now and then. */
		waiter_end(&w, 5, 0);
		assert_int_equal(stats_of(pool).waiters, 0);
		assert_false(stats_of(pool).pressed);
		out += pp_alloc_burst(pp_pool_cache(pool), bufs + out, 64, PP_GROW);
		assert_int_equal(out, stats_of(pool).total);
	}
	end();
}

static void test_growing_call_grows_in_line_too(void **state)
{
	struct pp_pool_params p = params_4k(2048, 1024);
	struct waiter w;

	(void)state;
	p.buffers_max = 8192;
	p.owners = 8;
	pool = pool_of(&p);
	out = pp_alloc_burst(pp_pool_cache(pool), bufs, 4096, 0);
	waiter_start(&w, 100, 0, PP_FOREVER);
	bufs[out] = NULL;
	/* Behind one who cannot grow, and whom its growing serves as well. */
	assert_int_equal(pp_alloc_bulk(pp_pool_cache(pool), bufs + out, 100, PP_GROW | PP_WAIT),
			 100);
	out += 100;
	waiter_end(&w, 100, 0);
	end();
}

static void test_stopped_waiter_holds_up_nobody_beyond_its_deadline(void **state)
{
	struct pp_wait wait;
	pid_t child;

	(void)state;
	begin(0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		pp_wait_for(&wait, 30000);
		pp_alloc_bulk_wait(pp_pool_cache(pool), bufs, 500, 0, &wait);
		_exit(0);
	}
	while (!stats_of(pool).waiters)
		usleep(100);
	kill(child, SIGSTOP);
	pp_free_bulk(pp_pool_cache(pool), bufs + out - 100, 100);
	out -= 100;
	pp_wait_for(&wait, 3000000);
	assert_int_equal(pp_alloc_bulk_wait(pp_pool_cache(pool), bufs + out, 10, 0, &wait), 10);
	/* Dead, and nobody looks after it but who waits. */
	kill(child, SIGKILL);
	out += 10 + pp_alloc_burst(pp_pool_cache(pool), bufs + out + 10, 90, PP_WAIT);
	assert_int_equal(out, stats_of(pool).total);
	while (stats_of(pool).pressed)
		pp_pool_collect(pool);
	assert_int_equal(waitpid(child, NULL, 0), child);
	end();
}

static void test_wait_that_has_become_impossible_ends(void **state)
{
	struct waiter big, small;

	(void)state;
	begin(0);
	waiter_start(&big, 900, 0, PP_FOREVER);
	waiter_start(&small, 10, 0, PP_FOREVER);
	pp_free_bulk(pp_pool_cache(pool), bufs + out - 600, 600);
	out -= 600;
	assert_ok(pp_pool_set_reserve(pool, 512));
	/* Out of what lay ready for those in line. */
	assert_int_equal(stats_of(pool).reserve, 512);
	waiter_end(&big, 0, EINVAL);
	waiter_end(&small, 10, 0);
	assert_ok(pp_pool_set_reserve(pool, 0));
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_way_to_free_wakes_the_waiter),
		cmocka_unit_test(test_first_come_is_first_served_over_all_sizes),
		cmocka_unit_test(test_who_gives_up_lets_the_next_one_be_served),
		cmocka_unit_test(test_critical_waiters_come_first_and_have_the_reserve),
		cmocka_unit_test(
			test_free_that_ends_after_the_caches_were_closed_serves_the_waiter),
		cmocka_unit_test(test_waiter_that_is_killed_leaves_the_line),
		cmocka_unit_test(test_growing_call_grows_in_line_too),
		cmocka_unit_test(test_stopped_waiter_holds_up_nobody_beyond_its_deadline),
		cmocka_unit_test(test_wait_that_has_become_impossible_ends),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
