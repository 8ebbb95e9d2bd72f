/* SPDX-License-Identifier: BSD-3-Clause */
/* Detach: a device leaves from inside a callback, its own or another, in the middle of anything. */
#include <pthread.h>
#include <unistd.h>

#include "recorder.h"

/* What a device calls, and what the pool calls. */
enum call { MAP, UNMAP, ADDED, REMOVED, CALLS };

/* Detaches `whom` at its `at`-th call of one kind. */
struct quitter {
	struct recorder recorder; /* first: what it knows is checked there */
	struct pp_pool *pool;
	enum call call;
	uint32_t at, seen[CALLS];
	unsigned whom;
	int64_t rc;
	bool gone;
};

static void quitter_sees(struct quitter *q, enum call call)
{
	assert_false(q->gone);
	if (q->call != call || ++q->seen[call] != q->at)
		return;
	/* While this thread has the page lock, nothing but that. */
	assert_int_equal(pp_pool_grow(q->pool, 1), -EDEADLK);
	assert_int_equal(pp_pool_shrink(q->pool, 1, 0), -EDEADLK);
	assert_int_equal(pp_pool_map_device(q->pool, &pp_dma_none_ops, NULL), -EDEADLK);
	assert_int_equal(pp_pool_destroy(q->pool), -EDEADLK);
	q->rc = pp_pool_unmap_device(q->pool, q->whom);
	assert_int_equal(pp_pool_unmap_device(q->pool, q->whom), -ENOENT);
}

static int quitter_map(void *device, void *va, size_t bytes, struct pp_mapping *mapping)
{
	struct quitter *q = device;
	int rc = recorder_ops.map(device, va, bytes, mapping);

	quitter_sees(q, MAP);
	return rc;
}

static int quitter_unmap(void *device, void *va, size_t bytes, const struct pp_mapping *mapping)
{
	struct quitter *q = device;
	int rc = recorder_ops.unmap(device, va, bytes, mapping);

	quitter_sees(q, UNMAP);
	return rc;
}

static int quitter_added(void *device, uint32_t page)
{
	int rc = recorder_ops.page_added(device, page);

	quitter_sees(device, ADDED);
	return rc;
}

static void quitter_removed(void *device, uint32_t page)
{
	recorder_ops.page_removed(device, page);
	quitter_sees(device, REMOVED);
}

static const struct pp_dma_ops quitter_ops = {
	.name = "quitter",
	.map = quitter_map,
	.unmap = quitter_unmap,
	.page_added = quitter_added,
	.page_removed = quitter_removed,
};

static struct quitter quitter_for(struct pp_pool *pool)
{
	return (struct quitter){ .recorder = recorder_for(pool), .pool = pool, .call = CALLS };
}

/* Three devices; the one in the middle detaches one of them while the pool grows and shrinks. */
static void grow_and_shrink(enum call call, uint32_t at, unsigned whom)
{
	struct pp_pool *pool = pool_pages(4, 8, 0);
	struct quitter q[3];
	void *bufs[10];

	for (unsigned d = 0; d < 3; d++) {
		q[d] = quitter_for(pool);
		assert_int_equal(pp_pool_map_device(pool, &quitter_ops, &q[d]), d);
	}
	assert_int_equal(pp_alloc_bulk(pp_pool_cache(pool), bufs, 10, 0), 10);
	q[1].call = call;
	q[1].at = at;
	q[1].whom = whom;
	q[1].rc = -1;
	assert_int_equal(pp_pool_grow(pool, 3 * 16), 3 * 16);
	assert_int_equal(pp_pool_shrink(pool, 4 * 16, 100000), 4 * 16);
	assert_int_equal(q[1].rc, 10);
	assert_none_mapped(&q[whom].recorder);
	assert_int_equal(q[whom].recorder.maps, q[whom].recorder.unmaps);
	q[whom].gone = true;
	for (unsigned d = 0; d < 3; d++)
		if (d != whom)
			assert_all_mapped(pool, &q[d].recorder);
	assert_int_equal(pp_pool_grow(pool, 16), 16);
	books_hold(pool, 10);
	pp_free_bulk(pp_pool_cache(pool), bufs, 10);
	all_can_be_had(pool, pp_pool_cache(pool));
	/* Its number is free again. */
	q[whom] = quitter_for(pool);
	assert_int_equal(pp_pool_map_device(pool, &quitter_ops, &q[whom]), whom);
	assert_all_mapped(pool, &q[whom].recorder);
	pool_end(pool);
	for (unsigned d = 0; d < 3; d++)
		assert_none_mapped(&q[d].recorder);
}

static void test_any_device_leaves_in_any_callback(void **state)
{
	(void)state;
	for (unsigned whom = 0; whom < 3; whom++)
		for (uint32_t at = 1; at <= 3; at++)
			for (unsigned call = MAP; call < CALLS; call++)
				grow_and_shrink((enum call)call, at, whom);
}

