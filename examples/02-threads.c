/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads: ordinary ones with caches of their own; what one allocates another may free. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include <pktpool.h>

#define BUFFERS 8192u
#define ROUNDS 100000u

static struct pp_pool *pool;
/* From the thread that allocates to the one that frees. */
static _Atomic(void *) wire[256];

static void *source_run(void *arg)
{
	/* Made on the first call in a thread; EAL is not asked, there is none here. */
	struct pp_cache *cache = pp_pool_cache(pool);

	for (unsigned i = 0; i < ROUNDS; i++) {
		_Atomic(void *) *slot = &wire[i % 256];
		unsigned *buf;

		while (atomic_load(slot))
			sched_yield();
		while (!(buf = pp_alloc(cache, 0)))
			sched_yield();
		*buf = i;
		atomic_store(slot, buf);
	}
	/* Nothing to give up by hand: the thread's end leaves its buffers to the others. */
	return arg;
}

static void *sink_run(void *arg)
{
	struct pp_cache *cache = pp_pool_cache(pool);
	unsigned *wrong = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		_Atomic(void *) *slot = &wire[i % 256];
		unsigned *buf;

		while (!(buf = atomic_load(slot)))
			sched_yield();
		*wrong += *buf != i;
		pp_free(cache, buf);
		atomic_store(slot, NULL);
	}
	return NULL;
}

int main(void)
{
	struct pp_pool_params params = {
		.sz = sizeof(params), .buffer_size = 1024, .buffers = BUFFERS, .owners = 4
	};
	static void *bufs[BUFFERS];
	pthread_t source, sink;
	unsigned wrong = 0, got;
	int rc = pp_pool_create(&params, &pool);

	if (rc) {
		fprintf(stderr, "%s\n", pp_error());
		return rc == -ENOMEM ? 77 : 1;
	}
	if (pthread_create(&source, NULL, source_run, NULL) ||
	    pthread_create(&sink, NULL, sink_run, &wrong))
		return 1;
	pthread_join(source, NULL);
	pthread_join(sink, NULL);
	pp_pool_print(pool, stdout);

	/* Both are gone; every buffer is to be had by who is left. */
	got = pp_alloc_burst(pp_pool_cache(pool), bufs, BUFFERS, 0);
	printf("%u buffers handed over, %u of them wrong; then %u of %u for the main thread\n",
	       ROUNDS, wrong, got, BUFFERS);
	/* Of any pools, mixed: each finds its own. */
	pp_free_any(bufs, got);
	return pp_pool_destroy(pool) || wrong || got != BUFFERS;
}
