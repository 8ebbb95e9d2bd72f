/* SPDX-License-Identifier: BSD-3-Clause */
/* Owner: refilling and spilling a cache, the slow path of both calls. */
#include "pp_owner.h"

#include <limits.h>
#include <string.h>

#define COUNT(owner, counter, n)                                                      \
	__atomic_store_n(&(owner)->counters.counter, (owner)->counters.counter + (n), \
			 __ATOMIC_RELAXED)

static int32_t owner_s(const struct pp_owner *owner)
{
	return __atomic_load_n(&owner->line.s, __ATOMIC_RELAXED);
}

/* Contents first, then one store: whoever finds the owner dead finds either all or nothing. */
static void owner_commit(struct pp_owner *owner, int32_t s)
{
	__atomic_store_n(&owner->line.s, s, __ATOMIC_RELEASE); /* T2 */
}

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

static bool owner_closed(const struct pp_store *store, const struct pp_owner *owner)
{
	/* G2: pairs with G1 in pp_pool_shrink(), and with a taker's lock K1. */
	return (owner->line.mode & PP_MODE_CLOSED) ||
	       atomic_load_explicit(&store->shared->pressure, memory_order_acquire) ||
	       pp_lock_held(&store->shared->taking);
}

/* Only here do limits open again, with `s` reloaded and the lock held: an owner
 * stopped between loading `s` and storing `want` looks idle to a taker. */
static void owner_open(const struct pp_store *store, struct pp_owner *owner)
{
	int32_t start = pp_owner_start(store, owner);
	int32_t end = start + (int32_t)store->blocks.size;

	if (owner_closed(store, owner)) {
		pp_owner_close(owner);
		return;
	}
	if (owner->line.mode)
		owner_limit(owner, INT_MAX, -1, start, end);
	else
		owner_limit(owner, start, end, INT_MAX, -1);
}

static void owner_enter(struct pp_store *store, struct pp_owner *owner)
{
	owner_want(owner, PP_OWNER_PARKED);
	if (PP_UNLIKELY(pp_late_any(store)))
		pp_late_place(store, owner->line.id);
	pp_lock_take(&owner->lock, owner->line.id);
	owner_want(owner, PP_OWNER_PARKED);
}

static void owner_leave(struct pp_store *store, struct pp_owner *owner)
{
	if (owner_closed(store, owner))
		pp_owner_spill(store, owner, owner->line.id);
	/* What closes it just now finds what has just been put here. */
	owner->quiet = false;
	owner_open(store, owner);
	owner_want(owner, owner_s(owner));
	pp_lock_release(&owner->lock);
}

/* A block that holds nothing becomes one of the owner's empties. */
static void empties_give(struct pp_store *store, struct pp_owner *owner, uint32_t block)
{
	uint32_t max = pp_owner_empties_max(store->blocks.size), half = max / 2;
	uint32_t *list = owner->empties;

	if (owner->empty == max) {
		/* The older half, as one chain: one exchange for all of it. */
		for (uint32_t i = 0; i + 1 < half; i++)
			atomic_store_explicit(&store->blocks.links[list[i]],
					      pp_ticket(list[i + 1], 0), memory_order_relaxed);
		pp_stack_push_chain(store->blocks.empties, &store->blocks, pp_ticket(list[0], 0),
				    pp_ticket(list[half - 1], 0));
		memmove(list, list + half, (max - half) * sizeof(*list));
		owner->empty = max - half;
	}
	list[owner->empty++] = block;
}

/* There always is one: see blocks_needed() in pp_pool.c. */
static uint32_t empties_get(struct pp_store *store, struct pp_owner *owner)
{
	uint32_t half = pp_owner_empties_max(store->blocks.size) / 2;

	if (!owner->empty) {
		owner->empty = pp_stack_pop_some(store->blocks.empties, &store->blocks,
						 owner->empties, half);
		for (uint32_t i = 0; i < owner->empty; i++)
			owner->empties[i] = pp_ticket_block(owner->empties[i]);
	}
	return owner->empties[--owner->empty];
}

static void owner_note(struct pp_owner *owner, enum pp_journal_kind kind, uint64_t word)
{
	atomic_store_explicit(&owner->journal_word, word, memory_order_relaxed);
	atomic_store_explicit(&owner->journal, kind, memory_order_release);
}

/* The current block is empty: go on with another. */
static void owner_switch(struct pp_store *store, struct pp_owner *owner, uint32_t ticket)
{
	empties_give(store, owner, owner->block);
	owner->block = pp_ticket_block(ticket);
	owner_commit(owner, pp_owner_start(store, owner) + (int32_t)pp_ticket_count(ticket));
	owner_note(owner, PP_JOURNAL_NONE, 0);
}