static void test_device_that_leaves_while_it_is_attached(void **state)
{
	static const enum call calls[] = { MAP, ADDED };

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		for (uint32_t at = 1; at <= 4; at++) {
			struct pp_pool *pool = pool_pages(4, 4, 0);
			struct recorder other = recorder_for(pool);
			struct quitter q = quitter_for(pool);

			assert_int_equal(pp_pool_map_device(pool, &recorder_ops, &other), 0);
			q.call = calls[i];
			q.at = at;
			q.whom = 1;
			assert_int_equal(pp_pool_map_device(pool, &quitter_ops, &q), -ECANCELED);
			assert_error_names("device 1");
			assert_int_equal(q.rc, 0);
			assert_none_mapped(&q.recorder);
			assert_int_equal(q.recorder.maps, q.recorder.unmaps);
			assert_all_mapped(pool, &other);
			assert_int_equal(stats_of(pool).pages_lost, 0);
			pool_end(pool);
		}
}

static void test_device_that_leaves_while_it_is_detached(void **state)
{
	struct pp_pool *pool = pool_pages(4, 4, 0);
	struct quitter first = quitter_for(pool), second = quitter_for(pool);

	(void)state;
	assert_int_equal(pp_pool_map_device(pool, &quitter_ops, &first), 0);
	assert_int_equal(pp_pool_map_device(pool, &quitter_ops, &second), 1);
	/* The second goes as the first is going. */
	first.call = UNMAP;
	first.at = 2;
	first.whom = 1;
	assert_int_equal(pp_pool_unmap_device(pool, 0), 0);
	assert_int_equal(first.rc, 0);
	assert_none_mapped(&first.recorder);
	assert_none_mapped(&second.recorder);
	assert_int_equal(first.recorder.unmaps, 4);
	assert_int_equal(second.recorder.unmaps, 4);
	/* Itself: it is gone already. */
	first = quitter_for(pool);
	assert_int_equal(pp_pool_map_device(pool, &quitter_ops, &first), 0);
	first.call = UNMAP;
	first.at = 1;
	assert_int_equal(pp_pool_unmap_device(pool, 0), 0);
	assert_int_equal(first.rc, -ENOENT);
	assert_int_equal(first.recorder.unmaps, 4);
	/* And as the pool is going. */
	first = quitter_for(pool);
	second = quitter_for(pool);
	assert_int_equal(pp_pool_map_device(pool, &quitter_ops, &first), 0);
	assert_int_equal(pp_pool_map_device(pool, &quitter_ops, &second), 1);
	first.call = UNMAP;
	first.at = 1;
	first.whom = 1;
	pool_end(pool);
	assert_none_mapped(&first.recorder);
	assert_int_equal(second.recorder.unmaps, 4);
}

/* Refuses, and leaves for that: nobody loses anything. */
static int sulker_map(void *device, void *va, size_t bytes, struct pp_mapping *mapping)
{
	struct quitter *q = device;

	(void)va;
	(void)bytes;
	(void)mapping;
	q->rc = pp_pool_unmap_device(q->pool, q->whom);
	return -ENOSPC;
}

static const struct pp_dma_ops sulker_ops = {
	.name = "sulker",
	.map = sulker_map,
	.unmap = quitter_unmap,
};

static void test_who_refuses_and_leaves_costs_nothing(void **state)
{
	struct pp_pool *pool = pool_pages(4, 6, 0);
	struct quitter q = quitter_for(pool);

	(void)state;
	assert_int_equal(pp_pool_map_device(pool, &sulker_ops, &q), -ECANCELED);
	assert_int_equal(q.rc, 0);
	assert_int_equal(stats_of(pool).pages, 4);
	assert_int_equal(stats_of(pool).pages_lost, 0);
	assert_int_equal(pp_pool_grow(pool, 1), 16);
	pool_end(pool);
}

struct tattler {
	struct pp_pool *pool;
	int64_t rc;
};

static void level_detaches(struct pp_pool *pool, bool low, void *arg)
{
	struct tattler *tattler = arg;

	if (low)
		tattler->rc = pp_pool_unmap_device(pool, 0);
}

static bool bulk_detaches(void *buf, void *arg)
{
	struct tattler *tattler = arg;

	(void)buf;
	if (tattler->rc < 0)
		tattler->rc = pp_pool_unmap_device(tattler->pool, 0);
	pp_free(pp_pool_cache(tattler->pool), buf);
	return true;
}

static void test_watermark_and_bulk_callbacks_may_detach(void **state)
{
	struct pp_pool *pool = pool_pages(4, 4, 0);
	struct quitter q = quitter_for(pool);
	struct tattler tattler = { pool, -1 };
	struct pp_watermarks marks = {
		.low = 40, .high = 60, .fn = level_detaches, .arg = &tattler, .eventfd = -1
	};
	void *bufs[40];

	(void)state;
	assert_int_equal(pp_pool_map_device(pool, &quitter_ops, &q), 0);
	assert_ok(pp_pool_set_watermarks(pool, &marks));
	assert_int_equal(pp_alloc_bulk(pp_pool_cache(pool), bufs, 40, 0), 40);
	assert_int_equal(tattler.rc, 40);
	assert_int_equal(q.recorder.unmaps, 4);
	q = quitter_for(pool);
	assert_int_equal(pp_pool_map_device(pool, &quitter_ops, &q), 0);
	tattler.rc = -1;
	assert_int_equal(pp_alloc_bulk_cb(pp_pool_cache(pool), 8, 0, bulk_detaches, &tattler), 8);
	assert_true(tattler.rc >= 41);
	assert_none_mapped(&q.recorder);
	pp_free_bulk(pp_pool_cache(pool), bufs, 40);
	pool_end(pool);
}

