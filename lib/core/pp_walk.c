/* SPDX-License-Identifier: BSD-3-Clause */
/* Walk: owners, deques, depots and hugepages in turn. */
#include "pp_walk.h"

#include <stdlib.h>
#include <string.h>

static bool walk_ticket(struct pp_store *store, const char *place, uint32_t id, uint32_t ticket,
			pp_walk_fn fn, void *arg)
{
	return fn(place, id, pp_block_slots(&store->blocks, pp_ticket_block(ticket)),
		  pp_ticket_count(ticket), arg);
}

static bool walk_owner(struct pp_store *store, struct pp_owner *owner, pp_walk_fn fn, void *arg)
{
	int32_t start = pp_owner_start(store, owner);
	int32_t s = __atomic_load_n(&owner->line.s, __ATOMIC_ACQUIRE);
	struct pp_deque deque = pp_owner_deque(store, owner);
	uint32_t head, n;

	if (!fn("cache", owner->line.id, store->blocks.slots + start, (uint32_t)(s - start), arg))
		return false;
	if (owner->stash != PP_TICKET_NONE &&
	    !walk_ticket(store, "cache", owner->line.id, owner->stash, fn, arg))
		return false;
	n = pp_deque_length(&deque, &head);
	for (uint32_t i = 0; i < n; i++)
		if (!walk_ticket(store, "deque", owner->line.id,
				 atomic_load_explicit(&deque.ring[(head + i) & deque.mask],
						      memory_order_relaxed),
				 fn, arg))
			return false;
	return true;
}

static const char *depot_name(const struct pp_store *store, uint32_t d)
{
	return d == pp_store_reserve(store) ? "reserve"
	       : d == pp_store_pile(store)  ? "pile"
					    : "depot";
}

static bool walk_depot(struct pp_store *store, uint32_t d, pp_walk_fn fn, void *arg)
{
	struct pp_depot *depot = &store->depots[d];
	const char *place = depot_name(store, d);

	for (unsigned side = 0; side < 2; side++) {
		uint32_t ticket =
			(uint32_t)atomic_load_explicit(&depot->full[side], memory_order_acquire);

		while (ticket != PP_TICKET_NONE) {
			if (!walk_ticket(store, place, d, ticket, fn, arg))
				return false;
			ticket = atomic_load_explicit(&store->blocks.links[pp_ticket_block(ticket)],
						      memory_order_relaxed);
		}
	}
	return fn(place, d, pp_block_slots(&store->blocks, depot->block),
		  atomic_load_explicit(&depot->loose, memory_order_relaxed), arg);
}

bool pp_walk_blocks(struct pp_store *store, pp_walk_fn fn, void *arg)
{
	uint32_t end = atomic_load_explicit(&store->shared->owners_end, memory_order_acquire);
	bool on = true;

	for (uint32_t i = 0; on && i < end; i++) {
		pp_lock_take(&store->owners[i].lock, PP_NOBODY);
		on = walk_owner(store, &store->owners[i], fn, arg);
		pp_lock_release(&store->owners[i].lock);
	}
	for (uint32_t d = 0; on && d < pp_store_depots(store); d++) {
		pp_lock_take(&store->depots[d].lock, PP_NOBODY);
		on = walk_depot(store, d, fn, arg);
		pp_lock_release(&store->depots[d].lock);
	}
	return on;
}

struct in_flight {
	struct pp_store *store;
	uint64_t *bits;
};

static bool clear_free(const char *place, uint32_t id, const uint32_t *offsets, uint32_t n,
		       void *arg)
{
	struct in_flight *walk = arg;

	(void)place;
	(void)id;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t index = pp_place_index(&walk->store->region, offsets[i]);

		/* What is read while others work may be old, and then be none of its numbers. */
		if (index < walk->store->region.buffers_max)
			walk->bits[index / 64] &= ~(1ull << index % 64);
	}
	return true;
}

