/* SPDX-License-Identifier: BSD-3-Clause */
/* Refill: where an owner's next block comes from. Its lock is held throughout. */
#ifndef PP_REFILL_H
#define PP_REFILL_H

#include "pp_empties.h"

/* From beyond its own: its node's other owners and depot, and with `remote` the other nodes'. */
bool pp_refill_far(struct pp_store *store, struct pp_owner *owner, uint32_t n, bool remote);

/* The current block is empty: go on with another. */
static inline void pp_refill_switch(struct pp_store *store, struct pp_owner *owner, uint32_t ticket)
{
	pp_empties_give(store, owner, owner->block);
	owner->block = pp_ticket_block(ticket);
	pp_owner_commit(owner, pp_owner_start(store, owner) + (int32_t)pp_ticket_count(ticket));
	pp_owner_note(owner, PP_JOURNAL_NONE, 0);
}

/* Its stash is filled, if need be from its deque: from then on nobody is quicker. */
static inline bool pp_refill_stash(struct pp_store *store, struct pp_owner *owner)
{
	struct pp_deque deque = pp_owner_deque(store, owner);

	if (owner->stash != PP_TICKET_NONE)
		return true;
	owner->stash = pp_deque_pop(&deque);
	if (owner->stash == PP_TICKET_NONE)
		return false;
	PP_OWNER_COUNT(owner, refill, 1);
	pp_owner_flow(&owner->drawn, pp_ticket_count(owner->stash));
	return true;
}

/*
 * More into the empty current block, from the nearest place that has any. n is
 * what the call still wants. False if there is nothing.
 */
static inline bool pp_refill(struct pp_store *store, struct pp_owner *owner, uint32_t n,
			     bool remote)
{
	uint32_t ticket;

	if (!pp_refill_stash(store, owner))
		return pp_refill_far(store, owner, n, remote);
	ticket = owner->stash;
	owner->stash = PP_TICKET_NONE;
	pp_refill_switch(store, owner, ticket);
	return true;
}

#endif
