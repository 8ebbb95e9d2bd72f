/* SPDX-License-Identifier: BSD-3-Clause */
/* Effort: one rung of the ladder after the other. */
#include "pp_effort.h"

#include <errno.h>

#include "pp_bulk.h"
#include "pp_fail.h"
#include "pp_pressure.h"

#define CHUNK PP_CARVE
/* Whose buffers may as well lie on another node. */
#define NOT_HERE ((unsigned)(PP_REMOTE | PP_CRITICAL | PP_WAIT))
/* When who waits looks again for what an owner in the middle of a call kept from it, and for
 * others in line whose process has died. */
#define SKIPPED_NS 1000000
#define DEAD_NS 100000000

static void effort_count(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static unsigned effort_more(struct pp_store *store, struct pp_owner *owner, void **bufs,
			    unsigned got, unsigned n, unsigned flags)
{
	return got +
	       (unsigned)pp_owner_get_slow(store, owner, bufs + got, n - got, flags | PP_BURST_);
}

/* The reserve and what was freed for those who wait are of any node. */
static void effort_count_remote(struct pp_store *store, struct pp_owner *owner,
				const uint32_t *offsets, uint32_t n)
{
	uint32_t remote = 0;

	for (uint32_t i = 0; i < n && store->shared->facts.nodes > 1; i++)
		remote += pp_store_home(store, offsets[i]) != owner->depot;
	effort_count(&owner->counters.borrowed, remote);
}

/* All that it was granted or promised; how many of them are the reserve's is counted. */
static void effort_claim(struct pp_store *store, struct pp_owner *owner, struct pp_waiter *share,
			 void **bufs)
{
	uint32_t offsets[CHUNK], n;

	if (share->critical)
		effort_count(&owner->counters.reserve, share->from_reserve);
	while ((n = pp_home_claim(store, share, owner->line.id, offsets, CHUNK)) != 0) {
		effort_count_remote(store, owner, offsets, n);
		pp_store_out(store, offsets, bufs, n);
		pp_owner_flow(&owner->drawn, n);
		bufs += n;
	}
}

/* What is missing from the reserve: all of it, or nothing. */
static unsigned effort_draw(struct pp_store *store, struct pp_owner *owner, void **bufs,
			    unsigned got, unsigned n)
{
	struct pp_waiter share = { .critical = 1 };

	if (!pp_depot_count(store, pp_store_reserve(store)))
		return got;
	pp_pressure_begin(store);
	if (pp_home_promise(store, owner->line.id, n - got, &share)) {
		effort_claim(store, owner, &share, bufs + got);
		got = n;
		/* Somebody may have freed into the depot before the reserve was short. */
		pp_home_feed(store, owner->line.id);
	}
	pp_pressure_end(store);
	return got;
}

static unsigned effort_grow(struct pp_pool *pool, struct pp_owner *owner, void **bufs, unsigned got,
			    unsigned n, unsigned flags)
{
	struct pp_store *store = &pool->store;
	int64_t added;

	/* Who shrinks may be a while: then not now. */
	if (!pp_page_can_grow(pool) || !pp_page_try_lock(pool))
		return got;
	added = pp_page_grow(pool, &(struct pp_growth){ .buffers = n - got,
							.depot = (int32_t)owner->depot,
							.only = !(flags & NOT_HERE) });
	pp_page_unlock(pool);
	if (added <= 0)
		return got;
	effort_count(&owner->counters.grown, (uint64_t)added);
	return effort_more(store, owner, bufs, got, n, flags);
}

/* What lies idle in other caches, private and published, comes home. */
static void effort_take(struct pp_store *store, struct pp_owner *owner)
{
	uint32_t skipped;

	pp_take_published(store);
	effort_count(&owner->counters.taken, pp_take_all(store, &skipped));
}

unsigned pp_effort_get(struct pp_pool *pool, struct pp_owner *owner, void **bufs, unsigned got,
		       unsigned n, unsigned flags)
{
	struct pp_store *store = &pool->store;

	if (got < n && flags & PP_CRITICAL)
		got = effort_draw(store, owner, bufs, got, n);
	if (got < n && flags & PP_GROW)
		got = effort_grow(pool, owner, bufs, got, n, flags);
	/* Who may wait does so in line, where it counts. */
	if (got < n && (flags & (PP_GROW | PP_WAIT)) == PP_GROW) {
		effort_take(store, owner);
		got = effort_more(store, owner, bufs, got, n, flags);
		if (got < n && flags & PP_CRITICAL)
			got = effort_draw(store, owner, bufs, got, n);
	}
	return got;
}

/* Whether the pool could ever have so many for this call. */
static bool wait_possible(const struct pp_pool *pool, unsigned n, unsigned flags)
{
	const struct pp_store *store = &pool->store;
	uint64_t most =
		flags & PP_GROW ? store->region.buffers_max : atomic_load(&store->shared->total);

	if (!(flags & PP_CRITICAL)) {
		uint64_t floor = atomic_load(&store->shared->floor);

		most -= floor < most ? floor : most;
	}
	return n <= most;
}

/* What others have idle, the caches being closed; how many were in the middle of something. */
static uint32_t wait_take(struct pp_store *store, struct pp_owner *owner, uint64_t deadline)
{
	uint32_t skipped;

	pp_take_published(store);
	effort_count(&owner->counters.taken, pp_take_closed(store, &skipped, deadline));
	pp_home_feed(store, owner->line.id);
	return skipped;
}

/* Another hugepage for those in line: whether one came. Somebody may be at it just now. */
static bool wait_grow(struct pp_pool *pool, struct pp_owner *owner, unsigned n, bool *busy)
{
	struct pp_store *store = &pool->store;
	int64_t added;

	*busy = false;
	if (!pp_page_can_grow(pool))
		return false;
	*busy = !pp_page_try_lock(pool);
	if (*busy)
		return false;
	added = pp_page_grow(pool,
			     &(struct pp_growth){ .buffers = n, .depot = (int32_t)owner->depot });
	pp_page_unlock(pool);
	if (added <= 0)
		return false;
	effort_count(&owner->counters.grown, (uint64_t)added);
	pp_home_feed(store, owner->line.id);
	return true;
}

/* Until granted: 0, or what ended it. */
static int wait_in_line(struct pp_pool *pool, struct pp_owner *owner, struct pp_waiter *waiter,
			unsigned flags, struct pp_wait *wait)
{
	struct pp_store *store = &pool->store;
	uint64_t pause = SKIPPED_NS;
	uint32_t skipped = 1;
	bool busy = false;
	int rc = 0;

	for (;;) {
		uint32_t seen = pp_sleep_kicks(&waiter->kicks);
		/* Who lessens it holds a lock that this one does not need. */
		uint32_t n = __atomic_load_n(&waiter->n, __ATOMIC_RELAXED);

		if (pp_late_any(store))
			pp_late_place(store, owner->line.id);
		/* H3: pairs with turn_serve(). */
		if (atomic_load_explicit(&waiter->state, memory_order_acquire) == PP_WAITER_GRANTED)
			return 0;
		if (rc)
			return rc;
		/* The reserve or the pool may have changed since it came. */
		if (!wait_possible(pool, n, flags))
			return -EINVAL;
		/* Once, and again as long as somebody is in the middle of a call. */
		if (skipped)
			skipped = wait_take(store, owner,
					    pause == SKIPPED_NS ? PP_FOREVER : wait->deadline);
		if (flags & PP_GROW && pp_sleep_kicks(&waiter->kicks) == seen &&
		    wait_grow(pool, owner, n, &busy))
			continue;
		rc = pp_sleep(wait, &waiter->kicks, seen,
			      pp_sleep_now() + (skipped || busy ? pause : DEAD_NS));
		if ((skipped || busy) && pause < DEAD_NS / 4)
			pause *= 2;
		else if (!rc && pp_sleep_kicks(&waiter->kicks) == seen)
			pp_pressure_bury(store);
	}
}

static void wait_impossible(const struct pp_pool *pool, unsigned n)
{
	pp_fail(-EINVAL, "pool %s: %u buffers can never be free at once for this call",
		pp_pool_name(pool), n);
}

unsigned pp_effort_wait(struct pp_pool *pool, struct pp_owner *owner, void **bufs, unsigned n,
			unsigned flags, const struct pp_patience *patience)
{
	struct pp_store *store = &pool->store;
	struct pp_wait *wait = patience->wait;
	uint32_t id = owner->line.id;
	struct pp_waiter *waiter;
	int rc;

	if (!wait_possible(pool, n, flags)) {
		wait_impossible(pool, n);
		errno = EINVAL;
		return 0;
	}
	pp_pressure_begin(store);
	waiter = pp_home_join(store, id, n, flags & PP_CRITICAL, wait->deadline, patience->seat);
	if (!waiter) {
		pp_pressure_end(store);
		errno = EAGAIN;
		pp_fail(-EAGAIN, "pool %s: %d calls wait already", pp_pool_name(pool),
			PP_WAITERS_MAX);
		return 0;
	}
	effort_count(&owner->counters.wait, 1);
	rc = wait_in_line(pool, owner, waiter, flags, wait);
	if (patience->seat)
		pp_home_unseat(store, id, patience->seat);
	n = waiter->n;
	if (rc && pp_home_give_up(store, waiter, id)) {
		if (rc == -EINVAL)
			wait_impossible(pool, n);
		effort_count(&owner->counters.timeout, 1);
		n = 0;
	} else
		effort_claim(store, owner, waiter, bufs);
	/* Late ones that were noted for this waiter are for the next now. */
	if (pp_late_any(store))
		pp_late_place(store, id);
	if (n)
		pp_home_done(store, waiter, id);
	pp_pressure_end(store);
	if (!n)
		errno = -rc;
	return n;
}
