/* SPDX-License-Identifier: BSD-3-Clause */
/* Depot: full blocks, loose offsets and carving. */
#include "pp_depot.h"

#include <string.h>

void pp_depot_init(struct pp_store *store, uint32_t d)
{
	struct pp_depot *depot = &store->depots[d];

	pp_stack_init(&depot->full[0]);
	pp_stack_init(&depot->full[1]);
	depot->block = pp_ticket_block(pp_stack_pop(store->blocks.empties, &store->blocks));
	atomic_store_explicit(&depot->loose, 0, memory_order_relaxed);
}

void pp_depot_push(struct pp_store *store, uint32_t d, uint32_t ticket)
{
	struct pp_depot *depot = &store->depots[d];
	uint32_t side = atomic_load_explicit(&depot->side, memory_order_relaxed);

	atomic_fetch_add_explicit(&depot->buffers, pp_ticket_count(ticket), memory_order_relaxed);
	pp_stack_push(&depot->full[side & 1], &store->blocks, ticket);
}

static void depot_count_off(struct pp_depot *depot, uint32_t n)
{
	atomic_fetch_sub_explicit(&depot->buffers, n, memory_order_release);
}

static uint32_t depot_pop_side(struct pp_store *store, struct pp_depot *depot, uint32_t side)
{
	uint32_t ticket = pp_stack_pop(&depot->full[side & 1], &store->blocks);

	if (ticket != PP_TICKET_NONE)
		depot_count_off(depot, pp_ticket_count(ticket));
	return ticket;
}

/* Still counted. */
static uint32_t depot_pop(struct pp_store *store, struct pp_depot *depot)
{
	uint32_t side = atomic_load_explicit(&depot->side, memory_order_relaxed);
	uint32_t ticket = pp_stack_pop(&depot->full[(side + 1) & 1], &store->blocks);

	return ticket != PP_TICKET_NONE ? ticket
					: pp_stack_pop(&depot->full[side & 1], &store->blocks);
}

uint32_t pp_depot_pop(struct pp_store *store, uint32_t d)
{
	uint32_t ticket = depot_pop(store, &store->depots[d]);

	if (ticket != PP_TICKET_NONE)
		depot_count_off(&store->depots[d], pp_ticket_count(ticket));
	return ticket;
}

/* To the loose ones; a block that fills up joins the full ones. */
static void depot_append(struct pp_store *store, uint32_t d, const uint32_t *offsets, uint32_t n)
{
	struct pp_depot *depot = &store->depots[d];
	uint32_t size = store->blocks.size;
	uint32_t loose = atomic_load_explicit(&depot->loose, memory_order_relaxed);

	while (n) {
		uint32_t k = size - loose < n ? size - loose : n;

		memcpy(pp_block_slots(&store->blocks, depot->block) + loose, offsets,
		       k * sizeof(*offsets));
		loose += k;
		offsets += k;
		n -= k;
		if (loose == size) {
			uint32_t empty = pp_stack_pop(store->blocks.empties, &store->blocks);

			/* There is one: the pool has enough for every block to be 7/8 full. */
			pp_depot_push(store, d, pp_ticket(depot->block, size));
			depot->block = pp_ticket_block(empty);
			loose = 0;
		}
	}
	atomic_store_explicit(&depot->loose, loose, memory_order_relaxed);
}

void pp_depot_append(struct pp_store *store, uint32_t d, uint32_t id, const uint32_t *offsets,
		     uint32_t n)
{
	pp_lock_take(&store->depots[d].lock, id);
	depot_append(store, d, offsets, n);
	pp_lock_release(&store->depots[d].lock);
}

uint32_t pp_depot_count(const struct pp_store *store, uint32_t d)
{
	const struct pp_depot *depot = &store->depots[d];
	int64_t full = atomic_load_explicit(&depot->buffers, memory_order_relaxed);

	/* Pushed before it is counted, so popped it may be less than none. */
	return atomic_load_explicit(&depot->loose, memory_order_relaxed) +
	       (full > 0 ? (uint32_t)full : 0);
}

/*
 * Whether the buffer is to stay out of circulation, and if so, notes that it
 * is. Its home depot's lock is held, so that who gives up shrinking, who says
 * so in the state and then passes that lock, finds all marks complete (L3).
 */
