/* SPDX-License-Identifier: BSD-3-Clause */
/* Telemetry: what DPDK's telemetry socket tells of the pools of a process. */
#ifndef PP_TELEMETRY_H
#define PP_TELEMETRY_H

#include <rte_mempool.h>
#include <rte_telemetry.h>

#include "pp_telemetry_aside.h"
#include "pp_types.h"

/* Of DPDK, or not there: the mempool ops need none of its libraries by name. */
#pragma weak rte_telemetry_register_cmd
#pragma weak rte_tel_data_alloc
#pragma weak rte_tel_data_free
#pragma weak rte_tel_data_start_array
#pragma weak rte_tel_data_start_dict
#pragma weak rte_tel_data_add_array_string
#pragma weak rte_tel_data_add_array_u64
#pragma weak rte_tel_data_add_dict_container
#pragma weak rte_tel_data_add_dict_string
#pragma weak rte_tel_data_add_dict_u64

/* What may be asked of a pool. */
enum pp_telemetry_question {
	PP_TELEMETRY_STATS,
	PP_TELEMETRY_OWNERS,
	PP_TELEMETRY_HOLDERS,
	PP_TELEMETRY_HISTOGRAM,
};

/* A pool, and what only who made it knows of it. */
struct pp_telemetry_pool {
	struct pp_pool *pool;
	const char *kind; /* "pool", "pktmbuf", "mempool" */
	/* Of its buffers in flight: free ones, in an rte_mempool's own caches, or PP_ASIDE_UNKNOWN. */
	uint64_t aside;
};

/* Every pool of this library's in the process, each there as long as fn looks at it. */
void pp_telemetry_each(void (*fn)(const struct pp_telemetry_pool *pool, void *arg), void *arg);

/* Items `from` onward, as many as an answer has room for, into `d`, which is a dict. */
void pp_telemetry_fill(const struct pp_telemetry_pool *pool, enum pp_telemetry_question question,
		       uint32_t from, struct rte_tel_data *d);

/*
 * A process may have libpktpool_dpdk and the mempool ops, each with a core and
 * pools of its own. DPDK's table of commands takes a second one of the same name
 * and asks only that. So who is loaded first registers, and is joined by who
 * comes later, who finds it among what the process has loaded by these names. A
 * source is never taken out: these libraries are not unloaded (-z nodelete).
 */
#define PP_TELEMETRY_VERSION 1
#define PP_TELEMETRY_JOINS                                            \
	{                                                             \
		"pp_telemetry_join", "pktpool_mempool_telemetry_join" \
	}

struct pp_telemetry_source {
	uint32_t version;
	/* `where` is an address that no other pool of the process has. */
	void (*list)(void (*fn)(const char *name, uint64_t where, void *arg), void *arg);
	/* 0, or -ENOENT: it has no such pool. `where` 0: the first of that name. */
	int (*answer)(enum pp_telemetry_question question, const char *name, uint64_t where,
		      uint32_t from, struct rte_tel_data *d);
};

/* 0: `source` is asked, too, from now on. -ENOENT: this library registered nothing itself. */
PP_API int pp_telemetry_join(const struct pp_telemetry_source *source);

/* At loading: joins who is there already, or registers the commands. */
void pp_telemetry_begin(void);

#endif
