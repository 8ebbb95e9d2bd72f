/* SPDX-License-Identifier: BSD-3-Clause */
/* Level-order: what watchers are told by several threads, in the order in which it came true. */
#include <pthread.h>
#include <unistd.h>

#include "support.h"

#define LOW 300
#define HIGH 600

static struct pp_pool *pool;
static void *bufs[4096];
static unsigned n;

static void begin(void)
{
	struct pp_pool_params p = params_4k(2048, 2048);

	p.owners = 6;
	pool = pool_of(&p);
	n = 0;
}

static void give_back(void)
{
	pp_free_bulk(pp_pool_cache(pool), bufs, n);
	n = 0;
}

/* As after a minute at the most. */
static void until(_Atomic bool *word)
{
	for (unsigned i = 0; !atomic_load(word); i++) {
		MUST(i < 600000);
		usleep(100);
	}
}

/* A receiver that a callback holds back. */
struct throttle {
	_Atomic bool on, begun, over;
	_Atomic unsigned inside, told;
};

/* Until it is told that the pool is low. */
static void *take_run(void *arg)
{
	struct pp_cache *cache = pp_pool_cache(pool);
	struct throttle *throttle = arg;
	void *some[8];

	for (;;) {
		MUST(pp_alloc_bulk(cache, some, 8, 0) == 8);
		if (atomic_load(&throttle->begun))
			break;
		memcpy(bufs + n, some, sizeof(some));
		n += 8;
	}
	/* The others are somebody else's to free by now. */
	pp_free_bulk(cache, some, 8);
	return NULL;
}

/* Slow where it is told that the pool is low: as one that lost its CPU on the way. */
static void throttle_set(struct pp_pool *of, bool low, void *arg)
{
	struct throttle *throttle = arg;

	MUST(of == pool && !atomic_fetch_add(&throttle->inside, 1));
	if (low) {
		atomic_store(&throttle->begun, true);
		until(&throttle->over);
	}
	atomic_store(&throttle->on, low);
	atomic_fetch_add(&throttle->told, 1);
	atomic_fetch_sub(&throttle->inside, 1);
}

static void test_what_is_told_last_is_so(void **state)
{
	struct throttle throttle = { .on = false };
	struct pp_watermarks marks = { LOW, HIGH, throttle_set, &throttle, -1 };
	pthread_t thread;

	(void)state;
	begin();
	assert_ok(pp_pool_set_watermarks(pool, &marks));
	assert_int_equal(pthread_create(&thread, NULL, take_run, &throttle), 0);
	until(&throttle.begun);
	/* Its thread is on its way to say so when the pool is full again. */
	give_back();
	assert_false(pp_pool_is_low(pool));
	atomic_store(&throttle.over, true);
	pthread_join(thread, NULL);
	assert_int_equal(throttle.told, 2);
	assert_false(throttle.on);
	pool_end(pool);
}

/* Frees what there is: nobody else comes by to see that it was enough. */
static void evict_all(struct pp_pool *of, bool low, void *arg)
{
	struct throttle *throttle = arg;

	if (low)
		pp_free_bulk(pp_pool_cache(of), bufs, n);
	atomic_store(&throttle->on, low);
	throttle->told++;
}

static void test_what_a_callback_frees_itself_is_seen(void **state)
{
	struct throttle throttle = { .on = false };
	struct pp_watermarks marks = { LOW, HIGH, evict_all, &throttle, -1 };
	struct pp_cache *cache;

	(void)state;
	begin();
	cache = pp_pool_cache(pool);
	assert_ok(pp_pool_set_watermarks(pool, &marks));
	for (n = 0; !throttle.told; n += 8)
		MUST(pp_alloc_bulk(cache, bufs + n, 8, 0) == 8);
	pp_free_bulk(cache, bufs + n - 8, 8);
	assert_int_equal(throttle.told, 2);
	assert_false(throttle.on);
	pool_end(pool);
}

struct setter {
	struct pp_watermarks marks;
	_Atomic bool back;
};

static void *setter_run(void *arg)
{
	struct setter *setter = arg;

	MUST(!pp_pool_set_watermarks(pool, &setter->marks));
	atomic_store(&setter->back, true);
	return NULL;
}

static struct setter setter;

