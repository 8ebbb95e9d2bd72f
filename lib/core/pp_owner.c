/* SPDX-License-Identifier: BSD-3-Clause */
/* Owner: the slow path of both calls, and spilling. */
#include "pp_owner.h"

#include <limits.h>

#include "pp_empties.h"
#include "pp_refill.h"

static void owner_want(struct pp_owner *owner, int32_t want)
{
#ifdef PP_TSAN
	__atomic_exchange_n(&owner->line.want, want, __ATOMIC_SEQ_CST);
#else
	__atomic_store_n(&owner->line.want, want, __ATOMIC_RELEASE);
#endif
}

/* Relaxed: an owner opens its own limits, and who closes another's passes T3. */
#ifdef PP_TSAN
#define LIMIT_ORDER __ATOMIC_SEQ_CST
#else
#define LIMIT_ORDER __ATOMIC_RELAXED
#endif

static void owner_limit(struct pp_owner *owner, int32_t lo, int32_t hi, int32_t far_lo,
			int32_t far_hi)
{
	__atomic_store_n(&owner->line.lo, lo, LIMIT_ORDER);
	__atomic_store_n(&owner->line.hi, hi, LIMIT_ORDER);
	__atomic_store_n(&owner->line.far_lo, far_lo, LIMIT_ORDER);
	__atomic_store_n(&owner->line.far_hi, far_hi, LIMIT_ORDER);
}

void pp_owner_close(struct pp_owner *owner)
{
	owner_limit(owner, INT_MAX, -1, INT_MAX, -1);
}

/* Only here do limits open again, with `s` reloaded and the lock held: an owner
 * stopped between loading `s` and storing `want` looks idle to a taker. */
static void owner_open(const struct pp_store *store, struct pp_owner *owner)
{
	int32_t start = pp_owner_start(store, owner);
	int32_t end = start + (int32_t)store->blocks.size;

	if (pp_owner_closed(store, owner)) {
		pp_owner_close(owner);
		return;
	}
	if (owner->line.mode)
		owner_limit(owner, INT_MAX, -1, start, end);
	else
		owner_limit(owner, start, end, INT_MAX, -1);
}

/* Its thread may have moved to another node: then the buffers it has are strangers there. */
static void owner_follow(struct pp_store *store, struct pp_owner *owner)
{
	struct pp_deque deque = pp_owner_deque(store, owner);
	uint32_t here = pp_store_here(store), ticket;

	if (here == owner->depot)
		return;
	pp_owner_spill(store, owner, owner->line.id);
	while ((ticket = pp_deque_pop(&deque)) != PP_TICKET_NONE)
		pp_depot_push(store, owner->depot, ticket);
	owner->depot = here;
}

static void owner_enter(struct pp_store *store, struct pp_owner *owner)
{
	owner_want(owner, PP_OWNER_PARKED);
	if (PP_UNLIKELY(pp_late_any(store)))
		pp_late_place(store, owner->line.id);
	pp_lock_take(&owner->lock, owner->line.id);
	owner_want(owner, PP_OWNER_PARKED);
	if (store->shared->facts.nodes > 1)
		owner_follow(store, owner);
}

static void owner_leave(struct pp_store *store, struct pp_owner *owner)
{
	if (pp_owner_closed(store, owner))
		pp_owner_spill(store, owner, owner->line.id);
	/* What closes it just now finds what has just been put here. */
	owner->quiet = false;
	owner_open(store, owner);
	owner_want(owner, pp_owner_s(owner));
	pp_lock_release(&owner->lock);
}

/* Whose buffers are all of these: a depot, or PP_NODES_MAX where they are mixed. */
static uint32_t offsets_home(const struct pp_store *store, const uint32_t *offsets, uint32_t n)
{
	uint32_t home = pp_store_home(store, offsets[0]);

	for (uint32_t i = 1; i < n; i++)
		if (pp_store_home(store, offsets[i]) != home)
			return PP_NODES_MAX;
	return home;
}

