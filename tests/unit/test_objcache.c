/* SPDX-License-Identifier: BSD-3-Clause */
/* Objcache: what is critical stays apart, what is constructed once is destroyed once. */
#include "support.h"

#include <pthread.h>
#include <unistd.h>

#define BUFFERS 64u
#define MANY 4096u

/* A pool of few buffers, a mempool of some of them, and caches before both. */
struct bench {
	struct pp_pool *pool;
	struct pp_mempool *mempool;
	uint32_t hoarded;
	void *hoard[BUFFERS];
};

static void bench_make(struct bench *b, uint32_t min_nr)
{
	struct pp_mempool_params params = {
		.sz = sizeof(params), .name = "critical", .ops = &pp_mempool_pool, .min_nr = min_nr
	};

	memset(b, 0, sizeof(*b));
	b->pool = pool_4k(2048, BUFFERS, 0);
	params.backing = b->pool;
	assert_ok(pp_mempool_create(&params, &b->mempool));
}

/* Nothing is left but what the mempool keeps. */
static void bench_drain(struct bench *b)
{
	b->hoarded += pp_pool_alloc_burst(b->pool, b->hoard + b->hoarded, BUFFERS - b->hoarded);
}

static void bench_end(struct bench *b)
{
	pp_pool_free(b->pool, b->hoard, b->hoarded);
	assert_ok(pp_mempool_destroy(b->mempool));
	pool_end(b->pool);
}

static struct pp_objcache_params params_of(struct bench *b, uint32_t object_size)
{
	return (struct pp_objcache_params){
		.sz = sizeof(struct pp_objcache_params),
		.object_size = object_size,
		.pool = b->pool,
		.critical = b->mempool,
	};
}

static struct pp_objcache *cache_with(const struct pp_objcache_params *params)
{
	struct pp_objcache *oc = NULL;

	assert_ok(pp_objcache_create(params, &oc));
	assert_non_null(oc);
	return oc;
}

static struct pp_objcache *cache_of(struct bench *b, uint32_t object_size)
{
	struct pp_objcache_params params = params_of(b, object_size);

	return cache_with(&params);
}

static struct pp_objcache_stats books_of(struct pp_objcache *oc)
{
	struct pp_objcache_stats stats;

	memset(&stats, 0xa5, sizeof(stats));
	pp_objcache_stats(oc, &stats);
	/* Each object of a held buffer is in one place. */
	assert_true(stats.out + stats.cached + stats.free >= stats.out_critical);
	assert_int_equal(stats.out - stats.out_critical + stats.cached + stats.free,
			 (uint64_t)stats.buffers * stats.per_buffer);
	return stats;
}

static uint32_t kept_by(struct bench *b)
{
	struct pp_mempool_stats stats;

	pp_mempool_stats(b->mempool, &stats);
	return stats.kept;
}

static void test_critical_objects_share_the_critical_buffers_of_their_cache(void **state)
{
	struct bench b;
	struct pp_objcache *oc;
	uint32_t per;
	void *objs[256];

	(void)state;
	bench_make(&b, 2);
	oc = cache_of(&b, 100);
	per = books_of(oc).per_buffer;
	assert_in_range(per, 10, 100);
	bench_drain(&b);
	for (uint32_t i = 0; i < 2 * per; i++) {
		objs[i] = pp_objcache_alloc(oc, PP_CRITICAL);
		assert_non_null(objs[i]);
		/* A buffer for the first object, and another when that is full. */
		assert_int_equal(books_of(oc).critical, 1 + i / per);
		assert_int_equal(kept_by(&b), 1 - i / per);
	}
	errno = 0;
	assert_null(pp_objcache_alloc(oc, PP_CRITICAL));
	assert_int_equal(errno, ENOMEM);
	/* Room in a buffer that is held is used before another one is asked for. */
	pp_objcache_free(oc, objs[3]);
	objs[3] = pp_objcache_alloc(oc, PP_CRITICAL);
	assert_non_null(objs[3]);
	assert_int_equal(pp_objcache_free_bulk(oc, objs, 2 * per), 2 * per);
	assert_ok(pp_objcache_destroy(oc));
	bench_end(&b);
}

