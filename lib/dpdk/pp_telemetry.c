/* SPDX-License-Identifier: BSD-3-Clause */
/* Telemetry: every pool of libpktpool's in a DPDK process, with or without a mempool on it. */
#include "pp_telemetry.h"

#include <pthread.h>

#include "pktpool.h"
#include "pp_binding.h"

/* As many as there can be pools in a process. */
#define BOUND_MAX 256

/* Pools with a mempool on them: a place is taken by its pool, last. */
static struct {
	const struct pp_pool *pool;
	const struct rte_mempool *mp;
} bound[BOUND_MAX];
static pthread_mutex_t bound_lock = PTHREAD_MUTEX_INITIALIZER;

/* The place of a pool, or with NULL a free one; BOUND_MAX where there is none. */
static unsigned bound_find(const struct pp_pool *pool)
{
	unsigned i = 0;

	while (i < BOUND_MAX && bound[i].pool != pool)
		i++;
	return i;
}

void pp_telemetry_bind(const struct pp_pool *pool, const struct rte_mempool *mp)
{
	unsigned i;

	pthread_mutex_lock(&bound_lock);
	i = bound_find(NULL);
	if (i < BOUND_MAX) {
		bound[i].pool = pool;
		bound[i].mp = mp;
	}
	pthread_mutex_unlock(&bound_lock);
}

void pp_telemetry_unbind(const struct pp_pool *pool)
{
	unsigned i;

	pthread_mutex_lock(&bound_lock);
	i = bound_find(pool);
	if (i < BOUND_MAX)
		bound[i].pool = NULL;
	pthread_mutex_unlock(&bound_lock);
}

/* False: there is none on it. The mempool is freed after its pool, which is held. */
static bool mempool_look(const struct pp_pool *pool, uint64_t *aside)
{
	unsigned i;

	pthread_mutex_lock(&bound_lock);
	i = bound_find(pool);
	if (i < BOUND_MAX)
		*aside = pp_telemetry_aside(bound[i].mp);
	pthread_mutex_unlock(&bound_lock);
	return i < BOUND_MAX;
}

struct each {
	void (*fn)(const struct pp_telemetry_pool *pool, void *arg);
	void *arg;
};

static void pool_show(struct pp_pool *pool, void *arg)
{
	const struct each *each = arg;
	struct pp_telemetry_pool shown = { .pool = pool };

	shown.kind = mempool_look(pool, &shown.aside) ? "pktmbuf" : "pool";
	each->fn(&shown, each->arg);
}

void pp_telemetry_each(void (*fn)(const struct pp_telemetry_pool *pool, void *arg), void *arg)
{
	struct each each = { fn, arg };

	pp_pool_each(pool_show, &each);
}

__attribute__((constructor)) static void telemetry_prepare(void)
{
	pp_telemetry_begin();
}
