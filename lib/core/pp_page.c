/* SPDX-License-Identifier: BSD-3-Clause */
/* Page: hugepages that come, each on the node that is short of buffers, and that go. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "pp_fail.h"
#include "pp_guard.h"
#include "pp_inside.h"

static uint32_t page_state(const struct pp_region *region, uint32_t p)
{
	return atomic_load_explicit(&region->pages[p].state, memory_order_acquire);
}

void pp_page_refused(struct pp_pool *pool, uint32_t p)
{
	struct pp_shared *shared = pool->store.shared;
	struct pp_page *page = &pool->store.region.pages[p];

	atomic_fetch_add_explicit(&shared->pages_lost, 1, memory_order_relaxed);
	atomic_store_explicit(&shared->lost, pool->devices.lost, memory_order_relaxed);
	if (page->refused == shared->change)
		return;
	page->refused = shared->change;
	atomic_fetch_add_explicit(&shared->refused, page->count, memory_order_relaxed);
}

void pp_page_changed(struct pp_pool *pool)
{
	/* What was refused before bears an older number. */
	pool->store.shared->change++;
	atomic_store_explicit(&pool->store.shared->refused, 0, memory_order_relaxed);
}

/* Populated, mapped for every device and told of, then opened to carvers. */
static int page_add(struct pp_pool *pool, uint32_t p, uint32_t d)
{
	struct pp_store *store = &pool->store;
	struct pp_page *page = &store->region.pages[p];
	struct pp_shared *shared = store->shared;
	int rc = pp_region_populate(&store->region, p, shared->facts.node[d]);

	if (rc)
		return rc;
	atomic_store_explicit(&page->node, shared->facts.node[d], memory_order_relaxed);
	rc = pp_devices_map(&pool->devices, &store->region, p);
	if (rc)
		goto punch;
	rc = pp_devices_tell_added(&pool->devices, p);
	if (rc) {
		pp_devices_unmap(&pool->devices, &store->region, p);
		goto punch;
	}
	if (page->refused == shared->change)
		atomic_fetch_sub_explicit(&shared->refused, page->count, memory_order_relaxed);
	page->refused = 0;
	atomic_fetch_add_explicit(&shared->total, page->count, memory_order_relaxed);
	atomic_fetch_add_explicit(&shared->pages_present, 1, memory_order_relaxed);
	atomic_store_explicit(&page->collected, 0, memory_order_relaxed);
	/* P1: what was done to its buffers comes before the first is carved;
	 * pairs with P2 in page_carve(). */
	atomic_store_explicit(&page->carved, 0, memory_order_release);
	atomic_store_explicit(&page->state, PP_PAGE_PRESENT, memory_order_release); /* P1 */
	pp_depot_hint(store, d, p);
	return 0;
punch:
	pp_region_punch(&store->region, p);
	pp_page_refused(pool, p);
	return -EIO;
}

void pp_page_remove(struct pp_pool *pool, uint32_t p)
{
	struct pp_store *store = &pool->store;
	struct pp_page *page = &store->region.pages[p];
	uint32_t carved = atomic_load_explicit(&page->carved, memory_order_relaxed);

	pp_devices_tell_removed(&pool->devices, p);
	pp_devices_unmap(&pool->devices, &store->region, p);
	pp_guard_forget(store, p);
	atomic_store_explicit(&page->state, PP_PAGE_ABSENT, memory_order_release);
	pp_region_punch(&store->region, p);
	atomic_fetch_sub_explicit(&store->shared->total, page->count, memory_order_relaxed);
	atomic_fetch_sub_explicit(&store->shared->carved, carved, memory_order_relaxed);
	atomic_fetch_sub_explicit(&store->shared->pages_present, 1, memory_order_relaxed);
	/* A floor that was set while this hugepage was about to leave. */
	if (atomic_load(&store->shared->floor) > atomic_load(&store->shared->total))
		pp_home_floor(store, PP_NOBODY, (uint32_t)atomic_load(&store->shared->total));
	/* Nothing to carve, until the hugepage comes back. */
	atomic_store_explicit(&page->carved, page->count, memory_order_relaxed);
	atomic_store_explicit(&page->collected, 0, memory_order_relaxed);
}

