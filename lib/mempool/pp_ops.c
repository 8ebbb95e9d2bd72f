/* SPDX-License-Identifier: BSD-3-Clause */
/* Ops: an rte_mempool's objects, kept by a pktpool over the mempool's own memory. */
#include "pp_ops.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "pp_bulk.h"
#include "pp_ops_critical.h"
#include "pp_telemetry_aside.h"

static __thread int ops_critical;

__attribute__((visibility("default"))) int pktpool_mempool_critical(int on)
{
	int was = ops_critical;

	ops_critical = on != 0;
	return was;
}

static int log_type = RTE_LOGTYPE_EAL;

/* Of its own: those of DPDK's libraries have numbers of 22.11 that newer ones show nothing of. */
void ops_log_begin(void)
{
	int type = -1;

	if (rte_log_register_type_and_pick_level)
		type = rte_log_register_type_and_pick_level("mempool.pktpool", RTE_LOG_INFO);
	log_type = type < 0 ? RTE_LOGTYPE_EAL : type;
}

void ops_log(uint32_t level, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (rte_log)
		rte_log(level, (uint32_t)log_type, "pktpool: %s\n", line);
	else
		fprintf(stderr, "pktpool: %s\n", line);
}

/*
 * A mempool's own caches lie above these and cost a copy each way; how many
 * objects they hold is tuned in those of the lcores that there are. Not the
 * mempool's cache_size: where its private data begins depends on that.
 */
static int lcore_caches_tune(struct rte_mempool *mp, uint32_t size)
{
	if (!mp->cache_size || !mp->local_cache)
		return 0;
	if (!pp_telemetry_aside_known(mp)) {
		ops_error("%s: lcore_cache is for DPDK 22.11 of %d lcores, and this is %s, or "
			  "was built for others",
			  mp->name, RTE_MAX_LCORE, rte_version ? rte_version() : "another");
		return -ENOTSUP;
	}
	for (unsigned lcore = 0; lcore < RTE_MAX_LCORE; lcore++) {
		if (!rte_lcore_is_enabled(lcore))
			continue;
		mp->local_cache[lcore].size = size;
		/* As rte_mempool_cache_create() has it. */
		mp->local_cache[lcore].flushthresh = size + size / 2;
	}
	return 0;
}

static int ops_alloc(struct rte_mempool *mp)
{
	struct ops_options options;
	int rc = ops_options_read(mp, &options);

	if (!rc && options.lcore_cache_set)
		rc = lcore_caches_tune(mp, options.lcore_cache);
	if (!rc)
		rc = ops_control_create(mp, &options);
	if (rc)
		return rc;
	/* On top of what was asked for: an ordinary get finds as many as without. */
	mp->size += options.reserve;
	ops_config_keep(mp, &options);
	ops_log(RTE_LOG_DEBUG, "%s: made for %u objects", mp->name, mp->size);
	ops_register_settle(mp);
	return 0;
}

static void ops_free(struct rte_mempool *mp)
{
	ops_control_free(mp);
}

/* NULL when the pool's caches are all taken, and then by way of the depot. */
static struct pp_cache *ops_cache(uint64_t id, struct pp_pool *pool)
{
	struct pp_cache *cache = pp_local_cache(id);

	return PP_LIKELY(cache != NULL) ? cache : pp_local_find(id, pool);
}

/* What neither the own cache nor the depot and the others' published blocks have. */
static __rte_noinline int ops_dequeue_hard(struct rte_mempool *mp, void **objs, unsigned n)
{
	struct pp_pool *pool = ops_control_pool(mp->pool_id);
	struct pp_cache *cache;

	if (PP_UNLIKELY(!n))
		return 0;
	if (PP_UNLIKELY(!pool))
		return -ENOBUFS;
	cache = ops_cache(mp->pool_id, pool);
	if (ops_critical && cache && pp_alloc_bulk(cache, objs, n, PP_CRITICAL))
		return 0;
	return pp_foreign_get(pool, cache, objs, n, cache && ops_critical ? PP_CRITICAL : 0)
		       ? 0
		       : -ENOBUFS;
}

/* More than fit in registers, or what the own cache has not at hand. */
static __rte_noinline int ops_dequeue_more(struct rte_mempool *mp, void **objs, unsigned n)
{
	struct pp_cache *cache = pp_local_cache(mp->pool_id);

	if (PP_LIKELY(cache != NULL) && PP_LIKELY(pp_alloc_bulk(cache, objs, n, 0)))
		return 0;
	return ops_dequeue_hard(mp, objs, n);
}

/* A thread's first call, or of one that gets no cache. */
static __rte_noinline int ops_enqueue_first(struct rte_mempool *mp, void *const *objs, unsigned n)
{
	struct pp_pool *pool = ops_control_pool(mp->pool_id);
	struct pp_cache *cache;

	if (PP_UNLIKELY(!pool))
		return -ESTALE;
	cache = ops_cache(mp->pool_id, pool);
	if (PP_LIKELY(cache != NULL))
		pp_free_bulk(cache, objs, n);
	else
		pp_pool_free(pool, objs, n);
	return 0;
}

static __rte_noinline int ops_enqueue_many(struct rte_mempool *mp, void *const *objs, unsigned n)
{
	struct pp_cache *cache = pp_local_cache(mp->pool_id);

	if (PP_UNLIKELY(!cache))
		return ops_enqueue_first(mp, objs, n);
	pp_free_bulk(cache, objs, n);
	return 0;
}

/* The hit of a few calls nothing that returns here, so that it saves no register. */
static int ops_dequeue(struct rte_mempool *mp, void **objs, unsigned n)
{
	struct pp_cache *cache = pp_local_cache(mp->pool_id);

	if (PP_UNLIKELY(!cache) || n - 1 >= PP_OFFSET_INLINE)
		return ops_dequeue_more(mp, objs, n);
	return PP_LIKELY(pp_cache_hit(cache, objs, n)) ? 0 : ops_dequeue_more(mp, objs, n);
}

static __rte_noinline int ops_enqueue_few(struct rte_mempool *mp, void *const *objs, unsigned n)
{
	struct pp_cache *cache = pp_local_cache(mp->pool_id);

	if (PP_UNLIKELY(!cache) || n > PP_OFFSET_INLINE)
		return ops_enqueue_many(mp, objs, n);
	pp_free_bulk(cache, objs, n);
	return 0;
}

/* One has a way of its own, as most drivers free what they have sent one by one. */
static int ops_enqueue(struct rte_mempool *mp, void *const *objs, unsigned n)
{
	struct pp_cache *cache = pp_local_cache(mp->pool_id);

	if (n != 1 || PP_UNLIKELY(!cache))
		return ops_enqueue_few(mp, objs, n);
	pp_free_bulk(cache, objs, 1);
	return 0;
}

static unsigned ops_get_count(const struct rte_mempool *mp)
{
	const struct pp_pool *pool = ops_control_pool(mp->pool_id);

	return pool ? (unsigned)pp_foreign_free(pool, true) : 0;
}

const struct rte_mempool_ops ops_table_entry = {
	.name = PP_OPS_NAME,
	.alloc = ops_alloc,
	.free = ops_free,
	.enqueue = ops_enqueue,
	.dequeue = ops_dequeue,
	.get_count = ops_get_count,
	.calc_mem_size = ops_calc_mem_size,
	.populate = ops_populate,
};
