/* SPDX-License-Identifier: BSD-3-Clause */
/* Home: placing what is freed, while somebody needs it. */
#include "pp_home.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pp_turn.h"

#define CHUNK PP_CARVE
static bool offset_leaves(const struct pp_store *store, uint32_t offset)
{
	uint32_t p = pp_place_offset_page(&store->region, offset);

	return atomic_load_explicit(&store->region.pages[p].state, memory_order_acquire) ==
	       PP_PAGE_LEAVING;
}

static void mark_clear(struct pp_store *store, uint32_t offset)
{
	uint32_t index = pp_place_index(&store->region, offset);
	_Atomic uint8_t *mark = &store->marks[index];

	if (!(atomic_load_explicit(mark, memory_order_relaxed) & PP_MARK_RESERVE))
		return;
	atomic_fetch_and_explicit(mark, (uint8_t)~PP_MARK_RESERVE, memory_order_relaxed);
	atomic_fetch_sub_explicit(&store->shared->marked, 1, memory_order_relaxed);
}

/* Up to CHUNK offsets to where each is needed most; returns how many were not at home. */
static uint32_t home_place(struct pp_store *store, uint32_t d, uint32_t id, const uint32_t *offsets,
			   uint32_t n)
{
	struct pp_shared *shared = store->shared;
	uint32_t reserve[CHUNK], pile[CHUNK], rest[CHUNK], r = 0, p = 0, left = 0;
	bool leaving = atomic_load_explicit(&shared->leaving, memory_order_acquire); /* G2 */
	bool waiting = atomic_load_explicit(&shared->waiting, memory_order_relaxed);
	bool marked = atomic_load_explicit(&shared->marked, memory_order_relaxed);
	uint32_t floor = atomic_load_explicit(&shared->floor, memory_order_relaxed);
	uint32_t have = pp_turn_reserve(store);
	uint32_t lack = floor > have ? floor - have : 0;

	for (uint32_t i = 0; i < n; i++) {
		if (marked)
			mark_clear(store, offsets[i]);
		if (leaving && offset_leaves(store, offsets[i]))
			rest[left++] = offsets[i];
		else if (r < lack)
			reserve[r++] = offsets[i];
		else if (waiting)
			pile[p++] = offsets[i];
		else
			rest[left++] = offsets[i];
	}
	if (r)
		pp_depot_append(store, pp_store_reserve(store), id, reserve, r);
	if (p)
		pp_depot_append(store, pp_store_pile(store), id, pile, p);
	return left ? pp_depot_put(store, d, id, rest, left) : 0;
}

static uint32_t home_put_pressed(struct pp_store *store, uint32_t d, uint32_t id,
				 const uint32_t *offsets, uint32_t n)
{
	struct pp_turn turn;
	uint32_t remote = 0;

	pp_turn_begin(store, &turn, id);
	for (uint32_t i = 0; i < n; i += CHUNK)
		remote += home_place(store, d, id, offsets + i, n - i < CHUNK ? n - i : CHUNK);
	pp_turn_end(store, &turn);
	pp_home_relax(store, id);
	return remote;
}

uint32_t pp_home_put(struct pp_store *store, uint32_t d, uint32_t id, const uint32_t *offsets,
		     uint32_t n)
{
	uint32_t remote;

	if (pp_home_pressed(store))
		return home_put_pressed(store, d, id, offsets, n);
	remote = pp_depot_put(store, d, id, offsets, n);
	/* H4: who begins to need buffers now has either looked into the depot after
	 * this, or is seen here; pairs with H1. */
	atomic_thread_fence(memory_order_seq_cst);
	if (pp_home_pressed(store))
		pp_home_feed(store, id);
	return remote;
}

/* How many would be placed elsewhere than in a depot. */
static uint64_t home_lack(const struct pp_store *store)
{
	uint32_t floor = atomic_load_explicit(&store->shared->floor, memory_order_relaxed);
	uint32_t have = pp_turn_reserve(store), pile = pp_turn_pile(store);
	uint64_t demand = pp_queue_demand(store);

	return (floor > have ? floor - have : 0) + (demand > pile ? demand - pile : 0);
}

/* Without a lock, as it is asked again and again while a pool is empty. */
static bool depots_are_empty(const struct pp_store *store)
{
	const struct pp_shared *shared = store->shared;

	for (uint32_t d = 0; d < shared->facts.nodes; d++)
		if (pp_depot_count(store, d))
			return false;
	return atomic_load_explicit(&shared->carved, memory_order_relaxed) >=
	       atomic_load_explicit(&shared->total, memory_order_relaxed);
}

void pp_home_feed(struct pp_store *store, uint32_t id)
{
	struct pp_turn turn;
	uint32_t offsets[CHUNK];

	if (depots_are_empty(store))
		return;
	pp_turn_begin(store, &turn, id);
	for (uint32_t d = 0; d < store->shared->facts.nodes; d++) {
		uint64_t lack;

		while ((lack = home_lack(store)) != 0) {
			uint32_t n = lack < CHUNK ? (uint32_t)lack : CHUNK;
			uint32_t k = pp_depot_get(store, d, id, offsets, n);

			if (!k)
				k = pp_depot_carve(store, d, offsets, n);
			if (!k)
				break;
			home_place(store, d, id, offsets, k);
		}
	}
	pp_turn_end(store, &turn);
	/* What was lacking may have been the last reason to be pressed. */
	pp_home_relax(store, id);
}

