/* SPDX-License-Identifier: BSD-3-Clause */
/* Wait: deadlines, cancelling, order, and who wakes whom. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

static struct pp_pool *pool;
static void *bufs[4096];
static unsigned out;

static void begin(uint32_t reserve)
{
	struct pp_pool_params p = params_4k(2048, 1024);

	p.owners = 16;
	p.reserve = reserve;
	p.wait_us = 30000;
	pool = pool_of(&p);
	out = pp_alloc_burst(pp_pool_cache(pool), bufs, 4096, 0);
	assert_int_equal(out, stats_of(pool).total - reserve);
}

static void end(void)
{
	pp_free_bulk(pp_pool_cache(pool), bufs, out);
	pool_end(pool);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* One thread that waits for n, and gives them back. */
struct waiter {
	pthread_t thread;
	struct pp_wait wait;
	unsigned n, flags, got;
	int error;
	void *bufs[1024];
	_Atomic bool over;
};

static _Atomic unsigned served; /* how many have been, in what order */
static unsigned order[16];

static void *waiter_main(void *arg)
{
	struct waiter *w = arg;
	struct pp_cache *cache = pp_pool_cache(pool);

	errno = 0;
	w->got = pp_alloc_bulk_wait(cache, w->bufs, w->n, w->flags, &w->wait);
	w->error = errno;
	if (w->got)
		order[served++] = w->n;
	w->over = true;
	return NULL;
}

/* Returns when it is in line. */
static void waiter_start(struct waiter *w, unsigned n, unsigned flags, uint64_t timeout_us)
{
	uint64_t before = stats_of(pool).waiters;

	memset(w, 0, sizeof(*w));
	w->n = n;
	w->flags = flags;
	pp_wait_for(&w->wait, timeout_us);
	assert_int_equal(pthread_create(&w->thread, NULL, waiter_main, w), 0);
	while (stats_of(pool).waiters == before && !w->over)
		usleep(100);
}

static void waiter_end(struct waiter *w, unsigned got, int error)
{
	pthread_join(w->thread, NULL);
	assert_int_equal(w->got, got);
	if (!got)
		assert_int_equal(w->error, error);
	pp_free_bulk(pp_pool_cache(pool), w->bufs, w->got);
}

static void test_wait_ends_by_its_deadline_and_not_before(void **state)
{
	struct pp_wait wait;
	double began, least = 1e9;

	(void)state;
	begin(0);
	for (unsigned i = 0; i < 5; i++) {
		double took;

		began = now_ms();
		pp_wait_for(&wait, 20000);
		errno = 0;
		assert_int_equal(pp_alloc_bulk_wait(pp_pool_cache(pool), bufs + out, 1, 0, &wait),
				 0);
		assert_int_equal(errno, ETIMEDOUT);
		took = now_ms() - began;
		assert_true(took >= 20);
		least = took < least ? took : least;
	}
	/* Others may have had the CPU; not each time. */
	assert_true(least < 30);
	assert_int_equal(stats_of(pool).sum.wait, 5);
	assert_int_equal(stats_of(pool).sum.timeout, 5);
	end();
}

static void test_deadline_in_the_past_tries_once(void **state)
{
	struct pp_cache *cache;
	struct pp_wait wait;

	(void)state;
	begin(0);
	cache = pp_pool_cache(pool);
	pp_wait_until(&wait, 1);
	assert_int_equal(pp_alloc_bulk_wait(cache, bufs + out, 1, 0, &wait), 0);
	assert_int_equal(errno, ETIMEDOUT);
	pp_free(cache, bufs[--out]);
	assert_int_equal(pp_alloc_bulk_wait(cache, bufs + out, 1, 0, &wait), 1);
	out++;
	end();
}

