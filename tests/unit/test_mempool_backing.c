/* SPDX-License-Identifier: BSD-3-Clause */
/* Mempool-backing: pools, malloc and mempools as backing; who drew what; how many can wait. */
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ground.h"

#define KEPT 16
#define MANY 4096

static void test_malloc_is_a_backing(void **state)
{
	struct pp_mempool_params params = { .sz = sizeof(params), .min_nr = 8 };
	struct pp_mempool *mempool;
	void *elems[8];

	(void)state;
	params.ops = &pp_mempool_malloc;
	params.backing = (void *)(uintptr_t)3000;
	assert_ok(pp_mempool_create(&params, &mempool));
	assert_int_equal(pp_mempool_alloc_bulk(mempool, elems, 8, 0, NULL), 8);
	for (unsigned i = 0; i < 8; i++)
		memset(elems[i], (int)i, 3000);
	assert_int_equal(mempool_stats(mempool).kept, 8);
	assert_string_equal(mempool_stats(mempool).name, "mempool");
	assert_int_equal(pp_mempool_free_bulk(mempool, elems, 8), 0);
	assert_ok(pp_mempool_destroy(mempool));
}

static void *cache_them(void *arg)
{
	struct pp_cache *cache = pp_cache_create(arg, "idle");
	void *bufs[MOST];

	pp_free_bulk(cache, bufs, pp_alloc_burst(cache, bufs, 24, 0));
	return cache;
}

static void test_a_pool_takes_back_idle_buffers_with_effort_only(void **state)
{
	static void *elems[MANY];
	struct pp_cache *idle;
	struct ground ground;

	(void)state;
	ground_make(&ground, true, MANY, 0);
	idle = thread_do(cache_them, ground.pool);
	assert_true(stats_of(ground.pool).cached > 0);
	assert_int_equal(pp_mempool_alloc_bulk(ground.mempool, elems, MANY, 0, NULL), 0);
	assert_int_equal(pp_mempool_alloc_bulk(ground.mempool, elems, MANY, PP_GROW, NULL), MANY);
	pp_mempool_free_bulk(ground.mempool, elems, MANY);
	pp_cache_destroy(idle);
	ground_end(&ground);
}

static void *without_a_cache(void *arg)
{
	struct ground *ground = arg;
	struct pp_wait wait;
	void *elems[MOST];

	MUST(!pp_pool_cache(ground->pool));
	MUST(pp_mempool_alloc_bulk(ground->mempool, elems, 8, PP_GROW, NULL) == 8);
	MUST(pp_mempool_alloc_bulk(ground->mempool, elems + 8, MOST - 8, PP_WAIT, NULL) ==
	     MOST - 8);
	pp_wait_for(&wait, 3000);
	MUST(!pp_mempool_alloc_bulk(ground->mempool, elems + MOST, 1, PP_WAIT, &wait));
	MUST(errno == ETIMEDOUT);
	pp_mempool_free_bulk(ground->mempool, elems, MOST);
	return NULL;
}

static void test_a_thread_without_a_cache_is_served(void **state)
{
	struct pp_mempool_params params = { .sz = sizeof(params), .ops = &pp_mempool_pool };
	struct pp_pool_params of = params_4k(256, MOST);
	struct ground ground = { .n = 0 };

	(void)state;
	of.owners = 1;
	ground.pool = pool_of(&of);
	assert_non_null(pp_pool_cache(ground.pool)); /* the only one */
	params.backing = ground.pool;
	params.min_nr = MOST;
	assert_ok(pp_mempool_create(&params, &ground.mempool));
	assert_int_equal(mempool_stats(ground.mempool).kept, MOST);
	thread_do(without_a_cache, &ground);
	assert_ok(pp_mempool_destroy(ground.mempool));
	pool_end(ground.pool);
}

static void test_more_than_the_pool_could_have_is_an_error_at_once(void **state)
{
	struct ground ground;
	void *elems[MOST + 1];

	(void)state;
	ground_make(&ground, true, MOST, 0);
	assert_int_equal(pp_mempool_alloc_bulk(ground.mempool, elems, MOST + 1, PP_WAIT, NULL), 0);
	assert_int_equal(errno, EINVAL);
	assert_error_names("can never be free");
	ground_end(&ground);
}

/* A mempool of a mempool. */
static unsigned inner_alloc_bulk(void *backing, void **elems, unsigned n, unsigned flags)
{
	return pp_mempool_alloc_bulk(backing, elems, n, flags, NULL);
}

