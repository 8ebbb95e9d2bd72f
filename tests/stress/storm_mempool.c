/* SPDX-License-Identifier: BSD-3-Clause */
/* Mempool: random sizes, flags, deadlines, cancels, resizes and failures, until the books are read. */
#include <time.h>
#include <unistd.h>

#include "shelf.h"
#include "storm.h"

#define THREADS 6
#define SIZE 96
#define KEPT_MOST 48
#define HELD 64

/* One mempool, its backing, and who may have what. */
struct scene {
	struct pp_mempool *mempool;
	struct shelf *shelf;  /* or NULL */
	struct pp_pool *pool; /* or NULL */
	bool zero;            /* its minimum stays 0 */
	_Atomic bool rest;    /* all give back and stop */
	_Atomic uint32_t op_count;
	pthread_mutex_t cancelling;
	struct pp_wait *waits[THREADS]; /* for who cancels */
	_Atomic uint64_t served, late, cancelled, ended;
};

struct actor {
	struct scene *scene;
	uint64_t seed;
	unsigned id, n;
	void *held[HELD];
	struct pp_wait wait;
};

/* Nobody else may have it: written by who got it, looked at before it goes. */
static void actor_sign(struct actor *actor, void **elems, unsigned n)
{
	if (actor->scene->pool)
		for (unsigned i = 0; i < n; i++)
			__atomic_store_n((uint64_t *)elems[i], actor->id + 1, __ATOMIC_RELAXED);
}

static void actor_free(struct actor *actor, unsigned n)
{
	actor->n -= n;
	if (actor->scene->pool)
		for (unsigned i = 0; i < n; i++)
			MUST(__atomic_exchange_n((uint64_t *)actor->held[actor->n + i], 0,
						 __ATOMIC_RELAXED) == actor->id + 1);
	MUST(pp_mempool_free_bulk(actor->scene->mempool, actor->held + actor->n, n) <= n);
}

/* A wait outlives who cancels it. */
static void scene_show(struct scene *scene, unsigned id, struct pp_wait *wait)
{
	pthread_mutex_lock(&scene->cancelling);
	scene->waits[id] = wait;
	pthread_mutex_unlock(&scene->cancelling);
}

static void scene_cancel(struct scene *scene, unsigned id)
{
	pthread_mutex_lock(&scene->cancelling);
	if (scene->waits[id])
		pp_wait_cancel(scene->waits[id]);
	pthread_mutex_unlock(&scene->cancelling);
}

/* What the rules say of a call that got nothing. */
static void actor_refused(struct actor *actor, unsigned n, unsigned flags, int error)
{
	struct scene *scene = actor->scene;

	switch (error) {
	case EAGAIN:
		MUST(!(flags & PP_WAIT));
		break;
	case ETIMEDOUT:
		MUST(flags & PP_WAIT && actor->wait.deadline != PP_FOREVER);
		atomic_fetch_add(&scene->late, 1);
		break;
	case ECANCELED:
		MUST(flags & PP_WAIT);
		atomic_fetch_add(&scene->cancelled, 1);
		break;
	case EINVAL:
		/* It was more than the minimum at that moment. */
		MUST(!scene->zero && n > 1);
		atomic_fetch_add(&scene->ended, 1);
		break;
	default:
		MUST(!"an error that is not documented");
	}
}

static void actor_alloc(struct actor *actor)
{
	static const unsigned flags[] = { 0, PP_GROW, PP_WAIT, PP_WAIT | PP_GROW };
	struct scene *scene = actor->scene;
	unsigned how = flags[random_next(&actor->seed) % 4], n, got;
	double begun, due;

	n = random_next(&actor->seed) % (random_next(&actor->seed) % 4 ? 6 : 40) + 1;
	if (n > HELD - actor->n)
		return;
	/* Who waits for ever holds nothing, or all could wait for each other. */
	if (how & PP_WAIT && actor->n)
		pp_wait_for(&actor->wait, random_next(&actor->seed) % 2000);
	else
		pp_wait_for(&actor->wait, random_next(&actor->seed) % 3 ? 20000 : PP_FOREVER);
	begun = seconds_now();
	due = actor->wait.deadline == PP_FOREVER ? 0 : (double)actor->wait.deadline / 1e9;
	scene_show(scene, actor->id, &actor->wait);
	got = pp_mempool_alloc_bulk(scene->mempool, actor->held + actor->n, n, how, &actor->wait);
	if (!got)
		actor_refused(actor, n, how, errno);
	else
		MUST(got == n);
	scene_show(scene, actor->id, NULL);
	/* On a machine with more to do, but not much later. */
	MUST(!(how & PP_WAIT) || !due || seconds_now() < (due > begun ? due : begun) + 5);
	actor_sign(actor, actor->held + actor->n, got);
	actor->n += got;
	atomic_fetch_add(&scene->served, got != 0);
}

static bool keep_half(void *elem, void *arg)
{
	struct actor *actor = arg;

	actor_sign(actor, &elem, 1);
	actor->held[actor->n++] = elem;
	return actor->n % 3;
}

