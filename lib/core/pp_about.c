/* SPDX-License-Identifier: BSD-3-Clause */
/* About: what a pool is, read from its facts. */
#include "pp_about.h"

#include "pp_inside.h"

static void about_pages(const struct pp_store *store, struct pp_pool_about *about)
{
	for (uint32_t p = 0; p < store->region.pages_max; p++) {
		const struct pp_page *page = &store->region.pages[p];
		uint32_t d = 0;

		if (atomic_load_explicit(&page->state, memory_order_acquire) == PP_PAGE_ABSENT)
			continue;
		while (d + 1 < about->nodes && about->node[d].node != page->node)
			d++;
		about->node[d].pages++;
		about->node[d].fresh +=
			page->count - atomic_load_explicit(&page->carved, memory_order_relaxed);
	}
}

PP_API void pp_pool_about(const struct pp_pool *pool, struct pp_pool_about *about)
{
	const struct pp_store *store = &pool->store;
	const struct pp_shared_facts *facts = &store->shared->facts;

	*about = (struct pp_pool_about){
		.name = facts->name,
		.control = store->region.control,
		.buffer_size = facts->buffer_size,
		.buffers_max = facts->buffers_max,
		.owners_max = facts->owners,
		.block_size = facts->block_size,
		.flags = facts->flags,
		.pages = store->region.backing,
		.foreign = store->region.tracts,
		.low = atomic_load_explicit(&store->shared->low, memory_order_relaxed),
		.high = atomic_load_explicit(&store->shared->high, memory_order_relaxed),
		.nodes = facts->nodes,
	};
	for (uint32_t d = 0; d < facts->nodes; d++) {
		about->node[d].node = facts->node[d];
		about->node[d].depot = pp_depot_count(store, d);
	}
	about_pages(store, about);
}
