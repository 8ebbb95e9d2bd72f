/* SPDX-License-Identifier: BSD-3-Clause */
/* Misuse: what an object cache refuses, and what it says. */
#include "objbench.h"

static void test_destroy_refuses_while_objects_are_out_and_says_how_many(void **state)
{
	struct objbench b;
	struct pp_objcache *oc;
	static void *objs[MANY];
	unsigned n = 0;

	(void)state;
	objbench_make(&b, 1);
	oc = objbench_cache(&b, 256);
	assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 3, 0, NULL), 3);
	assert_int_equal(pp_objcache_destroy(oc), -EBUSY);
	assert_error_names("3 objects");
	/* It goes on as before. */
	assert_int_equal(pp_objcache_free_bulk(oc, objs, 3), 3);
	objbench_drain(&b);
	do {
		objs[n] = pp_objcache_alloc(oc, PP_CRITICAL);
		assert_non_null(objs[n]);
	} while (!pp_objcache_is_critical(oc, objs[n++]));
	assert_int_equal(pp_objcache_destroy(oc), -EBUSY);
	assert_error_names("1 of them critical");
	assert_int_equal(pp_objcache_free_bulk(oc, objs, n), n);
	assert_ok(pp_objcache_destroy(oc));
	assert_ok(pp_objcache_destroy(NULL));
	objbench_end(&b);
}

static void test_debug_finds_double_and_foreign_frees_at_once(void **state)
{
	struct objbench b;
	struct pp_objcache_params params;
	struct pp_objcache *oc, *other;
	void *objs[10], *bad[6], *theirs, *buffer;
	int local;

	(void)state;
	objbench_make(&b, 2);
	params = objbench_params(&b, 100);
	params.flags = PP_OBJCACHE_DEBUG;
	oc = objbench_cache_with(&params);
	other = objbench_cache(&b, 100);
	for (unsigned critical = 0; critical < 2; critical++) {
		uint64_t faults = objbench_books(oc).faults;

		assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 10, critical ? PP_CRITICAL : 0,
							NULL),
				 10);
		assert_int_equal(pp_objcache_is_critical(oc, objs[9]), critical);
		assert_null(pp_objcache_alloc(oc, PP_TRY));
		theirs = pp_objcache_alloc(other, PP_CRITICAL);
		buffer = critical ? b.hoard[0] : pp_alloc(pp_pool_cache(b.pool), 0);
		assert_non_null(theirs);
		pp_objcache_free(oc, objs[0]);
		bad[0] = objs[0];             /* double */
		bad[1] = (char *)objs[1] + 8; /* inside an object */
		bad[2] = theirs;
		bad[3] = buffer;
		bad[4] = &local;
		bad[5] = NULL;
		for (unsigned i = 0; i < 6; i++) {
			assert_int_equal(pp_objcache_free_bulk(oc, bad + i, 1), 0);
			assert_error_names(i ? "foreign free" : "double free");
			assert_int_equal(objbench_books(oc).faults, ++faults);
			assert_int_equal(objbench_books(oc).out, 9);
		}
		/* The good ones among bad ones are taken. */
		bad[3] = objs[2];
		assert_int_equal(pp_objcache_free_bulk(oc, bad, 6), 1);
		assert_int_equal(pp_objcache_free_bulk(oc, objs + 3, 7), 7);
		pp_objcache_free(oc, objs[1]);
		assert_int_equal(objbench_books(oc).out, 0);
		pp_objcache_free(other, theirs);
		if (!critical) {
			pp_free(pp_pool_cache(b.pool), buffer);
			pp_objcache_shrink(oc);
			objbench_drain(&b);
		}
	}
	assert_ok(pp_objcache_destroy(oc));
	assert_ok(pp_objcache_destroy(other));
	objbench_end(&b);
}