uint64_t *pp_walk_in_flight(struct pp_store *store)
{
	const struct pp_region *region = &store->region;
	struct in_flight walk = { store, calloc(region->buffers_max / 64 + 1, sizeof(uint64_t)) };

	if (!walk.bits)
		return NULL;
	for (uint32_t p = 0; p < region->pages_max; p++) {
		const struct pp_page *page = &region->pages[p];
		uint32_t carved = atomic_load_explicit(&page->carved, memory_order_acquire);

		if (atomic_load_explicit(&page->state, memory_order_acquire) == PP_PAGE_ABSENT)
			continue;
		for (uint32_t i = page->first; i < page->first + carved; i++)
			if (!(atomic_load_explicit(&store->marks[i], memory_order_relaxed) &
			      (PP_MARK_COLLECTED | PP_MARK_LATE)))
				walk.bits[i / 64] |= 1ull << i % 64;
	}
	pp_walk_blocks(store, clear_free, &walk);
	return walk.bits;
}

void pp_walk_owner(const struct pp_store *store, uint32_t id, struct pp_owner_view *view)
{
	struct pp_owner *owner = &store->owners[id];
	struct pp_deque deque = pp_owner_deque(store, owner);
	uint32_t head, n;
	int32_t s;

	pp_lock_take(&owner->lock, PP_NOBODY);
	view->taken = atomic_load_explicit(&owner->state, memory_order_acquire) == PP_OWNER_TAKEN;
	memcpy(view->name, owner->name, sizeof(view->name));
	view->pid = owner->pid;
	view->depot = owner->depot;
	s = __atomic_load_n(&owner->line.s, __ATOMIC_ACQUIRE);
	view->cached = (uint64_t)(s - pp_owner_start(store, owner));
	if (owner->stash != PP_TICKET_NONE)
		view->cached += pp_ticket_count(owner->stash);
	view->net = (int64_t)(__atomic_load_n(&owner->drawn, __ATOMIC_RELAXED) -
			      __atomic_load_n(&owner->given, __ATOMIC_RELAXED) - view->cached);
	pp_lock_release(&owner->lock);
	view->published = 0;
	n = pp_deque_length(&deque, &head);
	for (uint32_t i = 0; i < n; i++)
		view->published +=
			pp_ticket_count(atomic_load_explicit(&deque.ring[(head + i) & deque.mask],
							     memory_order_relaxed));
}

void pp_walk_sums(const struct pp_store *store, struct pp_sums *sums)
{
	uint32_t end = atomic_load_explicit(&store->shared->owners_end, memory_order_acquire);

	*sums = (struct pp_sums){ 0 };
	for (uint32_t p = 0; p < store->region.pages_max; p++) {
		const struct pp_page *page = &store->region.pages[p];

		if (atomic_load_explicit(&page->state, memory_order_acquire) == PP_PAGE_ABSENT)
			continue;
		sums->fresh +=
			page->count - atomic_load_explicit(&page->carved, memory_order_relaxed);
		sums->collected += atomic_load_explicit(&page->collected, memory_order_relaxed);
	}
	for (uint32_t i = 0; i < end; i++) {
		struct pp_owner_view view;

		pp_walk_owner(store, i, &view);
		sums->cached += view.cached;
		sums->deques += view.published;
	}
	for (uint32_t d = 0; d < pp_store_depots(store); d++)
		*(d == pp_store_reserve(store) ? &sums->reserve : &sums->depot) +=
			pp_depot_count(store, d);
	sums->depot += atomic_load_explicit(&store->shared->late, memory_order_relaxed);
}

void pp_walk_nodes(const struct pp_store *store, struct pp_node_sums sums[PP_NODES_MAX])
{
	const struct pp_shared_facts *facts = &store->shared->facts;
	uint32_t end = atomic_load_explicit(&store->shared->owners_end, memory_order_acquire);

	memset(sums, 0, PP_NODES_MAX * sizeof(*sums));
	for (uint32_t p = 0; p < store->region.pages_max; p++) {
		const struct pp_page *page = &store->region.pages[p];
		struct pp_node_sums *sum = &sums[pp_store_page_home(store, p)];

		if (atomic_load_explicit(&page->state, memory_order_acquire) == PP_PAGE_ABSENT)
			continue;
		sum->pages++;
		sum->total += page->count;
		sum->free +=
			page->count - atomic_load_explicit(&page->carved, memory_order_relaxed);
	}
	for (uint32_t i = 0; i < end; i++) {
		struct pp_owner_view view;

		pp_walk_owner(store, i, &view);
		sums[view.depot].free += view.cached + view.published;
	}
	for (uint32_t d = 0; d < facts->nodes; d++)
		sums[d].free += pp_depot_count(store, d);
}
