/* SPDX-License-Identifier: BSD-3-Clause */
/* Owners: small pools, collecting, threads that sleep or end, handles, no cache left. */
#include <pthread.h>
#include <semaphore.h>

#include "support.h"

static void every_one_can_have_all(uint32_t buffers, uint32_t owners, uint32_t flags)
{
	struct pp_pool_params params = params_4k(2048, buffers);
	struct pp_cache *caches[8];
	void *bufs[1100], *again[1100];
	struct pp_pool *pool;

	params.owners = owners;
	params.flags = flags;
	pool = pool_of(&params);
	for (uint32_t i = 0; i < owners; i++)
		caches[i] = pp_cache_create(pool, NULL);
	for (uint32_t round = 0; round < 3; round++)
		for (uint32_t i = 0; i < owners; i++) {
			/* One at a time and with default flags, after the others had them. */
			for (uint32_t n = 0; n < buffers; n++) {
				bufs[n] = pp_alloc(caches[i], 0);
				if (!bufs[n])
					fail_msg("%u of %u with %u owners", n, buffers, owners);
			}
			assert_null(pp_alloc(caches[i], 0));
			for (uint32_t n = 0; n < buffers; n++)
				pp_free(caches[n % owners], bufs[n]);
			books_hold(pool, 0);
			assert_int_equal(pp_alloc_bulk(caches[i], again, buffers, 0), buffers);
			pp_free_bulk(caches[(i + 1) % owners], again, buffers);
		}
	for (uint32_t i = 0; i < owners; i++)
		pp_cache_destroy(caches[i]);
	pool_end(pool);
}

static void test_in_a_pool_of_64_every_owner_can_have_every_buffer(void **state)
{
	(void)state;
	every_one_can_have_all(64, 4, 0);
	every_one_can_have_all(64, 8, 0);
	every_one_can_have_all(65, 4, PP_POOL_DEBUG);
	every_one_can_have_all(64, 4, PP_POOL_OWNERS);
	every_one_can_have_all(64, 1, 0);
}

static void test_idle_caches_can_be_collected_by_one(void **state)
{
	static const uint32_t sizes[] = { 64, 100, 512, 1024, 5000, 16384 };

	(void)state;
	for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct pp_pool_params params = params_4k(2048, sizes[s]);
		struct pp_cache *caches[8];
		struct pp_pool *pool;
		void *buf;

		params.owners = 8;
		pool = pool_of(&params);
		for (uint32_t i = 0; i < 8; i++) {
			caches[i] = pp_cache_create(pool, NULL);
			all_can_be_had(pool, caches[i]);
			buf = pp_alloc(caches[i], 0);
			assert_non_null(buf);
			pp_free(caches[i], buf);
		}
		for (uint32_t i = 0; i < 8; i++)
			all_can_be_had(pool, caches[i]);
		pool_end(pool);
	}
}

struct sleeper {
	struct pp_pool *pool;
	sem_t full, wake;
	uint32_t share;
};

static void *sleep_with_full_cache(void *arg)
{
	struct sleeper *s = arg;
	struct pp_cache *cache = pp_pool_cache(s->pool);
	void *bufs[4096];

	MUST(cache);
	MUST(pp_alloc_bulk(cache, bufs, s->share, 0) == s->share);
	pp_free_bulk(cache, bufs, s->share);
	sem_post(&s->full);
	sem_wait(&s->wake);
	/* Its cache was emptied under it; it goes on as if nothing had been. */
	MUST(pp_alloc_bulk(cache, bufs, s->share, 0) == s->share);
	pp_free_bulk(cache, bufs, s->share);
	return NULL;
}

static void test_sleeping_threads_caches_are_collected(void **state)
{
	struct pp_pool_params params = params_4k(2048, 16384);
	struct sleeper s[4];
	pthread_t threads[4];

	(void)state;
	params.owners = 6;
	s[0].pool = pool_of(&params);
	for (unsigned i = 0; i < 4; i++) {
		s[i].pool = s[0].pool;
		s[i].share = 4000;
		sem_init(&s[i].full, 0, 0);
		sem_init(&s[i].wake, 0, 0);
		pthread_create(&threads[i], NULL, sleep_with_full_cache, &s[i]);
		sem_wait(&s[i].full);
	}
	assert_true(stats_of(s[0].pool).cached > 0);
	assert_true(pp_pool_collect(s[0].pool) > 0);
	assert_int_equal(stats_of(s[0].pool).cached, 0);
	all_can_be_had(s[0].pool, pp_pool_cache(s[0].pool));
	for (unsigned i = 0; i < 4; i++) {
		sem_post(&s[i].wake);
		pthread_join(threads[i], NULL);
	}
	all_can_be_had(s[0].pool, pp_pool_cache(s[0].pool));
	pool_end(s[0].pool);
}