static void test_without_debug_a_double_free_is_found_when_the_magazine_is_emptied(void **state)
{
	struct objbench b;
	struct pp_objcache *oc;
	void *objs[4], *strange[2];
	int local;

	(void)state;
	objbench_make(&b, 1);
	oc = objbench_cache(&b, 100);
	assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 4, 0, NULL), 4);
	strange[0] = &local;
	strange[1] = NULL;
	/* What lies outside of the pool never gets that far. */
	assert_int_equal(pp_objcache_free_bulk(oc, strange, 2), 0);
	assert_int_equal(objbench_books(oc).faults, 2);
	pp_objcache_free(oc, objs[0]);
	pp_objcache_free(oc, objs[0]);
	assert_int_equal(pp_objcache_free_bulk(oc, objs + 1, 3), 3);
	pp_objcache_shrink(oc);
	assert_int_equal(objbench_books(oc).faults, 3);
	assert_int_equal(objbench_books(oc).out, 0);
	assert_int_equal(objbench_books(oc).buffers, 0);
	assert_ok(pp_objcache_destroy(oc));
	objbench_end(&b);
}

static void test_while_a_critical_buffer_is_held_a_double_free_is_found_at_once(void **state)
{
	struct objbench b;
	struct pp_objcache *oc;
	struct errand e = { .n = 1, .flags = PP_CRITICAL };
	void *objs[64], *held, *again[2];
	uint32_t per;

	(void)state;
	objbench_make(&b, 1);
	oc = objbench_cache(&b, 100);
	per = objbench_books(oc).per_buffer;
	assert_in_range(per, 10, 64);
	assert_int_equal(pp_objcache_alloc_bulk(oc, objs, per, 0, NULL), per);
	objbench_drain(&b);
	/* In this thread's magazine before there is a critical one. */
	pp_objcache_free(oc, objs[0]);
	assert_int_equal(objbench_books(oc).cached, 1);
	e.oc = oc;
	e.objs = &held;
	thread_do(errand_alloc, &e);
	assert_int_equal(e.got, 1);
	assert_true(pp_objcache_is_critical(oc, held));
	assert_int_equal(pp_objcache_free_bulk(oc, objs, 1), 0);
	assert_error_names("double free");
	assert_int_equal(objbench_books(oc).faults, 1);
	/* Freed twice while there is one, ordinary objects as critical ones. */
	for (unsigned i = 1; i < 8; i++) {
		assert_int_equal(pp_objcache_free_bulk(oc, objs + i, 1), 1);
		assert_int_equal(pp_objcache_free_bulk(oc, objs + i, 1), 0);
		assert_error_names("double free");
	}
	assert_int_equal(objbench_books(oc).faults, 8);
	/* What is allocated meanwhile leaves no others in the magazine. */
	again[0] = pp_objcache_alloc(oc, 0);
	again[1] = pp_objcache_alloc(oc, 0);
	assert_non_null(again[0]);
	assert_non_null(again[1]);
	assert_ptr_not_equal(again[0], again[1]);
	assert_int_equal(objbench_books(oc).cached, 0);
	assert_int_equal(pp_objcache_free_bulk(oc, again, 2), 2);
	assert_int_equal(pp_objcache_free_bulk(oc, again, 2), 0);
	assert_int_equal(objbench_books(oc).faults, 10);
	assert_int_equal(pp_objcache_free_bulk(oc, objs + 8, per - 8), per - 8);
	pp_objcache_free(oc, held);
	assert_int_equal(objbench_books(oc).out, 0);
	assert_ok(pp_objcache_destroy(oc));
	objbench_end(&b);
}

