/* SPDX-License-Identifier: BSD-3-Clause */
/* Paging: growing and shrinking, also under load, and what each refuses. */
#include "support.h"

#include <pthread.h>
#include <time.h>

/* 1,007 or so buffers of 2 KiB a hugepage, room for some sixteen. */
static struct pp_pool *pool_that_grows(uint32_t flags)
{
	struct pp_pool_params params = params_4k(2048, 4000);

	params.buffers_max = 16000;
	params.flags = flags;
	return pool_of(&params);
}

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void test_grow_adds_what_it_says_up_to_the_maximum(void **state)
{
	struct pp_pool *pool = pool_that_grows(0);
	struct pp_cache *cache = pp_pool_cache(pool);
	uint64_t total = stats_of(pool).total;
	int rc = 0;

	(void)state;
	assert_in_range(total, 4000, 4000 + 1024);
	while (total < 16000) {
		uint32_t pages = stats_of(pool).pages;

		rc = pp_pool_grow(pool, 1500);
		assert_ok(rc);
		assert_true(rc >= 1500 || total + (uint64_t)rc == 16000);
		total += (uint64_t)rc;
		assert_int_equal(stats_of(pool).total, total);
		assert_true(stats_of(pool).pages > pages);
		all_can_be_had(pool, cache);
	}
	assert_int_equal(total, 16000);
	assert_int_equal(pp_pool_grow(pool, 1), -ENOSPC);
	assert_error_names("16000");
	pool_end(pool);
}

static void test_pool_without_a_maximum_does_not_grow(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 4000, 0);

	(void)state;
	assert_int_equal(pp_pool_grow(pool, 1), -ENOSPC);
	pool_end(pool);
}

static void shrink_and_grow(uint32_t flags)
{
	struct pp_pool *pool = pool_that_grows(flags);
	struct pp_cache *cache = pp_pool_cache(pool);
	uint64_t seed = 7;

	for (unsigned i = 0; i < 40; i++) {
		uint64_t total = stats_of(pool).total;
		int rc;

		if (random_next(&seed) % 2) {
			rc = pp_pool_grow(pool, 1 + random_next(&seed) % 5000);
			assert_true(rc > 0 || (rc == -ENOSPC && total == 16000));
			total += rc > 0 ? (uint64_t)rc : 0;
		} else if (total > 2100) {
			uint32_t want = 1 + random_next(&seed) % (uint32_t)(total - 2000);

			rc = pp_pool_shrink(pool, want, 1000000);
			assert_ok(rc);
			/* Whole hugepages up to what was asked, or the one at least. */
			assert_true((uint32_t)rc <= want || rc <= 1025);
			total -= (uint64_t)rc;
		}
		assert_int_equal(stats_of(pool).total, total);
		books_hold(pool, 0);
		all_can_be_had(pool, cache);
	}
	pool_end(pool);
}

static void test_shrink_and_grow_in_any_order_keep_the_books(void **state)
{
	(void)state;
	shrink_and_grow(0);
	shrink_and_grow(PP_POOL_GAPLESS);
	shrink_and_grow(PP_POOL_OWNERS);
	shrink_and_grow(PP_POOL_DEBUG);
}

static void test_shrink_says_what_is_out_and_gives_nothing_back(void **state)
{
	struct pp_pool *pool = pool_that_grows(PP_POOL_OWNERS);
	struct pp_cache *cache = pp_cache_create(pool, "holder");
	uint32_t total = (uint32_t)stats_of(pool).total;
	void **bufs = calloc(total, sizeof(*bufs));
	double start = seconds_now(), took;
	int rc;

	(void)state;
	assert_int_equal(pp_alloc_bulk(cache, bufs, total, 0), total);
	rc = pp_pool_shrink(pool, 1000, 50000);
	took = seconds_now() - start;
	assert_int_equal(rc, -EBUSY);
	assert_true(took >= 0.05 && took < 5);
	assert_error_names("holder");
	assert_int_equal(stats_of(pool).total, total);
	books_hold(pool, total);
	/* What was isolated is back in use. */
	pp_free_bulk(cache, bufs, total);
	books_hold(pool, 0);
	assert_int_equal(stats_of(pool).collected, 0);
	all_can_be_had(pool, cache);
	/* And with the buffers home the same call succeeds. */
	rc = pp_pool_shrink(pool, 1000, 50000);
	assert_ok(rc);
	all_can_be_had(pool, cache);
	pp_cache_destroy(cache);
	pool_end(pool);
	free(bufs);
}

static void test_one_buffer_out_on_each_hugepage_keeps_them_all(void **state)
{
	struct pp_pool *pool = pool_that_grows(0);
	struct pp_cache *cache = pp_pool_cache(pool);
	const struct pp_region *region = pp_pool_region(pool);
	uint32_t total = (uint32_t)stats_of(pool).total, kept = 0;
	void **bufs = calloc(total, sizeof(*bufs));
	bool page_kept[16] = { false };
	struct pp_extent extent;

	(void)state;
	pp_region_extent(region, &extent);
	assert_int_equal(pp_alloc_bulk(cache, bufs, total, 0), total);
	for (uint32_t i = 0; i < total; i++) {
		size_t p = (size_t)((char *)bufs[i] - (char *)extent.base) / extent.page;

		if (page_kept[p])
			pp_free(cache, bufs[i]);
		else
			bufs[kept++] = bufs[i];
		page_kept[p] = true;
	}
	assert_int_equal(pp_pool_shrink(pool, total, 1000), -EBUSY);
	books_hold(pool, kept);
	assert_int_equal(stats_of(pool).total, total);
	/* One of them freed: exactly its hugepage can go. */
	pp_free(cache, bufs[--kept]);
	assert_in_range(pp_pool_shrink(pool, 1, 100000), 1, 1024);
	assert_int_equal(pp_buffer_index(region, bufs[kept]), -EINVAL);
	books_hold(pool, kept);
	pp_free_bulk(cache, bufs, kept);
	pool_end(pool);
	free(bufs);
}

