/* SPDX-License-Identifier: BSD-3-Clause */
/* Fault: what debug mode catches, whom it names, and that the books hold after it. */
#include "support.h"

#include <unistd.h>

#if WITH_ASAN
#include <sanitizer/asan_interface.h>
#endif
#ifdef HAVE_VALGRIND
#include <valgrind/memcheck.h>
#else
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_DISABLE_ERROR_REPORTING
#define VALGRIND_ENABLE_ERROR_REPORTING
#define VALGRIND_CHECK_MEM_IS_ADDRESSABLE(at, bytes) 0
#endif

static struct {
	unsigned count;
	char what[32], owner[32];
	const void *buffer;
	struct pp_pool *pool;
	void *arg;
} last;

static void fault_note(struct pp_pool *pool, const struct pp_fault *fault, void *arg)
{
	last.count++;
	snprintf(last.what, sizeof(last.what), "%s", fault->what);
	snprintf(last.owner, sizeof(last.owner), "%s", fault->owner);
	last.buffer = fault->buffer;
	last.pool = pool;
	last.arg = arg;
}

static struct pp_pool *pool_guarded(uint32_t buffers, uint32_t keep, uint32_t lead)
{
	struct pp_pool_params params = params_4k(2048, buffers);

	params.flags = PP_POOL_DEBUG;
	params.keep = keep;
	params.lead = lead;
	params.fault = fault_note;
	params.fault_arg = &last;
	memset(&last, 0, sizeof(last));
	return pool_of(&params);
}

static void assert_fault(struct pp_pool *pool, const char *what, const void *buffer,
			 const char *owner)
{
	assert_string_equal(last.what, what);
	assert_ptr_equal(last.buffer, buffer);
	assert_ptr_equal(last.pool, pool);
	assert_ptr_equal(last.arg, &last);
	if (owner)
		assert_string_equal(last.owner, owner);
	assert_int_equal(stats_of(pool).sum.fault, last.count);
}

/* As a stray pointer would: the sanitizer must not stop it first. */
__attribute__((no_sanitize("address"))) static void scribble(volatile char *at)
{
	VALGRIND_DISABLE_ERROR_REPORTING;
	*at ^= 0x11;
	VALGRIND_ENABLE_ERROR_REPORTING;
}

static void test_double_free_is_refused_and_the_culprit_named(void **state)
{
	static const uint32_t sizes[] = { 64, 1024, 16384 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct pp_pool *pool = pool_guarded(sizes[i], 0, 0);
		struct pp_cache *a = pp_cache_create(pool, "first"), *b;
		void *buf = pp_alloc(a, 0), *twice[3];

		b = pp_cache_create(pool, "culprit");
		pp_free(a, buf);
		assert_int_equal(last.count, 0);
		pp_free(b, buf);
		assert_int_equal(last.count, 1);
		assert_fault(pool, "double free", buf, "culprit");
		books_hold(pool, 0);
		/* Twice in one array, and by the way round any cache. */
		assert_int_equal(pp_alloc_bulk(a, twice, 2, 0), 2);
		twice[2] = twice[0];
		pp_free_bulk(a, twice, 3);
		assert_int_equal(last.count, 2);
		assert_fault(pool, "double free", twice[0], "first");
		pp_pool_free(pool, twice, 1);
		assert_int_equal(last.count, 3);
		assert_fault(pool, "double free", twice[0], NULL);
		pp_free_any(twice, 1);
		assert_int_equal(last.count, 4);
		books_hold(pool, 0);
		all_can_be_had(pool, a);
		assert_int_equal(last.count, 4);
		pp_cache_destroy(a);
		pp_cache_destroy(b);
		pool_end(pool);
	}
}

static void test_a_buffer_never_handed_out_cannot_be_freed(void **state)
{
	struct pp_pool *pool = pool_guarded(1024, 0, 0);
	struct pp_cache *cache = pp_cache_create(pool, "culprit");
	void *fresh = pp_buffer_at(pp_pool_region(pool), 1000);

	(void)state;
	pp_free(cache, fresh);
	assert_int_equal(last.count, 1);
	assert_fault(pool, "double free", fresh, "culprit");
	books_hold(pool, 0);
	all_can_be_had(pool, cache);
	pool_end(pool);
}

