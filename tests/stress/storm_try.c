/* SPDX-License-Identifier: BSD-3-Clause */
/* Try: signal handlers that allocate and free in the middle of their own thread's calls. */
#include "storm_hands.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 2

struct worker_of_try {
	struct stage *stage;
	struct pp_cache *cache;
	struct marks marks;
	uint64_t seed;
	uint32_t id;
};

/* Hits, for the signals to land in: few of them look at what they got. */
static void worker_hits(struct worker_of_try *w)
{
	uint32_t n = 1 + random_next(&w->seed) % 32, got;
	void *bufs[32];

	for (unsigned i = 0; i < 60; i++) {
		if (i % 2)
			got = (bufs[0] = pp_alloc(w->cache, 0)) != NULL;
		else
			got = pp_alloc_burst(w->cache, bufs, n, 0);
		if (i % 6 == 0 || i % 15 == 0) {
			marks_take(&w->marks, w->stage->pool, bufs, got, w->id);
			marks_drop(&w->marks, w->stage->pool, bufs, got, w->id);
		}
		if (got == 1)
			pp_free(w->cache, bufs[0]);
		else
			pp_free_bulk(w->cache, bufs, got);
	}
	atomic_fetch_add_explicit(&w->stage->storm->moved, 60, memory_order_relaxed);
}

static uint32_t worker_get(struct worker_of_try *w, void **bufs, uint32_t n)
{
	struct pp_wait wait;

	switch (random_next(&w->seed) % 8) {
	case 0:
		return pp_alloc_bulk(w->cache, bufs, n, PP_CRITICAL);
	case 1:
		return pp_alloc_bulk(w->cache, bufs, n, PP_GROW | PP_CRITICAL);
	case 2:
		return pp_alloc_burst(w->cache, bufs, n, PP_GROW);
	case 3:
		pp_wait_for(&wait, random_next(&w->seed) % 300);
		return pp_alloc_bulk_wait(w->cache, bufs, n, PP_WAIT, &wait);
	case 4:
		pp_wait_for(&wait, random_next(&w->seed) % 300);
		return pp_alloc_bulk_wait(w->cache, bufs, n, PP_WAIT | PP_CRITICAL, &wait);
	case 5:
		return pp_alloc_burst(w->cache, bufs, n, PP_TRY);
	case 6:
		return pp_pool_alloc_burst(w->stage->pool, bufs, n);
	default:
		return pp_alloc_bulk(w->cache, bufs, n, 0);
	}
}

static void worker_put(struct worker_of_try *w, void **bufs, uint32_t n)
{
	switch (random_next(&w->seed) % 6) {
	case 0:
		pp_pool_free(w->stage->pool, bufs, n);
		break;
	case 1:
		MUST(pp_free_any(bufs, n) == n);
		break;
	case 2:
		pp_free_nolock(w->cache, bufs, n);
		break;
	case 3:
		n = pp_refuse_marked(w->cache, bufs, n);
		pp_free_bulk(w->cache, bufs, n);
		break;
	default:
		for (uint32_t i = 0; i < n; i++)
			pp_free(w->cache, bufs[i]);
	}
}

/* Every other way in and out. */
static void worker_ways(struct worker_of_try *w)
{
	uint32_t n = 1 + random_next(&w->seed) % 200;
	void *bufs[200];

	n = worker_get(w, bufs, n);
	marks_take(&w->marks, w->stage->pool, bufs, n, w->id);
	for (uint32_t i = 0; i < n; i++)
		*(volatile uint32_t *)bufs[i] = w->id;
	for (uint32_t i = 0; i < n; i++)
		MUST(*(volatile uint32_t *)bufs[i] == w->id);
	marks_drop(&w->marks, w->stage->pool, bufs, n, w->id);
	worker_put(w, bufs, n);
}

static void worker_life(struct stage *stage, double end)
{
	struct pp_cache *cache = pp_pool_cache(stage->pool);
	uint32_t id = atomic_fetch_add(&stage->storm->ids, 1) + 1;
	struct worker_of_try w = {
		.stage = stage,
		.cache = cache,
		.marks = { .of = stage->storm->of, .count = STORM_MARKS },
		.seed = id,
		.id = id,
	};

	MUST(cache);
	hands_ready(stage, cache);
	while (seconds_now() < end && !atomic_load(&stage->stop)) {
		for (unsigned i = 0; i < 20; i++)
			worker_hits(&w);
		worker_ways(&w);
		atomic_fetch_add_explicit(&stage->turns, 1, memory_order_relaxed);
	}
	hands_empty();
	atomic_fetch_add(&stage->storm->lives, 1);
}

static void *worker_run(void *arg)
{
	worker_life(arg, seconds_now() + 1e6);
	return NULL;
}

/* Takes back what is idle, and holds it for a moment: a double would meet its twin. */
static void taker_life(struct stage *stage)
{
	struct marks marks = { .of = stage->storm->of, .count = STORM_MARKS };
	uint32_t id = atomic_fetch_add(&stage->storm->ids, 1) + 1;
	uint64_t seed = id;
	void *bufs[600];

	while (!atomic_load(&stage->stop)) {
		uint32_t n;

		pp_pool_collect(stage->pool);
		n = pp_pool_alloc_burst(stage->pool, bufs, 1 + random_next(&seed) % 600);
		marks_take(&marks, stage->pool, bufs, n, id);
		if (!stage->cold && random_next(&seed) % 4 == 0)
			usleep(random_next(&seed) % 200);
		marks_drop(&marks, stage->pool, bufs, n, id);
		pp_pool_free(stage->pool, bufs, n);
	}
}