/* Long enough for another one to replace it, if that does not wait. */
static void stays(struct pp_pool *of, bool low, void *arg)
{
	struct throttle *throttle = arg;

	(void)of;
	if (!low || atomic_load(&throttle->begun))
		return;
	atomic_store(&throttle->begun, true);
	until(&throttle->over);
	for (unsigned i = 0; i < 100; i++) {
		MUST(!atomic_load(&setter.back));
		usleep(200);
	}
	throttle->told++;
}

static void test_a_watcher_is_not_called_once_it_is_replaced(void **state)
{
	struct throttle throttle = { .on = false };
	struct pp_watermarks marks = { LOW, HIGH, stays, &throttle, -1 };
	pthread_t taker, thread;

	(void)state;
	begin();
	setter = (struct setter){ .marks = { .low = 0 } };
	assert_ok(pp_pool_set_watermarks(pool, &marks));
	assert_int_equal(pthread_create(&taker, NULL, take_run, &throttle), 0);
	until(&throttle.begun);
	assert_int_equal(pthread_create(&thread, NULL, setter_run, &setter), 0);
	atomic_store(&throttle.over, true);
	pthread_join(thread, NULL);
	/* What it was called with may be freed by now. */
	assert_int_equal(throttle.told, 1);
	pthread_join(taker, NULL);
	give_back();
	pool_end(pool);
}

static unsigned rung;

/* Each lower mark is set when the one above it has been crossed. */
static void step_down(struct pp_pool *of, bool low, void *arg)
{
	struct pp_watermarks *marks = arg;

	if (!low)
		return;
	rung++;
	marks->low /= 2;
	MUST(!pp_pool_set_watermarks(of, marks));
}

static void test_a_watcher_may_set_other_marks(void **state)
{
	struct pp_watermarks marks = { 512, HIGH, step_down, &marks, -1 };

	(void)state;
	begin();
	rung = 0;
	assert_ok(pp_pool_set_watermarks(pool, &marks));
	n = pp_alloc_burst(pp_pool_cache(pool), bufs, 1536, 0);
	for (unsigned i = 0; i < 1000; i++)
		n += pp_alloc_burst(pp_pool_cache(pool), bufs + n, 1, 0);
	/* 512, 256 and so on to 1: none is passed without being told of. */
	assert_int_equal(rung, 10);
	assert_int_equal(marks.low, 0);
	give_back();
	pool_end(pool);
}

static _Atomic uint64_t crossings;
static _Atomic bool over;

static void counts(struct pp_pool *of, bool low, void *arg)
{
	(void)of;
	MUST(low != *(bool *)arg);
	*(bool *)arg = low;
	atomic_fetch_add(&crossings, 1);
}

static void *cross_run(void *arg)
{
	struct pp_cache *cache = pp_pool_cache(pool);
	void **mine = malloc(1200 * sizeof(*mine));

	(void)arg;
	MUST(mine);
	while (!atomic_load(&over)) {
		unsigned k = pp_alloc_burst(cache, mine, 1200, 0);

		for (unsigned at = 0; at < k; at += 16)
			pp_free_bulk(cache, mine + at, k - at < 16 ? k - at : 16);
	}
	free(mine);
	return NULL;
}

/* Each of several watchers hears true and false in turn. */
static void test_watchers_change_while_marks_are_crossed(void **state)
{
	bool told[2] = { false, false };
	pthread_t threads[3];

	(void)state;
	begin();
	crossings = 0;
	atomic_store(&over, false);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, cross_run, NULL), 0);
	for (unsigned i = 0; i < 200 || atomic_load(&crossings) < 20; i++) {
		struct pp_watermarks marks = { LOW, HIGH, counts, &told[i % 2], -1 };

		told[i % 2] = false;
		assert_ok(pp_pool_set_watermarks(pool, &marks));
		usleep(100);
	}
	atomic_store(&over, true);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_false(pp_pool_is_low(pool));
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_told_last_is_so),
		cmocka_unit_test(test_what_a_callback_frees_itself_is_seen),
		cmocka_unit_test(test_a_watcher_is_not_called_once_it_is_replaced),
		cmocka_unit_test(test_a_watcher_may_set_other_marks),
		cmocka_unit_test(test_watchers_change_while_marks_are_crossed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
