/* SPDX-License-Identifier: BSD-3-Clause */
/* Foreign: a pool of buffers that lie in somebody else's memory. */
#include "pp_foreign.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pp_bulk.h"
#include "pp_facts.h"
#include "pp_fail.h"
#include "pp_layout.h"
#include "pp_thread.h"

#define WINDOW (1ull << 32)
/* Offsets are 32 bits of 64 bytes. */
#define WIDE_SPAN (WINDOW * PP_LINE)
/* How often the last resort looks again for what others had in their hands. */
#define TRIES 64

/* Numbers that are left out at the gaps are no more than those that are used. */
static uint32_t index_end(uint32_t buffers)
{
	return 2 * buffers + PP_TRACTS_MAX;
}

/* What every process makes of the facts; where buffers lie comes by region_follow(). */
static void region_plan(struct pp_region *region, const struct pp_shared_facts *facts)
{
	region->page = 2ul << 20;
	region->page_shift = 21;
	region->pages_max = 1;
	region->buffer_size = facts->buffer_size;
	region->per_page = region->buffers_max = index_end(facts->buffers_max);
	region->flags = 0;
	region->memory_fd = region->control_fd = -1;
}

static size_t tracts_at(size_t laid)
{
	return (laid + PP_LINE - 1) / PP_LINE * PP_LINE;
}

/* How far apart buffers are is noted with the tracts. */
static void foreign_facts(struct pp_shared_facts *facts, struct pp_store *store,
			  const struct pp_foreign_params *p)
{
	memset(facts, 0, sizeof(*facts));
	facts->magic = PP_MAGIC;
	facts->buffer_size = p->size;
	facts->keep = p->keep;
	facts->buffers_max = p->buffers;
	facts->flags = p->flags;
	facts->owners = p->owners;
	facts->nodes = 1;
	snprintf(facts->name, sizeof(facts->name), "%s", p->name);
	region_plan(&store->region, facts);
	pp_facts_derive(facts, &store->region);
	/* Any value would do: only pp_layout() asks, and whether there are any. */
	store->region.tracts = (struct pp_tracts *)store;
	facts->own_bytes = pp_layout(store, facts, NULL);
	facts->control_bytes = tracts_at(facts->own_bytes) + sizeof(struct pp_tracts);
	/* Where a pool's own address would be: this says which pool it is. */
	facts->base = p->id;
}

size_t pp_foreign_bytes(const struct pp_foreign_params *params)
{
	struct pp_shared_facts facts;
	struct pp_store store = { 0 };

	foreign_facts(&facts, &store, params);
	return facts.control_bytes;
}

static void region_see(struct pp_region *region, const struct pp_shared_facts *facts, char *control)
{
	region->control = control;
	region->control_bytes = facts->control_bytes;
	region->tracts = (struct pp_tracts *)(control + tracts_at(facts->own_bytes));
	region->stride = region->tracts->stride;
}

/* Where the buffers lie, as its first owner's line says. */
static void region_follow(struct pp_store *store)
{
	store->region.base = store->owners[0].line.base;
	store->region.wide = store->owners[0].line.mode & PP_MODE_WIDE;
	store->region.buffer_bytes = store->region.wide ? WIDE_SPAN : WINDOW;
}

static int pool_announce(struct pp_pool *pool)
{
	int rc = pp_region_foreign_add(&pool->store.region);

	if (rc)
		return pp_fail(rc, "this process has had too many pools of foreign memory");
	rc = pp_thread_pool_add(pool);
	if (rc)
		pp_region_foreign_remove(&pool->store.region);
	return rc;
}

int pp_foreign_create(const struct pp_foreign_params *p, void *control, struct pp_pool **out)
{
	struct pp_pool *pool = pp_pool_new();
	struct pp_store *store = &pool->store;
	struct pp_shared_facts facts;
	struct pp_page *page;
	int rc;

	if (!pool)
		return -ENOMEM;
	foreign_facts(&facts, store, p);
	memset(control, 0, facts.control_bytes);
	region_see(&store->region, &facts, control);
	pp_layout(store, &facts, control);
	store->region.tracts->stride = store->region.stride = p->stride;
	store->fault = pp_pool_fault;
	pool->level.eventfd = -1;
	pool->id = p->id;
	store->shared->facts = facts;
	pp_pool_init(store);
	/* One hugepage in name, of which nothing is left to be carved. */
	page = &store->region.pages[0];
	atomic_store(&page->state, PP_PAGE_PRESENT);
	atomic_store(&page->carved, page->count);
	region_follow(store);
	rc = pool_announce(pool);
	if (rc) {
		store->shared->facts.magic = 0;
		pp_pool_end(pool);
		return rc;
	}
	*out = pool;
	return 0;
}

