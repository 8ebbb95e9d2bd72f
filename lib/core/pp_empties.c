/* SPDX-License-Identifier: BSD-3-Clause */
/* Empties: a few of them are kept, the others change hands by the half dozen. */
#include "pp_empties.h"

#include <string.h>

void pp_empties_shed(struct pp_store *store, struct pp_owner *owner)
{
	uint32_t max = owner->empty, half = max / 2;
	uint32_t *list = owner->empties;

	/* The older half, as one chain: one exchange for all of it. */
	for (uint32_t i = 0; i + 1 < half; i++)
		atomic_store_explicit(&store->blocks.links[list[i]], pp_ticket(list[i + 1], 0),
				      memory_order_relaxed);
	pp_stack_push_chain(store->blocks.empties, &store->blocks, pp_ticket(list[0], 0),
			    pp_ticket(list[half - 1], 0));
	memmove(list, list + half, (max - half) * sizeof(*list));
	owner->empty = max - half;
}

void pp_empties_fetch(struct pp_store *store, struct pp_owner *owner)
{
	uint32_t half = pp_owner_empties_max(store->blocks.size) / 2;

	owner->empty =
		pp_stack_pop_some(store->blocks.empties, &store->blocks, owner->empties, half);
	for (uint32_t i = 0; i < owner->empty; i++)
		owner->empties[i] = pp_ticket_block(owner->empties[i]);
}