/* A call that grows by itself, from inside which a device leaves. */
static void test_device_leaves_while_a_call_grows(void **state)
{
	struct pp_pool *pool = pool_pages(4, 6, 0);
	struct quitter q = quitter_for(pool);
	void *bufs[90];

	(void)state;
	assert_int_equal(pp_pool_map_device(pool, &quitter_ops, &q), 0);
	q.call = MAP;
	q.at = 1;
	assert_int_equal(pp_alloc_bulk(pp_pool_cache(pool), bufs, 90, PP_GROW), 90);
	assert_true(q.rc >= 64);
	assert_none_mapped(&q.recorder);
	pp_free_bulk(pp_pool_cache(pool), bufs, 90);
	pool_end(pool);
}

static void *detach_from_outside(void *arg)
{
	struct tattler *tattler = arg;

	tattler->rc = pp_pool_unmap_device(tattler->pool, 0);
	return NULL;
}

static void *shrink_in_vain(void *arg)
{
	MUST(pp_pool_shrink(arg, 16, 300000) == -EBUSY);
	return NULL;
}

static void test_of_two_that_detach_one_does(void **state)
{
	struct pp_pool *pool = pool_pages(4, 4, 0);
	struct pp_dma_none none = { 0 };
	struct tattler one = { pool, -1 }, two = { pool, -1 };
	pthread_t shrinker, first, second;
	void *bufs[64];

	(void)state;
	assert_int_equal(pp_pool_map_device(pool, &pp_dma_none_ops, &none), 0);
	assert_int_equal(pp_alloc_bulk(pp_pool_cache(pool), bufs, 64, 0), 64);
	pthread_create(&shrinker, NULL, shrink_in_vain, pool);
	while (!stats_of(pool).pressed)
		;
	/* Both come while somebody has the lock. */
	pthread_create(&first, NULL, detach_from_outside, &one);
	pthread_create(&second, NULL, detach_from_outside, &two);
	pthread_join(shrinker, NULL);
	pthread_join(first, NULL);
	pthread_join(second, NULL);
	assert_true((one.rc == 64 && two.rc == -ENOENT) || (one.rc == -ENOENT && two.rc == 64));
	assert_int_equal(none.unmaps, 4);
	pp_free_bulk(pp_pool_cache(pool), bufs, 64);
	pool_end(pool);
}

/* A device whose map() takes its time. */
struct slow {
	_Atomic bool inside;
	_Atomic uint32_t calls;
};

static int slow_map(void *device, void *va, size_t bytes, struct pp_mapping *mapping)
{
	struct slow *slow = device;

	(void)bytes;
	mapping->iova = (uintptr_t)va;
	atomic_store(&slow->inside, true);
	if (atomic_fetch_add(&slow->calls, 1) == 4)
		usleep(200000);
	atomic_store(&slow->inside, false);
	return 0;
}

static int slow_unmap(void *device, void *va, size_t bytes, const struct pp_mapping *mapping)
{
	(void)device;
	(void)va;
	(void)bytes;
	(void)mapping;
	return 0;
}

static const struct pp_dma_ops slow_ops = { .name = "slow", .map = slow_map, .unmap = slow_unmap };

static void *grow_once(void *arg)
{
	MUST(pp_pool_grow(arg, 1) == 16);
	return NULL;
}

static void test_who_detaches_waits_for_the_call_that_is_under_way(void **state)
{
	struct pp_pool *pool = pool_pages(4, 5, 0);
	struct slow slow = { .calls = 0 };
	pthread_t thread;

	(void)state;
	assert_int_equal(pp_pool_map_device(pool, &slow_ops, &slow), 0);
	pthread_create(&thread, NULL, grow_once, pool);
	while (slow.calls < 5)
		;
	assert_true(pp_pool_unmap_device(pool, 0) >= 0);
	assert_false(slow.inside);
	pthread_join(thread, NULL);
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_device_leaves_in_any_callback),
		cmocka_unit_test(test_device_that_leaves_while_it_is_attached),
		cmocka_unit_test(test_device_that_leaves_while_it_is_detached),
		cmocka_unit_test(test_who_refuses_and_leaves_costs_nothing),
		cmocka_unit_test(test_watermark_and_bulk_callbacks_may_detach),
		cmocka_unit_test(test_device_leaves_while_a_call_grows),
		cmocka_unit_test(test_of_two_that_detach_one_does),
		cmocka_unit_test(test_who_detaches_waits_for_the_call_that_is_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
