/* SPDX-License-Identifier: BSD-3-Clause */
/* Ground: see ground.h. */
#include "ground.h"

#include <unistd.h>

void ground_make(struct ground *ground, bool pool, uint32_t size, uint32_t min_nr)
{
	struct pp_mempool_params params = { .sz = sizeof(params), .min_nr = min_nr };

	memset(ground, 0, sizeof(*ground));
	shelf_make(&ground->shelf, size);
	ground->ops = &shelf_ops;
	ground->backing = &ground->shelf;
	if (pool) {
		ground->pool = pool_4k(256, size, 0);
		ground->ops = &pp_mempool_pool;
		ground->backing = ground->pool;
	}
	params.ops = ground->ops;
	params.backing = ground->backing;
	assert_ok(pp_mempool_create(&params, &ground->mempool));
}

void ground_drain(struct ground *ground)
{
	while (pp_mempool_alloc_bulk(ground->mempool, ground->elems + ground->n, 1, PP_GROW, NULL))
		ground->n++;
	assert_int_equal(mempool_stats(ground->mempool).kept, 0);
}

void ground_free(struct ground *ground, unsigned n)
{
	ground->n -= n;
	pp_mempool_free_bulk(ground->mempool, ground->elems + ground->n, n);
}

void ground_leak(struct ground *ground, unsigned n)
{
	ground->n -= n;
	ground->ops->free_bulk(ground->backing, ground->elems + ground->n, n);
}

void ground_until_wait(const struct ground *ground, uint64_t n)
{
	for (unsigned i = 0; stats_of(ground->pool).waiters != n; i++) {
		MUST(i < 120000);
		nap();
	}
}

void ground_end(struct ground *ground)
{
	if (ground->n)
		ground_free(ground, ground->n);
	assert_int_equal(mempool_stats(ground->mempool).out, 0);
	assert_int_equal(mempool_stats(ground->mempool).waiters, 0);
	assert_ok(pp_mempool_destroy(ground->mempool));
	if (ground->pool)
		pool_end(ground->pool);
	shelf_free(&ground->shelf);
}

void nap(void)
{
	usleep(500);
}

static void *waiter_run(void *arg)
{
	struct waiter *waiter = arg;

	errno = 0;
	waiter->got = pp_mempool_alloc_bulk(waiter->mempool, waiter->elems, waiter->n, PP_WAIT,
					    &waiter->wait);
	waiter->error = errno;
	atomic_store(&waiter->done, true);
	return NULL;
}

void waiter_start(struct waiter *waiter, struct pp_mempool *mempool, unsigned n,
		  uint64_t timeout_us)
{
	uint32_t before = mempool_stats(mempool).waiters;

	memset(waiter, 0, sizeof(*waiter));
	waiter->mempool = mempool;
	waiter->n = n;
	pp_wait_for(&waiter->wait, timeout_us);
	MUST(!pthread_create(&waiter->thread, NULL, waiter_run, waiter));
	while (mempool_stats(mempool).waiters == before)
		nap();
}

void waiter_until_done(struct waiter *waiter)
{
	while (!atomic_load(&waiter->done))
		nap();
}

void waiter_end(struct waiter *waiter, unsigned got, int error)
{
	pthread_join(waiter->thread, NULL);
	assert_int_equal(waiter->got, got);
	if (!got)
		assert_int_equal(waiter->error, error);
	pp_mempool_free_bulk(waiter->mempool, waiter->elems, got);
}
