/* SPDX-License-Identifier: BSD-3-Clause */
/* Level: comparing what is free with the watermarks. */
#include "pp_level.h"

#include <errno.h>
#include <unistd.h>

#include "pp_fail.h"
#include "pp_inside.h"

/* A callback that uses the pool is not called again for that. */
static __thread bool looking;

/* Without looking into caches: never more than there is. */
static uint64_t level_quick(const struct pp_store *store)
{
	const struct pp_shared *shared = store->shared;
	uint64_t total = atomic_load_explicit(&shared->total, memory_order_relaxed);
	uint64_t carved = atomic_load_explicit(&shared->carved, memory_order_relaxed);
	uint64_t n = total > carved ? total - carved : 0;

	for (uint32_t d = 0; d < shared->facts.nodes; d++)
		n += pp_depot_count(store, d);
	return n;
}

static uint64_t level_exact(const struct pp_store *store)
{
	struct pp_sums sums;

	pp_walk_sums(store, &sums);
	return sums.fresh + sums.cached + sums.deques + sums.depot;
}

static void level_tell(struct pp_pool *pool, bool low)
{
	static const uint64_t one = 1;
	int error = errno;

	looking = true;
	if (pool->level.fn)
		pool->level.fn(pool, low, pool->level.arg);
	/* Full, it has been told often enough. */
	if (pool->level.eventfd > 0)
		(void)!write(pool->level.eventfd, &one, sizeof(one));
	looking = false;
	/* What the call says that crossed the mark is not to be changed by that. */
	errno = error;
}

/* What can be free, the reserve not counted. */
static uint64_t level_most(const struct pp_pool *pool)
{
	uint64_t total = atomic_load_explicit(&pool->store.shared->total, memory_order_relaxed);
	uint64_t floor = atomic_load_explicit(&pool->store.shared->floor, memory_order_relaxed);

	return total > floor ? total - floor : 0;
}

void pp_level_look(struct pp_pool *pool)
{
	struct pp_shared *shared = pool->store.shared;
	uint32_t low = atomic_load_explicit(&shared->low, memory_order_relaxed);
	uint32_t high = atomic_load_explicit(&shared->high, memory_order_relaxed);
	uint32_t was = atomic_load_explicit(&shared->advice, memory_order_relaxed);
	uint64_t n, most = level_most(pool);

	/* The reserve may have grown since, or the pool shrunk. */
	high = high < most ? high : (uint32_t)most;
	if (looking || (!was && level_quick(&pool->store) >= low))
		return;
	n = level_exact(&pool->store);
	if (was ? n < high : n >= low)
		return;
	/* Of several that see it, one tells. */
	if (atomic_compare_exchange_strong_explicit(&shared->advice, &was, !was,
						    memory_order_relaxed, memory_order_relaxed))
		level_tell(pool, !was);
}

PP_API int pp_pool_set_watermarks(struct pp_pool *pool, const struct pp_watermarks *marks)
{
	struct pp_shared *shared;

	if (!pool || !marks)
		return pp_fail(-EINVAL, "no pool, or no watermarks");
	if (marks->high < marks->low || marks->high > level_most(pool))
		return pp_fail(-EINVAL, "watermarks %u and %u are not low <= high <= %llu buffers",
			       marks->low, marks->high, (unsigned long long)level_most(pool));
	shared = pool->store.shared;
	atomic_store(&shared->low, 0);
	atomic_store(&shared->advice, 0);
	pool->level = *marks;
	atomic_store(&shared->high, marks->high);
	atomic_store(&shared->low, marks->low);
	if (marks->low)
		pp_level_look(pool);
	return 0;
}

PP_API bool pp_pool_is_low(struct pp_pool *pool)
{
	_Atomic uint32_t *advice = &pool->store.shared->advice;

	/* Nobody may have gone the long way since. */
	if (PP_UNLIKELY(atomic_load_explicit(advice, memory_order_relaxed)))
		pp_level_look(pool);
	return atomic_load_explicit(advice, memory_order_relaxed);
}
