/* SPDX-License-Identifier: BSD-3-Clause */
/* Leak: who still has objects of a mempool in debug mode when it is freed. */
#include "pp_ops.h"

#include <pthread.h>

#include "pp_stats.h"
#include "pp_telemetry.h"

/* rte_mempool_free() says this before it gets all that is free: afterwards all is out. */
static void mempool_ends(enum rte_mempool_event event, struct rte_mempool *mp, void *arg)
{
	struct pp_pool *pool;
	struct pp_stats stats;
	uint64_t aside;
	char holders[384];

	(void)arg;
	if (event != RTE_MEMPOOL_EVENT_DESTROY || !mp->pool_id || !ops_is_ours(mp))
		return;
	pool = ops_control_pool(mp->pool_id);
	if (!pool || !pool->store.holders)
		return;
	pp_pool_stats(pool, &stats);
	aside = pp_telemetry_aside(mp);
	if (stats.in_flight && aside == PP_ASIDE_UNKNOWN)
		ops_error("%s is freed, and %llu of its objects are out, or free in caches of its "
			  "own, which of %s cannot be told%s",
			  mp->name, (unsigned long long)stats.in_flight,
			  rte_version ? rte_version() : "this DPDK",
			  pp_pool_holders(pool, holders, sizeof(holders)));
	else if (stats.in_flight > aside)
		ops_error("%s is freed, and %llu of its objects are out%s", mp->name,
			  (unsigned long long)(stats.in_flight - aside),
			  pp_pool_holders(pool, holders, sizeof(holders)));
}

static void watch_once(void)
{
	/* Of DPDK's own, and it may go: then nothing is said. */
	if (rte_mempool_event_callback_register)
		rte_mempool_event_callback_register(mempool_ends, NULL);
}

void ops_leak_watch(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch_once);
}
