/* SPDX-License-Identifier: BSD-3-Clause */
/* Share: storms over processes: forked ones, ones that attached, and threads between them. */
#include "storm.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN 2

struct scene {
	struct storm *storm;
	struct pp_pool *pool;
	uint64_t seed;
};

/* A process's work: a while of random steps, then away, with buffers left in the mailboxes. */
static void process_life(struct scene *scene, uint64_t seed, double seconds)
{
	static struct worker w;
	struct pp_cache *cache = pp_pool_cache(scene->pool);
	double end = seconds_now() + seconds;

	MUST(cache);
	worker_begin(&w, scene->storm, scene->pool, cache, seed);
	while (seconds_now() < end && !atomic_load(&scene->storm->stop))
		for (unsigned i = 0; i < 20; i++)
			worker_step(&w);
	worker_end(&w);
}

static int attached_run(struct scene *scene, pid_t creator)
{
	uint64_t seed = scene->seed;

	scene->pool = storm_attach(scene->storm, creator);
	while (!atomic_load(&scene->storm->stop)) {
		process_life(scene, random_next(&seed), 0.02);
		pp_pool_collect(scene->pool);
	}
	MUST(!pp_pool_destroy(scene->pool));
	return 0;
}

static void *worker_run(void *arg)
{
	struct scene *scene = arg;
	struct worker *w = malloc(sizeof(*w));
	struct pp_cache *cache = pp_pool_cache(scene->pool);

	MUST(w && cache);
	worker_begin(w, scene->storm, scene->pool, cache, scene->seed);
	while (!atomic_load(&scene->storm->stop))
		worker_step(w);
	worker_end(w);
	free(w);
	return NULL;
}

static void *steward_run(void *arg)
{
	struct scene *scene = arg;
	uint64_t seed = scene->seed + 5;

	while (!atomic_load(&scene->storm->stop))
		steward_step(scene->storm, scene->pool, &seed);
	return NULL;
}

static pid_t process_start(struct scene *scene, pid_t creator)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	MUST(pid >= 0);
	if (!pid)
		_exit(attached_run(scene, creator));
	return pid;
}

static void process_awaited(pid_t pid)
{
	int status;

	MUST(waitpid(pid, &status, 0) == pid);
	MUST(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
}

/* Children that come and go: most say goodbye, some leave their caches to be collected. */
static void children_run(struct scene *scene, double end)
{
	uint64_t seed = scene->seed + 9;
	unsigned rude = 0;

	while (seconds_now() < end) {
		pid_t pids[CHILDREN];

		for (unsigned i = 0; i < CHILDREN; i++) {
			uint32_t r = random_next(&seed);

			rude += r % 16 < 2;
			fflush(NULL);
			pids[i] = fork();
			MUST(pids[i] >= 0);
			if (pids[i])
				continue;
			process_life(scene, seed + i, r % 30 / 1000.0);
			if (r % 16 == 0 && rude < 100)
				raise(SIGKILL);
			if (r % 16 == 1 && rude < 100)
				_exit(0);
			/* Of the exit handlers only the pool's matter here. */
			exit(0);
		}
		for (unsigned i = 0; i < CHILDREN; i++)
			process_awaited(pids[i]);
	}
}

static void storm_run(bool forks, uint32_t buffers, uint32_t flags, uint64_t seed, double seconds)
{
	struct scene scene = { .storm = storm_make(), .seed = seed };
	struct pp_pool_params params = params_4k(256, buffers);
	pthread_t threads[2];
	double end = seconds_now() + seconds;
	pid_t attached[2];

	/* Before there is a pool: they inherit nothing of it. */
	for (unsigned i = 0; i < 2; i++)
		attached[i] = process_start(&scene, getpid());
	params.owners = 130;
	params.flags = flags;
	params.buffers_max = 2 * buffers;
	scene.pool = pool_of(&params);
	storm_offer(scene.storm, scene.pool);
	pthread_create(&threads[0], NULL, worker_run, &scene);
	pthread_create(&threads[1], NULL, steward_run, &scene);
	if (forks)
		children_run(&scene, end);
	while (seconds_now() < end)
		usleep(10000);
	atomic_store(&scene.storm->stop, true);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < 2; i++)
		process_awaited(attached[i]);
	printf("%llu buffers through %llu lives\n",
	       (unsigned long long)atomic_load(&scene.storm->moved),
	       (unsigned long long)atomic_load(&scene.storm->lives));
	assert_true(atomic_load(&scene.storm->lives) > 4);
	storm_settle(scene.storm, scene.pool);
	pool_end(scene.pool);
	storm_free(scene.storm);
}

/* First, as a fork registers this process for all barriers to come. */
static void test_attached_processes_lose_and_double_nothing(void **state)
{
	double seconds = storm_seconds(8);

	(void)state;
	storm_run(false, 12000, 0, 1, seconds / 4);
	storm_run(false, 2000, PP_POOL_OWNERS, 2, seconds / 4);
}

static void test_forked_processes_lose_and_double_nothing(void **state)
{
	double seconds = storm_seconds(8);

	(void)state;
	storm_run(true, 12000, 0, 3, seconds / 4);
	storm_run(true, 2000, 0, 4, seconds / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attached_processes_lose_and_double_nothing),
		cmocka_unit_test(test_forked_processes_lose_and_double_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
