/* SPDX-License-Identifier: BSD-3-Clause */
/* Reserve: its floor, and what users ask of marks. */
#include "pp_reserve.h"

#include <errno.h>

#include "pp_buffer.h"
#include "pp_fail.h"
#include "pp_inside.h"
#include "pp_pressure.h"

PP_API int pp_pool_set_reserve(struct pp_pool *pool, uint32_t floor)
{
	struct pp_store *store;
	uint32_t skipped;
	uint64_t total;

	if (!pp_pool_here(pool))
		return -EINVAL;
	store = &pool->store;
	total = atomic_load(&store->shared->total);
	if (floor > total)
		return pp_fail(-EINVAL, "reserve %u is more than the %llu buffers of pool %s",
			       floor, (unsigned long long)total, pp_pool_name(pool));
	pp_pressure_begin(store);
	pp_home_floor(store, PP_NOBODY, floor);
	pp_home_feed(store, PP_NOBODY);
	if (pp_depot_count(store, pp_store_reserve(store)) < floor) {
		pp_take_published(store);
		pp_take_all(store, &skipped);
	}
	pp_pressure_end(store);
	if (pp_level_watched(store))
		pp_level_look(pool);
	return 0;
}

/* -EINVAL: not one of the pool's. */
static int64_t buffer_number(const struct pp_store *store, const void *buf)
{
	int64_t index = pp_buffer_index(&store->region, buf);

	return index >= 0 && pp_buffer_at(&store->region, (uint32_t)index) == buf ? index : -EINVAL;
}

static bool store_marked(const struct pp_store *store, const void *buf)
{
	int64_t index = buffer_number(store, buf);

	return index >= 0 &&
	       (atomic_load_explicit(&store->marks[index], memory_order_relaxed) & PP_MARK_RESERVE);
}

PP_API bool pp_marked(const struct pp_pool *pool, const void *buf)
{
	return pp_pool_here(pool) &&
	       atomic_load_explicit(&pool->store.shared->marked, memory_order_relaxed) &&
	       store_marked(&pool->store, buf);
}

PP_API unsigned pp_refuse_marked(struct pp_cache *cache, void **bufs, unsigned n)
{
	struct pp_store *store = pp_store_of_cache(cache);
	uint64_t *refused = &((struct pp_owner *)cache)->counters.refused;
	unsigned kept = 0;

	if (!atomic_load_explicit(&store->shared->marked, memory_order_relaxed))
		return n;
	for (unsigned i = 0; i < n; i++) {
		if (!store_marked(store, bufs[i])) {
			bufs[kept++] = bufs[i];
			continue;
		}
		pp_free(cache, bufs[i]);
		__atomic_store_n(refused, *refused + 1, __ATOMIC_RELAXED);
	}
	return kept;
}

PP_API bool pp_mark_pass(struct pp_pool *pool, const void *from, const void *to)
{
	int64_t old, new;

	if (!pp_pool_here(pool))
		return false;
	old = buffer_number(&pool->store, from);
	new = buffer_number(&pool->store, to);
	return old >= 0 && new >= 0 && pp_home_pass(&pool->store, (uint32_t)old, (uint32_t) new);
}
