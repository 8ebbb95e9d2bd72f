/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiters: threads that wait for buffers of an emptied pool. */
#include "waiters.h"

#include <time.h>
#include <unistd.h>

struct pp_pool *pool;
void *bufs[4096];
unsigned out;

void begin(uint32_t reserve)
{
	struct pp_pool_params p = params_4k(2048, 1024);

	p.owners = 16;
	p.reserve = reserve;
	p.wait_us = 30000;
	pool = pool_of(&p);
	out = pp_alloc_burst(pp_pool_cache(pool), bufs, 4096, 0);
	assert_int_equal(out, stats_of(pool).total - reserve);
}

void end(void)
{
	pp_free_bulk(pp_pool_cache(pool), bufs, out);
	pool_end(pool);
}

double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

_Atomic unsigned served;
unsigned order[16];

static void *waiter_main(void *arg)
{
	struct waiter *w = arg;
	struct pp_cache *cache = pp_pool_cache(pool);

	errno = 0;
	w->got = pp_alloc_bulk_wait(cache, w->bufs, w->n, w->flags, &w->wait);
	w->error = errno;
	if (w->got)
		order[served++] = w->n;
	w->over = true;
	return NULL;
}

void waiter_start(struct waiter *w, unsigned n, unsigned flags, uint64_t timeout_us)
{
	uint64_t before = stats_of(pool).waiters;

	memset(w, 0, sizeof(*w));
	w->n = n;
	w->flags = flags;
	pp_wait_for(&w->wait, timeout_us);
	assert_int_equal(pthread_create(&w->thread, NULL, waiter_main, w), 0);
	while (stats_of(pool).waiters == before && !w->over)
		usleep(100);
}

void waiter_end(struct waiter *w, unsigned got, int error)
{
	pthread_join(w->thread, NULL);
	assert_int_equal(w->got, got);
	if (!got)
		assert_int_equal(w->error, error);
	pp_free_bulk(pp_pool_cache(pool), w->bufs, w->got);
}