static void test_an_object_of_a_critical_buffer_never_serves_an_ordinary_request(void **state)
{
	static const unsigned ordinary[] = { 0, PP_TRY, PP_GROW, PP_WAIT, PP_WAIT | PP_GROW };
	struct bench b;
	struct pp_objcache *oc;
	struct pp_wait wait;
	void *objs[8], *obj;

	(void)state;
	bench_make(&b, 1);
	oc = cache_of(&b, 100);
	bench_drain(&b);
	assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 8, PP_CRITICAL, NULL), 8);
	for (unsigned i = 0; i < 8; i++)
		assert_true(pp_objcache_is_critical(oc, objs[i]));
	/* The buffer stays held for objs[7], and has room: it is not for these. */
	pp_objcache_free_bulk(oc, objs, 7);
	assert_int_equal(books_of(oc).critical, 1);
	assert_int_equal(books_of(oc).cached, 0);
	for (unsigned i = 0; i < 5; i++) {
		pp_wait_for(&wait, 2000);
		assert_int_equal(pp_objcache_alloc_bulk(oc, &obj, 1, ordinary[i], &wait), 0);
		assert_int_equal(books_of(oc).out, 1);
	}
	obj = pp_objcache_alloc(oc, PP_CRITICAL);
	assert_true(pp_objcache_is_critical(oc, obj));
	pp_objcache_free(oc, obj);
	/* Ordinary ones are to be had again: they are what a critical request gets first. */
	pp_pool_free(b.pool, b.hoard + --b.hoarded, 1);
	obj = pp_objcache_alloc(oc, 0);
	assert_false(pp_objcache_is_critical(oc, obj));
	pp_objcache_free(oc, obj);
	obj = pp_objcache_alloc(oc, PP_CRITICAL);
	assert_false(pp_objcache_is_critical(oc, obj));
	pp_objcache_free(oc, obj);
	pp_objcache_free(oc, objs[7]);
	assert_ok(pp_objcache_destroy(oc));
	bench_end(&b);
}

static void test_an_empty_critical_buffer_is_in_its_mempool_when_the_free_returns(void **state)
{
	struct bench b;
	struct pp_objcache *oc;
	void *objs[64];
	uint32_t per;

	(void)state;
	bench_make(&b, 3);
	oc = cache_of(&b, 512);
	per = books_of(oc).per_buffer;
	bench_drain(&b);
	for (unsigned round = 0; round < 100; round++) {
		assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 3 * per, PP_CRITICAL, NULL),
				 3 * per);
		assert_int_equal(kept_by(&b), 0);
		for (uint32_t i = 0; i < 3 * per; i++) {
			pp_objcache_free(oc, objs[i]);
			assert_int_equal(kept_by(&b) + books_of(oc).critical, 3);
		}
		assert_int_equal(kept_by(&b), 3);
		assert_int_equal(books_of(oc).cached, 0);
	}
	assert_int_equal(books_of(oc).constructed, books_of(oc).destructed);
	assert_ok(pp_objcache_destroy(oc));
	bench_end(&b);
}

