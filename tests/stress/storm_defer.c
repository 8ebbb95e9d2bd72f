/* SPDX-License-Identifier: BSD-3-Clause */
/* Defer: readers look at objects while writers replace and defer them, with DPDK's QSBR between. */
#include <pthread.h>
#include <rte_rcu_qsbr.h>
#include <unistd.h>

#include "pp_qsbr.h"
#include "storm.h"

#define PLACES 64
#define READERS 2
#define WRITERS 3
#define OBJECTS 8192
#define BLOCKS 1024

struct object {
	uint64_t stamp; /* its own address, mixed, while it lives */
	uint64_t copy;
	struct pp_defer_head head;
};

static struct rte_rcu_qsbr *qsbr;
static struct pp_pool *objects, *blocks;
static struct pp_defer *defer;
static _Atomic(struct object *) places[PLACES];
static _Atomic bool stop, rest;
static _Atomic uint64_t made, freed, looked;
static __thread uint32_t reader_id = PP_QSBR_NONE;

static uint32_t reader_mine(void)
{
	return reader_id;
}

static uint64_t stamp_of(const struct object *object)
{
	return (uintptr_t)object * 0x9e3779b97f4a7c15ull | 1;
}

/* A free_bulk: nobody may look any more, so it is spoiled. */
static void objects_free(void *arg, void *const *objs, unsigned n)
{
	MUST(n >= 1 && n <= PP_DEFER_SLOTS);
	for (unsigned i = 0; i < n; i++) {
		struct object *object = objs[i];

		MUST(object->stamp == stamp_of(object));
		object->stamp = object->copy = 0;
	}
	atomic_fetch_add(&freed, n);
	pp_defer_buffers(arg, objs, n);
}

static void places_look(uint64_t *seed)
{
	for (unsigned i = random_next(seed) % 64; i--;) {
		const struct object *object = atomic_load(&places[random_next(seed) % PLACES]);

		if (!object)
			continue;
		MUST(object->stamp == stamp_of(object));
		if (random_next(seed) % 256 == 0)
			usleep(50);
		MUST(object->copy == stamp_of(object));
		atomic_fetch_add_explicit(&looked, 1, memory_order_relaxed);
	}
}

static void *reader_run(void *arg)
{
	uint64_t seed = 77 + (uintptr_t)arg;

	reader_id = (uint32_t)(uintptr_t)arg;
	MUST(!rte_rcu_qsbr_thread_register(qsbr, reader_id));
	rte_rcu_qsbr_thread_online(qsbr, reader_id);
	while (!atomic_load(&rest)) {
		places_look(&seed);
		rte_rcu_qsbr_quiescent(qsbr, reader_id);
		/* It defers, too, and may wait: then it says that it rests. */
		if (random_next(&seed) % 64 == 0) {
			struct object *object =
				atomic_exchange(&places[random_next(&seed) % PLACES], NULL);

			MUST(pp_defer_free(defer, object) == 0);
		}
		if (random_next(&seed) % 512 == 0) {
			rte_rcu_qsbr_thread_offline(qsbr, reader_id);
			usleep(random_next(&seed) % 500);
			rte_rcu_qsbr_thread_online(qsbr, reader_id);
		}
	}
	rte_rcu_qsbr_thread_offline(qsbr, reader_id);
	rte_rcu_qsbr_thread_unregister(qsbr, reader_id);
	return NULL;
}

static void place_replace(struct pp_cache *cache, uint64_t *seed)
{
	struct object *object = pp_alloc(cache, 0), *old;

	if (!object) {
		pp_defer_poll(defer);
		return;
	}
	object->stamp = object->copy = stamp_of(object);
	atomic_fetch_add(&made, 1);
	old = atomic_exchange(&places[random_next(seed) % PLACES], object);
	if (old && random_next(seed) % 2)
		MUST(pp_defer_free(defer, old) == 0);
	else if (old)
		MUST(pp_defer_free_head(defer, old, &old->head) == 0);
}

/* One life of a writer. */
static void *writer_run(void *arg)
{
	uint64_t seed = (uintptr_t)arg;
	struct pp_cache *cache = pp_pool_cache(objects);

	MUST(cache);
	for (unsigned i = random_next(&seed) % 20000; i-- && !atomic_load(&stop);)
		place_replace(cache, &seed);
	return NULL;
}

static void *writers_follow(void *arg)
{
	uint64_t seed = 1234 + (uintptr_t)arg;
	pthread_t thread;

	while (!atomic_load(&stop)) {
		MUST(!pthread_create(&thread, NULL, writer_run,
				     (void *)(uintptr_t)(random_next(&seed) | 1)));
		pthread_join(thread, NULL);
	}
	return NULL;
}

