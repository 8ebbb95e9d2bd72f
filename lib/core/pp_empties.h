/* SPDX-License-Identifier: BSD-3-Clause */
/* Empties: an owner's blocks that hold nothing. */
#ifndef PP_EMPTIES_H
#define PP_EMPTIES_H

#include "pp_owner.h"

/* The older half go to all; more come from there. There always are some: see blocks_needed() in
 * pp_facts.c. */
void pp_empties_shed(struct pp_store *store, struct pp_owner *owner);
void pp_empties_fetch(struct pp_store *store, struct pp_owner *owner);

/* The owner's lock is held. */
static inline void pp_empties_give(struct pp_store *store, struct pp_owner *owner, uint32_t block)
{
	if (PP_UNLIKELY(owner->empty == pp_owner_empties_max(store->blocks.size)))
		pp_empties_shed(store, owner);
	owner->empties[owner->empty++] = block;
}

static inline uint32_t pp_empties_get(struct pp_store *store, struct pp_owner *owner)
{
	if (PP_UNLIKELY(!owner->empty))
		pp_empties_fetch(store, owner);
	return owner->empties[--owner->empty];
}

#endif
