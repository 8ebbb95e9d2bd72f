/* SPDX-License-Identifier: BSD-3-Clause */
/* Shrink: collecting every buffer of some hugepages, and letting these go. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "pp_fail.h"
#include "pp_inside.h"
#include "pp_pressure.h"

/* How often to look again for buffers that are out. */
#define LOOK_US 100

struct shrink {
	struct pp_pool *pool;
	int32_t depot;  /* whose hugepages may go; -1: any */
	uint32_t *idle; /* per hugepage: free buffers seen, fresh ones included */
	uint64_t deadline_ns;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static uint32_t sift_count(struct pp_store *store, uint32_t *slots, uint32_t n, void *arg)
{
	struct shrink *shrink = arg;

	for (uint32_t i = 0; i < n; i++)
		shrink->idle[pp_place_offset_page(&store->region, slots[i])]++;
	return n;
}

/* Takes out what lies on a leaving hugepage. */
static uint32_t sift_hold_back(struct pp_store *store, uint32_t *slots, uint32_t n, void *arg)
{
	const struct pp_region *region = &store->region;
	uint32_t kept = 0;

	(void)arg;
	for (uint32_t i = 0; i < n; i++) {
		struct pp_page *page = &region->pages[pp_place_offset_page(region, slots[i])];

		if (atomic_load_explicit(&page->state, memory_order_acquire) != PP_PAGE_LEAVING) {
			slots[kept++] = slots[i];
			continue;
		}
		atomic_fetch_or_explicit(&store->marks[pp_place_index(region, slots[i])],
					 PP_MARK_COLLECTED, memory_order_relaxed);
		/* L1, here too. */
		atomic_fetch_add_explicit(&page->collected, 1, memory_order_release);
	}
	return kept;
}

static void shrink_sift(struct shrink *shrink, pp_sift_fn fn)
{
	struct pp_store *store = &shrink->pool->store;
	uint32_t skipped;

	pp_late_place(store, PP_NOBODY);
	pp_take_all(store, &skipped);
	pp_take_published(store);
	for (uint32_t d = 0; d < store->shared->facts.nodes; d++)
		pp_depot_sift(store, d, PP_NOBODY, fn, shrink);
	pp_home_sift(store, PP_NOBODY, fn, shrink);
}

static bool page_present(const struct pp_region *region, uint32_t p)
{
	return atomic_load_explicit(&region->pages[p].state, memory_order_acquire) ==
	       PP_PAGE_PRESENT;
}

/*
 * The hugepage with the fewest buffers out, of such one on the node that has
 * most of them; a gapless pool's last. -1: none.
 */
static int64_t shrink_choose(const struct shrink *shrink)
{
	const struct pp_store *store = &shrink->pool->store;
	const struct pp_region *region = &store->region;
	uint32_t least = UINT32_MAX, on[PP_NODES_MAX] = { 0 };
	int64_t best = -1;

	for (uint32_t p = 0; p < region->pages_max; p++)
		on[pp_store_page_home(store, p)] += page_present(region, p);
	for (uint32_t p = region->pages_max; p-- > 0;) {
		uint32_t out = region->pages[p].count - shrink->idle[p];
		uint32_t d = pp_store_page_home(store, p);

		if (!page_present(region, p))
			continue;
		if (shrink->depot < 0 || d == (uint32_t)shrink->depot) {
			if (region->flags & PP_POOL_GAPLESS)
				return p;
			if (out < least ||
			    (out == least &&
			     on[d] > on[pp_store_page_home(store, (uint32_t)best)])) {
				least = out;
				best = p;
			}
		} else if (region->flags & PP_POOL_GAPLESS)
			return -1;
	}
	return best;
}

/* Chooses hugepages worth up to `buffers` and closes them to carvers. */
static uint32_t shrink_isolate(struct shrink *shrink, uint32_t buffers)
{
	struct pp_region *region = &shrink->pool->store.region;
	struct pp_shared *shared = shrink->pool->store.shared;
	uint32_t chosen = 0, worth = 0;

	while (atomic_load(&shared->pages_present) > chosen) {
		int64_t p = shrink_choose(shrink);
		struct pp_page *page;
		uint32_t carved;

		if (p < 0 || (chosen && worth + region->pages[p].count > buffers) ||
		    atomic_load(&shared->total) - worth - region->pages[p].count <
			    atomic_load(&shared->floor))
			break;
		page = &region->pages[p];
		worth += page->count;
		chosen++;
		atomic_store_explicit(&page->state, PP_PAGE_LEAVING, memory_order_seq_cst);
		carved = atomic_exchange_explicit(&page->carved, page->count, memory_order_acq_rel);
		for (uint32_t i = carved; i < page->count; i++)
			atomic_fetch_or_explicit(&shrink->pool->store.marks[page->first + i],
						 PP_MARK_COLLECTED, memory_order_relaxed);
		atomic_fetch_add_explicit(&shared->carved, page->count - carved,
					  memory_order_relaxed);
		atomic_fetch_add_explicit(&page->collected, page->count - carved,
					  memory_order_release);
	}
	return chosen;
}

static bool page_is_back(const struct pp_page *page)
{
	/* L2: all marks are set once the count is full; pairs with L1. */
	return atomic_load_explicit(&page->state, memory_order_acquire) == PP_PAGE_LEAVING &&
	       atomic_load_explicit(&page->collected, memory_order_acquire) == page->count;
}

/* Lets go whatever is back; returns how many buffers went, and how many hugepages stay out. */
static uint32_t shrink_release(struct shrink *shrink, uint32_t *missing)
{
	struct pp_region *region = &shrink->pool->store.region;
	uint32_t gone = 0;

	*missing = 0;
	for (uint32_t p = region->pages_max; p-- > 0;) {
		struct pp_page *page = &region->pages[p];

		if (page_is_back(page)) {
			/* A gapless pool's end goes first, or its middle would be missing. */
			if (*missing && region->flags & PP_POOL_GAPLESS)
				continue;
			gone += page->count;
			pp_page_remove(shrink->pool, p);
			pp_page_changed(shrink->pool);
		} else if (atomic_load(&page->state) == PP_PAGE_LEAVING)
			++*missing;
	}
	return gone;
}

/* Every buffer of a hugepage that stays after all circulates again. */
static uint32_t page_stays(struct pp_store *store, struct pp_page *page)
{
	uint32_t out = page->count - atomic_load(&page->collected);
	uint32_t home = pp_store_page_home(store, (uint32_t)(page - store->region.pages));
	pp_lock_word *lock = &store->depots[home].lock;

	atomic_store_explicit(&page->state, PP_PAGE_PRESENT, memory_order_seq_cst);
	/* L3: whoever saw it leave has left its lock by then, mark and count done;
	 * whoever comes after sees it stay. */
	pp_lock_take(lock, PP_NOBODY);
	pp_lock_release(lock);
	for (uint32_t i = page->first; i < page->first + page->count; i++) {
		uint32_t offset = pp_place_offset(&store->region, i);
		uint8_t marks =
			atomic_fetch_and_explicit(&store->marks[i], (uint8_t)~PP_MARK_COLLECTED,
						  memory_order_relaxed);

		if (!(marks & PP_MARK_COLLECTED))
			continue;
		atomic_fetch_sub_explicit(&page->collected, 1, memory_order_relaxed);
		pp_home_put(store, home, PP_NOBODY, &offset, 1);
	}
	return out;
}

/* The deadline has passed. */
static uint32_t shrink_give_up(struct shrink *shrink)
{
	struct pp_store *store = &shrink->pool->store;
	uint32_t out = 0;

	for (uint32_t p = 0; p < store->region.pages_max; p++)
		if (atomic_load(&store->region.pages[p].state) == PP_PAGE_LEAVING)
			out += page_stays(store, &store->region.pages[p]);
	return out;
}

static int shrink_nothing(const struct shrink *shrink)
{
	const struct pp_shared *shared = shrink->pool->store.shared;
	uint32_t floor = atomic_load(&shared->floor);

	if (shrink->depot < 0)
		return pp_fail(-EBUSY,
			       "the pool has no hugepage to give back (its reserve has a floor "
			       "of %u buffers)",
			       floor);
	return pp_fail(-EBUSY,
		       "the pool has no hugepage on NUMA node %d to give back (its reserve has a "
		       "floor of %u buffers%s)",
		       shared->facts.node[shrink->depot], floor,
		       shared->facts.flags & PP_POOL_GAPLESS ? ", and it shrinks from its end"
							     : "");
}

static int shrink_run(struct shrink *shrink, uint32_t buffers)
{
	uint32_t missing, gone, out;
	char holders[128];

	shrink_sift(shrink, sift_count);
	for (uint32_t p = 0; p < shrink->pool->store.region.pages_max; p++) {
		const struct pp_page *page = &shrink->pool->store.region.pages[p];

		shrink->idle[p] += page->count - atomic_load(&page->carved);
	}
	if (!shrink_isolate(shrink, buffers))
		return shrink_nothing(shrink);
	gone = 0;
	for (;;) {
		shrink_sift(shrink, sift_hold_back);
		gone += shrink_release(shrink, &missing);
		if (!missing || now_ns() >= shrink->deadline_ns)
			break;
		usleep(LOOK_US);
	}
	if (!missing)
		return (int)gone;
	out = shrink_give_up(shrink);
	if (gone)
		return (int)gone;
	return pp_fail(-EBUSY, "%u buffers of %u hugepages are still out%s", out, missing,
		       pp_pool_holders(shrink->pool, holders, sizeof(holders)));
}

static int pool_shrink(struct pp_pool *pool, int32_t depot, uint32_t buffers, uint32_t timeout_us)
{
	struct pp_shared *shared = pool->store.shared;
	struct shrink shrink = {
		.pool = pool,
		.depot = depot,
		.idle = calloc(pool->store.region.pages_max, sizeof(uint32_t)),
		.deadline_ns = now_ns() + timeout_us * 1000ull,
	};
	int rc;

	if (!shrink.idle)
		return pp_fail(-ENOMEM, "no memory to count %u hugepages",
			       pool->store.region.pages_max);
	rc = pp_page_lock(pool);
	if (rc) {
		free(shrink.idle);
		return rc;
	}
	/* G1: from here to the end every free goes the long way, past
	 * depot_hold_back(); pairs with G2 in pp_owner_closed() and pp_depot_put().
	 * Who read them too early is caught by the next round of pp_take_all(). */
	atomic_fetch_add(&shared->leaving, 1);
	pp_pressure_begin(&pool->store);
	rc = shrink_run(&shrink, buffers);
	atomic_fetch_sub(&shared->leaving, 1);
	pp_pressure_end(&pool->store);
	pp_page_unlock(pool);
	free(shrink.idle);
	return rc;
}

PP_API int pp_pool_shrink(struct pp_pool *pool, uint32_t buffers, uint32_t timeout_us)
{
	return pp_pool_here(pool) ? pool_shrink(pool, -1, buffers, timeout_us) : -EINVAL;
}

PP_API int pp_pool_shrink_on(struct pp_pool *pool, int node, uint32_t buffers, uint32_t timeout_us)
{
	int d = pp_page_depot(pool, node);

	return d < 0 ? d : pool_shrink(pool, d, buffers, timeout_us);
}
