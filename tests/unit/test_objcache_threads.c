/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads: what one frees serves another, in order and in time, also after its end. */
#include "objbench.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

static void test_objects_are_freed_by_another_thread_and_its_end_brings_them_home(void **state)
{
	struct objbench b;
	struct pp_objcache *oc;
	struct errand e = { .n = 50 };
	void *objs[50];

	(void)state;
	objbench_make(&b, 2);
	oc = objbench_cache(&b, 64);
	e.oc = oc;
	e.objs = objs;
	for (unsigned round = 0; round < 20; round++) {
		e.flags = round % 2 ? PP_CRITICAL : 0;
		if (round == 10)
			objbench_drain(&b);
		assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 50, e.flags, NULL), 50);
		thread_do(errand_free, &e);
		assert_int_equal(e.got, 50);
		assert_int_equal(objbench_books(oc).out, 0);
		/* Allocated by a thread that ends, freed here. */
		thread_do(errand_alloc, &e);
		assert_int_equal(e.got, 50);
		assert_int_equal(objbench_books(oc).out, 50);
		assert_int_equal(pp_objcache_free_bulk(oc, objs, 50), 50);
	}
	/* What this thread keeps is all that is not in a buffer. */
	assert_true(objbench_books(oc).cached <= 64);
	pp_objcache_shrink(oc);
	assert_int_equal(objbench_books(oc).cached + objbench_books(oc).buffers, 0);
	assert_ok(pp_objcache_destroy(oc));
	objbench_end(&b);
}

/* A thread that allocates and frees once, and then does nothing until it is let go. */
struct sleeper {
	struct pp_objcache *oc;
	pthread_barrier_t *barrier;
};

static void *sleeper_run(void *arg)
{
	struct sleeper *s = arg;
	void *objs[40];

	MUST(pp_objcache_alloc_bulk(s->oc, objs, 40, 0, NULL) == 40);
	MUST(pp_objcache_free_bulk(s->oc, objs, 40) == 40);
	pthread_barrier_wait(s->barrier);
	pthread_barrier_wait(s->barrier);
	return NULL;
}

static void test_objects_in_idle_threads_magazines_are_taken_back(void **state)
{
	struct objbench b;
	struct pp_objcache *oc;
	struct sleeper s;
	pthread_t threads[4];
	pthread_barrier_t barrier;
	static void *objs[MANY];
	uint32_t cached, total;

	(void)state;
	objbench_make(&b, 1);
	oc = objbench_cache(&b, 64);
	s = (struct sleeper){ oc, &barrier };
	pthread_barrier_init(&barrier, NULL, 5);
	for (unsigned i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, sleeper_run, &s);
	pthread_barrier_wait(&barrier);
	objbench_drain(&b);
	cached = (uint32_t)objbench_books(oc).cached;
	total = objbench_books(oc).buffers * objbench_books(oc).per_buffer;
	assert_in_range(cached, 40, 256);
	/* They are what is missing, and one call with effort has them all. */
	assert_int_equal(pp_objcache_alloc_bulk(oc, objs, total, 0, NULL), 0);
	assert_int_equal(pp_objcache_alloc_bulk(oc, objs, total, PP_GROW, NULL), total);
	assert_int_equal(objbench_books(oc).out, total);
	assert_int_equal(objbench_books(oc).skipped, 0);
	pp_objcache_free_bulk(oc, objs, total);
	pthread_barrier_wait(&barrier);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	assert_ok(pp_objcache_destroy(oc));
	objbench_end(&b);
}

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void test_a_wait_ends_at_its_deadline_or_when_cancelled(void **state)
{
	struct objbench b;
	struct pp_objcache *oc;
	struct pp_wait wait;
	struct errand e = { .n = 1 };
	void *obj, *held;
	pthread_t thread;
	double began;

	(void)state;
	objbench_make(&b, 1);
	oc = objbench_cache(&b, 2000);
	objbench_drain(&b);
	held = pp_objcache_alloc(oc, PP_CRITICAL);
	assert_non_null(held);
	for (unsigned critical = 0; critical < 2; critical++) {
		e.flags = PP_WAIT | (critical ? PP_CRITICAL : 0);
		began = milliseconds();
		pp_wait_for(&wait, 30000);
		assert_int_equal(pp_objcache_alloc_bulk(oc, &obj, 1, e.flags, &wait), 0);
		assert_int_equal(errno, ETIMEDOUT);
		assert_true(milliseconds() - began >= 30);
		/* In the past: what there is, without waiting. */
		pp_wait_until(&wait, 1);
		assert_int_equal(pp_objcache_alloc_bulk(oc, &obj, 1, e.flags, &wait), 0);
		assert_int_equal(errno, ETIMEDOUT);
		e.oc = oc;
		e.objs = &obj;
		e.wait = &wait;
		e.began = false;
		pp_wait_for(&wait, PP_FOREVER);
		pthread_create(&thread, NULL, errand_alloc, &e);
		while (!objbench_books(oc).waiters)
			usleep(100);
		pp_wait_cancel(&wait);
		pthread_join(thread, NULL);
		assert_int_equal(e.got, 0);
		assert_int_equal(e.error, ECANCELED);
		assert_int_equal(objbench_books(oc).waiters, 0);
		/* It stays cancelled. */
		assert_int_equal(pp_objcache_alloc_bulk(oc, &obj, 1, e.flags, &wait), 0);
		assert_int_equal(errno, ECANCELED);
	}
	pp_objcache_free(oc, held);
	pp_wait_until(&wait, 1);
	assert_int_equal(pp_objcache_alloc_bulk(oc, &obj, 1, PP_WAIT | PP_CRITICAL, &wait), 1);
	pp_objcache_free(oc, obj);
	assert_ok(pp_objcache_destroy(oc));
	objbench_end(&b);
}

