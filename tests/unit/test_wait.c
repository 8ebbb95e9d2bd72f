/* SPDX-License-Identifier: BSD-3-Clause */
/* Wait: deadlines, cancelling, what a waiting call may hold and ask for. */
#include <signal.h>
#include <unistd.h>

#include "waiters.h"

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
	pp_free(pp_pool_cache(pool), bufs[--out]);
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
		cmocka_unit_test(test_who_waits_holds_nothing),
		cmocka_unit_test(
			test_idle_buffers_of_other_threads_serve_growing_and_waiting_calls),
		cmocka_unit_test(test_growing_call_maps_another_hugepage),
		cmocka_unit_test(test_forms_that_wait_hold_nothing_either),
		cmocka_unit_test(test_more_than_the_pool_can_have_is_an_error),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