/* Noted that the buffers may be used for what is critical only. */
static void home_mark(struct pp_store *store, const uint32_t *offsets, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		atomic_fetch_or_explicit(&store->marks[pp_place_index(&store->region, offsets[i])],
					 PP_MARK_RESERVE, memory_order_relaxed);
	atomic_fetch_add_explicit(&store->shared->marked, n, memory_order_relaxed);
}

bool pp_home_promise(struct pp_store *store, uint32_t id, uint32_t n, struct pp_waiter *share)
{
	struct pp_shared *shared = store->shared;
	bool promised;

	pp_lock_take(&shared->home, id);
	/* Who waits for what is critical was here before. */
	promised = !pp_queue_first(store, true) && pp_turn_reserve(store) >= n;
	share->from_pile = 0;
	share->from_reserve = promised ? n : 0;
	shared->promised_reserve += share->from_reserve;
	pp_lock_release(&shared->home);
	return promised;
}

void pp_home_floor(struct pp_store *store, uint32_t id, uint32_t floor)
{
	uint32_t offsets[CHUNK];
	struct pp_turn turn;

	pp_turn_begin(store, &turn, id);
	atomic_store_explicit(&store->shared->floor, floor, memory_order_relaxed);
	while (pp_turn_reserve(store) > floor) {
		uint32_t n = pp_turn_reserve(store) - floor;

		n = pp_depot_get(store, pp_store_reserve(store), id, offsets,
				 n < CHUNK ? n : CHUNK);
		home_place(store, 0, id, offsets, n);
	}
	/* What lies ready for those who wait comes after the reserve. */
	while (pp_turn_reserve(store) < floor && pp_turn_pile(store)) {
		uint32_t lack = floor - pp_turn_reserve(store), n = pp_turn_pile(store);

		n = n < lack ? n : lack;
		n = pp_depot_get(store, pp_store_pile(store), id, offsets, n < CHUNK ? n : CHUNK);
		home_place(store, 0, id, offsets, n);
	}
	pp_turn_end(store, &turn);
}

void pp_home_sift(struct pp_store *store, uint32_t id, pp_sift_fn fn, void *arg)
{
	pp_lock_take(&store->shared->home, id);
	if (!store->shared->promised_reserve)
		pp_depot_sift(store, pp_store_reserve(store), id, fn, arg);
	if (!store->shared->promised_pile)
		pp_depot_sift(store, pp_store_pile(store), id, fn, arg);
	pp_lock_release(&store->shared->home);
	/* What was taken out of the reserve is lacking now. */
	pp_home_feed(store, id);
}

bool pp_home_needs(const struct pp_store *store)
{
	struct pp_shared *shared = store->shared;

	return atomic_load_explicit(&shared->urgent, memory_order_seq_cst) ||
	       atomic_load_explicit(&shared->marked, memory_order_relaxed) ||
	       pp_depot_count(store, pp_store_reserve(store)) <
		       atomic_load_explicit(&shared->floor, memory_order_relaxed);
}

/* Who ends the last reason while another one holds the gate relies on that one
 * to look again; of the two at least one sees the other (H4). */
void pp_home_relax(struct pp_store *store, uint32_t id)
{
	struct pp_shared *shared = store->shared;

	for (;;) {
		atomic_thread_fence(memory_order_seq_cst);
		if (!pp_home_pressed(store) || pp_home_needs(store) ||
		    !pp_lock_try(&shared->gate, id))
			return;
		if (pp_home_pressed(store) && !pp_home_needs(store)) {
			atomic_store_explicit(&shared->pressing, 0, memory_order_release);
			atomic_fetch_sub_explicit(&shared->pressure, 1, memory_order_release);
		}
		pp_lock_release(&shared->gate);
	}
}

bool pp_home_pass(struct pp_store *store, uint32_t from, uint32_t to)
{
	bool passed = false;

	pp_lock_take(&store->shared->home, PP_NOBODY);
	if (from != to && (atomic_load(&store->marks[from]) & PP_MARK_RESERVE) &&
	    !(atomic_load(&store->marks[to]) & PP_MARK_RESERVE)) {
		atomic_fetch_and(&store->marks[from], (uint8_t)~PP_MARK_RESERVE);
		atomic_fetch_or(&store->marks[to], PP_MARK_RESERVE);
		passed = true;
	}
	pp_lock_release(&store->shared->home);
	return passed;
}

/* Never none: who needs none any more is called back by whoever knows that. */
static uint32_t fewer_of(uint32_t n, uint32_t fewer)
{
	return n > fewer ? n - fewer : 1;
}

