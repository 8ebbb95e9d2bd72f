/* SPDX-License-Identifier: BSD-3-Clause */
/* Cache: what a hit touches and what not, what default flags do, what PP_TRY does. */
#include "support.h"

#include <linux/seccomp.h>
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

/* What a hit does 32 times over. */
static void hits(struct pp_cache *cache, void **bufs)
{
	pp_free_bulk(cache, bufs, 32);
	pp_alloc_bulk(cache, bufs, 16, 0);
	pp_alloc_bulk(cache, bufs + 16, 16, 0);
	for (unsigned i = 0; i < 32; i++) {
		pp_free(cache, bufs[i]);
		bufs[i] = pp_alloc(cache, PP_CRITICAL);
		assert_non_null(bufs[i]);
	}
}

static void tries(struct pp_cache *cache, void **bufs)
{
	pp_free_nolock(cache, bufs, 32);
	assert_int_equal(pp_alloc_bulk(cache, bufs, 32, PP_TRY), 32);
	for (unsigned i = 0; i < 32; i++) {
		pp_free_nolock(cache, bufs + i, 1);
		bufs[i] = pp_alloc(cache, PP_TRY);
		assert_non_null(bufs[i]);
	}
}

static void writes_its_own_line_and_slots_only(void (*calls)(struct pp_cache *, void **))
{
	struct pp_pool *pool = pool_4k(2048, 16384, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	const struct pp_region *region = pp_pool_region(pool);
	char *before = malloc(region->control_bytes), *control = region->control;
	void *bufs[32];

	assert_non_null(before);
	assert_int_equal(pp_alloc_bulk(cache, bufs, 32, 0), 32);
	memcpy(before, control, region->control_bytes);
	calls(cache, bufs);
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

/* Rule 7: no line but the owner's own and the slots that it works on. */
static void test_hit_writes_its_own_line_and_slots_only(void **state)
{
	(void)state;
	writes_its_own_line_and_slots_only(hits);
}

static void test_try_and_free_nolock_write_their_own_line_and_slots_only(void **state)
{
	(void)state;
	writes_its_own_line_and_slots_only(tries);
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

static void test_flags_that_contradict_each_other_get_nothing_and_say_so(void **state)
{
	static const unsigned flags[] = { PP_TRY | PP_CRITICAL, PP_TRY | PP_WAIT, 1 << 7 };
	struct pp_pool *pool = pool_4k(2048, 1024, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	void *bufs[4];

	(void)state;
	bufs[0] = pp_alloc(cache, 0);
	pp_free(cache, bufs[0]);
	/* Also where a hit would serve it. */
	for (unsigned i = 0; i < 3; i++) {
		errno = 0;
		assert_int_equal(pp_alloc_bulk(cache, bufs, 4, flags[i]), 0);
		assert_int_equal(errno, EINVAL);
		assert_error_names("flag");
		assert_null(pp_alloc(cache, flags[i]));
	}
	books_hold(pool, 0);
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hit_leaves_the_slow_path_alone),
		cmocka_unit_test(test_hit_and_miss_touch_no_buffer),
		cmocka_unit_test(test_hit_writes_its_own_line_and_slots_only),
		cmocka_unit_test(test_try_and_free_nolock_write_their_own_line_and_slots_only),
#if !WITH_TSAN /* It makes some of its own. */
		cmocka_unit_test(test_default_flags_make_no_system_call),
#endif
		cmocka_unit_test(test_try_takes_from_the_own_cache_only),
		cmocka_unit_test(test_failed_try_leaves_the_cache_collectable),
		cmocka_unit_test(test_flags_that_contradict_each_other_get_nothing_and_say_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
