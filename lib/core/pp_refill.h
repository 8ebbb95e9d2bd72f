/* SPDX-License-Identifier: BSD-3-Clause */
/* Refill: where an owner's next block comes from. */
#ifndef PP_REFILL_H
#define PP_REFILL_H

#include "pp_owner.h"

/*
 * More into the empty current block, from the nearest place that has any: its
 * stash and deque, its node's other owners and depot, and with `remote` the
 * other nodes'. The owner's lock is held. n is what the call still wants. False
 * if there is nothing.
 */
bool pp_refill(struct pp_store *store, struct pp_owner *owner, uint32_t n, bool remote);

#endif