/* An object freed by anybody, a buffer freed by another cache, a buffer freed by a stranger. */
static void test_whatever_is_freed_serves_who_waits_for_it(void **state)
{
	struct objbench b;
	struct pp_objcache *oc, *other;
	struct errand e = { .n = 1 };
	void *obj, *mine[40], *theirs;
	pthread_t thread;

	(void)state;
	objbench_make(&b, 2);
	oc = objbench_cache(&b, 100);
	other = objbench_cache(&b, 300);
	objbench_drain(&b);
	e.oc = oc;
	e.objs = &obj;
	for (unsigned round = 0; round < 40; round++) {
		uint32_t per = objbench_books(oc).per_buffer;

		assert_int_equal(pp_objcache_alloc_bulk(oc, mine, per, PP_CRITICAL, NULL), per);
		theirs = pp_objcache_alloc(other, PP_CRITICAL);
		assert_non_null(theirs);
		e.flags = PP_WAIT | (round % 4 == 3 ? 0 : PP_CRITICAL);
		pthread_create(&thread, NULL, errand_alloc, &e);
		while (!objbench_books(oc).waiters)
			sched_yield();
		if (round % 8 >= 4)
			usleep(2000);
		if (round % 4 == 0)
			pp_objcache_free(oc, mine[7]);
		else if (round % 4 == 1)
			pp_objcache_free(other, theirs);
		else
			pp_pool_free(b.pool, b.hoard + --b.hoarded, 1);
		pthread_join(thread, NULL);
		assert_int_equal(e.got, 1);
		assert_int_equal(pp_objcache_is_critical(oc, obj), round % 4 < 3);
		pp_objcache_free(oc, obj);
		if (round % 4 == 0)
			mine[7] = mine[--per];
		assert_int_equal(pp_objcache_free_bulk(oc, mine, per), per);
		if (round % 4 != 1)
			pp_objcache_free(other, theirs);
		pp_objcache_shrink(oc);
		objbench_drain(&b);
	}
	assert_ok(pp_objcache_destroy(oc));
	assert_ok(pp_objcache_destroy(other));
	objbench_end(&b);
}

static void test_waiters_of_mixed_sizes_are_served_in_the_order_of_arrival(void **state)
{
	static const unsigned sizes[8] = { 5, 1, 9, 2, 7, 1, 3, 4 };
	struct objbench b;
	struct pp_objcache *oc;
	struct errand e[8];
	void *objs[8][9], *held[64];
	pthread_t threads[8];
	uint32_t per, served = 0;

	(void)state;
	objbench_make(&b, 3);
	oc = objbench_cache(&b, 56);
	per = objbench_books(oc).per_buffer;
	assert_true(per <= 64 && per >= 32);
	objbench_drain(&b);
	b.hoarded--;
	pp_pool_free(b.pool, b.hoard + b.hoarded, 1);
	for (unsigned round = 0; round < 10; round++) {
		uint32_t freed = 0, granted = 0;

		/* One buffer's worth: nobody else has any. */
		assert_int_equal(pp_objcache_alloc_bulk(oc, held, per, 0, NULL), per);
		for (unsigned i = 0; i < 8; i++) {
			e[i] = (struct errand){
				.oc = oc, .objs = objs[i], .n = sizes[i], .flags = PP_WAIT
			};
			pthread_create(&threads[i], NULL, errand_alloc, &e[i]);
			while (objbench_books(oc).waiters != i + 1)
				sched_yield();
		}
		/* One by one: each free serves the first or nobody. */
		for (unsigned i = 0; i < 8; i++) {
			for (unsigned k = 0; k < sizes[i]; k++) {
				assert_int_equal(objbench_books(oc).waiters, 8 - i);
				pp_objcache_free(oc, held[freed++]);
			}
			granted += sizes[i];
			assert_int_equal(objbench_books(oc).waiters, 7 - i);
			assert_int_equal(objbench_books(oc).free, freed - granted);
			pthread_join(threads[i], NULL);
			assert_int_equal(e[i].got, sizes[i]);
			served++;
		}
		for (unsigned i = 0; i < 8; i++)
			assert_int_equal(pp_objcache_free_bulk(oc, objs[i], sizes[i]), sizes[i]);
		assert_int_equal(pp_objcache_free_bulk(oc, held + freed, per - freed), per - freed);
	}
	assert_int_equal(served, 80);
	assert_ok(pp_objcache_destroy(oc));
	objbench_end(&b);
}