static void test_foreign_free_is_refused_and_the_culprit_named(void **state)
{
	struct pp_pool *pool = pool_guarded(1024, 0, 128), *other = pool_4k(2048, 1024, 0);
	struct pp_cache *cache = pp_cache_create(pool, "culprit");
	void *mine[3], *theirs = pp_alloc(pp_pool_cache(other), 0), *foreign[6];
	char local;

	(void)state;
	assert_int_equal(pp_alloc_bulk(cache, mine, 3, 0), 3);
	foreign[0] = theirs;
	foreign[1] = &local;
	foreign[2] = (char *)mine[0] + 64;
	foreign[3] = (char *)mine[0] - 128;
	foreign[4] = NULL;
	foreign[5] = (void *)UINTPTR_MAX;
	for (unsigned i = 0; i < 6; i++) {
		pp_free(cache, foreign[i]);
		assert_int_equal(last.count, i + 1);
		assert_fault(pool, "foreign free", foreign[i], "culprit");
		books_hold(pool, 3);
	}
	/* One bad one among good ones costs the good ones nothing. */
	foreign[0] = mine[0];
	foreign[2] = mine[1];
	foreign[3] = mine[2];
	pp_free_bulk(cache, foreign, 4);
	assert_int_equal(last.count, 7);
	books_hold(pool, 0);
	pp_free(pp_pool_cache(other), theirs);
	pool_end(other);
	all_can_be_had(pool, cache);
	pool_end(pool);
}