static void test_gapless_pool_shrinks_from_its_end(void **state)
{
	struct pp_pool *pool = pool_that_grows(PP_POOL_GAPLESS);
	const struct pp_region *region = pp_pool_region(pool);
	int rc;

	(void)state;
	rc = pp_pool_shrink(pool, 2000, 100000);
	assert_ok(rc);
	for (uint32_t i = 0; i < pp_buffer_index_end(region); i++)
		assert_int_equal(pp_buffer_at(region, i) != NULL, i < stats_of(pool).total);
	pool_end(pool);
}

struct loader {
	struct pp_pool *pool;
	struct marks *marks;
	_Atomic bool stop;
	_Atomic uint32_t turns;
	uint32_t id;
};

static void *load(void *arg)
{
	struct loader *l = arg;
	struct pp_cache *cache = pp_pool_cache(l->pool);
	uint64_t seed = l->id;
	void *bufs[300];

	MUST(cache);
	while (!atomic_load(&l->stop)) {
		uint32_t n = pp_alloc_burst(cache, bufs, 1 + random_next(&seed) % 300, 0);

		marks_take(l->marks, l->pool, bufs, n, l->id);
		for (uint32_t i = 0; i < n; i++)
			*(uint32_t *)bufs[i] = l->id;
		for (uint32_t i = 0; i < n; i++)
			MUST(*(uint32_t *)bufs[i] == l->id);
		marks_drop(l->marks, l->pool, bufs, n, l->id);
		pp_free_bulk(cache, bufs, n);
		atomic_fetch_add(&l->turns, 1);
	}
	return NULL;
}

static void grow_and_shrink_under_load(uint32_t flags)
{
	struct pp_pool *pool = pool_that_grows(flags);
	struct marks marks = marks_make(pool);
	struct loader loaders[2];
	pthread_t threads[2];
	double end = seconds_now() + 1.0;
	uint32_t grown = 0, shrunk = 0;

	for (uint32_t i = 0; i < 2; i++) {
		loaders[i] = (struct loader){ .pool = pool, .marks = &marks, .id = i + 1 };
		pthread_create(&threads[i], NULL, load, &loaders[i]);
	}
	while (seconds_now() < end || !grown || !shrunk) {
		int rc = pp_pool_grow(pool, 2500);

		MUST(rc > 0 || rc == -ENOSPC);
		grown += rc > 0;
		rc = pp_pool_shrink(pool, 4000, 100000);
		MUST(rc > 0 || rc == -EBUSY);
		shrunk += rc > 0;
	}
	for (uint32_t i = 0; i < 2; i++) {
		atomic_store(&loaders[i].stop, true);
		pthread_join(threads[i], NULL);
		assert_true(loaders[i].turns > 10);
	}
	marks_free(&marks);
	all_can_be_had(pool, pp_pool_cache(pool));
	pool_end(pool);
}

static void test_growing_and_shrinking_under_load_loses_nothing(void **state)
{
	(void)state;
	grow_and_shrink_under_load(0);
	grow_and_shrink_under_load(PP_POOL_GAPLESS);
	grow_and_shrink_under_load(PP_POOL_OWNERS);
}

static void *holder_frees_later(void *arg)
{
	struct pp_pool *pool = arg;
	struct pp_cache *cache = pp_pool_cache(pool);
	struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
	uint32_t total = (uint32_t)stats_of(pool).total;
	void **bufs = calloc(total, sizeof(*bufs));

	MUST(pp_alloc_burst(cache, bufs, total, 0) == total);
	nanosleep(&pause, NULL);
	pp_free_bulk(cache, bufs, total);
	/* And goes to sleep with it all in its cache, while the other waits. */
	pause.tv_nsec = 300 * 1000 * 1000;
	nanosleep(&pause, NULL);
	free(bufs);
	return NULL;
}

static void test_shrink_waits_for_buffers_that_come_home(void **state)
{
	struct pp_pool *pool = pool_that_grows(0);
	pthread_t thread;
	struct pp_stats stats;

	(void)state;
	pthread_create(&thread, NULL, holder_frees_later, pool);
	do
		stats = stats_of(pool);
	while (stats.in_flight < stats.total);
	assert_ok(pp_pool_shrink(pool, 1000, 5000000));
	pthread_join(thread, NULL);
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grow_adds_what_it_says_up_to_the_maximum),
		cmocka_unit_test(test_pool_without_a_maximum_does_not_grow),
		cmocka_unit_test(test_shrink_and_grow_in_any_order_keep_the_books),
		cmocka_unit_test(test_shrink_says_what_is_out_and_gives_nothing_back),
		cmocka_unit_test(test_one_buffer_out_on_each_hugepage_keeps_them_all),
		cmocka_unit_test(test_gapless_pool_shrinks_from_its_end),
		cmocka_unit_test(test_growing_and_shrinking_under_load_loses_nothing),
		cmocka_unit_test(test_shrink_waits_for_buffers_that_come_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