static void *come_and_go(void *arg)
{
	struct pp_pool *pool = arg;
	struct pp_cache *cache = pp_pool_cache(pool);
	static _Thread_local void *bufs[3000];

	MUST(cache && cache == pp_pool_cache(pool));
	MUST(pp_alloc_bulk(cache, bufs, 3000, 0) == 3000);
	pp_free_bulk(cache, bufs, 3000);
	return NULL;
}

static void test_ended_threads_leave_their_buffers_and_their_place(void **state)
{
	struct pp_pool_params params = params_4k(2048, 4096);
	struct pp_pool *pool;

	(void)state;
	params.owners = 2;
	pool = pool_of(&params);
	/* 300 threads, one after the other, in a pool of two owners. */
	for (unsigned i = 0; i < 300; i++)
		thread_do(come_and_go, pool);
	assert_int_equal(stats_of(pool).owners, 0);
	books_hold(pool, 0);
	/* No collecting: what the dead left is in reach of default flags. */
	come_and_go(pool);
	all_can_be_had(pool, pp_pool_cache(pool));
	pool_end(pool);
}

static void test_when_all_caches_are_taken_the_pool_still_serves(void **state)
{
	struct pp_pool_params params = params_4k(2048, 2048);
	struct pp_cache *only;
	struct pp_pool *pool;
	void *bufs[2049];

	(void)state;
	params.owners = 1;
	pool = pool_of(&params);
	only = pp_cache_create(pool, "only");
	errno = 0;
	assert_null(pp_pool_cache(pool));
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(pp_pool_alloc_burst(pool, bufs, 2049), 2048);
	assert_int_equal(pp_pool_alloc_burst(pool, bufs + 2048, 1), 0);
	books_hold(pool, 2048);
	pp_pool_free(pool, bufs, 1000);
	assert_int_equal(pp_alloc_bulk(only, bufs, 1000, 0), 1000);
	assert_int_equal(pp_pool_alloc_burst(pool, bufs, 0), 0);
	pp_pool_free(pool, bufs, 0);
	pp_pool_free(pool, bufs, 2048);
	books_hold(pool, 0);
	assert_int_equal(pp_pool_alloc_burst(pool, bufs, 77), 77);
	assert_int_equal(pp_free_any(bufs, 77), 77);
	books_hold(pool, 0);
	pp_cache_destroy(only);
	assert_non_null(pp_pool_cache(pool));
	all_can_be_had(pool, pp_pool_cache(pool));
	pool_end(pool);
}

static void test_handles_are_what_their_caches_are_called(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 1024, 0), *second = pool_4k(64, 64, 0);
	struct pp_cache *cache = pp_cache_create(pool, "fifteen letters");
	struct pp_cache *unnamed = pp_cache_create(pool, NULL);

	(void)state;
	assert_ptr_equal(pp_cache_pool(cache), pool);
	assert_ptr_equal(pp_cache_pool(pp_pool_cache(second)), second);
	assert_true(cache != unnamed && cache != pp_pool_cache(pool));
	pp_cache_destroy(NULL);
	pp_cache_destroy(cache);
	pp_cache_destroy(unnamed);
	assert_int_equal(stats_of(pool).owners, 1);
	pool_end(pool);
	/* A pool made at the same place afterwards gives this thread a new cache. */
	pool = pool_4k(2048, 1024, 0);
	all_can_be_had(pool, pp_pool_cache(pool));
	assert_ptr_equal(pp_cache_pool(pp_pool_cache(pool)), pool);
	pool_end(pool);
	pool_end(second);
}

static void *key_look(void *arg)
{
	const struct pp_pool_key *key = arg;
	struct pp_cache *cache = pp_key_cache(key);

	MUST(cache && cache == pp_pool_cache(key->pool) && cache == pp_key_cache(key));
	return cache;
}

static void test_a_key_finds_each_threads_cache_of_its_own_pool(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 1024, 0), *next;
	struct pp_pool_key key, other;
	struct pp_cache *mine;
	pthread_t thread;
	void *theirs;

	(void)state;
	pp_pool_key(pool, &key);
	mine = key_look(&key);
	pthread_create(&thread, NULL, key_look, &key);
	pthread_join(thread, &theirs);
	assert_ptr_not_equal(mine, theirs);
	pool_end(pool);
	/* The next pool has the slot, and not the old one's cache. */
	next = pool_4k(2048, 1024, 0);
	pp_pool_key(next, &other);
	assert_int_equal(other.slot, key.slot);
	assert_ptr_equal(pp_cache_pool(key_look(&other)), next);
	pool_end(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_a_pool_of_64_every_owner_can_have_every_buffer),
		cmocka_unit_test(test_idle_caches_can_be_collected_by_one),
		cmocka_unit_test(test_sleeping_threads_caches_are_collected),
		cmocka_unit_test(test_ended_threads_leave_their_buffers_and_their_place),
		cmocka_unit_test(test_when_all_caches_are_taken_the_pool_still_serves),
		cmocka_unit_test(test_handles_are_what_their_caches_are_called),
		cmocka_unit_test(test_a_key_finds_each_threads_cache_of_its_own_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