static void *actor_run(void *arg)
{
	struct actor *actor = arg;
	struct scene *scene = actor->scene;

	while (!atomic_load(&scene->rest)) {
		uint32_t what = random_next(&actor->seed) % 100;
		uint32_t min_nr = 1 + random_next(&actor->seed) % KEPT_MOST;

		atomic_fetch_add(&scene->op_count, 1);
		if (what < 45)
			actor_alloc(actor);
		else if (what < 50 && actor->n + 8 <= HELD)
			pp_mempool_alloc_bulk_cb(scene->mempool, 8, 0, NULL, keep_half, actor);
		else if (what < 90 && actor->n)
			actor_free(actor, 1 + random_next(&actor->seed) % actor->n);
		else if (what < 94)
			scene_cancel(scene, random_next(&actor->seed) % THREADS);
		else if (what < 97 && !scene->zero) {
			int rc = pp_mempool_resize(scene->mempool, min_nr);

			MUST(!rc || rc == -ENOMEM);
		} else if (what < 99 && scene->shelf)
			shelf_fails(scene->shelf, random_next(&actor->seed) % 4 * 30);
	}
	if (actor->n)
		actor_free(actor, actor->n);
	return NULL;
}

/* Somebody waits for ever perhaps: cancelled until all have come to rest. */
static void scene_settle(struct scene *scene, pthread_t *threads)
{
	atomic_store(&scene->rest, true);
	for (unsigned i = 0; i < THREADS; i++) {
		struct timespec soon;

		for (;;) {
			for (unsigned k = i; k < THREADS; k++)
				scene_cancel(scene, k);
			clock_gettime(CLOCK_REALTIME, &soon);
			soon.tv_nsec += 2000000;
			if (soon.tv_nsec >= 1000000000) {
				soon.tv_nsec -= 1000000000;
				soon.tv_sec++;
			}
			if (!pthread_timedjoin_np(threads[i], NULL, &soon))
				break;
		}
	}
}

/* Nobody is inside a call: the mempool's books are the backing's. */
static void scene_quiet(struct scene *scene)
{
	struct pp_mempool_stats stats;

	pp_mempool_stats(scene->mempool, &stats);
	assert_int_equal(stats.out, 0);
	assert_int_equal(stats.waiters, 0);
	assert_true(stats.kept <= stats.min_nr);
	if (scene->shelf)
		assert_int_equal(shelf_out(scene->shelf), stats.kept);
	else
		books_hold(scene->pool, stats.kept);
}

static void add_up(const struct pp_mempool_user *user, void *arg)
{
	*(uint64_t *)arg += user->drawn;
}

static void rounds_on(bool pool, bool zero)
{
	struct pp_mempool_params params = { .sz = sizeof(params), .min_nr = zero ? 0 : 24 };
	struct scene scene = { .zero = zero };
	struct actor actors[THREADS] = { 0 };
	pthread_t threads[THREADS];
	uint64_t ops = 0, drawn = 0, seed = 1;
	double end = seconds_now() + storm_seconds(6) / 4;
	struct shelf shelf;

	pthread_mutex_init(&scene.cancelling, NULL);
	shelf_make(&shelf, SIZE);
	scene.shelf = pool ? NULL : &shelf;
	scene.pool = pool ? pool_4k(256, SIZE, PP_POOL_DEBUG) : NULL;
	params.ops = pool ? &pp_mempool_pool : &shelf_ops;
	params.backing = pool ? (void *)scene.pool : &shelf;
	assert_ok(pp_mempool_create(&params, &scene.mempool));
	while (seconds_now() < end) {
		atomic_store(&scene.op_count, 0);
		atomic_store(&scene.rest, false);
		for (unsigned i = 0; i < THREADS; i++) {
			actors[i].scene = &scene;
			actors[i].id = i;
			actors[i].seed = ++seed;
			MUST(!pthread_create(&threads[i], NULL, actor_run, &actors[i]));
		}
		usleep(50000);
		scene_settle(&scene, threads);
		shelf_fails(&shelf, 0);
		scene_quiet(&scene);
		ops += atomic_load(&scene.op_count);
	}
	pp_mempool_each_user(scene.mempool, add_up, &drawn);
	{
		struct pp_mempool_stats stats;

		pp_mempool_stats(scene.mempool, &stats);
		assert_int_equal(drawn, stats.drawn);
		print_message("%s, %s: %llu calls, %llu served, %llu late, %llu cancelled, %llu "
			      "ended, %llu waits, %llu woken, %llu drawn\n",
			      pool ? "pool" : "shelf", zero ? "no minimum" : "resized",
			      (unsigned long long)ops, (unsigned long long)scene.served,
			      (unsigned long long)scene.late, (unsigned long long)scene.cancelled,
			      (unsigned long long)scene.ended, (unsigned long long)stats.waited,
			      (unsigned long long)stats.wakes, (unsigned long long)stats.drawn);
		/* It has happened what this is about. */
		assert_true(stats.waited && scene.served && scene.late && scene.cancelled);
	}
	assert_ok(pp_mempool_destroy(scene.mempool));
	if (pool)
		pool_end(scene.pool);
	shelf_free(&shelf);
}

static void test_a_backing_that_fails_at_will_keeps_its_count(void **state)
{
	(void)state;
	rounds_on(false, false);
}

static void test_nor_does_one_without_a_minimum_lose_any(void **state)
{
	(void)state;
	rounds_on(false, true);
}

static void test_a_pool_has_its_buffers_back(void **state)
{
	(void)state;
	rounds_on(true, false);
}

static void test_a_pool_without_a_minimum_too(void **state)
{
	(void)state;
	rounds_on(true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_backing_that_fails_at_will_keeps_its_count),
		cmocka_unit_test(test_nor_does_one_without_a_minimum_lose_any),
		cmocka_unit_test(test_a_pool_has_its_buffers_back),
		cmocka_unit_test(test_a_pool_without_a_minimum_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
