/* SPDX-License-Identifier: BSD-3-Clause */
/* Ended: what calls say with a pool, a mempool, an object cache or a pp_defer that was destroyed. */
#include <pthread.h>

#include "grace.h"
#include "shelf.h"

#define EINVAL_OF(call)                          \
	do {                                     \
		errno = 0;                       \
		assert_int_equal(call, 0);       \
		assert_int_equal(errno, EINVAL); \
		assert_error_names("destroyed"); \
	} while (0)

static void user_none(const struct pp_mempool_user *user, void *arg)
{
	(void)user;
	(void)arg;
	fail();
}

static bool take_none(void *elem, void *arg)
{
	(void)elem;
	(void)arg;
	MUST(!"it was handed over");
	return false;
}

static void test_a_mempool_that_was_destroyed_is_refused(void **state)
{
	struct pp_mempool *mempool, *next;
	struct pp_mempool_stats books;
	struct shelf shelf, other;
	void *elems[4];

	(void)state;
	mempool = mempool_begin(&shelf, 8, 4);
	assert_int_equal(pp_mempool_alloc_bulk(mempool, elems, 4, 0, NULL), 4);
	assert_int_equal(pp_mempool_free_bulk(mempool, elems, 4), 0);
	mempool_end(mempool, &shelf);
	EINVAL_OF(pp_mempool_free_bulk(mempool, elems, 4));
	EINVAL_OF(pp_mempool_alloc_bulk(mempool, elems, 4, PP_WAIT, NULL));
	EINVAL_OF(pp_mempool_alloc_bulk_cb(mempool, 4, 0, NULL, take_none, NULL));
	EINVAL_OF(pp_mempool_each_user(mempool, user_none, NULL));
	assert_int_equal(pp_mempool_resize(mempool, 2), -EINVAL);
	assert_int_equal(pp_mempool_destroy(mempool), -EINVAL);
	errno = 0;
	pp_mempool_stats(mempool, &books);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(books.min_nr + books.kept, 0);
	/* The next one is all right, wherever it is. */
	next = mempool_begin(&other, 8, 4);
	assert_int_equal(pp_mempool_alloc_bulk(next, elems, 4, 0, NULL), 4);
	assert_int_equal(pp_mempool_free_bulk(next, elems, 4), 0);
	mempool_end(next, &other);
}

struct late {
	struct pp_objcache *oc;
	struct pp_defer *defer;
	struct things *things;
	pthread_barrier_t turn;
	void *objs[4];
};

/* As of another thread that has a magazine of it, and a block to fill. */
static void *late_run(void *arg)
{
	struct late *late = arg;
	struct thing *thing;

	MUST(pp_objcache_alloc_bulk(late->oc, late->objs, 4, 0, NULL) == 4);
	MUST(pp_objcache_free_bulk(late->oc, late->objs, 4) == 4);
	defer_things(late->defer, late->things, 3);
	pthread_barrier_wait(&late->turn);
	pthread_barrier_wait(&late->turn);
	errno = 0;
	MUST(!pp_objcache_alloc(late->oc, 0) && errno == EINVAL);
	errno = 0;
	MUST(!pp_objcache_free_bulk(late->oc, late->objs, 4) && errno == EINVAL);
	thing = thing_make(late->things);
	MUST(pp_defer_free(late->defer, thing) == -EINVAL);
	MUST(pp_defer_free_head(late->defer, thing, &thing->head) == -EINVAL);
	free(thing);
	return NULL;
}