static void test_flag_alone_waits_as_long_as_the_pool_says(void **state)
{
	double began;

	(void)state;
	begin(0);
	began = now_ms();
	assert_null(pp_alloc(pp_pool_cache(pool), PP_WAIT));
	assert_int_equal(errno, ETIMEDOUT);
	assert_true(now_ms() - began >= 30);
	/* A burst takes in the end what there is. */
	pp_free_bulk(pp_pool_cache(pool), bufs + out - 3, 3);
	began = now_ms();
	assert_int_equal(pp_alloc_burst(pp_pool_cache(pool), bufs + out - 3, 5, PP_WAIT), 3);
	assert_true(now_ms() - began >= 30);
	end();
}

static struct pp_wait *cancelled;
static void on_signal(int number)
{
	(void)number;
	pp_wait_cancel(cancelled);
}

static void test_wait_can_be_cancelled_by_a_thread_and_in_a_signal_handler(void **state)
{
	struct waiter w;

	(void)state;
	begin(0);
	waiter_start(&w, 10, 0, PP_FOREVER);
	pp_wait_cancel(&w.wait);
	waiter_end(&w, 0, ECANCELED);
	waiter_start(&w, 10, 0, PP_FOREVER);
	cancelled = &w.wait;
	signal(SIGUSR1, on_signal);
	pthread_kill(w.thread, SIGUSR1);
	waiter_end(&w, 0, ECANCELED);
	/* For good, but what is there is given. */
	pp_wait_for(&w.wait, 1000000);
	pp_wait_cancel(&w.wait);
	assert_int_equal(pp_alloc_bulk_wait(pp_pool_cache(pool), w.bufs, 1, 0, &w.wait), 0);
	assert_int_equal(errno, ECANCELED);
	end();
}

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

static void test_who_waits_holds_nothing(void **state)
{
	struct waiter w;
	uint64_t before;

	(void)state;
	begin(0);
	pp_free_bulk(pp_pool_cache(pool), bufs + out - 100, 100);
	out -= 100;
	before = stats_of(pool).in_flight;
	waiter_start(&w, 101, 0, PP_FOREVER);
	usleep(2000);
	assert_int_equal(stats_of(pool).in_flight, before);
	free_fast();
	waiter_end(&w, 101, 0);
	end();
}

static void *cache_and_sleep(void *arg)
{
	struct pp_cache *cache = pp_pool_cache(pool);
	struct waiter *w = arg;

	/* Into its own cache, and it never calls again. */
	pp_free_bulk(cache, w->bufs, w->got);
	w->over = true;
	while (w->over)
		usleep(500);
	return NULL;
}

static void test_idle_buffers_of_other_threads_serve_growing_and_waiting_calls(void **state)
{
	static const unsigned flags[] = { PP_GROW, PP_WAIT };
	struct waiter idle[4];

	(void)state;
	for (unsigned f = 0; f < 2; f++) {
		unsigned left;

		begin(0);
		for (unsigned i = 0; i < 4; i++) {
			idle[i].got = 30;
			memcpy(idle[i].bufs, bufs + out - 30, 30 * sizeof(*bufs));
			out -= 30;
			idle[i].over = false;
			pthread_create(&idle[i].thread, NULL, cache_and_sleep, &idle[i]);
			while (!idle[i].over)
				usleep(100);
		}
		left = out;
		assert_int_equal(pp_alloc_bulk(pp_pool_cache(pool), bufs + left, 120, 0), 0);
		assert_int_equal(pp_alloc_bulk(pp_pool_cache(pool), bufs + left, 120, flags[f]),
				 120);
		out += 120;
		assert_int_equal(counters_of(pp_pool_cache(pool)).taken, 120);
		for (unsigned i = 0; i < 4; i++) {
			idle[i].over = false;
			pthread_join(idle[i].thread, NULL);
		}
		end();
	}
}

