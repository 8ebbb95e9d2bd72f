/* SPDX-License-Identifier: BSD-3-Clause */
/* Turn: one turn with the home lock: who can be served at its end is, and woken after it. */
#ifndef PP_TURN_H
#define PP_TURN_H

#include "pp_depot.h"
#include "pp_queue.h"

/* Waiters woken after one turn; if there are more, another turn follows. */
#define PP_TURN_KICKS 16

struct pp_turn {
	uint32_t id;
	uint32_t *kicks[PP_TURN_KICKS];
	unsigned kicked;
};

void pp_turn_begin(struct pp_store *store, struct pp_turn *turn, uint32_t id);
void pp_turn_end(struct pp_store *store, struct pp_turn *turn);

/* In a turn: what reserve and pile have and have promised to nobody. */
uint32_t pp_turn_reserve(const struct pp_store *store);
uint32_t pp_turn_pile(const struct pp_store *store);

#endif