static void inner_free_bulk(void *backing, void *const *elems, unsigned n)
{
	pp_mempool_free_bulk(backing, elems, n);
}

static unsigned inner_wait_bulk(void *backing, void **elems, unsigned n, struct pp_wait *wait)
{
	return pp_mempool_alloc_bulk(backing, elems, n, PP_WAIT, wait);
}

static const struct pp_mempool_ops inner_ops = {
	.alloc_bulk = inner_alloc_bulk,
	.free_bulk = inner_free_bulk,
	.wait_bulk = inner_wait_bulk,
};

/* Woken by either one's frees, and by a cancel, through both. */
static void test_a_mempool_can_be_the_backing_of_another(void **state)
{
	struct pp_mempool_params params = { .sz = sizeof(params), .min_nr = 4 };
	struct pp_mempool *outer;
	struct waiter waiter;
	struct ground ground;
	void *elems[4];

	(void)state;
	for (unsigned pool = 0; pool < 2; pool++) {
		ground_make(&ground, pool, MOST, 8);
		params.ops = &inner_ops;
		params.backing = ground.mempool;
		assert_ok(pp_mempool_create(&params, &outer));
		/* 4 kept by the outer one and in use, the other 60 in use, too. */
		ground_drain(&ground);
		assert_int_equal(ground.n, MOST - 4);
		assert_int_equal(pp_mempool_alloc_bulk(outer, elems, 4, 0, NULL), 4);
		for (unsigned how = 0; how < 3; how++) {
			waiter_start(&waiter, outer, 4, PP_FOREVER);
			while (!mempool_stats(ground.mempool).waiters)
				nap();
			if (how == 0)
				pp_mempool_free_bulk(outer, elems, 4);
			else if (how == 1)
				pp_wait_cancel(&waiter.wait);
			else
				ground_free(&ground, 4);
			waiter_until_done(&waiter);
			waiter_end(&waiter, how == 1 ? 0 : 4, ECANCELED);
			if (how == 0)
				assert_int_equal(pp_mempool_alloc_bulk(outer, elems, 4, 0, NULL),
						 4);
		}
		pp_mempool_free_bulk(outer, elems, 4);
		assert_ok(pp_mempool_destroy(outer));
		ground_end(&ground);
	}
}

struct drawer {
	struct pp_mempool *mempool;
	const char *name;
	unsigned n;
	int tid;
};

static void *drawer_run(void *arg)
{
	struct drawer *drawer = arg;
	void *elems[MOST];

	if (drawer->name)
		prctl(PR_SET_NAME, drawer->name);
	drawer->tid = gettid();
	MUST(pp_mempool_alloc_bulk(drawer->mempool, elems, drawer->n, 0, NULL));
	pp_mempool_free_bulk(drawer->mempool, elems, drawer->n);
	return NULL;
}

struct record {
	struct pp_mempool_user users[PP_MEMPOOL_USERS_MAX + 1];
	unsigned n;
};

static void record_add(const struct pp_mempool_user *user, void *arg)
{
	struct record *record = arg;

	assert_in_range(record->n, 0, PP_MEMPOOL_USERS_MAX - 1);
	record->users[record->n++] = *user;
}

static void test_who_drained_the_reserve_is_on_record(void **state)
{
	struct drawer drawers[2] = { { .name = "drawer-one", .n = 5 },
				     { .name = "drawer-two", .n = 9 } };
	struct record record = { .n = 0 };
	struct ground ground;
	uint64_t sum = 0;

	(void)state;
	ground_make(&ground, false, KEPT, KEPT);
	assert_int_equal(pp_mempool_each_user(ground.mempool, record_add, &record), 0);
	for (unsigned i = 0; i < 2; i++) {
		drawers[i].mempool = ground.mempool;
		thread_do(drawer_run, &drawers[i]);
	}
	assert_int_equal(pp_mempool_each_user(ground.mempool, record_add, &record), 2);
	for (unsigned i = 0; i < 2; i++) {
		/* The latest first. */
		assert_string_equal(record.users[i].name, drawers[1 - i].name);
		assert_int_equal(record.users[i].tid, drawers[1 - i].tid);
		assert_int_equal(record.users[i].drawn, drawers[1 - i].n);
	}
	assert_true(record.users[0].last >= record.users[1].last);
	/* More threads than there is room for: none of what they drew is lost. */
	drawers[0] = (struct drawer){ .mempool = ground.mempool, .n = 3 };
	for (unsigned i = 0; i < 100; i++)
		thread_do(drawer_run, &drawers[0]);
	record.n = 0;
	assert_int_equal(pp_mempool_each_user(ground.mempool, record_add, &record),
			 PP_MEMPOOL_USERS_MAX);
	assert_int_equal(record.users[0].tid, drawers[0].tid);
	assert_int_equal(record.users[PP_MEMPOOL_USERS_MAX - 1].tid, 0);
	for (unsigned i = 0; i < record.n; i++)
		sum += record.users[i].drawn;
	assert_int_equal(sum, 5 + 9 + 300);
	assert_int_equal(mempool_stats(ground.mempool).drawn, sum);
	ground_end(&ground);
}