static void test_growing_call_maps_another_hugepage(void **state)
{
	struct pp_pool_params p = params_4k(2048, 1024);
	struct pp_cache *cache;
	unsigned n;

	(void)state;
	p.buffers_max = 8192;
	pool = pool_of(&p);
	cache = pp_pool_cache(pool);
	n = pp_alloc_burst(cache, bufs, 4096, 0);
	assert_null(pp_alloc(cache, 0));
	assert_int_equal(pp_alloc_bulk(cache, bufs + n, 1500, PP_GROW), 1500);
	assert_true(counters_of(cache).grown >= 1500);
	pp_free_bulk(cache, bufs, n + 1500);
	pool_end(pool);
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

static bool keep(void *buf, void *arg)
{
	void ***next = arg;

	*(*next)++ = buf;
	/* The other one's turn, so that it would have some too. */
	if ((uintptr_t)buf % 131072 < 4096)
		usleep(50);
	return true;
}

/* Each wants more than half, in every form. */
static void *half_and_more(void *arg)
{
	struct pp_cache *cache = pp_pool_cache(pool);
	struct waiter *w = arg;
	void *list;

	for (unsigned round = 0; round < 300; round++) {
		void **next = w->bufs;

		switch (round % 3) {
		case 0:
			MUST(pp_alloc_bulk_cb(cache, w->n, PP_WAIT, keep, &next) == w->n);
			break;
		case 1:
			memset(w->bufs, 0, sizeof(w->bufs));
			MUST(pp_alloc_bulk_fill(cache, w->bufs, w->n, PP_WAIT) == w->n);
			break;
		default:
			list = NULL;
			MUST(pp_alloc_bulk_list(cache, &list, w->n, PP_WAIT) == w->n);
			MUST(pp_free_bulk_list(cache, list) == w->n);
			continue;
		}
		pp_free_bulk(cache, w->bufs, w->n);
	}
	return NULL;
}

static void test_forms_that_wait_hold_nothing_either(void **state)
{
	struct pp_pool_params p = params_4k(2048, 1024);
	struct waiter w[2];

	(void)state;
	p.wait_us = 20000000;
	pool = pool_of(&p);
	for (unsigned i = 0; i < 2; i++) {
		w[i].n = (unsigned)stats_of(pool).total * 6 / 10;
		pthread_create(&w[i].thread, NULL, half_and_more, &w[i]);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(w[i].thread, NULL);
	pool_end(pool);
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

static void test_more_than_the_pool_can_have_is_an_error(void **state)
{
	struct pp_wait wait;

	(void)state;
	begin(20);
	pp_wait_for(&wait, PP_FOREVER);
	assert_int_equal(pp_alloc_bulk_wait(pp_pool_cache(pool), bufs + out, out + 1, 0, &wait), 0);
	assert_int_equal(errno, EINVAL);
	assert_error_names("never");
	assert_int_equal(pp_alloc_bulk_wait(pp_pool_cache(pool), bufs + out, 1, PP_TRY, &wait), 0);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(pp_alloc_bulk_wait(pp_pool_cache(pool), bufs + out, 1, 0, NULL), 0);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(pp_alloc_bulk_wait(pp_pool_cache(pool), bufs + out, 0, 0, &wait), 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wait_ends_by_its_deadline_and_not_before),
		cmocka_unit_test(test_deadline_in_the_past_tries_once),
		cmocka_unit_test(test_flag_alone_waits_as_long_as_the_pool_says),
		cmocka_unit_test(test_wait_can_be_cancelled_by_a_thread_and_in_a_signal_handler),
		cmocka_unit_test(test_every_way_to_free_wakes_the_waiter),
		cmocka_unit_test(test_first_come_is_first_served_over_all_sizes),
		cmocka_unit_test(test_who_gives_up_lets_the_next_one_be_served),
		cmocka_unit_test(test_critical_waiters_come_first_and_have_the_reserve),
		cmocka_unit_test(test_who_waits_holds_nothing),
		cmocka_unit_test(
			test_idle_buffers_of_other_threads_serve_growing_and_waiting_calls),
		cmocka_unit_test(test_growing_call_maps_another_hugepage),
		cmocka_unit_test(
			test_free_that_ends_after_the_caches_were_closed_serves_the_waiter),
		cmocka_unit_test(test_forms_that_wait_hold_nothing_either),
		cmocka_unit_test(test_waiter_that_is_killed_leaves_the_line),
		cmocka_unit_test(test_more_than_the_pool_can_have_is_an_error),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