static void test_several_caches_share_one_critical_mempool(void **state)
{
	struct bench b;
	struct pp_objcache *oc[3];
	void *obj[3];

	(void)state;
	bench_make(&b, 2);
	for (unsigned i = 0; i < 3; i++)
		oc[i] = cache_of(&b, 64u << i);
	bench_drain(&b);
	for (unsigned round = 0; round < 30; round++) {
		unsigned first = round % 3, second = (round + 1) % 3, third = (round + 2) % 3;

		obj[first] = pp_objcache_alloc(oc[first], PP_CRITICAL);
		obj[second] = pp_objcache_alloc(oc[second], PP_CRITICAL);
		assert_non_null(obj[first]);
		assert_non_null(obj[second]);
		assert_null(pp_objcache_alloc(oc[third], PP_CRITICAL));
		pp_objcache_free(oc[first], obj[first]);
		obj[third] = pp_objcache_alloc(oc[third], PP_CRITICAL);
		assert_non_null(obj[third]);
		pp_objcache_free(oc[third], obj[third]);
		pp_objcache_free(oc[second], obj[second]);
		assert_int_equal(kept_by(&b), 2);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_ok(pp_objcache_destroy(oc[i]));
	bench_end(&b);
}

/* Objects that know whether they are constructed, by their address. */
struct census {
	_Atomic int32_t alive;
	_Atomic int32_t born;
	int32_t fails_at;
	int error;
	const struct pp_region *region;
	uint8_t there[BUFFERS * 2048];
};

static uint8_t *census_at(struct census *census, const void *obj)
{
	struct pp_extent extent;

	pp_region_extent(census->region, &extent);
	return &census->there[((const char *)obj - (const char *)extent.base) % (BUFFERS * 2048)];
}

static int census_ctor(void *obj, void *arg)
{
	struct census *census = arg;

	if (census->fails_at && atomic_load(&census->born) == census->fails_at)
		return census->error;
	MUST(!(*census_at(census, obj))++);
	*(uint32_t *)obj = 0xc0ffee;
	atomic_fetch_add(&census->born, 1);
	atomic_fetch_add(&census->alive, 1);
	return 0;
}

static void census_dtor(void *obj, void *arg)
{
	struct census *census = arg;

	MUST((*census_at(census, obj))-- == 1);
	MUST(*(uint32_t *)obj == 0xc0ffee);
	*(uint32_t *)obj = 0;
	atomic_fetch_sub(&census->alive, 1);
}

static struct pp_objcache *cache_counted(struct bench *b, struct census *census)
{
	struct pp_objcache_params params = params_of(b, 200);

	memset(census, 0, sizeof(*census));
	census->region = pp_pool_region(b->pool);
	params.ctor = census_ctor;
	params.dtor = census_dtor;
	params.arg = census;
	params.keep = 3;
	return cache_with(&params);
}

static void test_each_object_is_constructed_and_destroyed_once_a_stay(void **state)
{
	static struct census census;
	struct bench b;
	struct pp_objcache *oc;
	struct pp_objcache_stats stats;
	static void *objs[MANY];
	uint64_t seed = 1;

	(void)state;
	bench_make(&b, 4);
	oc = cache_counted(&b, &census);
	for (unsigned round = 0; round < 300; round++) {
		unsigned n = 1 + random_next(&seed) % 300;

		n = pp_objcache_alloc_bulk(oc, objs, n, round % 2 ? PP_CRITICAL : 0, NULL);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(*(uint32_t *)objs[i], 0xc0ffee);
		/* In another order than they came. */
		while (n) {
			unsigned at = random_next(&seed) % n;

			pp_objcache_free(oc, objs[at]);
			objs[at] = objs[--n];
		}
		stats = books_of(oc);
		assert_int_equal(stats.out, 0);
		assert_int_equal(stats.constructed - stats.destructed, census.alive);
		assert_int_equal(census.alive, stats.buffers * stats.per_buffer);
		if (round % 50 == 49) {
			pp_objcache_shrink(oc);
			assert_int_equal(census.alive, 0);
		}
	}
	assert_ok(pp_objcache_destroy(oc));
	assert_int_equal(census.alive, 0);
	assert_true(census.born > 1000);
	bench_end(&b);
}

static void test_a_constructor_that_fails_gives_everything_back(void **state)
{
	static struct census census;
	static void *objs[MANY];
	struct bench b;
	struct pp_objcache *oc;
	uint32_t per;

	(void)state;
	for (unsigned critical = 0; critical < 2; critical++) {
		unsigned flags = critical ? PP_CRITICAL : 0;

		bench_make(&b, 8);
		oc = cache_counted(&b, &census);
		per = books_of(oc).per_buffer;
		if (critical)
			bench_drain(&b);
		census.error = -EXDEV;
		/* In the first object, in the middle, in a later buffer. */
		for (int32_t at = 1; at < (int32_t)(4 * per); at += 5) {
			census.born = 0;
			census.fails_at = at;
			errno = 0;
			assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 5 * per, flags, NULL), 0);
			assert_int_equal(errno, EXDEV);
			assert_error_names("constructor");
			assert_int_equal(census.alive, 0);
			assert_int_equal(kept_by(&b), 8);
			assert_int_equal(books_of(oc).buffers + books_of(oc).critical, 0);
			assert_int_equal(stats_of(b.pool).in_flight, 8 + b.hoarded);
		}
		census.fails_at = 0;
		assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 5 * per, flags, NULL), 5 * per);
		pp_objcache_free_bulk(oc, objs, 5 * per);
		assert_ok(pp_objcache_destroy(oc));
		assert_int_equal(census.alive, 0);
		bench_end(&b);
	}
}

struct errand {
	struct pp_objcache *oc;
	void **objs;
	unsigned n, flags, got;
	int error;
	struct pp_wait *wait;
	_Atomic bool began;
};

static void *errand_free(void *arg)
{
	struct errand *e = arg;

	e->got = pp_objcache_free_bulk(e->oc, e->objs, e->n);
	return NULL;
}

static void *errand_alloc(void *arg)
{
	struct errand *e = arg;

	atomic_store(&e->began, true);
	e->got = pp_objcache_alloc_bulk(e->oc, e->objs, e->n, e->flags, e->wait);
	e->error = errno;
	return NULL;
}