bool pp_page_can_grow(const struct pp_pool *pool)
{
	struct pp_shared *shared = pool->store.shared;
	uint32_t refused = atomic_load_explicit(&shared->refused, memory_order_relaxed);

	/* A gapless pool has one hugepage only that can come next. */
	if (refused && pool->store.region.flags & PP_POOL_GAPLESS)
		return false;
	return atomic_load_explicit(&shared->total, memory_order_relaxed) + refused <
	       pool->store.region.buffers_max;
}

/* Of the depots that are not in `dry`, the one whose node has the fewest free buffers, or of
 * such the fewest hugepages. */
static uint32_t depot_short(const struct pp_node_sums *sums, uint32_t nodes, uint32_t dry)
{
	uint32_t best = nodes;

	for (uint32_t d = 0; d < nodes; d++)
		if (!(dry >> d & 1) &&
		    (best == nodes || sums[d].free < sums[best].free ||
		     (sums[d].free == sums[best].free && sums[d].pages < sums[best].pages)))
			best = d;
	return best;
}

/* A hugepage that may come: absent, and not refused by a device as things are now. */
static uint32_t page_next(const struct pp_pool *pool, uint32_t p, bool again)
{
	const struct pp_region *region = &pool->store.region;
	uint32_t change = pool->store.shared->change;

	while (p < region->pages_max &&
	       (page_state(region, p) != PP_PAGE_ABSENT || !region->pages[p].count ||
		(!again && region->pages[p].refused == change)))
		p++;
	return p;
}

/* How many hugepages are still missing on a node, to be named with the command that gets them. */
static uint32_t pages_missing(const struct pp_pool *pool, const struct pp_growth *growth,
			      int64_t added, uint32_t p)
{
	const struct pp_region *region = &pool->store.region;
	uint32_t nodes = growth->depot < 0 ? pool->store.shared->facts.nodes : 1;
	int64_t lack = growth->buffers - added;
	uint32_t pages = 0;

	for (; p < region->pages_max && lack > 0; p++)
		if (page_state(region, p) == PP_PAGE_ABSENT) {
			lack -= region->pages[p].count;
			pages++;
		}
	return (pages + nodes - 1) / nodes;
}

int64_t pp_page_grow(struct pp_pool *pool, const struct pp_growth *growth)
{
	const struct pp_region *region = &pool->store.region;
	struct pp_shared_facts *facts = &pool->store.shared->facts;
	struct pp_node_sums sums[PP_NODES_MAX];
	uint32_t dry = 0, p = page_next(pool, 0, growth->again);
	int64_t added = 0;
	int failed = 0;

	pp_walk_nodes(&pool->store, sums);
	while (p < region->pages_max && added < growth->buffers) {
		uint32_t d = growth->depot < 0 || dry ? depot_short(sums, facts->nodes, dry)
						      : (uint32_t)growth->depot;
		int rc;

		if (d == facts->nodes)
			break;
		rc = page_add(pool, p, d);
		if (!rc) {
			added += region->pages[p].count;
			sums[d].free += region->pages[p].count;
			sums[d].pages++;
		} else {
			failed = rc;
		}
		if (rc && rc != -EIO) {
			if (rc == -ENOMEM)
				pp_region_shortage(region, facts->node[d],
						   pages_missing(pool, growth, added, p));
			if (rc != -ENOMEM || growth->only)
				break;
			dry |= 1u << d;
			continue;
		}
		/* This hugepage is lost to a device, not the others. */
		if (rc && region->flags & PP_POOL_GAPLESS)
			break;
		p = page_next(pool, p + 1, growth->again);
	}
	if (added || failed)
		return added ? added : failed;
	return pp_fail(-ENOSPC, "the pool is at its maximum of %u buffers", region->buffers_max);
}

