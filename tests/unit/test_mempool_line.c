/* SPDX-License-Identifier: BSD-3-Clause */
/* Mempool-line: who waits at a mempool, in which order, for how long, and who ends it. */
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "ground.h"

#define KEPT 16
#define SIZE 40

static const unsigned mixed[8] = { 5, 1, 9, 2, 16, 1, 3, 3 };

/* Element by element; each waiter is served by the one that makes its n full, never before. */
static void eight_in_order(bool pool, uint32_t min_nr)
{
	struct waiter waiters[8];
	unsigned served = 0, given = 0;
	struct ground ground;

	ground_make(&ground, pool, MOST, min_nr);
	ground_drain(&ground);
	for (unsigned i = 0; i < 8; i++)
		waiter_start(&waiters[i], ground.mempool, mixed[i], PP_FOREVER);
	while (served < 8) {
		/* On its way there it would serve itself. */
		if (pool)
			ground_until_wait(&ground, 1);
		ground_free(&ground, 1);
		if (++given == mixed[served]) {
			waiter_until_done(&waiters[served++]);
			given = 0;
		}
		for (unsigned i = served; i < 8; i++)
			assert_false(atomic_load(&waiters[i].done));
	}
	/* Each was woken when served, and by who left when it came to be first. What is not kept the
	 * pool serves itself. */
	assert_int_equal(mempool_stats(ground.mempool).wakes, (min_nr ? 8 : 0) + 7);
	for (unsigned i = 0; i < 8; i++)
		waiter_end(&waiters[i], mixed[i], 0);
	ground_end(&ground);
}

static void test_eight_of_mixed_sizes_are_served_in_order(void **state)
{
	(void)state;
	eight_in_order(false, KEPT);
	eight_in_order(true, KEPT);
	eight_in_order(true, 0);
}

static void wakes_whom_it_serves(bool pool)
{
	struct waiter waiters[8];
	struct ground ground;

	ground_make(&ground, pool, pool ? MOST : SIZE, KEPT);
	ground_drain(&ground);
	for (unsigned i = 0; i < 8; i++)
		waiter_start(&waiters[i], ground.mempool, 4, PP_FOREVER);
	if (pool)
		ground_until_wait(&ground, 1);
	for (unsigned i = 0; i < 3; i++)
		ground_free(&ground, 1);
	assert_int_equal(mempool_stats(ground.mempool).wakes, 0);
	ground_free(&ground, 1);
	waiter_until_done(&waiters[0]);
	/* Served; and told by who left that it is first. */
	assert_int_equal(mempool_stats(ground.mempool).wakes, 2);
	if (pool)
		ground_until_wait(&ground, 1);
	/* Three at once: no fourth. */
	ground_free(&ground, 15);
	for (unsigned i = 1; i < 4; i++)
		waiter_until_done(&waiters[i]);
	assert_int_equal(mempool_stats(ground.mempool).wakes, 2 + 3 + 1);
	assert_false(atomic_load(&waiters[4].done));
	ground_free(&ground, 13);
	for (unsigned i = 0; i < 8; i++)
		waiter_end(&waiters[i], 4, 0);
	ground_end(&ground);
}

static void test_a_free_wakes_only_whom_it_serves(void **state)
{
	(void)state;
	wakes_whom_it_serves(false);
	wakes_whom_it_serves(true);
}

static void large_first(bool pool)
{
	struct waiter large, small;
	struct ground ground;
	void *elem;

	ground_make(&ground, pool, MOST, KEPT);
	ground_drain(&ground);
	waiter_start(&large, ground.mempool, KEPT, 300000);
	waiter_start(&small, ground.mempool, 1, PP_FOREVER);
	ground_free(&ground, KEPT - 1);
	/* Nor do those who don't wait get at what is kept for it. */
	assert_int_equal(pp_mempool_alloc_bulk(ground.mempool, &elem, 1, 0, NULL), 0);
	assert_int_equal(errno, EAGAIN);
	assert_false(atomic_load(&small.done));
	/* Its deadline bounds the others' wait. */
	waiter_end(&large, 0, ETIMEDOUT);
	waiter_end(&small, 1, 0);
	ground_end(&ground);
}

