/* SPDX-License-Identifier: BSD-3-Clause */
/* Try-spin: tries under a spinlock of the caller's that a signal handler takes, too. */
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

#define TURNS 3000
#define SOME 8

/* One statistic, say, of threads and of their handlers; with it goes a list of buffers. */
static _Atomic bool lock;
static void *listed[SOME];
static unsigned list_n;

static struct pp_pool *pool;
static __thread struct pp_cache *cache;
static _Atomic uint64_t turns, handled, got;
static _Atomic bool over;

static void spin_lock(void)
{
	while (atomic_exchange(&lock, true))
		;
}

static void spin_unlock(void)
{
	atomic_store(&lock, false);
}

/* Under the lock: what the other one listed goes, and some new ones come. */
static void list_turn(unsigned flags)
{
	MUST(pp_free_nolock(cache, listed, list_n) == list_n);
	list_n = pp_alloc_burst(cache, listed, SOME, flags);
	atomic_fetch_add(&got, list_n);
}

static void on_signal(int number)
{
	(void)number;
	spin_lock();
	list_turn(PP_TRY);
	spin_unlock();
	atomic_fetch_add(&handled, 1);
}

static void signal_allow(bool allowed)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	MUST(!pthread_sigmask(allowed ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL));
}

/* Whoever has the lock is not interrupted by a handler that wants it; all else is, also with the
 * pool's own locks held. */
static void *worker_run(void *arg)
{
	uint64_t seed = (uintptr_t)arg;
	void *bufs[200];

	cache = pp_pool_cache(pool);
	MUST(cache);
	while (!atomic_load(&over)) {
		unsigned n = 1 + random_next(&seed) % 200;

		signal_allow(false);
		spin_lock();
		list_turn(PP_TRY);
		spin_unlock();
		signal_allow(true);
		/* By way of the depots' and the owners' locks. */
		n = pp_pool_alloc_burst(pool, bufs, n);
		pp_free_bulk(cache, bufs, n);
		n = pp_alloc_burst(cache, bufs, n, PP_GROW);
		pp_pool_free(pool, bufs, n);
		if (random_next(&seed) % 8 == 0)
			pp_pool_collect(pool);
		atomic_fetch_add(&turns, 1);
	}
	signal_allow(false);
	return NULL;
}

/* A minute without a turn: somebody waits for who waits for him. */
static void until_turns(pthread_t *workers, uint64_t most)
{
	uint64_t seen = 0;

	for (unsigned still = 0; atomic_load(&handled) < most;) {
		pthread_kill(workers[seen & 1], SIGUSR1);
		usleep(20);
		if (atomic_load(&turns) != seen)
			still = 0;
		else if (++still == 600000)
			fail_msg("stuck after %llu turns", (unsigned long long)seen);
		seen = atomic_load(&turns);
	}
}

static void test_tries_under_a_lock_that_a_handler_shares_never_wait(void **state)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct pp_pool_params p = params_4k(2048, 4096);
	pthread_t workers[2];

	(void)state;
	p.owners = 3;
	pool = pool_of(&p);
	cache = pp_pool_cache(pool);
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	/* The workers begin with it blocked. */
	signal_allow(false);
	for (uintptr_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&workers[i], NULL, worker_run, (void *)(i + 1)), 0);
	until_turns(workers, TURNS);
	atomic_store(&over, true);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(workers[i], NULL);
	assert_true(got > 0);
	pp_pool_free(pool, listed, list_n);
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tries_under_a_lock_that_a_handler_shares_never_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
