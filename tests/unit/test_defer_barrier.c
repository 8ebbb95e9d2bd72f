/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: barriers free all that came before them, on their own pp_defer. */
#include "grace.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#define THREADS 4

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct staying {
	struct pp_defer *defer;
	struct things *things;
	unsigned n;
	pthread_barrier_t *filled, *leave;
};

static void *thread_stay(void *arg)
{
	struct staying *staying = arg;

	defer_things(staying->defer, staying->things, staying->n);
	pthread_barrier_wait(staying->filled);
	pthread_barrier_wait(staying->leave);
	return NULL;
}

static void test_all_is_freed_after_a_barrier(void **state)
{
	struct grace_clock clock = { 0 };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	struct pp_defer *defer = defer_of(&params);
	struct staying staying[THREADS];
	pthread_barrier_t filled, leave;
	pthread_t threads[THREADS];
	struct thing *thing;

	(void)state;
	pthread_barrier_init(&filled, NULL, THREADS + 1);
	pthread_barrier_init(&leave, NULL, THREADS + 1);
	/* None, a part of a block, a whole one, several and a part. */
	for (unsigned i = 0; i < THREADS; i++) {
		staying[i] = (struct staying){ defer, &things, (unsigned[]){ 0, 7, 64, 200 }[i],
					       &filled, &leave };
		assert_int_equal(pthread_create(&threads[i], NULL, thread_stay, &staying[i]), 0);
	}
	pthread_barrier_wait(&filled);
	thing = thing_make(&things);
	assert_ok(pp_defer_free_head(defer, thing, &thing->head));
	assert_ok(pp_defer_barrier(defer));
	assert_int_equal(atomic_load(&things.freed), 7 + 64 + 200 + 1);
	/* One grace period for all of them together. */
	assert_int_equal(atomic_load(&clock.waits), 1);
	pthread_barrier_wait(&leave);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	defer_end(defer, &things);
	pthread_barrier_destroy(&filled);
	pthread_barrier_destroy(&leave);
}

struct meanwhile {
	struct pp_defer *defer;
	struct things *things;
	unsigned n;
};

static void meanwhile_defer(void *arg)
{
	struct meanwhile *meanwhile = arg;

	defer_things(meanwhile->defer, meanwhile->things, meanwhile->n);
	meanwhile->n = 0;
}

/* The block that held them has been handed over by the time it looks again. */
static void test_a_block_filled_up_meanwhile_is_waited_for(void **state)
{
	struct things things = { 0 };
	struct meanwhile meanwhile = { .things = &things, .n = 60 };
	struct grace_clock clock = { .waiting = meanwhile_defer, .arg = &meanwhile };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);

	(void)state;
	meanwhile.defer = defer_of(&params);
	defer_things(meanwhile.defer, &things, 10);
	assert_ok(pp_defer_barrier(meanwhile.defer));
	assert_true(atomic_load(&things.freed) >= 10);
	assert_int_equal(atomic_load(&clock.waits), 2);
	defer_end(meanwhile.defer, &things);
}

static void test_a_stuck_reader_of_another_delays_nobody(void **state)
{
	struct grace_clock stuck = { .stuck = true }, other = { 0 };
	struct things held = { 0 }, things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &stuck, &held);
	struct pp_defer *behind = defer_of(&params), *defer;
	struct pp_wait wait;
	double began;

	(void)state;
	params.grace = &other;
	params.arg = &things;
	defer = defer_of(&params);
	defer_things(behind, &held, 100);
	defer_things(defer, &things, 100);
	pp_wait_for(&wait, 10000000);
	assert_ok(pp_defer_barrier_wait(defer, &wait));
	assert_int_equal(atomic_load(&things.freed), 100);
	assert_int_equal(atomic_load(&held.freed), 0);
	/* Its own barrier does wait, until its deadline and not much longer. */
	began = now();
	pp_wait_for(&wait, 20000);
	assert_int_equal(pp_defer_barrier_wait(behind, &wait), -ETIMEDOUT);
	assert_true(now() - began >= 0.02);
	assert_int_equal(atomic_load(&held.freed), 0);
	atomic_store(&stuck.stuck, false);
	defer_end(behind, &held);
	defer_end(defer, &things);
}

struct barring {
	struct pp_defer *defer;
	struct pp_wait wait;
	_Atomic int rc;
};

static void *thread_bar(void *arg)
{
	struct barring *barring = arg;

	barring->rc = pp_defer_barrier_wait(barring->defer, &barring->wait);
	return NULL;
}