static void test_a_large_first_is_not_overtaken(void **state)
{
	(void)state;
	large_first(false);
	large_first(true);
}

static void *stranger_run(void *arg)
{
	ground_free(arg, 5);
	return NULL;
}

static void test_a_free_by_a_stranger_wakes_who_waits(void **state)
{
	(void)state;
	for (unsigned pool = 0; pool < 2; pool++)
		for (uint32_t min_nr = 0; min_nr <= KEPT; min_nr += KEPT) {
			struct waiter waiter;
			struct ground ground;

			ground_make(&ground, pool, MOST, min_nr);
			ground_drain(&ground);
			waiter_start(&waiter, ground.mempool, 5, PP_FOREVER);
			thread_do(stranger_run, &ground);
			waiter_end(&waiter, 5, 0);
			ground_end(&ground);
		}
}

/* The mempool's books miss what was leaked: it is made good at the end. */
static void leak_made_good(struct ground *ground, unsigned n)
{
	assert_int_equal(ground->ops->alloc_bulk(ground->backing, ground->elems + ground->n, n,
						 PP_GROW),
			 n);
	ground->n += n;
}

static void test_frees_behind_its_back_wake_the_first(void **state)
{
	(void)state;
	for (unsigned pool = 0; pool < 2; pool++)
		for (unsigned leaked = 1; leaked <= 8; leaked++)
			for (unsigned first = 0; first < 2; first++) {
				struct waiter waiter;
				struct ground ground;

				ground_make(&ground, pool, MOST, KEPT);
				ground_drain(&ground);
				waiter_start(&waiter, ground.mempool, 8, PP_FOREVER);
				/* What the reserve has and what the backing has add up. */
				if (first)
					ground_leak(&ground, leaked);
				if (leaked < 8)
					ground_free(&ground, 8 - leaked);
				if (!first)
					ground_leak(&ground, leaked);
				waiter_until_done(&waiter);
				ground_free(&ground, KEPT + 8);
				waiter_end(&waiter, 8, 0);
				leak_made_good(&ground, leaked);
				ground_end(&ground);
			}
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int later(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void test_a_deadline_is_kept(void **state)
{
	(void)state;
	for (unsigned pool = 0; pool < 2; pool++) {
		struct ground ground;
		struct pp_wait wait;
		double over[21];
		void *elem;

		ground_make(&ground, pool, MOST, KEPT);
		ground_drain(&ground);
		for (unsigned i = 0; i < 21; i++) {
			double begun = now_ms();

			pp_wait_for(&wait, 5000);
			assert_int_equal(pp_mempool_alloc_bulk(ground.mempool, &elem, 1, PP_WAIT,
							       &wait),
					 0);
			assert_int_equal(errno, ETIMEDOUT);
			over[i] = now_ms() - begun - 5;
			assert_true(over[i] > -0.01);
		}
		/* Not all: the machine may have had something else to do. */
		qsort(over, 21, sizeof(*over), later);
		assert_true(over[10] < 10);
		/* One in the past tries once. */
		pp_wait_until(&wait, 1);
		assert_int_equal(pp_mempool_alloc_bulk(ground.mempool, &elem, 1, PP_WAIT, &wait),
				 0);
		assert_int_equal(errno, ETIMEDOUT);
		assert_int_equal(mempool_stats(ground.mempool).timeouts, 22);
		ground_free(&ground, 1);
		assert_int_equal(pp_mempool_alloc_bulk(ground.mempool, &elem, 1, PP_WAIT, &wait),
				 1);
		pp_mempool_free_bulk(ground.mempool, &elem, 1);
		ground_end(&ground);
	}
}

static struct pp_wait *_Atomic to_cancel;

static void cancel_handler(int sig)
{
	(void)sig;
	pp_wait_cancel(to_cancel);
}

/* The first is in its backing or asleep, the second asleep in line. */
static void cancel_both(bool pool, bool by_signal)
{
	struct sigaction action = { .sa_handler = cancel_handler };
	struct waiter waiters[2];
	struct ground ground;

	sigaction(SIGUSR1, &action, NULL);
	ground_make(&ground, pool, MOST, KEPT);
	ground_drain(&ground);
	for (unsigned i = 0; i < 2; i++)
		waiter_start(&waiters[i], ground.mempool, 3, PP_FOREVER);
	nap();
	for (unsigned i = 2; i-- > 0;) {
		to_cancel = &waiters[i].wait;
		if (by_signal)
			pthread_kill(waiters[i].thread, SIGUSR1);
		else
			pp_wait_cancel(to_cancel);
		waiter_end(&waiters[i], 0, ECANCELED);
		/* And every later call with it, unless there is no need to wait. */
		assert_int_equal(pp_mempool_alloc_bulk(ground.mempool, waiters[i].elems, 1, PP_WAIT,
						       to_cancel),
				 0);
		assert_int_equal(errno, ECANCELED);
	}
	assert_int_equal(mempool_stats(ground.mempool).canceled, 4);
	ground_free(&ground, 1);
	assert_int_equal(pp_mempool_alloc_bulk(ground.mempool, ground.elems + ground.n, 1, PP_WAIT,
					       to_cancel),
			 1);
	ground.n++;
	ground_end(&ground);
}

static void test_a_wait_can_be_cancelled_by_a_thread_and_by_a_handler(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		cancel_both(i & 1, i & 2);
}

static void test_shrinking_serves_or_ends_who_waits(void **state)
{
	(void)state;
	for (unsigned pool = 0; pool < 2; pool++) {
		struct waiter large, small;
		struct ground ground;

		ground_make(&ground, pool, MOST, KEPT);
		ground_drain(&ground);
		waiter_start(&large, ground.mempool, KEPT, PP_FOREVER);
		waiter_start(&small, ground.mempool, 6, PP_FOREVER);
		ground_free(&ground, 10);
		assert_int_equal(pp_mempool_destroy(ground.mempool), -EBUSY);
		assert_error_names("2 calls wait");
		assert_ok(pp_mempool_resize(ground.mempool, 8));
		waiter_end(&large, 0, EINVAL);
		waiter_end(&small, 6, 0);
		assert_int_equal(mempool_stats(ground.mempool).kept, 8);
		ground_end(&ground);
	}
}

struct greedy {
	struct pp_mempool *mempool;
	unsigned n;
};

static void *greedy_run(void *arg)
{
	struct greedy *greedy = arg;
	void *elems[MOST];

	/* Until they have met thousands of times. */
	while (mempool_stats(greedy->mempool).waited < 4000) {
		MUST(pp_mempool_alloc_bulk(greedy->mempool, elems, greedy->n, PP_WAIT, NULL));
		sched_yield();
		for (unsigned k = 0; k < greedy->n; k += 13)
			pp_mempool_free_bulk(greedy->mempool, elems + k,
					     greedy->n - k < 13 ? greedy->n - k : 13);
	}
	return NULL;
}

static void two_of_more_than_half(bool pool, uint32_t min_nr)
{
	struct greedy greedy[2];
	pthread_t threads[2];
	struct ground ground;

	ground_make(&ground, pool, MOST, min_nr);
	for (unsigned i = 0; i < 2; i++) {
		greedy[i] = (struct greedy){ ground.mempool, MOST / 2 + 1 + 9 * i };
		MUST(!pthread_create(&threads[i], NULL, greedy_run, &greedy[i]));
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ground_end(&ground);
}

static void test_two_who_need_more_than_half_never_block_each_other(void **state)
{
	(void)state;
	two_of_more_than_half(false, MOST);
	two_of_more_than_half(true, MOST);
	two_of_more_than_half(false, 0);
	two_of_more_than_half(true, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eight_of_mixed_sizes_are_served_in_order),
		cmocka_unit_test(test_a_free_wakes_only_whom_it_serves),
		cmocka_unit_test(test_a_large_first_is_not_overtaken),
		cmocka_unit_test(test_a_free_by_a_stranger_wakes_who_waits),
		cmocka_unit_test(test_frees_behind_its_back_wake_the_first),
		cmocka_unit_test(test_a_deadline_is_kept),
		cmocka_unit_test(test_a_wait_can_be_cancelled_by_a_thread_and_by_a_handler),
		cmocka_unit_test(test_shrinking_serves_or_ends_who_waits),
		cmocka_unit_test(test_two_who_need_more_than_half_never_block_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