static void test_objects_are_freed_by_another_thread_and_its_end_brings_them_home(void **state)
{
	struct bench b;
	struct pp_objcache *oc;
	struct errand e = { .n = 50 };
	void *objs[50];

	(void)state;
	bench_make(&b, 2);
	oc = cache_of(&b, 64);
	e.oc = oc;
	e.objs = objs;
	for (unsigned round = 0; round < 20; round++) {
		e.flags = round % 2 ? PP_CRITICAL : 0;
		if (round == 10)
			bench_drain(&b);
		assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 50, e.flags, NULL), 50);
		thread_do(errand_free, &e);
		assert_int_equal(e.got, 50);
		assert_int_equal(books_of(oc).out, 0);
		/* Allocated by a thread that ends, freed here. */
		thread_do(errand_alloc, &e);
		assert_int_equal(e.got, 50);
		assert_int_equal(books_of(oc).out, 50);
		assert_int_equal(pp_objcache_free_bulk(oc, objs, 50), 50);
	}
	/* What this thread keeps is all that is not in a buffer. */
	assert_true(books_of(oc).cached <= 64);
	pp_objcache_shrink(oc);
	assert_int_equal(books_of(oc).cached + books_of(oc).buffers, 0);
	assert_ok(pp_objcache_destroy(oc));
	bench_end(&b);
}

/* A thread that allocates and frees once, and then does nothing until it is let go. */
struct sleeper {
	struct pp_objcache *oc;
	pthread_barrier_t *barrier;
};

static void *sleeper_run(void *arg)
{
	struct sleeper *s = arg;
	void *objs[40];

	MUST(pp_objcache_alloc_bulk(s->oc, objs, 40, 0, NULL) == 40);
	MUST(pp_objcache_free_bulk(s->oc, objs, 40) == 40);
	pthread_barrier_wait(s->barrier);
	pthread_barrier_wait(s->barrier);
	return NULL;
}

static void test_objects_in_idle_threads_magazines_are_taken_back(void **state)
{
	struct bench b;
	struct pp_objcache *oc;
	struct sleeper s;
	pthread_t threads[4];
	pthread_barrier_t barrier;
	static void *objs[MANY];
	uint32_t cached, total;

	(void)state;
	bench_make(&b, 1);
	oc = cache_of(&b, 64);
	s = (struct sleeper){ oc, &barrier };
	pthread_barrier_init(&barrier, NULL, 5);
	for (unsigned i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, sleeper_run, &s);
	pthread_barrier_wait(&barrier);
	bench_drain(&b);
	cached = (uint32_t)books_of(oc).cached;
	total = books_of(oc).buffers * books_of(oc).per_buffer;
	assert_in_range(cached, 40, 256);
	/* They are what is missing, and one call with effort has them all. */
	assert_int_equal(pp_objcache_alloc_bulk(oc, objs, total, 0, NULL), 0);
	assert_int_equal(pp_objcache_alloc_bulk(oc, objs, total, PP_GROW, NULL), total);
	assert_int_equal(books_of(oc).out, total);
	assert_int_equal(books_of(oc).skipped, 0);
	pp_objcache_free_bulk(oc, objs, total);
	pthread_barrier_wait(&barrier);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	assert_ok(pp_objcache_destroy(oc));
	bench_end(&b);
}

static void test_destroy_refuses_while_objects_are_out_and_says_how_many(void **state)
{
	struct bench b;
	struct pp_objcache *oc;
	void *objs[5];

	(void)state;
	bench_make(&b, 1);
	oc = cache_of(&b, 256);
	assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 3, 0, NULL), 3);
	assert_int_equal(pp_objcache_destroy(oc), -EBUSY);
	assert_error_names("3 objects");
	bench_drain(&b);
	assert_int_equal(pp_objcache_free_bulk(oc, objs, 3), 3);
	for (unsigned i = 0; i < 5; i++)
		objs[i] = pp_objcache_alloc(oc, 0);
	while (books_of(oc).critical == 0) {
		void *obj = pp_objcache_alloc(oc, PP_CRITICAL);

		assert_non_null(obj);
		if (pp_objcache_is_critical(oc, obj)) {
			assert_true(pp_objcache_destroy(oc) == -EBUSY);
			assert_error_names("1 of them critical");
			pp_objcache_free(oc, obj);
			break;
		}
		*(void **)obj = b.hoard[0];
		b.hoard[0] = obj;
	}
	/* It goes on as before. */
	assert_int_equal(pp_objcache_free_bulk(oc, objs, 5), 5);
	while (pp_pool_find(b.hoard[0]) && books_of(oc).out) {
		void *obj = b.hoard[0];

		b.hoard[0] = *(void **)obj;
		pp_objcache_free(oc, obj);
	}
	assert_ok(pp_objcache_destroy(oc));
	assert_ok(pp_objcache_destroy(NULL));
	bench_end(&b);
}