/*
 * Mappings are known to the process that made them, so only that one may map
 * more, grow or shrink. If it is gone, so are they.
 */
static int page_mapper(struct pp_pool *pool)
{
	struct pp_shared *shared = pool->store.shared;
	const struct pp_region *region = &pool->store.region;
	int32_t mapper = atomic_load(&shared->mapper);

	if (!mapper || mapper == getpid())
		return 0;
	if (!kill(mapper, 0) || errno != ESRCH)
		return pp_fail(
			-EPERM,
			"process %d maps devices for this pool: only it may grow or shrink it",
			mapper);
	for (size_t i = 0; i < (size_t)PP_DEVICES_MAX * region->pages_max; i++)
		__atomic_store_n(&region->maps[i].iova, UINT64_MAX, __ATOMIC_RELEASE);
	atomic_store(&shared->mapper, 0);
	pp_page_changed(pool);
	return 0;
}

/* Its address tells threads apart. */
static __thread char pager;

bool pp_page_is_mine(const struct pp_pool *pool)
{
	return atomic_load_explicit(&pool->pager, memory_order_relaxed) == (uintptr_t)&pager;
}

int pp_page_lock(struct pp_pool *pool)
{
	int rc;

	if (!pp_pool_here(pool))
		return -EINVAL;
	if (pp_page_is_mine(pool))
		return pp_fail(-EDEADLK,
			       "pool %s: from inside a device's callback it can neither grow, "
			       "shrink, end nor get another device",
			       pp_pool_name(pool));
	pp_lock_take(&pool->store.shared->paging, PP_NOBODY);
	rc = page_mapper(pool);
	if (rc)
		pp_page_unlock(pool);
	else
		atomic_store_explicit(&pool->pager, (uintptr_t)&pager, memory_order_relaxed);
	return rc;
}

bool pp_page_try_lock(struct pp_pool *pool)
{
	if (!pp_lock_try(&pool->store.shared->paging, PP_NOBODY))
		return false;
	if (!page_mapper(pool)) {
		atomic_store_explicit(&pool->pager, (uintptr_t)&pager, memory_order_relaxed);
		return true;
	}
	pp_page_unlock(pool);
	return false;
}

void pp_page_unlock(struct pp_pool *pool)
{
	atomic_store_explicit(&pool->pager, 0, memory_order_relaxed);
	pp_lock_release(&pool->store.shared->paging);
}

static int pool_grow(struct pp_pool *pool, const struct pp_growth *growth)
{
	int64_t added = pp_page_lock(pool);

	if (added)
		return (int)added;
	added = pp_page_grow(pool, growth);
	pp_page_unlock(pool);
	if (added > 0 && pp_home_pressed(&pool->store))
		pp_home_feed(&pool->store, PP_NOBODY);
	return added > INT32_MAX ? INT32_MAX : (int)added;
}

PP_API int pp_pool_grow(struct pp_pool *pool, uint32_t buffers)
{
	return pool_grow(pool, &(struct pp_growth){ .buffers = buffers ? buffers : 1,
						    .depot = -1,
						    .again = true });
}

int pp_page_depot(const struct pp_pool *pool, int node)
{
	const struct pp_shared_facts *facts;

	if (!pp_pool_here(pool))
		return -EINVAL;
	facts = &pool->store.shared->facts;
	for (uint32_t d = 0; d < facts->nodes; d++)
		if (facts->node[d] == node)
			return (int)d;
	return pp_fail(-EINVAL, "pool %s is not spread over NUMA node %d (pp_pool_params.nodes)",
		       pp_pool_name(pool), node);
}

PP_API int pp_pool_grow_on(struct pp_pool *pool, int node, uint32_t buffers)
{
	int d = pp_page_depot(pool, node);

	return d < 0 ? d
		     : pool_grow(pool, &(struct pp_growth){ .buffers = buffers ? buffers : 1,
							    .depot = d,
							    .only = true,
							    .again = true });
}