static void write_after_free_at(uint32_t at, uint32_t keep, bool caught)
{
	struct pp_pool *pool = pool_guarded(1024, keep, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	void *bufs[1024];
	char *buf;

	buf = pp_alloc(cache, 0);
	pp_free(cache, buf);
	scribble(buf + at);
	pp_pool_collect(pool);
	assert_int_equal(take_all(cache, bufs, 1024), 1024);
	assert_int_equal(last.count, caught);
	if (caught)
		assert_fault(pool, "written after free", buf, NULL);
	books_hold(pool, 1024);
	/* Once it is out again it may be written. */
	memset(buf, 1, 2048);
	pp_free_bulk(cache, bufs, 1024);
	all_can_be_had(pool, cache);
	assert_int_equal(last.count, caught);
	pool_end(pool);
}

static void test_a_cache_destroyed_twice_is_a_fault_in_any_pool(void **state)
{
	(void)state;
	for (unsigned debug = 0; debug < 2; debug++) {
		struct pp_pool_params params = params_4k(2048, 2000);
		struct pp_cache *cache, *other;
		struct pp_pool *pool;
		void *buf;

		params.flags = debug ? PP_POOL_DEBUG : 0;
		params.fault = fault_note;
		params.fault_arg = &last;
		memset(&last, 0, sizeof(last));
		pool = pool_of(&params);
		cache = pp_cache_create(pool, "twice");
		pp_cache_destroy(cache);
		assert_int_equal(last.count, 0);
		pp_cache_destroy(cache);
		assert_int_equal(last.count, 1);
		assert_fault(pool, "double destroy", cache, "twice");
		/* Who has the place next is not harmed by that. */
		other = pp_cache_create(pool, "next");
		assert_ptr_equal(other, cache);
		buf = pp_alloc(other, 0);
		assert_non_null(buf);
		pp_free(other, buf);
		assert_int_equal(stats_of(pool).owners, 1);
		pp_cache_destroy(other);
		assert_int_equal(last.count, 1);
		pool_end(pool);
	}
}

static void test_a_write_after_free_is_caught_at_any_byte(void **state)
{
	(void)state;
	for (uint32_t at = 0; at < 2048; at += at < 64 || at > 1980 ? 1 : 97)
		write_after_free_at(at, 0, true);
}

static void test_what_is_to_be_kept_is_left_alone(void **state)
{
	struct pp_pool *pool = pool_guarded(64, 128, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	char *bufs[64];

	(void)state;
	write_after_free_at(0, 128, false);
	write_after_free_at(127, 128, false);
	write_after_free_at(128, 128, true);
	write_after_free_at(2047, 128, true);
	write_after_free_at(2047, 2048, false);
	/* An mbuf's header outlives its free. */
	assert_int_equal(pp_alloc_bulk(cache, (void **)bufs, 64, 0), 64);
	for (unsigned i = 0; i < 64; i++)
		memset(bufs[i], 0x77, 128);
	pp_free_bulk(cache, (void **)bufs, 64);
	assert_int_equal(pp_alloc_bulk(cache, (void **)bufs, 64, 0), 64);
	for (unsigned i = 0; i < 64; i++)
		for (unsigned j = 0; j < 128; j++)
			assert_int_equal(bufs[i][j], 0x77);
	pp_free_bulk(cache, (void **)bufs, 64);
	pool_end(pool);
}

static void test_poison_reaches_before_the_address_handed_out(void **state)
{
	struct pp_pool *pool = pool_guarded(64, 64, 256);
	struct pp_cache *cache = pp_pool_cache(pool);
	void *bufs[64];
	char *buf;

	(void)state;
	buf = pp_alloc(cache, 0);
	pp_free(cache, buf);
	/* `keep` counts from the buffer's start, 256 before. */
	scribble(buf - 256 + 63);
	assert_int_equal(take_all(cache, bufs, 64), 64);
	assert_int_equal(last.count, 0);
	pp_free_bulk(cache, bufs, 64);
	scribble(buf - 256 + 64);
	assert_int_equal(take_all(cache, bufs, 64), 64);
	assert_int_equal(last.count, 1);
	assert_fault(pool, "written after free", buf, NULL);
	pp_free_bulk(cache, bufs, 64);
	pool_end(pool);
}

static void test_without_a_callback_it_is_a_line_on_stderr(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 64, PP_POOL_DEBUG);
	struct pp_cache *cache = pp_cache_create(pool, "culprit");
	int keep = dup(2), pipes[2];
	char line[256] = "";
	void *buf = pp_alloc(cache, 0);

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	pp_free(cache, buf);
	fflush(stderr);
	dup2(pipes[1], 2);
	pp_free(cache, buf);
	fflush(stderr);
	dup2(keep, 2);
	close(keep);
	close(pipes[1]);
	assert_true(read(pipes[0], line, sizeof(line) - 1) > 0);
	close(pipes[0]);
	assert_non_null(strstr(line, "double free"));
	assert_non_null(strstr(line, "culprit"));
	assert_int_equal(line[strlen(line) - 1], '\n');
	pool_end(pool);
}

static void test_growing_and_shrinking_raise_no_false_alarm(void **state)
{
	struct pp_pool_params params = params_4k(2048, 2000);
	struct pp_pool *pool;

	(void)state;
	params.buffers_max = 8000;
	params.flags = PP_POOL_DEBUG;
	params.fault = fault_note;
	memset(&last, 0, sizeof(last));
	pool = pool_of(&params);
	for (unsigned i = 0; i < 10; i++) {
		all_can_be_had(pool, pp_pool_cache(pool));
		assert_true(pp_pool_grow(pool, 3000) > 0);
		all_can_be_had(pool, pp_pool_cache(pool));
		assert_true(pp_pool_shrink(pool, 3000, 1000000) > 0);
	}
	assert_int_equal(last.count, 0);
	pool_end(pool);
}

/* The address of the first byte that may not be touched, 0 if all may. */
static uintptr_t valgrind_forbids(const void *at, size_t bytes)
{
	uintptr_t first;

	/* Without valgrind's header the macros are empty. */
	(void)at;
	(void)bytes;
	VALGRIND_DISABLE_ERROR_REPORTING;
	first = VALGRIND_CHECK_MEM_IS_ADDRESSABLE(at, bytes);
	VALGRIND_ENABLE_ERROR_REPORTING;
	return first;
}

static void test_valgrind_knows_what_is_free(void **state)
{
	struct pp_pool *pool = pool_guarded(1024, 64, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	char *buf = pp_alloc(cache, 0);

	(void)state;
	assert_int_equal(valgrind_forbids(buf, 2048), 0);
	pp_free(cache, buf);
	assert_int_equal(valgrind_forbids(buf, 64), 0);
	if (RUNNING_ON_VALGRIND)
		assert_int_equal(valgrind_forbids(buf, 2048), (uintptr_t)buf + 64);
	all_can_be_had(pool, cache);
	pool_end(pool);
}

static void test_sanitizer_knows_what_is_free(void **state)
{
#if WITH_ASAN
	struct pp_pool *pool = pool_guarded(1024, 64, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	char *buf = pp_alloc(cache, 0);
	void *bufs[1024];

	assert_null(__asan_region_is_poisoned(buf, 2048));
	pp_free(cache, buf);
	assert_null(__asan_region_is_poisoned(buf, 64));
	assert_ptr_equal(__asan_region_is_poisoned(buf, 2048), buf + 64);
	pp_pool_collect(pool);
	assert_int_equal(take_all(cache, bufs, 1024), 1024);
	for (unsigned i = 0; i < 1024; i++)
		assert_null(__asan_region_is_poisoned(bufs[i], 2048));
	pp_free_bulk(cache, bufs, 1024);
	pool_end(pool);
	/* The addresses are anybody's again. */
	assert_null(__asan_region_is_poisoned(buf, 2048));
#endif
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_double_free_is_refused_and_the_culprit_named),
		cmocka_unit_test(test_a_buffer_never_handed_out_cannot_be_freed),
		cmocka_unit_test(test_foreign_free_is_refused_and_the_culprit_named),
		cmocka_unit_test(test_a_cache_destroyed_twice_is_a_fault_in_any_pool),
		cmocka_unit_test(test_a_write_after_free_is_caught_at_any_byte),
		cmocka_unit_test(test_what_is_to_be_kept_is_left_alone),
		cmocka_unit_test(test_poison_reaches_before_the_address_handed_out),
		cmocka_unit_test(test_without_a_callback_it_is_a_line_on_stderr),
		cmocka_unit_test(test_growing_and_shrinking_raise_no_false_alarm),
		cmocka_unit_test(test_valgrind_knows_what_is_free),
		cmocka_unit_test(test_sanitizer_knows_what_is_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
