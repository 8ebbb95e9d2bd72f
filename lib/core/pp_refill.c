/* SPDX-License-Identifier: BSD-3-Clause */
/* Refill: going up the rungs between a cache and the hugepages, until one has a buffer. */
#include "pp_refill.h"

/* It was another CPU's until now, and all of it is about to be read from its end. */
static void block_prefetch(const struct pp_store *store, uint32_t ticket)
{
	const uint32_t *slots = pp_block_slots(&store->blocks, pp_ticket_block(ticket));

	for (uint32_t n = pp_ticket_count(ticket); n > 0; n -= n < 16 ? n : 16)
		__builtin_prefetch(slots + n - 1);
}

static uint32_t refill_steal(struct pp_store *store, struct pp_owner *owner, uint32_t depot)
{
	uint32_t end = atomic_load_explicit(&store->shared->owners_end, memory_order_acquire);

	for (uint32_t i = 0, v = owner->victim; i < end; i++, v++) {
		struct pp_deque deque;
		uint32_t ticket;

		if (v >= end)
			v = 0;
		if (v == owner->line.id || store->owners[v].depot != depot)
			continue;
		deque = pp_owner_deque(store, &store->owners[v]);
		pp_owner_note(owner, PP_JOURNAL_STEAL, v);
		ticket = pp_deque_steal(&deque);
		if (ticket == PP_TICKET_NONE)
			continue;
		owner->victim = v;
		PP_OWNER_COUNT(owner, steal, 1);
		block_prefetch(store, ticket);
		return ticket;
	}
	return PP_TICKET_NONE;
}

/* One node's share of the ladder: other owners' deques, the depot, its loose ones, fresh ones. */
static bool refill_node(struct pp_store *store, struct pp_owner *owner, uint32_t d)
{
	uint32_t *slots = pp_block_slots(&store->blocks, owner->block);
	uint32_t ticket = refill_steal(store, owner, d), n;

	if (ticket == PP_TICKET_NONE) {
		pp_owner_note(owner, PP_JOURNAL_DEPOT, d);
		ticket = pp_depot_pop(store, d);
		if (ticket != PP_TICKET_NONE)
			PP_OWNER_COUNT(owner, depot, 1);
	}
	if (ticket != PP_TICKET_NONE) {
		pp_owner_flow(&owner->drawn, pp_ticket_count(ticket));
		pp_refill_switch(store, owner, ticket);
		return true;
	}
	n = pp_depot_get(store, d, owner->line.id, slots, store->blocks.size);
	if (n)
		PP_OWNER_COUNT(owner, long_way, n);
	else {
		n = pp_depot_carve(store, d, slots, store->blocks.size);
		PP_OWNER_COUNT(owner, carve, n);
	}
	pp_owner_flow(&owner->drawn, n);
	pp_owner_commit(owner, pp_owner_start(store, owner) + (int32_t)n);
	pp_owner_note(owner, PP_JOURNAL_NONE, 0);
	return n;
}

/* Under pressure no more is taken than is asked: the rest would only go back. */
static bool refill_closed(struct pp_store *store, struct pp_owner *owner, uint32_t d, uint32_t n)
{
	uint32_t *slots = pp_block_slots(&store->blocks, owner->block);
	uint32_t size = store->blocks.size;

	n = pp_depot_get(store, d, owner->line.id, slots, n < size ? n : size);
	if (!n)
		return refill_node(store, owner, d);
	PP_OWNER_COUNT(owner, long_way, n);
	pp_owner_flow(&owner->drawn, n);
	pp_owner_commit(owner, pp_owner_start(store, owner) + (int32_t)n);
	return true;
}

bool pp_refill_far(struct pp_store *store, struct pp_owner *owner, uint32_t n, bool remote)
{
	bool closed = pp_owner_closed(store, owner);
	uint32_t nodes = store->shared->facts.nodes;

	for (uint32_t i = 0; i < (remote ? nodes : 1); i++) {
		uint32_t d = (owner->depot + i) % nodes;

		if (closed ? refill_closed(store, owner, d, n) : refill_node(store, owner, d)) {
			if (i)
				PP_OWNER_COUNT(owner, borrowed,
					       (uint32_t)(pp_owner_s(owner) -
							  pp_owner_start(store, owner)));
			return true;
		}
	}
	return false;
}
