/* SPDX-License-Identifier: BSD-3-Clause */
/* Zero: calls for no buffers, while somebody takes back what the caller has cached. */
#include <pthread.h>

#include "storm.h"

static _Atomic int stop;

struct idler {
	struct pp_pool *pool;
	unsigned kind;
};

/* Caches some, then asks for nothing and gives back nothing. */
static void *idler_run(void *arg)
{
	struct idler *idler = arg;
	struct pp_cache *cache = pp_cache_create(idler->pool, "idler");
	volatile unsigned none = 0;
	void *bufs[48];

	MUST(cache);
	while (!atomic_load(&stop)) {
		unsigned n = pp_alloc_burst(cache, bufs, 48, 0);

		pp_free_bulk(cache, bufs, n);
		for (unsigned i = 0; i < 200; i++)
			switch (idler->kind) {
			case 0:
				pp_free_bulk(cache, bufs, none);
				break;
			case 1:
				MUST(pp_alloc_burst(cache, bufs, none, 0) == 0);
				break;
			default:
				/* Of what is not there, nothing is to be had. */
				n = pp_alloc_burst(cache, bufs, 48, PP_TRY);
				pp_free_bulk(cache, bufs, n);
				MUST(pp_alloc_burst(cache, bufs, none, PP_TRY) == 0);
			}
	}
	pp_cache_destroy(cache);
	return NULL;
}

/* An owner that wants its `s` to stay as it is looks idle. If it stored it all the
 * same, what was taken meanwhile would be in its cache again. */
static void nothing_doubles(uint32_t flags)
{
	struct pp_pool *pool = pool_4k(2048, 4096, flags);
	static void *bufs[4096];
	struct marks marks = marks_make(pool);
	pthread_t threads[3];
	struct idler idlers[3];
	double end = seconds_now() + storm_seconds(3);

	atomic_store(&stop, 0);
	for (unsigned i = 0; i < 3; i++) {
		idlers[i] = (struct idler){ pool, i };
		pthread_create(&threads[i], NULL, idler_run, &idlers[i]);
	}
	while (seconds_now() < end) {
		unsigned n;

		pp_pool_collect(pool);
		n = pp_pool_alloc_burst(pool, bufs, 4096);
		marks_take(&marks, pool, bufs, n, 1);
		marks_drop(&marks, pool, bufs, n, 1);
		pp_pool_free(pool, bufs, n);
	}
	atomic_store(&stop, 1);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	pool_end(pool);
	marks_free(&marks);
}

static void test_a_call_for_none_brings_nothing_back(void **state)
{
	(void)state;
	nothing_doubles(0);
}

static void test_nor_where_holders_are_noted(void **state)
{
	(void)state;
	nothing_doubles(PP_POOL_OWNERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_call_for_none_brings_nothing_back),
		cmocka_unit_test(test_nor_where_holders_are_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