/* What is there, without a fault where nothing is mapped. */
static bool facts_peek(const void *control, struct pp_shared_facts *facts)
{
	struct iovec there = { (void *)control, sizeof(*facts) };
	struct iovec here = { facts, sizeof(*facts) };

	return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)sizeof(*facts);
}

int pp_foreign_attach(void *control, uint64_t id, struct pp_pool **out)
{
	struct pp_shared_facts facts;
	struct pp_pool *pool;
	int rc;

	if (!facts_peek(control, &facts) || facts.magic != PP_MAGIC || facts.base != id)
		return pp_fail(-ESTALE, "no pool is at %p any more", control);
	pool = pp_pool_new();
	if (!pool)
		return -ENOMEM;
	region_plan(&pool->store.region, &facts);
	pool->attached = true;
	pool->id = id;
	pool->level.eventfd = -1;
	pool->store.fault = pp_pool_fault;
	region_see(&pool->store.region, &facts, control);
	pp_layout(&pool->store, &facts, control);
	region_follow(&pool->store);
	rc = pool_announce(pool);
	if (rc) {
		pp_pool_end(pool);
		return rc;
	}
	/* As in pp_pool_attach(). */
	atomic_store(&pool->store.shared->multi, 1);
	*out = pool;
	return 0;
}

/* Every offset is written anew, so all must be here. */
static int store_move(struct pp_pool *pool, uintptr_t base, bool wide)
{
	struct pp_store *store = &pool->store;
	uint64_t total = atomic_load(&store->shared->total);
	void **all = NULL;
	uint32_t skipped;
	unsigned got = 0;
	int rc = 0;

	if (total) {
		all = malloc(total * sizeof(*all));
		if (!all)
			return pp_fail(-ENOMEM, "no memory to move %llu buffers",
				       (unsigned long long)total);
		pp_take_published(store);
		pp_take_all(store, &skipped);
		got = pp_pool_alloc_burst(pool, all, (unsigned)total);
		if (got < total || atomic_load(&store->shared->multi))
			rc = pp_fail(-EBUSY,
				     "pool %s: objects beyond the 4 GiB that the others lie in "
				     "cannot come while %s",
				     pp_pool_name(pool),
				     got < total ? "some are in use" : "another process uses it");
	}
	for (uint32_t i = 0; !rc && i < store->shared->facts.owners; i++) {
		struct pp_owner *owner = &store->owners[i];

		pp_lock_take(&owner->lock, PP_NOBODY);
		pp_owner_close(owner);
		owner->line.base = base;
		owner->line.mode = wide ? owner->line.mode | PP_MODE_WIDE
					: owner->line.mode & ~(uint32_t)PP_MODE_WIDE;
		pp_lock_release(&owner->lock);
	}
	region_follow(store);
	pp_pool_free(pool, all, got);
	free(all);
	return rc;
}

static int store_reach(struct pp_pool *pool, uintptr_t start, uintptr_t end)
{
	struct pp_region *region = &pool->store.region;
	const struct pp_tracts *tracts = region->tracts;
	uintptr_t low = start, high = end, base;

	for (uint32_t i = 0; i < tracts->n; i++) {
		low = tracts->tract[i].start < low ? tracts->tract[i].start : low;
		high = tracts->tract[i].end > high ? tracts->tract[i].end : high;
	}
	base = low & ~(WINDOW - 1);
	if (high <= base + WINDOW)
		return region->base == base && !region->wide ? 0 : store_move(pool, base, false);
	if (region->wide && region->base <= low && high - region->base <= WIDE_SPAN)
		return 0;
	if (high - base > WIDE_SPAN)
		return pp_fail(-ERANGE, "pool %s: objects from %p to %p are 256 GiB apart",
			       pp_pool_name(pool), (void *)low, (void *)high);
	for (uint32_t i = 0; i <= tracts->n; i++)
		if (region->stride % PP_LINE ||
		    (i < tracts->n ? tracts->tract[i].start : start) % PP_LINE)
			return pp_fail(-EINVAL,
				       "pool %s: objects that do not begin on cache lines must "
				       "lie within one multiple of 4 GiB",
				       pp_pool_name(pool));
	return store_move(pool, base, true);
}

/* As one with what came before, where it goes on there: with physical addresses memory comes
 * in pieces of a hugepage. What is left at a piece's end is less than a buffer. */
static bool tract_join(struct pp_tract *last, uintptr_t start, uintptr_t end, bool gapless,
		       uint32_t stride)
{
	if (start < last->end || start - last->end >= stride)
		return false;
	if (!gapless || (start - last->start) % stride)
		last->gapless = 0;
	last->end = end;
	return true;
}

