/* SPDX-License-Identifier: BSD-3-Clause */
/* Empties: an owner's blocks that hold nothing. */
#ifndef PP_EMPTIES_H
#define PP_EMPTIES_H

#include "pp_owner.h"

/* The owner's lock is held. */
void pp_empties_give(struct pp_store *store, struct pp_owner *owner, uint32_t block);
/* There always is one: see blocks_needed() in pp_facts.c. */
uint32_t pp_empties_get(struct pp_store *store, struct pp_owner *owner);

#endif