struct pp_waiter *pp_home_join(struct pp_store *store, uint32_t id, uint32_t n, bool critical,
			       uint64_t deadline, struct pp_seat *seat)
{
	struct pp_waiter *waiter;
	struct pp_turn turn;

	pp_turn_begin(store, &turn, id);
	if (seat)
		n = fewer_of(n, seat->fewer);
	waiter = pp_queue_join(store, n, critical, deadline);
	if (seat)
		seat->waiter = waiter;
	pp_turn_end(store, &turn);
	return waiter;
}

bool pp_home_lessen(struct pp_store *store, struct pp_seat *seat, uint32_t fewer)
{
	struct pp_waiter *waiter;
	struct pp_turn turn;

	pp_turn_begin(store, &turn, PP_NOBODY);
	waiter = seat->waiter;
	seat->fewer += fewer;
	if (waiter && atomic_load_explicit(&waiter->state, memory_order_relaxed) == PP_WAITER_WAITS)
		__atomic_store_n(&waiter->n, fewer_of(waiter->n, fewer), __ATOMIC_RELAXED);
	pp_turn_end(store, &turn);
	/* Nobody else could be served before this one. */
	return turn.kicked;
}

void pp_home_unseat(struct pp_store *store, uint32_t id, struct pp_seat *seat)
{
	pp_lock_take(&store->shared->home, id);
	seat->waiter = NULL;
	pp_lock_release(&store->shared->home);
}

static uint32_t claim_from(struct pp_store *store, uint32_t d, uint32_t id, uint32_t *share,
			   uint32_t *promised, uint32_t *offsets, uint32_t room)
{
	uint32_t n = pp_depot_get(store, d, id, offsets, *share < room ? *share : room);

	*share -= n;
	*promised -= n;
	return n;
}

uint32_t pp_home_claim(struct pp_store *store, struct pp_waiter *share, uint32_t id,
		       uint32_t *offsets, uint32_t room)
{
	struct pp_shared *shared = store->shared;
	uint32_t n, k;

	pp_lock_take(&shared->home, id);
	n = claim_from(store, pp_store_pile(store), id, &share->from_pile, &shared->promised_pile,
		       offsets, room);
	k = claim_from(store, pp_store_reserve(store), id, &share->from_reserve,
		       &shared->promised_reserve, offsets + n, room - n);
	if (share->critical)
		home_mark(store, offsets + n, k);
	else
		atomic_fetch_add_explicit(&shared->leased, k, memory_order_relaxed);
	pp_lock_release(&shared->home);
	return n + k;
}

bool pp_home_give_up(struct pp_store *store, struct pp_waiter *waiter, uint32_t id)
{
	struct pp_turn turn;
	uint32_t state;

	pp_turn_begin(store, &turn, id);
	state = atomic_load_explicit(&waiter->state, memory_order_relaxed);
	if (state == PP_WAITER_WAITS)
		pp_queue_leave(store, waiter);
	if (state != PP_WAITER_GRANTED)
		pp_queue_done(store, waiter);
	pp_turn_end(store, &turn);
	return state != PP_WAITER_GRANTED;
}

void pp_home_done(struct pp_store *store, struct pp_waiter *waiter, uint32_t id)
{
	pp_lock_take(&store->shared->home, id);
	pp_queue_done(store, waiter);
	pp_lock_release(&store->shared->home);
}

/* Gone, or a zombie that its parent has not looked after. */
static bool process_died(int32_t pid)
{
	char path[32], text[256] = "";
	const char *state;
	FILE *stat;

	if (kill(pid, 0))
		return errno == ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	stat = fopen(path, "re");
	if (!stat)
		return false;
	if (!fgets(text, sizeof(text), stat))
		text[0] = 0;
	fclose(stat);
	/* After the name, which may have anything in it. */
	state = strrchr(text, ')');
	return state && (state[2] == 'Z' || state[2] == 'X');
}

/* A process of another PID namespace is not known here by its number. */
static bool waiter_died(const struct pp_waiter *waiter, uint64_t space)
{
	return atomic_load_explicit(&waiter->state, memory_order_relaxed) != PP_WAITER_UNUSED &&
	       space && waiter->space == space && waiter->pid != getpid() &&
	       process_died(waiter->pid);
}

uint32_t pp_home_bury(struct pp_store *store, uint32_t id)
{
	struct pp_shared *shared = store->shared;
	uint64_t space = pp_queue_space();
	struct pp_turn turn;
	uint32_t dead = 0;

	pp_turn_begin(store, &turn, id);
	for (uint32_t i = 0; i < PP_WAITERS_MAX; i++) {
		struct pp_waiter *waiter = &store->waiters[i];

		if (!waiter_died(waiter, space))
			continue;
		if (atomic_load_explicit(&waiter->state, memory_order_relaxed) == PP_WAITER_WAITS)
			pp_queue_leave(store, waiter);
		shared->promised_pile -= waiter->from_pile;
		shared->promised_reserve -= waiter->from_reserve;
		pp_queue_done(store, waiter);
		dead++;
	}
	pp_turn_end(store, &turn);
	return dead;
}