static void test_caches_and_defers_that_were_destroyed_are_refused_to_every_thread(void **state)
{
	struct grace_clock clock = { 0 };
	struct things things = { 0 };
	struct pp_defer_params params = grace_params(grace_pool, &grace_clock_ops, &clock, &things);
	struct pp_objcache_params kind = { .sz = sizeof(kind), .object_size = 64 };
	struct late late = { .things = &things };
	struct pp_objcache_stats books;
	struct pp_defer_stats defers;
	struct thing *thing;
	pthread_t thread;
	void *obj;

	(void)state;
	kind.pool = grace_pool;
	assert_ok(pp_objcache_create(&kind, &late.oc));
	late.defer = defer_of(&params);
	pthread_barrier_init(&late.turn, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, late_run, &late), 0);
	obj = pp_objcache_alloc(late.oc, 0);
	pp_objcache_free(late.oc, obj);
	defer_things(late.defer, &things, 3);
	pthread_barrier_wait(&late.turn);
	assert_ok(pp_objcache_destroy(late.oc));
	defer_end(late.defer, &things);
	pthread_barrier_wait(&late.turn);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&late.turn);

	pp_objcache_free(late.oc, obj);
	EINVAL_OF(pp_objcache_free_bulk(late.oc, &obj, 1));
	EINVAL_OF(pp_objcache_alloc_bulk(late.oc, &obj, 1, PP_WAIT, NULL));
	EINVAL_OF(pp_objcache_shrink(late.oc));
	EINVAL_OF(pp_objcache_is_critical(late.oc, obj));
	pp_objcache_stats(late.oc, &books);
	assert_int_equal(books.buffers, 0);
	assert_int_equal(pp_objcache_destroy(late.oc), -EINVAL);
	thing = thing_make(&things);
	assert_int_equal(pp_defer_free(late.defer, thing), -EINVAL);
	assert_error_names("destroyed");
	free(thing);
	EINVAL_OF((pp_defer_stats(late.defer, &defers), 0));
	assert_int_equal(pp_defer_poll(late.defer), 0);
	assert_int_equal(pp_defer_barrier(late.defer), -EINVAL);
	assert_int_equal(pp_defer_destroy(late.defer), -EINVAL);
}

static void test_a_pool_that_was_destroyed_is_refused(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 1024, 0);
	struct pp_watermarks marks = { 0 };
	void *buf = pp_alloc(pp_pool_cache(pool), 0);
	struct pp_lease *lease;
	struct pp_stats books;

	(void)state;
	pp_free(pp_pool_cache(pool), buf);
	assert_ok(pp_pool_destroy(pool));
	/* The address is nobody's. */
	assert_int_equal(pp_free_any(&buf, 1), 0);
	assert_error_names("no buffer of any pool");
	assert_int_equal(pp_free_nolock(NULL, &buf, 1), 0);
	assert_null(pp_pool_find(buf));
	EINVAL_OF(pp_pool_cache(pool) != NULL);
	EINVAL_OF(pp_pool_alloc_burst(pool, &buf, 1));
	EINVAL_OF((pp_pool_free(pool, &buf, 1), 0));
	EINVAL_OF(pp_pool_collect(pool));
	EINVAL_OF(pp_pool_is_low(pool));
	EINVAL_OF(pp_marked(pool, buf));
	EINVAL_OF((pp_pool_stats(pool, &books), 0));
	assert_int_equal(books.total, 0);
	assert_int_equal(pp_pool_set_reserve(pool, 1), -EINVAL);
	assert_int_equal(pp_pool_set_watermarks(pool, &marks), -EINVAL);
	assert_int_equal(pp_reserve_lease(pool, 1, &lease), -EINVAL);
	assert_int_equal(pp_pool_grow(pool, 1), -EINVAL);
	assert_int_equal(pp_pool_shrink(pool, 1, 0), -EINVAL);
	assert_int_equal(pp_pool_destroy(pool), -EINVAL);
	/* And what comes after it works. */
	pool = pool_4k(2048, 1024, 0);
	assert_non_null(pp_alloc(pp_pool_cache(pool), 0));
	assert_int_equal(pp_pool_destroy(pool), -EBUSY);
	assert_int_equal(pp_pool_recover(pool), 1);
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_mempool_that_was_destroyed_is_refused),
		cmocka_unit_test_setup_teardown(
			test_caches_and_defers_that_were_destroyed_are_refused_to_every_thread,
			grace_begin, grace_finish),
		cmocka_unit_test(test_a_pool_that_was_destroyed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