static bool depot_hold_back(struct pp_store *store, uint32_t offset)
{
	struct pp_region *region = &store->region;
	struct pp_page *page = &region->pages[pp_place_offset_page(region, offset)];

	if (atomic_load_explicit(&page->state, memory_order_acquire) != PP_PAGE_LEAVING)
		return false;
	atomic_fetch_or_explicit(&store->marks[pp_place_index(region, offset)], PP_MARK_COLLECTED,
				 memory_order_relaxed);
	/* L1: the mark is set before it is counted; pairs with L2 in page_is_back(). */
	atomic_fetch_add_explicit(&page->collected, 1, memory_order_release);
	return true;
}

/* Those of n, up to PP_CARVE, whose home is depot d. */
static void depot_put_own(struct pp_store *store, uint32_t d, uint32_t id, const uint32_t *offsets,
			  const uint8_t *homes, uint32_t n)
{
	/* G2, here too. */
	bool leaving = atomic_load_explicit(&store->shared->leaving, memory_order_acquire);
	uint32_t own[PP_CARVE], k = 0;

	pp_lock_take(&store->depots[d].lock, id);
	for (uint32_t i = 0; i < n; i++)
		if (homes[i] == d && (!leaving || !depot_hold_back(store, offsets[i])))
			own[k++] = offsets[i];
	depot_append(store, d, own, k);
	pp_lock_release(&store->depots[d].lock);
}

/* Sorted by where each belongs: only with several nodes, or while shrinking. */
static uint32_t depot_put_sorted(struct pp_store *store, uint32_t d, uint32_t id,
				 const uint32_t *offsets, uint32_t n)
{
	uint32_t remote = 0;

	for (uint32_t i = 0; i < n; i += PP_CARVE) {
		uint32_t k = n - i < PP_CARVE ? n - i : PP_CARVE, homes_seen = 0;
		uint8_t homes[PP_CARVE];

		for (uint32_t j = 0; j < k; j++) {
			homes[j] = (uint8_t)pp_store_home(store, offsets[i + j]);
			homes_seen |= 1u << homes[j];
			remote += homes[j] != d;
		}
		for (uint32_t home = 0; homes_seen >> home; home++)
			if (homes_seen >> home & 1)
				depot_put_own(store, home, id, offsets + i, homes, k);
	}
	return remote;
}

uint32_t pp_depot_put(struct pp_store *store, uint32_t d, uint32_t id, const uint32_t *offsets,
		      uint32_t n)
{
	/* G2: pairs with G1 in pp_pool_shrink(). */
	if (store->shared->facts.nodes > 1 ||
	    atomic_load_explicit(&store->shared->leaving, memory_order_acquire))
		return depot_put_sorted(store, d, id, offsets, n);
	pp_depot_append(store, d, id, offsets, n);
	return 0;
}

/* A look without the lock: an empty pool is asked often, and by all at once. */
static bool depot_is_empty(const struct pp_depot *depot)
{
	return !atomic_load_explicit(&depot->loose, memory_order_relaxed) &&
	       atomic_load_explicit(&depot->buffers, memory_order_relaxed) <= 0;
}

uint32_t pp_depot_get(struct pp_store *store, uint32_t d, uint32_t id, uint32_t *offsets,
		      uint32_t n)
{
	struct pp_depot *depot = &store->depots[d];
	uint32_t got = 0, broken = 0, loose, k, ticket;

	if (depot_is_empty(depot))
		return 0;
	pp_lock_take(&depot->lock, id);
	loose = atomic_load_explicit(&depot->loose, memory_order_relaxed);
	for (;;) {
		k = loose < n - got ? loose : n - got;
		loose -= k;
		memcpy(offsets + got, pp_block_slots(&store->blocks, depot->block) + loose,
		       k * sizeof(*offsets));
		got += k;
		if (got == n)
			break;
		ticket = depot_pop(store, depot);
		if (ticket == PP_TICKET_NONE)
			break;
		broken += pp_ticket_count(ticket);
		pp_stack_push(store->blocks.empties, &store->blocks, pp_ticket(depot->block, 0));
		depot->block = pp_ticket_block(ticket);
		loose = pp_ticket_count(ticket);
	}
	atomic_store_explicit(&depot->loose, loose, memory_order_relaxed);
	/* Only now: who looks without the lock must not find the depot empty while the
	 * rest of a block is in this hand. */
	if (broken)
		depot_count_off(depot, broken);
	pp_lock_release(&depot->lock);
	return got;
}

