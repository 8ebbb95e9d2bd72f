/* SPDX-License-Identifier: BSD-3-Clause */
/* Holders: what is in flight, whose it is, and bringing it home. */
#include <stdio.h>
#include <stdlib.h>

#include "pp_buffer.h"
#include "pp_guard.h"
#include "pp_inside.h"

static const char *holder_name(const struct pp_store *store, uint32_t index)
{
	uint32_t holder = store->holders ? atomic_load(&store->holders[index]) : 0;

	if (!holder)
		return "";
	return holder == PP_HOLDER_NOBODY ? "(no cache)" : store->owners[holder - 1].name;
}

PP_API uint32_t pp_pool_walk_in_flight(struct pp_pool *pool,
				       void (*fn)(void *buffer, const char *owner, void *arg),
				       void *arg)
{
	struct pp_store *store = &pool->store;
	uint64_t *bits = pp_walk_in_flight(store);
	uint32_t n = 0;

	for (uint32_t i = 0; bits && i < store->region.buffers_max; i++) {
		if (!(bits[i / 64] >> i % 64 & 1))
			continue;
		n++;
		if (fn)
			fn((void *)(pp_place_start(&store->region, i) + store->region.lead),
			   holder_name(store, i), arg);
	}
	free(bits);
	return n;
}

static void buffer_recover(void *buf, const char *owner, void *arg)
{
	struct pp_store *store = arg;
	uint32_t offset = pp_place_to_offset(&store->region, buf);
	void *kept;

	(void)owner;
	if (!store->holders || pp_guard_in(store, PP_HOLDER_NOBODY, &buf, 1, &kept))
		pp_depot_put(store, pp_store_home(store, offset), PP_NOBODY, &offset, 1);
}

PP_API uint32_t pp_pool_recover(struct pp_pool *pool)
{
	return pp_pool_walk_in_flight(pool, buffer_recover, &pool->store);
}

const char *pp_pool_holders(struct pp_pool *pool, char *text, size_t bytes)
{
	struct pp_store *store = &pool->store;
	uint32_t held[PP_HOLDER_NOBODY + 1] = { 0 }, most = 0;

	*text = 0;
	if (!store->holders) {
		snprintf(text, bytes, "; flag PP_POOL_OWNERS would tell whose");
		return text;
	}
	for (uint32_t i = 0; i < store->region.buffers_max; i++)
		held[atomic_load_explicit(&store->holders[i], memory_order_relaxed)]++;
	for (uint32_t h = 1; h <= PP_HOLDER_NOBODY; h++)
		if (held[h] > (most ? held[most] : 0))
			most = h;
	if (most)
		snprintf(text, bytes, "; most were allocated by \"%s\" (cache %u): %u",
			 most == PP_HOLDER_NOBODY ? "(no cache)" : store->owners[most - 1].name,
			 most - 1, held[most]);
	return text;
}