static void test_shrink_returns_empty_buffers_to_the_pool(void **state)
{
	struct bench b;
	struct pp_objcache_params params;
	struct pp_objcache *oc;
	static void *objs[MANY];
	uint32_t per, held;

	(void)state;
	bench_make(&b, 1);
	params = params_of(&b, 128);
	params.keep = 5;
	oc = cache_with(&params);
	per = books_of(oc).per_buffer;
	assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 20 * per, 0, NULL), 20 * per);
	held = books_of(oc).buffers;
	assert_in_range(held, 20, 25);
	assert_int_equal(stats_of(b.pool).in_flight, held + 1);
	assert_int_equal(pp_objcache_free_bulk(oc, objs + 1, 20 * per - 1), 20 * per - 1);
	/* What is above `keep` has gone by itself. */
	assert_true(books_of(oc).empty <= 5);
	assert_true(pp_objcache_shrink(oc) > 0);
	assert_int_equal(books_of(oc).buffers, 1);
	assert_int_equal(stats_of(b.pool).in_flight, 2);
	assert_int_equal(pp_objcache_shrink(oc), 0);
	pp_objcache_free(oc, objs[0]);
	assert_int_equal(pp_objcache_shrink(oc), 1);
	assert_int_equal(stats_of(b.pool).in_flight, 1);
	assert_ok(pp_objcache_destroy(oc));
	bench_end(&b);
}

static void test_debug_finds_double_and_foreign_frees_at_once(void **state)
{
	struct bench b;
	struct pp_objcache_params params;
	struct pp_objcache *oc, *other;
	void *objs[10], *bad[6], *theirs, *buffer;
	int local;

	(void)state;
	bench_make(&b, 2);
	params = params_of(&b, 100);
	params.flags = PP_OBJCACHE_DEBUG;
	oc = cache_with(&params);
	other = cache_of(&b, 100);
	for (unsigned critical = 0; critical < 2; critical++) {
		uint64_t faults = books_of(oc).faults;

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
			assert_int_equal(books_of(oc).faults, ++faults);
			assert_int_equal(books_of(oc).out, 9);
		}
		/* The good ones among bad ones are taken. */
		bad[3] = objs[2];
		assert_int_equal(pp_objcache_free_bulk(oc, bad, 6), 1);
		assert_int_equal(pp_objcache_free_bulk(oc, objs + 3, 7), 7);
		pp_objcache_free(oc, objs[1]);
		assert_int_equal(books_of(oc).out, 0);
		pp_objcache_free(other, theirs);
		if (!critical) {
			pp_free(pp_pool_cache(b.pool), buffer);
			pp_objcache_shrink(oc);
			bench_drain(&b);
		}
	}
	assert_ok(pp_objcache_destroy(oc));
	assert_ok(pp_objcache_destroy(other));
	bench_end(&b);
}

static void test_without_debug_a_double_free_is_found_when_the_magazine_is_emptied(void **state)
{
	struct bench b;
	struct pp_objcache *oc;
	void *objs[4], *strange[2];
	int local;

	(void)state;
	bench_make(&b, 1);
	oc = cache_of(&b, 100);
	assert_int_equal(pp_objcache_alloc_bulk(oc, objs, 4, 0, NULL), 4);
	strange[0] = &local;
	strange[1] = NULL;
	/* What lies outside of the pool never gets that far. */
	assert_int_equal(pp_objcache_free_bulk(oc, strange, 2), 0);
	assert_int_equal(books_of(oc).faults, 2);
	pp_objcache_free(oc, objs[0]);
	pp_objcache_free(oc, objs[0]);
	assert_int_equal(pp_objcache_free_bulk(oc, objs + 1, 3), 3);
	pp_objcache_shrink(oc);
	assert_int_equal(books_of(oc).faults, 3);
	assert_int_equal(books_of(oc).out, 0);
	assert_int_equal(books_of(oc).buffers, 0);
	assert_ok(pp_objcache_destroy(oc));
	bench_end(&b);
}

static void test_bad_parameters_are_named(void **state)
{
	struct bench b;
	struct pp_objcache_params good, bad;
	struct pp_objcache *oc = NULL;

	(void)state;
	bench_make(&b, 1);
	good = params_of(&b, 100);
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
	bench_end(&b);
}