static void *errand_pass(void *arg)
{
	errand_alloc(arg);
	return errand_free(arg);
}

static void test_a_threads_end_leaves_no_more_empty_buffers_than_may_stay(void **state)
{
	struct objbench b;
	struct pp_objcache_params params;
	struct pp_objcache *oc;
	struct errand e = { .n = BUFFERS - 4 };
	static void *objs[BUFFERS];

	(void)state;
	objbench_make(&b, 0);
	params = objbench_params(&b, 1900);
	params.magazine = BUFFERS;
	params.keep = 3;
	oc = objbench_cache_with(&params);
	assert_int_equal(objbench_books(oc).per_buffer, 1);
	e.oc = oc;
	e.objs = objs;
	thread_do(errand_pass, &e);
	assert_int_equal(e.got, e.n);
	assert_int_equal(objbench_books(oc).cached, 0);
	assert_int_equal(objbench_books(oc).buffers, 3);
	assert_int_equal(objbench_books(oc).empty, 3);
	/* The others are the pool's again, for anybody. */
	objbench_drain(&b);
	assert_int_equal(b.hoarded, BUFFERS - 3);
	assert_ok(pp_objcache_destroy(oc));
	objbench_end(&b);
}

/* A cache whose destructor needs one of its own, and one that takes its time. */
struct slow_end {
	struct objbench *b;
	struct pp_objcache *oc;
	_Atomic unsigned destructed;
	_Atomic bool hold, held, destroyed;
};

static void slow_dtor(void *obj, void *arg)
{
	struct slow_end *s = arg;
	struct pp_objcache_params params = objbench_params(s->b, 64);
	struct pp_objcache *other;
	void *theirs;

	(void)obj;
	params.critical = NULL;
	MUST(!pp_objcache_create(&params, &other));
	theirs = pp_objcache_alloc(other, 0);
	MUST(theirs);
	pp_objcache_free(other, theirs);
	MUST(!pp_objcache_destroy(other));
	atomic_store(&s->held, true);
	while (atomic_load(&s->hold))
		usleep(100);
	atomic_fetch_add(&s->destructed, 1);
}

static void *slow_destroy(void *arg)
{
	struct slow_end *s = arg;

	MUST(!pp_objcache_destroy(s->oc));
	atomic_store(&s->destroyed, true);
	return NULL;
}

static void
test_destructors_at_a_threads_end_use_other_caches_and_destroying_waits_for_them(void **state)
{
	struct objbench b;
	struct slow_end s = { .b = &b, .hold = true };
	struct pp_objcache_params params;
	struct errand e = { .n = 20 };
	static void *objs[20];
	pthread_t ends, destroys;

	(void)state;
	objbench_make(&b, 0);
	params = objbench_params(&b, 1900);
	params.dtor = slow_dtor;
	params.arg = &s;
	e.oc = s.oc = objbench_cache_with(&params);
	e.objs = objs;
	pthread_create(&ends, NULL, errand_pass, &e);
	while (!atomic_load(&s.held))
		usleep(100);
	/* Nothing is out, but what the thread has begun it finishes. */
	assert_int_equal(objbench_books(s.oc).out, 0);
	atomic_store(&s.held, false);
	pthread_create(&destroys, NULL, slow_destroy, &s);
	while (!atomic_load(&s.held))
		usleep(100);
	usleep(20000);
	assert_false(atomic_load(&s.destroyed));
	atomic_store(&s.hold, false);
	pthread_join(destroys, NULL);
	assert_int_equal(atomic_load(&s.destructed), 20);
	pthread_join(ends, NULL);
	objbench_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_objects_are_freed_by_another_thread_and_its_end_brings_them_home),
		cmocka_unit_test(test_objects_in_idle_threads_magazines_are_taken_back),
		cmocka_unit_test(test_a_wait_ends_at_its_deadline_or_when_cancelled),
		cmocka_unit_test(test_whatever_is_freed_serves_who_waits_for_it),
		cmocka_unit_test(test_waiters_of_mixed_sizes_are_served_in_the_order_of_arrival),
		cmocka_unit_test(test_a_threads_end_leaves_no_more_empty_buffers_than_may_stay),
		cmocka_unit_test(
			test_destructors_at_a_threads_end_use_other_caches_and_destroying_waits_for_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
