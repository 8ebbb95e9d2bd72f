/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads: storms of threads that come and go, over pools of every kind, with a steward at work. */
#include "storm.h"

#include <unistd.h>

#define RUNNERS 4
#define HANDLES 5

struct round {
	struct storm *storm;
	struct pp_pool *pool;
	/* Handles wander between threads, one at a time. */
	struct pp_cache *handles[HANDLES];
	pthread_mutex_t handle_locks[HANDLES];
	uint64_t seed;
	double end;
};

struct life {
	struct round *round;
	uint64_t seed;
	double end;
};

static _Atomic uint32_t faults;

static void fault_note(struct pp_pool *pool, const struct pp_fault *fault, void *arg)
{
	(void)pool;
	(void)arg;
	fprintf(stderr, "debug mode says: %s\n", fault->what);
	atomic_fetch_add(&faults, 1);
}

/* With the thread's own cache, a wandering handle, or none. */
static void *life_run(void *arg)
{
	struct life *life = arg;
	struct round *round = life->round;
	struct worker *w = malloc(sizeof(*w));
	uint32_t kind = random_next(&life->seed) % 8, h = life->seed % HANDLES;
	struct pp_cache *cache = NULL;

	MUST(w);
	if (kind < 5) {
		cache = pp_pool_cache(round->pool);
		MUST(cache);
	} else if (kind < 7) {
		pthread_mutex_lock(&round->handle_locks[h]);
		cache = round->handles[h];
	}
	worker_begin(w, round->storm, round->pool, cache, life->seed);
	while (seconds_now() < life->end)
		for (unsigned i = 0; i < 20; i++)
			worker_step(w);
	worker_end(w);
	if (kind >= 5 && kind < 7)
		pthread_mutex_unlock(&round->handle_locks[h]);
	free(w);
	return NULL;
}

static void *runner_run(void *arg)
{
	struct round *round = arg;
	uint64_t seed = round->seed + atomic_fetch_add(&round->storm->ids, 1);

	while (seconds_now() < round->end) {
		struct life life = { .round = round, .seed = random_next(&seed) + 1ull };
		double span = (random_next(&seed) % 60) / 1000.0;
		pthread_t thread;

		life.end = seconds_now() + span;
		if (life.end > round->end)
			life.end = round->end;
		MUST(!pthread_create(&thread, NULL, life_run, &life));
		pthread_join(thread, NULL);
	}
	return NULL;
}

static void *steward_run(void *arg)
{
	struct round *round = arg;
	uint64_t seed = round->seed + 77;

	while (seconds_now() < round->end)
		steward_step(round->storm, round->pool, &seed);
	return NULL;
}

static void round_run(const struct pp_pool_params *params, uint64_t seed, double seconds)
{
	struct round round = { .storm = storm_make(), .seed = seed };
	pthread_t runners[RUNNERS], steward;
	bool first = true;

	round.pool = pool_of(params);
	for (unsigned i = 0; i < HANDLES; i++) {
		round.handles[i] = pp_cache_create(round.pool, "wanderer");
		assert_non_null(round.handles[i]);
		pthread_mutex_init(&round.handle_locks[i], NULL);
	}
	round.end = seconds_now() + seconds;
	for (unsigned i = 0; i < RUNNERS; i++)
		pthread_create(&runners[i], NULL, runner_run, &round);
	pthread_create(&steward, NULL, steward_run, &round);
	for (unsigned i = 0; i < RUNNERS; i++)
		pthread_join(runners[i], NULL);
	pthread_join(steward, NULL);
	storm_settle(round.storm, round.pool);
	for (unsigned i = 0; i < HANDLES; i++) {
		if (first)
			all_can_be_had(round.pool, round.handles[i]);
		first = false;
		pp_cache_destroy(round.handles[i]);
	}
	assert_true(atomic_load(&round.storm->moved) > 0);
	assert_int_equal(atomic_load(&faults), 0);
	pool_end(round.pool);
	storm_free(round.storm);
}

static struct pp_pool_params params_random(uint64_t *seed)
{
	static const uint32_t sizes[] = { 64, 192, 2048, 9216 };
	static const uint32_t counts[] = { 64, 200, 1024, 1500, 5000, 15000 };
	static const uint32_t flags[] = { 0, 0, 0, PP_POOL_OWNERS, PP_POOL_DEBUG, PP_POOL_GAPLESS };
	struct pp_pool_params params =
		params_4k(sizes[random_next(seed) % 4], counts[random_next(seed) % 6]);

	if (random_next(seed) % 3)
		params.buffers_max = params.buffers * (1 + random_next(seed) % 4);
	params.flags = flags[random_next(seed) % 6];
	/* Everybody's, and a thread's may be given back only after the next one's is made. */
	params.owners = 2 * RUNNERS + HANDLES + 2 + random_next(seed) % 30;
	params.lead = random_next(seed) % 4 ? 0 : params.buffer_size / 2;
	params.fault = fault_note;
	if (params.lead)
		params.buffer_size *= 2;
	return params;
}

static void test_threads_lose_and_double_nothing(void **state)
{
	double end = seconds_now() + storm_seconds(8);
	const char *given = getenv("PP_STRESS_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)getpid() << 20 | 1;
	unsigned rounds = 0;

	(void)state;
	printf("PP_STRESS_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	do {
		struct pp_pool_params params = params_random(&seed);

		/* The last line before an abort says where. */
		printf("round %u: %u to %u of %u bytes, %u owners, lead %u, flags %u\n", rounds,
		       params.buffers, params.buffers_max, params.buffer_size, params.owners,
		       params.lead, params.flags);
		fflush(stdout);
		round_run(&params, seed, 0.4);
		rounds++;
	} while (seconds_now() < end);
	printf("%u rounds\n", rounds);
}

static void test_a_pool_beyond_4_gib_stands_the_same_storm(void **state)
{
	struct pp_pool_params params = params_4k(1 << 20, 300);

	(void)state;
	params.buffers_max = 5000;
	params.owners = 2 * RUNNERS + HANDLES + 2;
	round_run(&params, 99, storm_seconds(8) / 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads_lose_and_double_nothing),
		cmocka_unit_test(test_a_pool_beyond_4_gib_stands_the_same_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