static void test_bad_parameters_are_named(void **state)
{
	struct objbench b;
	struct pp_objcache_params good, bad;
	struct pp_objcache *oc = NULL;

	(void)state;
	objbench_make(&b, 1);
	good = objbench_params(&b, 100);
	assert_int_equal(pp_objcache_create(NULL, &oc), -EINVAL);
	assert_int_equal(pp_objcache_create(&good, NULL), -EINVAL);
#define REFUSED(field, value, word)                                       \
	do {                                                              \
		bad = good;                                               \
		bad.field = value;                                        \
		assert_int_equal(pp_objcache_create(&bad, &oc), -EINVAL); \
		assert_error_names(word);                                 \
	} while (0)
	REFUSED(sz, sizeof(bad) + 1, "sz");
	REFUSED(sz, 0, "sz");
	REFUSED(pool, NULL, "no pool");
	REFUSED(object_size, 0, "object_size");
	REFUSED(object_size, 2049, "2049");
	REFUSED(object_size, 2048, "2048"); /* the slab's own head */
	REFUSED(object_size, UINT32_MAX, "fits");
	REFUSED(align, 48, "48");
	REFUSED(align, 3, "power of two");
	REFUSED(align, 4096, "fits");
	REFUSED(align, 1u << 31, "fits");
	REFUSED(magazine, 1, "magazine");
	REFUSED(magazine, 4097, "magazine");
	REFUSED(flags, 2, "flags");
	REFUSED(name, "", "name");
	REFUSED(name, "a name of thirty-two characters!", "name");
	assert_null(oc);
	objbench_end(&b);
}

static void test_bad_requests_get_nothing_and_are_told_why(void **state)
{
	struct objbench b;
	struct pp_objcache_params params;
	struct pp_objcache *oc, *plain;
	struct pp_wait wait;
	static const unsigned ways[] = { 0,       PP_CRITICAL,
					 PP_GROW, PP_CRITICAL | PP_GROW,
					 PP_WAIT, PP_WAIT | PP_CRITICAL };
	static void *objs[MANY];
	void *obj = objs;
	uint32_t per, most;

	(void)state;
	objbench_make(&b, 2);
	oc = objbench_cache(&b, 100);
	per = objbench_books(oc).per_buffer;
	most = per * (uint32_t)stats_of(b.pool).total;
	params = objbench_params(&b, 100);
	params.critical = NULL;
	plain = objbench_cache_with(&params);
	/* On a miss and on a hit. */
	for (unsigned warm = 0; warm < 2; warm++) {
		assert_int_equal(pp_objcache_alloc_bulk(oc, &obj, 0, 0, NULL), 0);
		assert_int_equal(pp_objcache_free_bulk(oc, &obj, 0), 0);
		assert_ptr_equal(obj, objs);
#define REFUSED_REQUEST(cache, n, flags, number)                                          \
	do {                                                                              \
		errno = 0;                                                                \
		assert_int_equal(pp_objcache_alloc_bulk(cache, objs, n, flags, NULL), 0); \
		assert_int_equal(errno, number);                                          \
	} while (0)
		REFUSED_REQUEST(oc, (1u << 28) + 1, 0, EINVAL);
		REFUSED_REQUEST(oc, 1, 1u << 20, EINVAL);
		REFUSED_REQUEST(oc, 4000, PP_TRY, EAGAIN);
		REFUSED_REQUEST(oc, 4000, PP_TRY | PP_WAIT, EINVAL);
		REFUSED_REQUEST(oc, most - per, 0, ENOMEM); /* the mempool keeps two */
		REFUSED_REQUEST(oc, most - per, PP_CRITICAL | PP_GROW, ENOMEM);
		for (unsigned i = 0; i < 6; i++)
			REFUSED_REQUEST(oc, most + 1, ways[i], EINVAL);
		assert_error_names("more than pool");
		REFUSED_REQUEST(plain, 1, PP_CRITICAL, EINVAL);
		assert_error_names("no critical mempool");
		pp_objcache_free(oc, pp_objcache_alloc(oc, 0));
		pp_objcache_free(plain, pp_objcache_alloc(plain, 0));
	}
	pp_objcache_shrink(oc);
	pp_objcache_shrink(plain);
	/* More than can ever come is no reason to wait. */
	pp_wait_for(&wait, 10000000);
	assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 4000, PP_WAIT, &wait), 0);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 4000, PP_WAIT | PP_CRITICAL, &wait), 0);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(objbench_books(oc).out + objbench_books(oc).waiters, 0);
	assert_ok(pp_objcache_destroy(oc));
	assert_ok(pp_objcache_destroy(plain));
	objbench_end(&b);
}