static uint32_t tract_numbers(uintptr_t start, uintptr_t end, uint32_t stride)
{
	return (uint32_t)((end - start + stride - 1) / stride);
}

int pp_foreign_extend(struct pp_pool *pool, uintptr_t start, uintptr_t end, bool gapless)
{
	struct pp_region *region = &pool->store.region;
	struct pp_tracts *tracts = region->tracts;
	uint32_t n = atomic_load(&tracts->n), stride = tracts->stride, first = 0;
	struct pp_tract *last = n ? &tracts->tract[n - 1] : NULL;
	int rc;

	if (last)
		first = last->first + tract_numbers(last->start, last->end, stride);
	/* One more for what tract_join() may leave out. */
	if (first + tract_numbers(start, end, stride) + 1 > region->buffers_max)
		return pp_fail(-ENOSPC, "pool %s: what lies between its objects is more than they",
			       pp_pool_name(pool));
	rc = store_reach(pool, start, end);
	if (rc)
		return rc;
	if (last && tract_join(last, start, end, gapless, stride))
		return 0;
	if (n == PP_TRACTS_MAX)
		return pp_fail(-ENOSPC, "pool %s: its memory is in more than %d pieces",
			       pp_pool_name(pool), PP_TRACTS_MAX);
	tracts->tract[n] = (struct pp_tract){ start, end, first, gapless };
	atomic_store_explicit(&tracts->n, n + 1, memory_order_release);
	return 0;
}

/* To the depot, past the guard: nobody has held them. */
void pp_foreign_give(struct pp_pool *pool, void *const *bufs, unsigned n)
{
	struct pp_store *store = &pool->store;
	uint32_t offsets[PP_CARVE];

	atomic_fetch_add(&store->shared->total, n);
	for (unsigned i = 0; i < n; i += PP_CARVE) {
		unsigned k = n - i < PP_CARVE ? n - i : PP_CARVE;

		pp_store_in(store, offsets, bufs + i, k);
		pp_home_put(store, 0, PP_NOBODY, offsets, k);
	}
}

uint64_t pp_foreign_free(const struct pp_pool *pool, bool reserve)
{
	struct pp_sums sums;

	pp_walk_sums(&pool->store, &sums);
	return sums.cached + sums.deques + sums.depot + (reserve ? sums.reserve : 0);
}

/*
 * Looked at twice: a block that changes hands from who has not been looked at to
 * who has is missed, and a thread that has part of what it wants holds its lock
 * until it has put that back.
 */
static bool foreign_enough(const struct pp_pool *pool, unsigned n, unsigned flags)
{
	for (unsigned look = 0; look < 2; look++)
		if (pp_foreign_free(pool, flags & PP_CRITICAL) >= n)
			return true;
	return false;
}

static unsigned foreign_try(struct pp_pool *pool, struct pp_cache *cache, void **bufs, unsigned n,
			    unsigned flags)
{
	void *some[PP_KEPT], **to = n <= PP_KEPT ? some : bufs;
	unsigned got;

	if (cache)
		return pp_alloc_bulk(cache, bufs, n, flags);
	got = pp_pool_alloc_burst(pool, to, n);
	if (got < n) {
		pp_pool_free(pool, to, got);
		return 0;
	}
	if (to != bufs)
		memcpy(bufs, to, n * sizeof(*bufs));
	return n;
}

unsigned pp_foreign_get(struct pp_pool *pool, struct pp_cache *cache, void **bufs, unsigned n,
			unsigned flags)
{
	struct pp_store *store = &pool->store;
	uint32_t skipped;
	unsigned got = 0;

	/* An empty pool is asked often, and nobody must pay for that but who asks. */
	if (!foreign_enough(pool, n, flags))
		return 0;
	/* One at a time: two that hold half each would both fail. */
	pp_lock_take(&store->shared->paging, PP_NOBODY);
	for (unsigned i = 0; !got && i < TRIES && foreign_enough(pool, n, flags); i++) {
		pp_take_published(store);
		pp_take_all(store, &skipped);
		got = foreign_try(pool, cache, bufs, n, flags);
		/* In the middle of a call, and perhaps without a CPU. */
		if (!got && skipped)
			sched_yield();
	}
	pp_lock_release(&store->shared->paging);
	return got;
}

bool pp_foreign_lives(const struct pp_pool *pool)
{
	const struct pp_region *region = &pool->store.region;
	struct pp_shared_facts facts;

	return facts_peek(region->control, &facts) && facts.magic == PP_MAGIC &&
	       facts.base == pool->id;
}

void pp_foreign_close(struct pp_pool *pool, bool last)
{
	pp_thread_pool_remove(pool);
	pp_region_foreign_remove(&pool->store.region);
	if (last)
		pool->store.shared->facts.magic = 0;
	pp_pool_end(pool);
}