static void *taker_run(void *arg)
{
	taker_life(arg);
	return NULL;
}

static pid_t child_start(struct stage *stage, bool takes)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	MUST(pid >= 0);
	if (pid)
		return pid;
	/* Not left alone when a test ends in the middle. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (takes)
		taker_life(stage);
	else
		worker_life(stage, seconds_now() + 0.05);
	/* Of the exit handlers only the pool's matter here. */
	exit(0);
}

static void child_awaited(pid_t pid)
{
	int status;

	MUST(waitpid(pid, &status, 0) == pid);
	MUST(status == 0);
}

/* Signals of the other kind, which come in the middle of the first, until the end. */
static void signals_send(struct stage *stage, const pthread_t *workers, bool forks, double end)
{
	uint64_t turns = 0;
	pid_t pid = 0;

	for (unsigned i = 0; seconds_now() < end; i++) {
		uint64_t now = atomic_load(&stage->turns);

		/* Workers that do nothing but handlers would not end. */
		if (now - turns > i % 8)
			pthread_kill(workers[i % WORKERS], SIGUSR2);
		turns = now;
		usleep(30);
		if (forks && i % 200 == 0) {
			if (pid)
				child_awaited(pid);
			pid = child_start(stage, false);
		}
	}
	if (pid)
		child_awaited(pid);
}

static struct stage *stage_make(const struct pp_pool_params *params, bool late)
{
	struct stage *stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	MUST(stage != MAP_FAILED);
	stage->storm = storm_make();
	stage->pool = pool_of(params);
	if (late) {
		stage->cold = mmap(NULL, COLD, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		MUST(stage->cold != MAP_FAILED);
	}
	return stage;
}

static void stage_free(struct stage *stage)
{
	printf("%llu signals: %llu buffers tried for and got, %llu freed\n",
	       (unsigned long long)atomic_load(&stage->signals),
	       (unsigned long long)atomic_load(&stage->got),
	       (unsigned long long)atomic_load(&stage->freed));
	assert_true(atomic_load(&stage->signals) > 100);
	assert_true(atomic_load(&stage->got) > 100);
	assert_ok(pp_pool_set_reserve(stage->pool, 0));
	storm_settle(stage->storm, stage->pool);
	pool_end(stage->pool);
	if (stage->cold)
		munmap((void *)stage->cold, COLD);
	storm_free(stage->storm);
	munmap(stage, sizeof(*stage));
}

enum { FORKS = 1, LATE_STORES = 2, FOREIGN_TAKER = 4 };

static void storm_run(uint32_t buffers, uint32_t flags, unsigned how, double seconds)
{
	struct pp_pool_params params = params_4k(2048, buffers);
	pthread_t workers[WORKERS], taker;
	struct stage *stage;
	pid_t pid = 0;

	params.owners = WORKERS + 6;
	params.flags = flags;
	params.reserve = buffers / 64;
	stage = stage_make(&params, how & LATE_STORES);
	if (how & FOREIGN_TAKER)
		pid = child_start(stage, true);
	else
		MUST(!pthread_create(&taker, NULL, taker_run, stage));
	for (unsigned i = 0; i < WORKERS; i++)
		MUST(!pthread_create(&workers[i], NULL, worker_run, stage));
	signals_send(stage, workers, how & FORKS, seconds_now() + seconds);
	atomic_store(&stage->stop, true);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	if (pid)
		child_awaited(pid);
	else
		pthread_join(taker, NULL);
	stage_free(stage);
}

static void test_handlers_try_and_free_in_the_middle_of_anything(void **state)
{
	double seconds = storm_seconds(8);

	(void)state;
	storm_run(4000, 0, 0, seconds / 8);
	storm_run(1200, 0, 0, seconds / 8);
	storm_run(4000, PP_POOL_OWNERS, 0, seconds / 16);
	storm_run(1200, PP_POOL_DEBUG, 0, seconds / 16);
}

static void test_and_so_they_do_in_forked_processes(void **state)
{
	double seconds = storm_seconds(8);

	(void)state;
	/* The sanitizer does not see what another process orders. */
	if (WITH_TSAN)
		return;
	storm_run(4000, 0, FORKS, seconds / 8);
	storm_run(1200, 0, FORKS | FOREIGN_TAKER, seconds / 8);
}

/* What membarrier is for, in handlers: their stores are late, and nothing drains them. */
static void test_handlers_with_late_stores_are_not_taken_for_idle(void **state)
{
	double seconds = storm_seconds(8);

	(void)state;
	storm_run(2000, 0, LATE_STORES, seconds / 8);
	if (!WITH_TSAN)
		storm_run(2000, 0, LATE_STORES | FOREIGN_TAKER, seconds / 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handlers_try_and_free_in_the_middle_of_anything),
		cmocka_unit_test(test_and_so_they_do_in_forked_processes),
		cmocka_unit_test(test_handlers_with_late_stores_are_not_taken_for_idle),
	};

	hands_listen();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