/* With several nodes, a full block that does not belong to the owner's goes home. */
static bool owner_send_home(struct pp_store *store, struct pp_owner *owner, uint32_t ticket)
{
	uint32_t block = pp_ticket_block(ticket), n = pp_ticket_count(ticket);
	const uint32_t *slots = pp_block_slots(&store->blocks, block);
	uint32_t home = offsets_home(store, slots, n);

	if (home == owner->depot)
		return false;
	if (home != PP_NODES_MAX) {
		/* All from one node, as where packets are freed by who did not receive
		 * them: the block changes hands as it is. */
		pp_depot_push(store, home, ticket);
		PP_OWNER_COUNT(owner, remote, n);
		return true;
	}
	PP_OWNER_COUNT(owner, remote, pp_home_put(store, owner->depot, owner->line.id, slots, n));
	pp_empties_give(store, owner, block);
	return true;
}

/* A full block leaves the owner's hands. */
static void owner_publish(struct pp_store *store, struct pp_owner *owner, uint32_t ticket)
{
	struct pp_deque deque = pp_owner_deque(store, owner);

	pp_owner_note(owner, PP_JOURNAL_SPILL, ticket);
	pp_owner_flow(&owner->given, pp_ticket_count(ticket));
	if (store->shared->facts.nodes > 1 && owner_send_home(store, owner, ticket))
		return;
	if (pp_deque_push(&deque, ticket))
		PP_OWNER_COUNT(owner, spill, 1);
	else {
		pp_depot_push(store, owner->depot, ticket);
		PP_OWNER_COUNT(owner, overflow, 1);
	}
}

/* Room for more: the current block is stashed, what was in the stash published. */
static void owner_make_room(struct pp_store *store, struct pp_owner *owner)
{
	int32_t start = pp_owner_start(store, owner);
	uint32_t full = pp_ticket(owner->block, (uint32_t)(pp_owner_s(owner) - start));
	uint32_t older = owner->stash;

	owner->stash = full;
	owner->block = pp_empties_get(store, owner);
	pp_owner_commit(owner, pp_owner_start(store, owner));
	if (older != PP_TICKET_NONE)
		owner_publish(store, owner, older);
	pp_owner_note(owner, PP_JOURNAL_NONE, 0);
}

uint32_t pp_owner_spill(struct pp_store *store, struct pp_owner *owner, uint32_t id)
{
	int32_t start = pp_owner_start(store, owner);
	uint32_t n = (uint32_t)(pp_owner_s(owner) - start), all = n, remote = 0;
	uint32_t ticket = owner->stash;

	if (ticket != PP_TICKET_NONE) {
		const uint32_t *slots = pp_block_slots(&store->blocks, pp_ticket_block(ticket));

		all += pp_ticket_count(ticket);
		owner->stash = PP_TICKET_NONE;
		remote = pp_home_put(store, owner->depot, id, slots, pp_ticket_count(ticket));
		pp_empties_give(store, owner, pp_ticket_block(ticket));
	}
	if (n)
		remote += pp_home_put(store, owner->depot, id, store->blocks.slots + start, n);
	pp_owner_commit(owner, start);
	pp_owner_flow(&owner->given, all);
	/* Its counters are for the owner alone to write. */
	if (remote && id == owner->line.id)
		PP_OWNER_COUNT(owner, remote, remote);
	return all;
}

static void owner_put(struct pp_store *store, struct pp_owner *owner, void *const *bufs, uint32_t n)
{
	int32_t size = (int32_t)store->blocks.size;

	while (n) {
		int32_t s = pp_owner_s(owner);
		uint32_t room = (uint32_t)(pp_owner_start(store, owner) + size - s);
		uint32_t k = n < room ? n : room;

		/* A put that does not fit a nearly full block goes whole into the
		 * next one: no thrashing at a block's edge. */
		if (k < n && room <= (uint32_t)size / 8) {
			if (pp_owner_closed(store, owner))
				pp_owner_spill(store, owner, owner->line.id);
			else
				owner_make_room(store, owner);
			continue;
		}
		pp_store_in(store, store->blocks.slots + s, bufs, k);
		pp_owner_commit(owner, s + (int32_t)k);
		bufs += k;
		n -= k;
	}
}