static void test_a_barrier_can_be_cancelled(void **state)
{
	struct grace_clock clock = { .stuck = true };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	struct barring first = { .rc = 1 }, second = { .rc = 1 };
	pthread_t threads[2];

	(void)state;
	first.defer = second.defer = defer_of(&params);
	defer_things(first.defer, &things, 1);
	pp_wait_until(&first.wait, PP_FOREVER);
	pp_wait_until(&second.wait, PP_FOREVER);
	pthread_create(&threads[0], NULL, thread_bar, &first);
	while (!atomic_load(&clock.waits))
		usleep(100);
	/* This one waits for the other's end, and can be cancelled there. */
	pthread_create(&threads[1], NULL, thread_bar, &second);
	usleep(20000);
	pp_wait_cancel(&second.wait);
	pthread_join(threads[1], NULL);
	assert_int_equal(second.rc, -ECANCELED);
	assert_int_equal(first.rc, 1);
	pp_wait_cancel(&first.wait);
	pthread_join(threads[0], NULL);
	assert_int_equal(first.rc, -ECANCELED);
	atomic_store(&clock.stuck, false);
	defer_end(first.defer, &things);
}

struct slow {
	_Atomic bool inside, go;
};

static void slow_free(void *arg, void *const *objs, unsigned n)
{
	struct slow *slow = arg;

	atomic_store(&slow->inside, true);
	while (!atomic_load(&slow->go))
		usleep(100);
	for (unsigned i = 0; i < n; i++)
		free(objs[i]);
}

static void *thread_poll(void *arg)
{
	pp_defer_poll(arg);
	return NULL;
}

static void test_a_barrier_waits_for_who_is_freeing(void **state)
{
	struct grace_clock clock = { .ended = UINT64_MAX / 2 };
	struct slow slow = { false, false };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, NULL);
	struct pp_defer *defer;
	struct pp_wait wait;
	pthread_t thread;
	void *obj;

	(void)state;
	params.free_bulk = slow_free;
	params.arg = &slow;
	defer = defer_of(&params);
	obj = malloc(16);
	assert_ok(pp_defer_free(defer, obj));
	pp_defer_poll(defer);
	pthread_create(&thread, NULL, thread_poll, defer);
	while (!atomic_load(&slow.inside))
		usleep(100);
	/* Twice: one that gave up leaves the next as much to wait for. */
	for (unsigned i = 0; i < 2; i++) {
		pp_wait_for(&wait, 10000);
		assert_int_equal(pp_defer_barrier_wait(defer, &wait), -ETIMEDOUT);
	}
	atomic_store(&slow.go, true);
	assert_ok(pp_defer_barrier(defer));
	assert_int_equal(defer_stats(defer).freed, 1);
	pthread_join(thread, NULL);
	assert_ok(pp_defer_destroy(defer));
}

struct chain {
	struct pp_defer *defer;
	uint64_t left;
	unsigned within, deepest, refused;
};

struct link {
	struct pp_defer_head head;
};

/* Each that is freed defers another, as the nodes of a tree do. */
static void chain_free(void *arg, void *const *objs, unsigned n)
{
	struct chain *chain = arg;

	chain->within++;
	if (chain->within > chain->deepest)
		chain->deepest = chain->within;
	for (unsigned i = 0; i < n; i++) {
		free(objs[i]);
		if (chain->left) {
			struct link *link = malloc(sizeof(*link));

			chain->left--;
			MUST(pp_defer_free_head(chain->defer, link, &link->head) == 0);
		}
	}
	chain->refused += pp_defer_barrier(chain->defer) == -EDEADLK;
	chain->refused += pp_defer_destroy(chain->defer) == -EBUSY;
	chain->refused += pp_defer_poll(chain->defer) == 0;
	chain->within--;
}

static void test_what_is_freed_may_defer_others(void **state)
{
	struct grace_clock clock = { .ended = UINT64_MAX / 2 };
	struct chain chain = { .left = 100000 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, NULL);
	struct pp_defer_stats stats;

	(void)state;
	params.free_bulk = chain_free;
	params.arg = &chain;
	chain.defer = defer_of(&params);
	for (unsigned i = 0; i < 100; i++)
		assert_ok(pp_defer_free(chain.defer, malloc(sizeof(struct link))));
	while (pp_defer_poll(chain.defer) || chain.left)
		;
	assert_ok(pp_defer_barrier(chain.defer));
	stats = defer_stats(chain.defer);
	assert_int_equal(stats.freed, 100100);
	assert_int_equal(stats.deferred, 100100);
	assert_int_equal(chain.deepest, 1);
	assert_int_equal(chain.refused, 3 * stats.calls);
	assert_ok(pp_defer_destroy(chain.defer));
}

#define CLAIM(test) cmocka_unit_test_setup_teardown(test, grace_begin, grace_finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(test_all_is_freed_after_a_barrier),
		CLAIM(test_a_block_filled_up_meanwhile_is_waited_for),
		CLAIM(test_a_stuck_reader_of_another_delays_nobody),
		CLAIM(test_a_barrier_can_be_cancelled),
		CLAIM(test_a_barrier_waits_for_who_is_freeing),
		CLAIM(test_what_is_freed_may_defer_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