/* Looks after it, and takes all the blocks away at times. */
static void *steward_run(void *arg)
{
	struct pp_cache *cache = arg;
	static void *taken[BLOCKS];
	uint64_t seed = 99;
	unsigned n = 0;

	while (!atomic_load(&stop)) {
		struct pp_defer_stats stats;

		switch (random_next(&seed) % 8) {
		case 0:
			MUST(pp_defer_barrier(defer) == 0);
			break;
		case 1:
			pp_defer_stats(defer, &stats);
			MUST(stats.deferred >= stats.freed);
			break;
		case 2:
			n += pp_alloc_burst(cache, taken + n, BLOCKS - n, 0);
			break;
		case 3:
			pp_free_bulk(cache, taken, n);
			n = 0;
			break;
		default:
			pp_defer_poll(defer);
		}
		usleep(random_next(&seed) % 500);
	}
	pp_free_bulk(cache, taken, n);
	pp_cache_destroy(cache);
	return NULL;
}

static void storm_run(void)
{
	pthread_t threads[READERS + WRITERS + 1];
	double end = seconds_now() + storm_seconds(5);
	/* Before the others take them all. */
	struct pp_cache *cache = pp_cache_create(blocks, "steward");
	unsigned n = 0;

	MUST(cache);
	for (uintptr_t i = 0; i < READERS; i++)
		MUST(!pthread_create(&threads[n++], NULL, reader_run, (void *)i));
	for (uintptr_t i = 0; i < WRITERS; i++)
		MUST(!pthread_create(&threads[n++], NULL, writers_follow, (void *)i));
	MUST(!pthread_create(&threads[n++], NULL, steward_run, cache));
	while (seconds_now() < end)
		usleep(10000);
	/* Readers last: DPDK's library, in which they say that they have gone, is not built for
	 * the sanitizer, which would not know. */
	atomic_store(&stop, true);
	while (n > READERS)
		pthread_join(threads[--n], NULL);
	atomic_store(&rest, true);
	while (n)
		pthread_join(threads[--n], NULL);
}

static void test_no_reader_ever_sees_a_freed_object(void **state)
{
	size_t bytes = rte_rcu_qsbr_get_memsize(READERS);
	struct pp_qsbr grace = { .reader = reader_mine };
	struct pp_defer_params params = { .sz = sizeof(params),
					  .name = "storm",
					  .ops = &pp_qsbr_ops,
					  .grace = &grace,
					  .free_bulk = objects_free,
					  .keep = 4,
					  .threads = WRITERS };
	struct pp_pool_params large = params_4k(64, OBJECTS),
			      small = params_4k(PP_DEFER_BLOCK_BYTES, BLOCKS);
	struct pp_defer_stats stats;

	(void)state;
	qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, bytes);
	assert_non_null(qsbr);
	assert_int_equal(rte_rcu_qsbr_init(qsbr, READERS), 0);
	grace.qsbr = qsbr;
	large.owners = READERS + WRITERS + 4;
	objects = pool_of(&large);
	/* Not enough for all threads: some have no cache to try. */
	small.owners = READERS + WRITERS;
	blocks = pool_of(&small);
	params.pool = blocks;
	params.arg = objects;
	assert_ok(pp_defer_create(&params, &defer));

	storm_run();
	for (unsigned i = 0; i < PLACES; i++)
		assert_ok(pp_defer_free(defer, atomic_exchange(&places[i], NULL)));
	assert_ok(pp_defer_barrier(defer));
	pp_defer_stats(defer, &stats);
	printf("%llu objects in %llu calls, %llu looked at; blocks: %llu tried, %llu recycled, "
	       "%llu grown; %llu to heads, %llu to waits, %llu flushes\n",
	       (unsigned long long)stats.freed, (unsigned long long)stats.calls,
	       (unsigned long long)looked, (unsigned long long)stats.tried,
	       (unsigned long long)stats.recycled, (unsigned long long)stats.grown,
	       (unsigned long long)stats.to_head, (unsigned long long)stats.to_wait,
	       (unsigned long long)stats.flushed);
	assert_int_equal(stats.freed, made);
	assert_int_equal(stats.deferred, made);
	assert_int_equal(freed, made);
	/* Every way was gone. */
	assert_true(looked && stats.recycled && stats.to_head && stats.to_wait && stats.flushed);
	assert_ok(pp_defer_destroy(defer));
	pool_end(objects);
	pool_end(blocks);
	free(qsbr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_reader_ever_sees_a_freed_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