static void test_bad_requests_get_nothing_and_are_told_why(void **state)
{
	struct bench b;
	struct pp_objcache_params params;
	struct pp_objcache *oc, *plain;
	struct pp_wait wait;
	static void *objs[MANY];
	void *obj = objs;

	(void)state;
	bench_make(&b, 2);
	oc = cache_of(&b, 100);
	params = params_of(&b, 100);
	params.critical = NULL;
	plain = cache_with(&params);
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
		REFUSED_REQUEST(oc, 4000, 0, ENOMEM);
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
	assert_int_equal(books_of(oc).out + books_of(oc).waiters, 0);
	assert_ok(pp_objcache_destroy(oc));
	assert_ok(pp_objcache_destroy(plain));
	bench_end(&b);
}

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void test_a_wait_ends_at_its_deadline_or_when_cancelled(void **state)
{
	struct bench b;
	struct pp_objcache *oc;
	struct pp_wait wait;
	struct errand e = { .n = 1 };
	void *obj, *held;
	pthread_t thread;
	double began;

	(void)state;
	bench_make(&b, 1);
	oc = cache_of(&b, 2000);
	bench_drain(&b);
	held = pp_objcache_alloc(oc, PP_CRITICAL);
	assert_non_null(held);
	for (unsigned critical = 0; critical < 2; critical++) {
		e.flags = PP_WAIT | (critical ? PP_CRITICAL : 0);
		began = milliseconds();
		pp_wait_for(&wait, 30000);
		assert_int_equal(pp_objcache_alloc_bulk(oc, &obj, 1, e.flags, &wait), 0);
		assert_int_equal(errno, ETIMEDOUT);
		assert_true(milliseconds() - began >= 30);
		/* In the past: what there is, without waiting. */
		pp_wait_until(&wait, 1);
		assert_int_equal(pp_objcache_alloc_bulk(oc, &obj, 1, e.flags, &wait), 0);
		assert_int_equal(errno, ETIMEDOUT);
		e.oc = oc;
		e.objs = &obj;
		e.wait = &wait;
		e.began = false;
		pp_wait_for(&wait, PP_FOREVER);
		pthread_create(&thread, NULL, errand_alloc, &e);
		while (!books_of(oc).waiters)
			usleep(100);
		pp_wait_cancel(&wait);
		pthread_join(thread, NULL);
		assert_int_equal(e.got, 0);
		assert_int_equal(e.error, ECANCELED);
		assert_int_equal(books_of(oc).waiters, 0);
		/* It stays cancelled. */
		assert_int_equal(pp_objcache_alloc_bulk(oc, &obj, 1, e.flags, &wait), 0);
		assert_int_equal(errno, ECANCELED);
	}
	pp_objcache_free(oc, held);
	pp_wait_until(&wait, 1);
	assert_int_equal(pp_objcache_alloc_bulk(oc, &obj, 1, PP_WAIT | PP_CRITICAL, &wait), 1);
	pp_objcache_free(oc, obj);
	assert_ok(pp_objcache_destroy(oc));
	bench_end(&b);
}

/* An object freed by anybody, a buffer freed by another cache, a buffer freed by a stranger. */
static void test_whatever_is_freed_serves_who_waits_for_it(void **state)
{
	struct bench b;
	struct pp_objcache *oc, *other;
	struct errand e = { .n = 1 };
	void *obj, *mine[40], *theirs;
	pthread_t thread;

	(void)state;
	bench_make(&b, 2);
	oc = cache_of(&b, 100);
	other = cache_of(&b, 300);
	bench_drain(&b);
	e.oc = oc;
	e.objs = &obj;
	for (unsigned round = 0; round < 40; round++) {
		uint32_t per = books_of(oc).per_buffer;

		assert_int_equal(pp_objcache_alloc_bulk(oc, mine, per, PP_CRITICAL, NULL), per);
		theirs = pp_objcache_alloc(other, PP_CRITICAL);
		assert_non_null(theirs);
		e.flags = PP_WAIT | (round % 4 == 3 ? 0 : PP_CRITICAL);
		pthread_create(&thread, NULL, errand_alloc, &e);
		while (!books_of(oc).waiters)
			sched_yield();
		if (round % 8 >= 4)
			usleep(2000);
		if (round % 4 == 0)
			pp_objcache_free(oc, mine[7]);
		else if (round % 4 == 1)
			pp_objcache_free(other, theirs);
		else
			pp_pool_free(b.pool, b.hoard + --b.hoarded, 1);
		pthread_join(thread, NULL);
		assert_int_equal(e.got, 1);
		assert_int_equal(pp_objcache_is_critical(oc, obj), round % 4 < 3);
		pp_objcache_free(oc, obj);
		if (round % 4 == 0)
			mine[7] = mine[--per];
		assert_int_equal(pp_objcache_free_bulk(oc, mine, per), per);
		if (round % 4 != 1)
			pp_objcache_free(other, theirs);
		pp_objcache_shrink(oc);
		bench_drain(&b);
	}
	assert_ok(pp_objcache_destroy(oc));
	assert_ok(pp_objcache_destroy(other));
	bench_end(&b);
}

