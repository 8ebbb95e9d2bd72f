/* SPDX-License-Identifier: BSD-3-Clause */
/* Home: where a freed buffer goes, and what the reserve and those who wait get. */
#ifndef PP_HOME_H
#define PP_HOME_H

#include "pp_depot.h"
#include "pp_queue.h"

/*
 * While a buffer of the reserve is out, the reserve is below its floor or
 * somebody waits, the pool is pressed: all caches' limits are closed
 * (pp_pressure.h), so that every buffer that is freed comes this way. It goes,
 * in this order, to the reserve if that is below its floor (and its mark is
 * taken off), to the pile of those who wait, to the depot of its node.
 *
 * What is placed is placed under the home lock, which stands between the
 * owners' locks and the depots'.
 */

/* What pp_depot_put() is while nothing presses, and the order above while it does. */
uint32_t pp_home_put(struct pp_store *store, uint32_t d, uint32_t id, const uint32_t *offsets,
		     uint32_t n);

/* Moves what lies in depots, or is fresh, to where it is needed more; serves who waits. */
void pp_home_feed(struct pp_store *store, uint32_t id);

/* Promises all n from the reserve to `share`, or none: false. The pool is pressed by the caller. */
bool pp_home_promise(struct pp_store *store, uint32_t id, uint32_t n, struct pp_waiter *share);

/* What goes beyond the floor goes to the depots. */
void pp_home_floor(struct pp_store *store, uint32_t id, uint32_t floor);

/* Shows reserve and pile to who shrinks, unless somebody is about to claim from them. */
void pp_home_sift(struct pp_store *store, uint32_t id, pp_sift_fn fn, void *arg);

/* Whether there is a reason to stay pressed; ends it if there is none. */
bool pp_home_needs(const struct pp_store *store);
void pp_home_relax(struct pp_store *store, uint32_t id);

static inline bool pp_home_pressed(const struct pp_store *store)
{
	/* H2: pairs with H1 in pp_pressure_begin(). */
	return atomic_load_explicit(&store->shared->pressing, memory_order_acquire);
}

/* A mark moves from one buffer in flight to another: false unless only `from` has one. */
bool pp_home_pass(struct pp_store *store, uint32_t from, uint32_t to);

/* In line: granted at once if the pile has it. NULL: the table is full. With a seat (or NULL) as
 * many fewer as that says. */
struct pp_waiter *pp_home_join(struct pp_store *store, uint32_t id, uint32_t n, bool critical,
			       uint64_t deadline, struct pp_seat *seat);
/* So many fewer, for who has or will have the seat: whether that had somebody served. */
bool pp_home_lessen(struct pp_store *store, struct pp_seat *seat, uint32_t fewer);
/* Nobody finds the waiter by its seat any more. */
void pp_home_unseat(struct pp_store *store, uint32_t id, struct pp_seat *seat);
/* Up to `room` of what it was granted or promised; 0 when it has all. The
 * reserve's are marked, if they are for what is critical, or leased. */
uint32_t pp_home_claim(struct pp_store *store, struct pp_waiter *share, uint32_t id,
		       uint32_t *offsets, uint32_t room);
/* Out of line without, the entry another's to use. False: it has been granted meanwhile. */
bool pp_home_give_up(struct pp_store *store, struct pp_waiter *waiter, uint32_t id);
/* Those whose process has gone leave, and what they were granted goes on. Returns how many. */
uint32_t pp_home_bury(struct pp_store *store, uint32_t id);
/* Has claimed all: the entry is another's to use. */
void pp_home_done(struct pp_store *store, struct pp_waiter *waiter, uint32_t id);

#endif
