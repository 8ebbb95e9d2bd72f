/* SPDX-License-Identifier: BSD-3-Clause */
/* Counted: an rte_mempool that can be waited for: a mutex, a condition and how many are free. */
#ifndef SEEDS_COUNTED_H
#define SEEDS_COUNTED_H

#include <pthread.h>
#include <rte_mempool.h>

#include "bench.h"

/* What an application writes around rte_mempool, which cannot wait. `free` is
 * right only if none of its buffers lie in the cache of an lcore. */
struct seeds_counted {
	struct rte_mempool *pool;
	pthread_mutex_t mutex;
	pthread_cond_t came;
	unsigned free;
};

/* All n; waits for them. One taker at a time: it is signalled, not all. */
static inline void counted_get(struct seeds_counted *counted, void **bufs, unsigned n)
{
	pthread_mutex_lock(&counted->mutex);
	while (counted->free < n)
		pthread_cond_wait(&counted->came, &counted->mutex);
	counted->free -= n;
	pthread_mutex_unlock(&counted->mutex);
	if (rte_mempool_get_bulk(counted->pool, bufs, n))
		bench_starved();
}

static inline void counted_put(struct seeds_counted *counted, void *const *bufs, unsigned n)
{
	rte_mempool_put_bulk(counted->pool, bufs, n);
	pthread_mutex_lock(&counted->mutex);
	counted->free += n;
	pthread_cond_signal(&counted->came);
	pthread_mutex_unlock(&counted->mutex);
}

#endif
