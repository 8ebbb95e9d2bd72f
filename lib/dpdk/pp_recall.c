/* SPDX-License-Identifier: BSD-3-Clause */
/* Recall: other threads' idle buffers come home, and are taken. */
#include "pp_recall.h"
#include "pp_binding.h"
#include "pp_critical.h"

#include <sched.h>
#include <string.h>

/* How often it looks again for what others had in their hands; and in vain in a row. */
#define TRIES 64
#define VAIN 4

/*
 * Whether n are free, so that asking for them is not in vain: an empty pool is
 * asked often, and nobody must pay for that but who asks. Looked at twice, as a
 * buffer that goes from who has not been looked at to who has is missed.
 */
static bool pool_has(const struct pp_pool *pool, unsigned n, struct pp_stats *stats)
{
	for (unsigned look = 0; look < 2; look++) {
		pp_pool_stats(pool, stats);
		if (stats->fresh + stats->cached + stats->deques + stats->depot >= n)
			return true;
	}
	return false;
}

static unsigned pool_get(struct pp_pool *pool, struct pp_cache *cache, void **objs, unsigned n)
{
	void *some[PP_KEPT], **to = n <= PP_KEPT ? some : objs;
	unsigned got;

	if (cache)
		return pp_alloc_bulk(cache, objs, n, PP_REMOTE);
	got = pp_pool_alloc_burst(pool, to, n);
	if (got < n) {
		pp_pool_free(pool, to, got);
		return 0;
	}
	if (to != objs)
		memcpy(objs, to, n * sizeof(*objs));
	return n;
}

/* Of some that each want more than half, who fails brings home what the others have given back. */
static unsigned recall_idle(struct pp_pool *pool, struct pp_cache *cache, void **objs, unsigned n)
{
	struct pp_stats before, after;
	unsigned got = 0, vain = 0;

	for (unsigned i = 0; !got && vain < VAIN && i < TRIES && pool_has(pool, n, &before); i++) {
		uint32_t came = pp_pool_collect(pool);

		got = pool_get(pool, cache, objs, n);
		if (got || came)
			continue;
		/* In the middle of a call, and perhaps without a CPU; or promised to others. */
		pp_pool_stats(pool, &after);
		vain = after.skipped == before.skipped ? vain + 1 : 0;
		sched_yield();
	}
	return got;
}

/* The reserve has some of them, and what is idle the others, or it has them all. */
static unsigned recall_draw(struct pp_pool *pool, struct pp_cache *cache, void **objs, unsigned n)
{
	unsigned got = pp_critical_draw(cache, objs, n);
	struct pp_stats stats;

	if (got || pool_has(pool, n, &stats) || stats.reserve >= n ||
	    !pool_has(pool, n - (unsigned)stats.reserve, &stats))
		return got;
	pp_pool_collect(pool);
	return pp_critical_draw(cache, objs, n);
}

unsigned pp_recall(struct pp_pool *pool, struct pp_cache *cache, void **objs, unsigned n)
{
	/* Without a cache nothing has been tried yet. */
	unsigned got = cache ? 0 : pool_get(pool, NULL, objs, n);

	if (!got)
		got = recall_idle(pool, cache, objs, n);
	if (!got && cache && pp_critical.receiving)
		got = recall_draw(pool, cache, objs, n);
	return got;
}
