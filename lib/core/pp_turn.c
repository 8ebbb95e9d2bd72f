/* SPDX-License-Identifier: BSD-3-Clause */
/* Turn: one turn with the home lock: who can be served at its end is, and woken after it. */
#include "pp_turn.h"

#define CHUNK PP_CARVE

void pp_turn_begin(struct pp_store *store, struct pp_turn *turn, uint32_t id)
{
	turn->id = id;
	turn->kicked = 0;
	pp_lock_take(&store->shared->home, id);
}

uint32_t pp_turn_reserve(const struct pp_store *store)
{
	return pp_depot_count(store, pp_store_reserve(store)) - store->shared->promised_reserve;
}

uint32_t pp_turn_pile(const struct pp_store *store)
{
	return pp_depot_count(store, pp_store_pile(store)) - store->shared->promised_pile;
}

/* True if the first in line can be, and has been, served. */
static bool turn_serve(struct pp_store *store, struct pp_waiter *waiter)
{
	struct pp_shared *shared = store->shared;
	uint32_t pile = pp_turn_pile(store), more;

	if (pile > waiter->n)
		pile = waiter->n;
	more = waiter->n - pile;
	/* The whole remainder at once, or nothing. */
	if (more && (!waiter->critical || pp_turn_reserve(store) < more))
		return false;
	waiter->from_pile = pile;
	waiter->from_reserve = more;
	shared->promised_pile += pile;
	shared->promised_reserve += more;
	pp_queue_leave(store, waiter);
	atomic_store_explicit(&waiter->state, PP_WAITER_GRANTED, memory_order_release); /* H3 */
	return true;
}

/* Whoever is first. One who is past his deadline, and perhaps stopped, holds up nobody. */
static struct pp_waiter *turn_first(struct pp_store *store)
{
	for (;;) {
		struct pp_waiter *first = pp_queue_first(store, true);

		if (!first)
			first = pp_queue_first(store, false);
		if (!first || first->deadline == PP_FOREVER || pp_sleep_now() < first->deadline)
			return first;
		pp_queue_leave(store, first);
		atomic_store_explicit(&first->state, PP_WAITER_EXPIRED, memory_order_relaxed);
	}
}

/* In order, and nobody before the one before him: who cannot be served holds up the rest. */
static void turn_serve_all(struct pp_store *store, struct pp_turn *turn)
{
	while (turn->kicked < PP_TURN_KICKS) {
		struct pp_waiter *first = turn_first(store);

		if (!first || !turn_serve(store, first))
			return;
		turn->kicks[turn->kicked++] = &first->kicks;
	}
}

/* With nobody in line, what is left in the pile is anybody's. */
static void turn_flush(struct pp_store *store, uint32_t id)
{
	uint32_t offsets[CHUNK], n;

	while (!atomic_load_explicit(&store->shared->waiting, memory_order_relaxed) &&
	       (n = pp_turn_pile(store)) != 0) {
		n = pp_depot_get(store, pp_store_pile(store), id, offsets, n < CHUNK ? n : CHUNK);
		pp_depot_put(store, 0, id, offsets, n);
	}
}

/* Unlocks; wakes. As long as there are more to be served, again. */
void pp_turn_end(struct pp_store *store, struct pp_turn *turn)
{
	for (;;) {
		turn_serve_all(store, turn);
		turn_flush(store, turn->id);
		pp_lock_release(&store->shared->home);
		for (unsigned i = 0; i < turn->kicked; i++)
			pp_sleep_kick(turn->kicks[i]);
		if (turn->kicked < PP_TURN_KICKS)
			return;
		pp_turn_begin(store, turn, turn->id);
	}
}