static void test_waiters_of_mixed_sizes_are_served_in_the_order_of_arrival(void **state)
{
	static const unsigned sizes[8] = { 5, 1, 9, 2, 7, 1, 3, 4 };
	struct bench b;
	struct pp_objcache *oc;
	struct errand e[8];
	void *objs[8][9], *held[64];
	pthread_t threads[8];
	uint32_t per, served = 0;

	(void)state;
	bench_make(&b, 3);
	oc = cache_of(&b, 56);
	per = books_of(oc).per_buffer;
	assert_true(per <= 64 && per >= 32);
	bench_drain(&b);
	b.hoarded--;
	pp_pool_free(b.pool, b.hoard + b.hoarded, 1);
	for (unsigned round = 0; round < 10; round++) {
		uint32_t freed = 0, granted = 0;

		/* One buffer's worth: nobody else has any. */
		assert_int_equal(pp_objcache_alloc_bulk(oc, held, per, 0, NULL), per);
		for (unsigned i = 0; i < 8; i++) {
			e[i] = (struct errand){
				.oc = oc, .objs = objs[i], .n = sizes[i], .flags = PP_WAIT
			};
			pthread_create(&threads[i], NULL, errand_alloc, &e[i]);
			while (books_of(oc).waiters != i + 1)
				sched_yield();
		}
		/* One by one: each free serves the first or nobody. */
		for (unsigned i = 0; i < 8; i++) {
			for (unsigned k = 0; k < sizes[i]; k++) {
				assert_int_equal(books_of(oc).waiters, 8 - i);
				pp_objcache_free(oc, held[freed++]);
			}
			granted += sizes[i];
			assert_int_equal(books_of(oc).waiters, 7 - i);
			assert_int_equal(books_of(oc).free, freed - granted);
			pthread_join(threads[i], NULL);
			assert_int_equal(e[i].got, sizes[i]);
			served++;
		}
		for (unsigned i = 0; i < 8; i++)
			assert_int_equal(pp_objcache_free_bulk(oc, objs[i], sizes[i]), sizes[i]);
		assert_int_equal(pp_objcache_free_bulk(oc, held + freed, per - freed), per - freed);
	}
	assert_int_equal(served, 80);
	assert_ok(pp_objcache_destroy(oc));
	bench_end(&b);
}

static void test_objects_are_aligned_apart_and_inside_their_buffers(void **state)
{
	static const uint32_t sizes[] = { 1, 8, 24, 63, 64, 65, 200, 1000, 1600 };
	static const uint32_t leads[] = { 0, 1, 64, 200, 130 };
	uint64_t seen = 0;

	(void)state;
	for (unsigned l = 0; l < 5; l++) {
		struct pp_pool_params pool_params = params_4k(2304, 128);
		struct pp_pool *pool;

		pool_params.lead = leads[l];
		pool_params.flags = l % 2 ? PP_POOL_GAPLESS : 0;
		pool = pool_of(&pool_params);
		for (unsigned s = 0; s < 9; s++)
			for (uint32_t align = 1; align <= 256; align *= 2) {
				struct pp_objcache_params params = { .sz = sizeof(params),
								     .object_size = sizes[s],
								     .align = align,
								     .pool = pool };
				struct pp_objcache *oc = cache_with(&params);
				uint32_t n = 3 * books_of(oc).per_buffer;
				char **objs = calloc(n, sizeof(*objs));

				assert_non_null(objs);
				assert_int_equal(pp_objcache_alloc_bulk(oc, (void **)objs, n, 0,
									NULL),
						 n);
				for (uint32_t i = 0; i < n; i++)
					memset(objs[i], (int)i, sizes[s]);
				for (uint32_t i = 0; i < n; i++) {
					char *last = objs[i] + sizes[s] - 1;

					assert_int_equal((uintptr_t)objs[i] % align, 0);
					/* Its own from end to end, and of one buffer. */
					assert_int_equal(*objs[i], (char)i);
					assert_int_equal(*last, (char)i);
					assert_int_equal(pp_buffer_index(pp_pool_region(pool),
									 last),
							 pp_buffer_index(pp_pool_region(pool),
									 objs[i]));
					seen++;
				}
				assert_int_equal(pp_objcache_free_bulk(oc, (void **)objs, n), n);
				free(objs);
				assert_ok(pp_objcache_destroy(oc));
			}
		pool_end(pool);
	}
	assert_true(seen > 10000);
}