void pp_depot_hint(struct pp_store *store, uint32_t d, uint32_t p)
{
	_Atomic uint32_t *hint = &store->depots[d].hint;
	uint32_t old = atomic_load_explicit(hint, memory_order_relaxed);

	while (old > p &&
	       !atomic_compare_exchange_weak_explicit(hint, &old, p, memory_order_release,
						      memory_order_relaxed))
		;
}

/* On that node: what it is is settled before the hugepage is present (P1). */
static bool page_has_fresh(const struct pp_page *page, int32_t node)
{
	return atomic_load_explicit(&page->state, memory_order_acquire) == PP_PAGE_PRESENT &&
	       atomic_load_explicit(&page->node, memory_order_relaxed) == node &&
	       atomic_load_explicit(&page->carved, memory_order_relaxed) < page->count;
}

static void shared_count_carved(struct pp_shared *shared, uint32_t n)
{
	uint64_t carved = atomic_fetch_add_explicit(&shared->carved, n, memory_order_relaxed) + n;
	uint64_t high = atomic_load_explicit(&shared->high_water, memory_order_relaxed);

	while (carved > high &&
	       !atomic_compare_exchange_weak_explicit(&shared->high_water, &high, carved,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

/* From one hugepage. */
static uint32_t page_carve(struct pp_store *store, struct pp_page *page, uint32_t *offsets,
			   uint32_t n)
{
	uint32_t carved = atomic_load_explicit(&page->carved, memory_order_relaxed);
	uint32_t k;

	do {
		k = page->count - carved;
		if (!k)
			return 0;
		if (k > n)
			k = n;
		/* P2: sees what was done to the buffers before the hugepage was opened (P1). */
	} while (!atomic_compare_exchange_weak_explicit(&page->carved, &carved, carved + k,
							memory_order_acquire,
							memory_order_relaxed));
	for (uint32_t i = 0; i < k; i++)
		offsets[i] = pp_place_offset(&store->region, page->first + carved + i);
	shared_count_carved(store->shared, k);
	return k;
}

uint32_t pp_depot_carve(struct pp_store *store, uint32_t d, uint32_t *offsets, uint32_t n)
{
	struct pp_region *region = &store->region;
	struct pp_depot *depot = &store->depots[d];
	int32_t node = store->shared->facts.node[d];
	uint32_t hint = atomic_load_explicit(&depot->hint, memory_order_acquire);
	uint32_t got = 0;

	for (uint32_t p = hint; p < region->pages_max; p++) {
		struct pp_page *page = &region->pages[p];

		if (page_has_fresh(page, node))
			got = page_carve(store, page, offsets, n);
		if (got)
			return got;
		/* Skips what is carved for good, unless it came back meanwhile. */
		if (p == hint && atomic_compare_exchange_strong_explicit(&depot->hint, &hint, p + 1,
									 memory_order_acq_rel,
									 memory_order_relaxed)) {
			hint = p + 1;
			if (page_has_fresh(page, node))
				pp_depot_hint(store, d, p);
		}
	}
	return 0;
}

void pp_depot_sift(struct pp_store *store, uint32_t d, uint32_t id, pp_sift_fn fn, void *arg)
{
	struct pp_depot *depot = &store->depots[d];
	uint32_t old = atomic_fetch_add_explicit(&depot->side, 1, memory_order_relaxed);
	uint32_t ticket, n;

	/* The loose ones first: what joins them later has been seen, and a block
	 * that they fill goes to the new side. */
	pp_lock_take(&depot->lock, id);
	n = fn(store, pp_block_slots(&store->blocks, depot->block),
	       atomic_load_explicit(&depot->loose, memory_order_relaxed), arg);
	atomic_store_explicit(&depot->loose, n, memory_order_relaxed);
	pp_lock_release(&depot->lock);
	while ((ticket = depot_pop_side(store, depot, old)) != PP_TICKET_NONE) {
		uint32_t *slots = pp_block_slots(&store->blocks, pp_ticket_block(ticket));

		n = fn(store, slots, pp_ticket_count(ticket), arg);
		if (n == pp_ticket_count(ticket)) {
			pp_depot_push(store, d, ticket);
			continue;
		}
		/* A block with gaps would waste an empty one: its rest joins the loose. */
		pp_depot_append(store, d, id, slots, n);
		pp_stack_push(store->blocks.empties, &store->blocks,
			      pp_ticket(pp_ticket_block(ticket), 0));
	}
}