/* It was another CPU's until now, and all of it is about to be read from its end. */
static void block_prefetch(const struct pp_store *store, uint32_t ticket)
{
	const uint32_t *slots = pp_block_slots(&store->blocks, pp_ticket_block(ticket));

	for (uint32_t n = pp_ticket_count(ticket); n > 0; n -= n < 16 ? n : 16)
		__builtin_prefetch(slots + n - 1);
}

static uint32_t owner_steal(struct pp_store *store, struct pp_owner *owner, uint32_t depot)
{
	uint32_t end = atomic_load_explicit(&store->shared->owners_end, memory_order_acquire);

	for (uint32_t i = 0, v = owner->victim; i < end; i++, v++) {
		struct pp_deque deque;
		uint32_t ticket;

		if (v >= end)
			v = 0;
		if (v == owner->line.id || store->owners[v].depot != depot)
			continue;
		deque = pp_owner_deque(store, &store->owners[v]);
		owner_note(owner, PP_JOURNAL_STEAL, v);
		ticket = pp_deque_steal(&deque);
		if (ticket == PP_TICKET_NONE)
			continue;
		owner->victim = v;
		COUNT(owner, steal, 1);
		block_prefetch(store, ticket);
		return ticket;
	}
	return PP_TICKET_NONE;
}

/* One node's share of the ladder: other owners' deques, the depot, its loose ones, fresh ones. */
static bool owner_refill_node(struct pp_store *store, struct pp_owner *owner, uint32_t d)
{
	uint32_t *slots = pp_block_slots(&store->blocks, owner->block);
	uint32_t ticket = owner_steal(store, owner, d), n;

	if (ticket == PP_TICKET_NONE) {
		owner_note(owner, PP_JOURNAL_DEPOT, d);
		ticket = pp_depot_pop(store, d);
		if (ticket != PP_TICKET_NONE)
			COUNT(owner, depot, 1);
	}
	if (ticket != PP_TICKET_NONE) {
		pp_owner_flow(&owner->drawn, pp_ticket_count(ticket));
		owner_switch(store, owner, ticket);
		return true;
	}
	n = pp_depot_get(store, d, owner->line.id, slots, store->blocks.size);
	if (n)
		COUNT(owner, long_way, n);
	else {
		n = pp_depot_carve(store, d, slots, store->blocks.size);
		COUNT(owner, carve, n);
	}
	pp_owner_flow(&owner->drawn, n);
	owner_commit(owner, pp_owner_start(store, owner) + (int32_t)n);
	owner_note(owner, PP_JOURNAL_NONE, 0);
	return n;
}

/* Under pressure no more is taken than is asked: the rest would only go back. */
static bool owner_refill_closed(struct pp_store *store, struct pp_owner *owner, uint32_t d,
				uint32_t n)
{
	uint32_t *slots = pp_block_slots(&store->blocks, owner->block);
	uint32_t size = store->blocks.size;

	n = pp_depot_get(store, d, owner->line.id, slots, n < size ? n : size);
	if (!n)
		return owner_refill_node(store, owner, d);
	COUNT(owner, long_way, n);
	pp_owner_flow(&owner->drawn, n);
	owner_commit(owner, pp_owner_start(store, owner) + (int32_t)n);
	return true;
}

/* More into the empty current block, from the nearest place that has any. */
static bool owner_refill(struct pp_store *store, struct pp_owner *owner, uint32_t n)
{
	struct pp_deque deque = pp_owner_deque(store, owner);
	bool closed = owner_closed(store, owner);
	uint32_t nodes = store->shared->facts.nodes;
	uint32_t ticket = owner->stash;

	if (ticket != PP_TICKET_NONE) {
		owner->stash = PP_TICKET_NONE;
		owner_switch(store, owner, ticket);
		return true;
	}
	ticket = pp_deque_pop(&deque);
	if (ticket != PP_TICKET_NONE) {
		COUNT(owner, refill, 1);
		pp_owner_flow(&owner->drawn, pp_ticket_count(ticket));
		owner_switch(store, owner, ticket);
		return true;
	}
	for (uint32_t i = 0; i < nodes; i++) {
		uint32_t d = (owner->depot + i) % nodes;

		if (closed ? owner_refill_closed(store, owner, d, n)
			   : owner_refill_node(store, owner, d)) {
			if (i)
				COUNT(owner, borrowed, 1);
			return true;
		}
	}
	return false;
}