static void test_null_is_refused_and_not_followed(void **state)
{
	struct objbench b;
	struct pp_objcache *oc;
	struct pp_objcache_stats stats;
	void *obj = NULL;

	(void)state;
	objbench_make(&b, 1);
	oc = objbench_cache(&b, 100);
	/* On a miss and on a hit. */
	for (unsigned warm = 0; warm < 2; warm++) {
#define REFUSED_NULL(call)                       \
	do {                                     \
		errno = 0;                       \
		assert_false((call) != 0);       \
		assert_int_equal(errno, EINVAL); \
		assert_error_names("NULL");      \
	} while (0)
		REFUSED_NULL(pp_objcache_alloc_bulk(NULL, &obj, 1, 0, NULL));
		REFUSED_NULL(pp_objcache_alloc_bulk(oc, NULL, 1, 0, NULL));
		REFUSED_NULL(pp_objcache_alloc_bulk(oc, NULL, 1, PP_TRY, NULL));
		REFUSED_NULL(pp_objcache_free_bulk(NULL, &obj, 1));
		REFUSED_NULL(pp_objcache_free_bulk(oc, NULL, 1));
		REFUSED_NULL(pp_objcache_alloc(NULL, 0) != NULL);
		REFUSED_NULL((pp_objcache_free(NULL, &b), 0));
		REFUSED_NULL(pp_objcache_is_critical(NULL, &b));
		REFUSED_NULL(pp_objcache_shrink(NULL));
		REFUSED_NULL((pp_objcache_stats(oc, NULL), 0));
		memset(&stats, 0xa5, sizeof(stats));
		REFUSED_NULL((pp_objcache_stats(NULL, &stats), 0));
		assert_int_equal(stats.buffers + stats.out + stats.waiters, 0);
		assert_int_equal(pp_objcache_alloc_bulk(oc, NULL, 0, 0, NULL), 0);
		assert_int_equal(pp_objcache_free_bulk(oc, NULL, 0), 0);
		assert_int_equal(objbench_books(oc).out + objbench_books(oc).faults, 0);
		pp_objcache_free(oc, pp_objcache_alloc(oc, 0));
	}
	assert_ok(pp_objcache_destroy(oc));
	objbench_end(&b);
}

static int child_use(void *arg)
{
	struct pp_objcache *oc = arg;
	void *obj = NULL;

	errno = 0;
	if (pp_objcache_alloc(oc, 0) || errno != EPERM)
		return 2;
	errno = 0;
	if (pp_objcache_free_bulk(oc, &obj, 1) || errno != EPERM || pp_objcache_shrink(oc))
		return 3;
	return pp_objcache_destroy(oc) ? 4 : 0;
}

static void test_a_forked_child_is_refused_and_harms_nothing(void **state)
{
	struct objbench b;
	struct pp_objcache *oc;
	void *obj;

	(void)state;
	objbench_make(&b, 1);
	oc = objbench_cache(&b, 100);
	obj = pp_objcache_alloc(oc, 0);
	assert_int_equal(child_do(child_use, oc), 0);
	pp_objcache_free(oc, obj);
	assert_int_equal(objbench_books(oc).out, 0);
	assert_ok(pp_objcache_destroy(oc));
	objbench_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_destroy_refuses_while_objects_are_out_and_says_how_many),
		cmocka_unit_test(test_debug_finds_double_and_foreign_frees_at_once),
		cmocka_unit_test(
			test_without_debug_a_double_free_is_found_when_the_magazine_is_emptied),
		cmocka_unit_test(
			test_while_a_critical_buffer_is_held_a_double_free_is_found_at_once),
		cmocka_unit_test(test_bad_parameters_are_named),
		cmocka_unit_test(test_bad_requests_get_nothing_and_are_told_why),
		cmocka_unit_test(test_null_is_refused_and_not_followed),
		cmocka_unit_test(test_a_forked_child_is_refused_and_harms_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
