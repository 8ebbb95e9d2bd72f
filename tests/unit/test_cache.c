/* SPDX-License-Identifier: BSD-3-Clause */
/* Cache: the hit's promises, small pools, collecting, threads that end, handles. */
#include "support.h"

#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pp_region.h"

static void test_hit_leaves_the_slow_path_alone(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 16384, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	struct pp_counters before, after;
	void *bufs[32];

	(void)state;
	assert_int_equal(pp_alloc_bulk(cache, bufs, 32, 0), 32);
	pp_free_bulk(cache, bufs, 32);
	before = counters_of(cache);
	for (unsigned i = 0; i < 10000; i++) {
		unsigned n = 1 + i % 32;

		assert_int_equal(pp_alloc_bulk(cache, bufs, n, 0), n);
		pp_free_bulk(cache, bufs, n);
	}
	after = counters_of(cache);
	/* The one that counts hits is what it is for. */
	assert_true(after.fast > before.fast);
	after.fast = before.fast;
	assert_memory_equal(&before, &after, sizeof(before));
	pool_end(pool);
}

/* Rule 7: no buffer's own line. Where there is no access, touching one is death. */
static void test_hit_and_miss_touch_no_buffer(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 16384, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	void *bufs[700];
	struct pp_extent extent;

	(void)state;
	pp_region_extent(pp_pool_region(pool), &extent);
	assert_int_equal(mprotect(extent.base, extent.bytes, PROT_NONE), 0);
	for (unsigned n = 1; n <= 700; n += 3) {
		assert_int_equal(pp_alloc_bulk(cache, bufs, n, 0), n);
		pp_free_bulk(cache, bufs, n);
	}
	all_can_be_had(pool, cache);
	assert_int_equal(mprotect(extent.base, extent.bytes, PROT_READ | PROT_WRITE), 0);
	pool_end(pool);
}

/* Rule 7: no line but the owner's own and the slots that it works on. */
static void test_hit_writes_its_own_line_and_slots_only(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 16384, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	const struct pp_region *region = pp_pool_region(pool);
	char *before = malloc(region->control_bytes), *control = region->control;
	void *bufs[32];

	(void)state;
	assert_non_null(before);
	assert_int_equal(pp_alloc_bulk(cache, bufs, 32, 0), 32);
	memcpy(before, control, region->control_bytes);
	pp_free_bulk(cache, bufs, 32);
	pp_alloc_bulk(cache, bufs, 16, 0);
	pp_alloc_bulk(cache, bufs + 16, 16, 0);
	for (unsigned i = 0; i < 32; i++) {
		pp_free(cache, bufs[i]);
		bufs[i] = pp_alloc(cache, PP_TRY);
		assert_non_null(bufs[i]);
	}
	for (size_t at = 0; at < region->control_bytes; at += 4) {
		char *word = control + at;

		if (!memcmp(before + at, word, 4))
			continue;
		if (word >= (char *)cache && word < (char *)(cache + 1))
			continue;
		assert_in_range((uintptr_t)word, (uintptr_t)(cache->slots + cache->s),
				(uintptr_t)(cache->slots + cache->s + 32) - 1);
	}
	pp_free_bulk(cache, bufs, 32);
	free(before);
	pool_end(pool);
}

#if !WITH_TSAN
static int without_system_calls(void *arg)
{
	struct pp_pool *pool = arg;
	struct pp_cache *cache = pp_pool_cache(pool);
	static void *bufs[16384];
	unsigned n = 0, got;

	if (!cache || prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		_exit(2);
	while ((got = pp_alloc_burst(cache, bufs + n, 33, 0)))
		n += got;
	pp_free_bulk(cache, bufs, n);
	/* exit_group() is not among the few calls that are left. */
	syscall(SYS_exit, n == 16384 ? 0 : 1);
	return 3;
}

static void test_default_flags_make_no_system_call(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 16384, 0);

	(void)state;
	assert_int_equal(child_do(without_system_calls, pool), 0);
	assert_ok(pp_pool_destroy(pool));
}
#endif