static void test_a_mempool_can_stand_on_an_object_cache(void **state)
{
	struct bench b;
	struct pp_objcache *oc;
	struct pp_mempool_params params = {
		.sz = sizeof(params), .name = "flows", .ops = &pp_mempool_objcache, .min_nr = 40
	};
	struct pp_mempool *flows;
	static void *taken[MANY];
	void *objs[40];
	unsigned n = 0;

	(void)state;
	bench_make(&b, 1);
	oc = cache_of(&b, 100);
	params.backing = oc;
	assert_ok(pp_mempool_create(&params, &flows));
	assert_int_equal(books_of(oc).out, 40);
	while ((taken[n] = pp_objcache_alloc(oc, 0)))
		n++;
	/* There is not one left, but the mempool's. */
	assert_int_equal(pp_mempool_alloc_bulk(flows, objs, 40, 0, NULL), 40);
	for (unsigned i = 0; i < 40; i++)
		assert_false(pp_objcache_is_critical(oc, objs[i]));
	assert_int_equal(pp_mempool_alloc_bulk(flows, taken + n, 1, 0, NULL), 0);
	pp_mempool_free_bulk(flows, objs, 40);
	assert_int_equal(pp_objcache_free_bulk(oc, taken, n), n);
	assert_int_equal(books_of(oc).out, 40);
	assert_ok(pp_mempool_destroy(flows));
	assert_int_equal(books_of(oc).out, 0);
	assert_ok(pp_objcache_destroy(oc));
	bench_end(&b);
}

static int child_use(void *arg)
{
	struct pp_objcache *oc = arg;
	void *obj = NULL;

	errno = 0;
	if (pp_objcache_alloc(oc, 0) || errno != EPERM)
		return 2;
	if (pp_objcache_free_bulk(oc, &obj, 1) || pp_objcache_shrink(oc))
		return 3;
	return pp_objcache_destroy(oc) ? 4 : 0;
}

static void test_a_forked_child_is_refused_and_harms_nothing(void **state)
{
	struct bench b;
	struct pp_objcache *oc;
	void *obj;

	(void)state;
	bench_make(&b, 1);
	oc = cache_of(&b, 100);
	obj = pp_objcache_alloc(oc, 0);
	assert_int_equal(child_do(child_use, oc), 0);
	pp_objcache_free(oc, obj);
	assert_int_equal(books_of(oc).out, 0);
	assert_ok(pp_objcache_destroy(oc));
	bench_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_critical_objects_share_the_critical_buffers_of_their_cache),
		cmocka_unit_test(
			test_an_object_of_a_critical_buffer_never_serves_an_ordinary_request),
		cmocka_unit_test(
			test_an_empty_critical_buffer_is_in_its_mempool_when_the_free_returns),
		cmocka_unit_test(test_several_caches_share_one_critical_mempool),
		cmocka_unit_test(test_each_object_is_constructed_and_destroyed_once_a_stay),
		cmocka_unit_test(test_a_constructor_that_fails_gives_everything_back),
		cmocka_unit_test(
			test_objects_are_freed_by_another_thread_and_its_end_brings_them_home),
		cmocka_unit_test(test_objects_in_idle_threads_magazines_are_taken_back),
		cmocka_unit_test(test_destroy_refuses_while_objects_are_out_and_says_how_many),
		cmocka_unit_test(test_shrink_returns_empty_buffers_to_the_pool),
		cmocka_unit_test(test_debug_finds_double_and_foreign_frees_at_once),
		cmocka_unit_test(
			test_without_debug_a_double_free_is_found_when_the_magazine_is_emptied),
		cmocka_unit_test(test_bad_parameters_are_named),
		cmocka_unit_test(test_bad_requests_get_nothing_and_are_told_why),
		cmocka_unit_test(test_a_wait_ends_at_its_deadline_or_when_cancelled),
		cmocka_unit_test(test_whatever_is_freed_serves_who_waits_for_it),
		cmocka_unit_test(test_waiters_of_mixed_sizes_are_served_in_the_order_of_arrival),
		cmocka_unit_test(test_objects_are_aligned_apart_and_inside_their_buffers),
		cmocka_unit_test(test_a_mempool_can_stand_on_an_object_cache),
		cmocka_unit_test(test_a_forked_child_is_refused_and_harms_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