/* A full block leaves the owner's hands. */
static void owner_publish(struct pp_store *store, struct pp_owner *owner, uint32_t ticket)
{
	struct pp_deque deque = pp_owner_deque(store, owner);
	uint32_t block = pp_ticket_block(ticket), n = pp_ticket_count(ticket);
	const uint32_t *slots = pp_block_slots(&store->blocks, block);

	owner_note(owner, PP_JOURNAL_SPILL, ticket);
	pp_owner_flow(&owner->given, n);
	if (store->shared->facts.nodes > 1) {
		for (uint32_t i = 0; i < n; i++)
			if (pp_store_home(store, slots[i]) != owner->depot) {
				COUNT(owner, remote,
				      pp_home_put(store, owner->depot, owner->line.id, slots, n));
				empties_give(store, owner, block);
				return;
			}
	}
	if (pp_deque_push(&deque, ticket))
		COUNT(owner, spill, 1);
	else {
		pp_depot_push(store, owner->depot, ticket);
		COUNT(owner, overflow, 1);
	}
}

/* Room for more: the current block is stashed, what was in the stash published. */
static void owner_make_room(struct pp_store *store, struct pp_owner *owner)
{
	int32_t start = pp_owner_start(store, owner);
	uint32_t full = pp_ticket(owner->block, (uint32_t)(owner_s(owner) - start));
	uint32_t older = owner->stash;

	owner->stash = full;
	owner->block = empties_get(store, owner);
	owner_commit(owner, pp_owner_start(store, owner));
	if (older != PP_TICKET_NONE)
		owner_publish(store, owner, older);
	owner_note(owner, PP_JOURNAL_NONE, 0);
}

uint32_t pp_owner_spill(struct pp_store *store, struct pp_owner *owner, uint32_t id)
{
	int32_t start = pp_owner_start(store, owner);
	uint32_t n = (uint32_t)(owner_s(owner) - start), all = n;
	uint32_t ticket = owner->stash;

	if (ticket != PP_TICKET_NONE) {
		const uint32_t *slots = pp_block_slots(&store->blocks, pp_ticket_block(ticket));

		all += pp_ticket_count(ticket);
		owner->stash = PP_TICKET_NONE;
		pp_home_put(store, owner->depot, id, slots, pp_ticket_count(ticket));
		empties_give(store, owner, pp_ticket_block(ticket));
	}
	if (n)
		pp_home_put(store, owner->depot, id, store->blocks.slots + start, n);
	owner_commit(owner, start);
	pp_owner_flow(&owner->given, all);
	return all;
}

static void owner_put(struct pp_store *store, struct pp_owner *owner, void *const *bufs, uint32_t n)
{
	int32_t size = (int32_t)store->blocks.size;

	while (n) {
		int32_t s = owner_s(owner);
		uint32_t room = (uint32_t)(pp_owner_start(store, owner) + size - s);
		uint32_t k = n < room ? n : room;

		/* A put that does not fit a nearly full block goes whole into the
		 * next one: no thrashing at a block's edge. */
		if (k < n && room <= (uint32_t)size / 8) {
			if (owner_closed(store, owner))
				pp_owner_spill(store, owner, owner->line.id);
			else
				owner_make_room(store, owner);
			continue;
		}
		pp_store_in(store, store->blocks.slots + s, bufs, k);
		owner_commit(owner, s + (int32_t)k);
		bufs += k;
		n -= k;
	}
}

uint32_t pp_owner_get_slow(struct pp_store *store, struct pp_owner *owner, void **bufs, uint32_t n,
			   bool burst)
{
	uint32_t got = 0;

	owner_enter(store, owner);
	COUNT(owner, slow, 1);
	/* Whoever needs what lies in the depots more gets it first. */
	if (PP_UNLIKELY(pp_home_pressed(store)))
		pp_home_feed(store, owner->line.id);
	while (got < n) {
		int32_t s = owner_s(owner);
		uint32_t have = (uint32_t)(s - pp_owner_start(store, owner));
		uint32_t k = n - got < have ? n - got : have;

		if (!have) {
			if (!owner_refill(store, owner, n - got))
				break;
			continue;
		}
		s -= (int32_t)k;
		pp_store_out(store, store->blocks.slots + s, bufs + got, k);
		owner_commit(owner, s);
		got += k;
	}
	if (got < n) {
		COUNT(owner, empty, 1);
		if (!burst) {
			owner_put(store, owner, bufs, got);
			got = 0;
		}
	}
	owner_leave(store, owner);
	return got;
}

void pp_owner_put_slow(struct pp_store *store, struct pp_owner *owner, void *const *bufs,
		       uint32_t n)
{
	owner_enter(store, owner);
	COUNT(owner, slow_free, 1);
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
	owner_commit(owner, pp_owner_start(store, owner));
	owner_want(owner, owner_s(owner));
	pp_owner_close(owner);
	pp_deque_init(&owner->deque);
}