/* Up to n, as far as the rungs have them. */
static inline __attribute__((always_inline)) uint32_t
owner_get(struct pp_store *store, struct pp_owner *owner, void **bufs, uint32_t n, bool remote)
{
	uint32_t got = 0;

	while (got < n) {
		int32_t s = pp_owner_s(owner);
		uint32_t have = (uint32_t)(s - pp_owner_start(store, owner));
		uint32_t k = n - got < have ? n - got : have;

		if (!have) {
			if (!pp_refill(store, owner, n - got, remote))
				break;
			continue;
		}
		s -= (int32_t)k;
		pp_store_out(store, store->blocks.slots + s, bufs + got, k);
		pp_owner_commit(owner, s);
		got += k;
	}
	return got;
}

/* What it has to itself is enough: nobody can be quicker. */
static bool owner_certain(struct pp_store *store, struct pp_owner *owner, uint32_t n)
{
	uint32_t have = (uint32_t)(pp_owner_s(owner) - pp_owner_start(store, owner));

	return have >= n ||
	       (pp_refill_stash(store, owner) && have + pp_ticket_count(owner->stash) >= n);
}

/* All n, or none by way of an array that bufs is not touched for in vain. A frame of its own:
 * of 8 KiB. */
static __attribute__((noinline)) uint32_t
owner_get_kept(struct pp_store *store, struct pp_owner *owner, void **bufs, uint32_t n, bool remote)
{
	void *some[PP_KEPT], **to = n <= PP_KEPT ? some : bufs;
	uint32_t got = owner_get(store, owner, to, n, remote);

	if (got < n) {
		owner_put(store, owner, to, got);
		return 0;
	}
	if (to != bufs)
		memcpy(bufs, to, n * sizeof(*bufs));
	return n;
}

uint32_t pp_owner_get_slow(struct pp_store *store, struct pp_owner *owner, void **bufs, uint32_t n,
			   unsigned flags)
{
	/* Who would else wait, or draw on the reserve, is better off with a far buffer. */
	bool remote = flags & (PP_REMOTE | PP_CRITICAL | PP_WAIT);
	uint32_t got;

	owner_enter(store, owner);
	PP_OWNER_COUNT(owner, slow, 1);
	/* Whoever needs what lies in the depots more gets it first. */
	if (PP_UNLIKELY(pp_home_pressed(store)))
		pp_home_feed(store, owner->line.id);
	if (flags & PP_BURST_ || owner_certain(store, owner, n))
		got = owner_get(store, owner, bufs, n, remote);
	else
		got = owner_get_kept(store, owner, bufs, n, remote);
	if (got < n)
		PP_OWNER_COUNT(owner, empty, 1);
	owner_leave(store, owner);
	return got;
}

void pp_owner_put_slow(struct pp_store *store, struct pp_owner *owner, void *const *bufs,
		       uint32_t n)
{
	owner_enter(store, owner);
	PP_OWNER_COUNT(owner, slow_free, 1);
	owner_put(store, owner, bufs, n);
	owner_leave(store, owner);
}

void pp_owner_init(struct pp_store *store, uint32_t id)
{
	struct pp_owner *owner = &store->owners[id];

	owner->line.slots = store->blocks.slots;
	owner->line.base = store->region.base;
	owner->line.mode = store->shared->facts.mode;
	owner->line.id = id;
	owner->line.foreign = store->region.tracts ? (uintptr_t)store->region.control : 0;
	owner->stash = PP_TICKET_NONE;
	owner->block = pp_ticket_block(pp_stack_pop(store->blocks.empties, &store->blocks));
	pp_owner_commit(owner, pp_owner_start(store, owner));
	owner_want(owner, pp_owner_s(owner));
	pp_owner_close(owner);
	pp_deque_init(&owner->deque);
}
