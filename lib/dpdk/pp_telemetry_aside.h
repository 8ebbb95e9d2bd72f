/* SPDX-License-Identifier: BSD-3-Clause */
/* Telemetry-aside: what lies free in the caches that an rte_mempool has of its own. */
#ifndef PP_TELEMETRY_ASIDE_H
#define PP_TELEMETRY_ASIDE_H

#include <rte_mempool.h>
#include <rte_memzone.h>
#include <rte_version.h>
#include <stdbool.h>
#include <string.h>

/* Of DPDK, or not there: the mempool ops need none of its libraries by name. */
#pragma weak rte_version

#define PP_ASIDE_UNKNOWN UINT64_MAX

/*
 * Whether they are where these headers have them. How far apart they are differs
 * between versions of DPDK, how many there are by what the application was built
 * for (max_lcores); both are in the length of what stands before its objects.
 */
static inline bool pp_telemetry_aside_known(const struct rte_mempool *mp)
{
	return rte_version && !strncmp(rte_version(), "DPDK 22.11", 10) &&
	       mp->mz->len == RTE_ALIGN_CEIL(RTE_MEMPOOL_HEADER_SIZE(mp, mp->cache_size) +
						     mp->private_data_size,
					     RTE_MEMPOOL_ALIGN);
}

/* Free ones, which for the pool below are in flight; or PP_ASIDE_UNKNOWN. */
static inline uint64_t pp_telemetry_aside(const struct rte_mempool *mp)
{
	uint64_t n = 0;

	if (!mp->local_cache || !mp->cache_size)
		return 0;
	if (!pp_telemetry_aside_known(mp))
		return PP_ASIDE_UNKNOWN;
	for (unsigned lcore = 0; lcore < RTE_MAX_LCORE; lcore++)
		n += __atomic_load_n(&mp->local_cache[lcore].len, __ATOMIC_RELAXED);
	return n;
}

#endif