static _Atomic pid_t number_given;

/* The kernel gives a number again when it has been through all: no test can wait for that. */
pid_t gettid(void)
{
	return number_given ? number_given : (pid_t)syscall(SYS_gettid);
}

static void test_a_number_that_comes_again_is_another_thread(void **state)
{
	struct drawer drawers[2] = { { .name = "dead", .n = 5 }, { .name = "living", .n = 9 } };
	struct record record = { .n = 0 };
	struct ground ground;

	(void)state;
	ground_make(&ground, false, KEPT, KEPT);
	number_given = 4711;
	for (unsigned i = 0; i < 2; i++) {
		drawers[i].mempool = ground.mempool;
		thread_do(drawer_run, &drawers[i]);
	}
	number_given = 0;
	assert_int_equal(pp_mempool_each_user(ground.mempool, record_add, &record), 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_string_equal(record.users[i].name, drawers[1 - i].name);
		assert_int_equal(record.users[i].tid, 4711);
		assert_int_equal(record.users[i].drawn, drawers[1 - i].n);
	}
	ground_end(&ground);
}

/* Served by another's free, it is still the one who waited that drew. */
static void test_who_waited_is_on_record_itself(void **state)
{
	struct record record = { .n = 0 };
	struct waiter waiter;
	struct ground ground;
	int me = gettid();

	(void)state;
	ground_make(&ground, false, KEPT, KEPT);
	ground_drain(&ground);
	waiter_start(&waiter, ground.mempool, 7, PP_FOREVER);
	ground_free(&ground, 7);
	waiter_end(&waiter, 7, 0);
	assert_int_equal(pp_mempool_each_user(ground.mempool, record_add, &record), 2);
	assert_int_not_equal(record.users[0].tid, me);
	assert_int_equal(record.users[0].drawn, 7);
	assert_int_equal(record.users[1].tid, me);
	assert_int_equal(record.users[1].drawn, KEPT);
	ground_end(&ground);
}

static void test_so_many_can_wait_and_no_more(void **state)
{
	static struct waiter waiters[PP_MEMPOOL_WAITERS_MAX];
	struct ground ground;
	struct pp_wait wait;
	void *elem;

	(void)state;
	ground_make(&ground, false, KEPT, KEPT);
	ground_drain(&ground);
	for (unsigned i = 0; i < PP_MEMPOOL_WAITERS_MAX; i++)
		waiter_start(&waiters[i], ground.mempool, 1, PP_FOREVER);
	pp_wait_for(&wait, 1000000);
	assert_int_equal(pp_mempool_alloc_bulk(ground.mempool, &elem, 1, PP_WAIT, &wait), 0);
	assert_int_equal(errno, EAGAIN);
	assert_error_names("256 calls wait already");
	ground_free(&ground, KEPT);
	for (unsigned i = 0; i < PP_MEMPOOL_WAITERS_MAX; i++)
		waiter_end(&waiters[i], 1, 0);
	ground_end(&ground);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_malloc_is_a_backing),
		cmocka_unit_test(test_a_pool_takes_back_idle_buffers_with_effort_only),
		cmocka_unit_test(test_a_thread_without_a_cache_is_served),
		cmocka_unit_test(test_more_than_the_pool_could_have_is_an_error_at_once),
		cmocka_unit_test(test_a_mempool_can_be_the_backing_of_another),
		cmocka_unit_test(test_who_drained_the_reserve_is_on_record),
		cmocka_unit_test(test_a_number_that_comes_again_is_another_thread),
		cmocka_unit_test(test_who_waited_is_on_record_itself),
		cmocka_unit_test(test_so_many_can_wait_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