static void test_try_takes_from_the_own_cache_only(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 16384, 0);
	struct pp_cache *cache = pp_pool_cache(pool), *other = pp_cache_create(pool, "other");
	struct pp_counters before, after;
	void *bufs[4096];
	uint32_t had;

	(void)state;
	assert_null(pp_alloc(cache, PP_TRY));
	assert_int_equal(pp_alloc_burst(cache, bufs, 64, PP_TRY), 0);
	/* Free buffers in depot and the other's deque are not for it. */
	assert_int_equal(pp_alloc_bulk(other, bufs, 4096, 0), 4096);
	pp_free_bulk(other, bufs, 4096);
	before = counters_of(cache);
	assert_null(pp_alloc(cache, PP_TRY));
	assert_int_equal(pp_alloc_bulk(cache, bufs, 64, PP_TRY), 0);
	after = counters_of(cache);
	assert_int_equal(after.steal + after.depot + after.carve + after.refill + after.long_way,
			 before.steal + before.depot + before.carve + before.refill +
				 before.long_way);
	/* With buffers in its own cache it gets those, and not one more. */
	bufs[0] = pp_alloc(cache, 0);
	assert_non_null(bufs[0]);
	pp_free(cache, bufs[0]);
	had = pp_alloc_burst(cache, bufs, 4096, PP_TRY);
	assert_in_range(had, 1, 1024);
	assert_null(pp_alloc(cache, PP_TRY));
	books_hold(pool, had);
	pp_free_bulk(cache, bufs, had);
	pool_end(pool);
}

/* A TRY that fails must leave the owner idle, or nobody could ever take its buffers. */
static void test_failed_try_leaves_the_cache_collectable(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 16384, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	uint64_t cached, skipped;
	void *bufs[2048];

	(void)state;
	bufs[0] = pp_alloc(cache, 0);
	pp_free(cache, bufs[0]);
	cached = stats_of(pool).cached;
	assert_true(cached > 0);
	assert_int_equal(pp_alloc_bulk(cache, bufs, 2048, PP_TRY), 0);
	skipped = stats_of(pool).skipped;
	assert_int_equal(pp_pool_collect(pool), cached);
	assert_int_equal(stats_of(pool).skipped, skipped);
	assert_int_equal(stats_of(pool).cached, 0);
	pool_end(pool);
}

static void test_flags_of_the_next_rungs_get_nothing_and_say_so(void **state)
{
	static const unsigned flags[] = { PP_CRITICAL, PP_GROW, PP_WAIT };
	struct pp_pool *pool = pool_4k(2048, 1024, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	void *bufs[4];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(pp_alloc_bulk(cache, bufs, 4, flags[i]), 0);
		assert_error_names("flag");
	}
	/* Also where a hit would serve it. */
	bufs[0] = pp_alloc(cache, 0);
	pp_free(cache, bufs[0]);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pp_alloc_bulk(cache, bufs, 4, flags[i]), 0);
	books_hold(pool, 0);
	pool_end(pool);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hit_leaves_the_slow_path_alone),
		cmocka_unit_test(test_hit_and_miss_touch_no_buffer),
		cmocka_unit_test(test_hit_writes_its_own_line_and_slots_only),
#if !WITH_TSAN /* It makes some of its own. */
		cmocka_unit_test(test_default_flags_make_no_system_call),
#endif
		cmocka_unit_test(test_try_takes_from_the_own_cache_only),
		cmocka_unit_test(test_failed_try_leaves_the_cache_collectable),
		cmocka_unit_test(test_flags_of_the_next_rungs_get_nothing_and_say_so),
		cmocka_unit_test(test_in_a_pool_of_64_every_owner_can_have_every_buffer),
		cmocka_unit_test(test_idle_caches_can_be_collected_by_one),
		cmocka_unit_test(test_sleeping_threads_caches_are_collected),
		cmocka_unit_test(test_ended_threads_leave_their_buffers_and_their_place),
		cmocka_unit_test(test_when_all_caches_are_taken_the_pool_still_serves),
		cmocka_unit_test(test_handles_are_what_their_caches_are_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
