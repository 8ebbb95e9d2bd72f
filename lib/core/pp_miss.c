/* SPDX-License-Identifier: BSD-3-Clause */
/* Miss: what the inlined calls come to when the cache's line cannot serve them. */
#include <errno.h>
#include <string.h>

#include "pp_miss.h"
#include "pp_effort.h"
#include "pp_fail.h"
#include "pp_guard.h"
#include "pp_try.h"

/* The hit of a pool whose inline limits never open, by the other pair of limits. */
static __attribute__((noinline)) unsigned far_get(struct pp_store *store, struct pp_cache *c,
						  void **bufs, unsigned n)
{
	int32_t s = __atomic_load_n(&c->s, __ATOMIC_RELAXED);

	pp_cache_intend(c, s - (int32_t)n);
	if (s - (int32_t)n < __atomic_load_n(&c->far_lo, __ATOMIC_RELAXED))
		return 0;
	s -= (int32_t)n;
	pp_cache_count(c, n);
	pp_store_out(store, c->slots + s, bufs, n);
	__atomic_store_n(&c->s, s, __ATOMIC_RELEASE); /* T2 */
	return n;
}

static __attribute__((noinline)) bool far_put(struct pp_store *store, struct pp_cache *c,
					      void *const *bufs, unsigned n)
{
	int32_t s = __atomic_load_n(&c->s, __ATOMIC_RELAXED);

	pp_cache_intend(c, s + (int32_t)n);
	if (s + (int32_t)n > __atomic_load_n(&c->far_hi, __ATOMIC_RELAXED))
		return false;
	pp_store_in(store, c->slots + s, bufs, n);
	__atomic_store_n(&c->s, s + (int32_t)n, __ATOMIC_RELEASE); /* T2 */
	return true;
}

/* Those before the others, and of these the ones who were there first. */
static bool miss_queues(const struct pp_store *store, unsigned flags)
{
	struct pp_line *queue = store->shared->queue;

	return flags & PP_WAIT &&
	       (__atomic_load_n(&queue[1].first, __ATOMIC_RELAXED) ||
		(!(flags & PP_CRITICAL) && __atomic_load_n(&queue[0].first, __ATOMIC_RELAXED)));
}

/* Whether a call can be: n is not 0. */
static bool miss_ok(unsigned n, unsigned flags)
{
	unsigned known = PP_TRY | PP_CRITICAL | PP_GROW | PP_WAIT | PP_REMOTE;

	if (n > PP_BULK_MAX) {
		errno = EINVAL;
		pp_fail(-EINVAL, "n %u is more than %u", n, PP_BULK_MAX);
		return false;
	}
	if (!(flags & ~known) && (!(flags & PP_TRY) || flags == PP_TRY))
		return true;
	errno = EINVAL;
	pp_fail(-EINVAL, "flags %#x: %s", flags,
		flags & ~known ? "some are unknown" : "PP_TRY goes with no other");
	return false;
}

/* All n, or with `burst` what there is in the end. */
static unsigned miss_ladder(struct pp_pool *pool, struct pp_owner *owner, void **bufs, unsigned n,
			    unsigned flags, bool burst, const struct pp_patience *patience)
{
	struct pp_store *store = &pool->store;
	unsigned got = 0;

	if (miss_queues(store, flags))
		/* It does nothing with its cache now: others may take that back. */
		pp_owner_settle(&owner->line);
	else {
		got = pp_owner_get_slow(store, owner, bufs, n, flags | PP_BURST_);
		got = pp_effort_get(pool, owner, bufs, got, n, flags);
	}
	if (got == n || (burst && !(flags & PP_WAIT)))
		return got;
	/* Nothing is held while waiting; a bulk without wait gets all or nothing. */
	if (got)
		pp_owner_put_slow(store, owner, bufs, got);
	if (!(flags & PP_WAIT))
		return 0;
	got = pp_effort_wait(pool, owner, bufs, n, flags, patience);
	return got || !burst ? got : pp_owner_get_slow(store, owner, bufs, n, flags | PP_BURST_);
}

static __attribute__((noinline)) unsigned miss_get(struct pp_store *store, struct pp_cache *c,
						   void **bufs, unsigned n, unsigned flags,
						   bool burst, const struct pp_patience *patience)
{
	struct pp_pool *pool = (struct pp_pool *)store;
	struct pp_owner *owner = (struct pp_owner *)c;
	struct pp_patience pool_s;
	struct pp_wait own;
	unsigned got;

	if (flags & PP_WAIT && !patience) {
		pp_wait_for(&own, store->shared->facts.wait_us);
		pool_s = (struct pp_patience){ .wait = &own };
		patience = &pool_s;
	}
	got = miss_ladder(pool, owner, bufs, n, flags, burst, patience);
	if (PP_UNLIKELY(pp_level_watched(store)))
		pp_level_look(pool);
	return got;
}

static unsigned miss_some(struct pp_store *store, struct pp_cache *c, void **bufs, unsigned n,
			  unsigned flags, bool burst)
{
	unsigned got = 0;

	if (c->mode && !miss_queues(store, flags))
		got = far_get(store, c, bufs, n);
	if (got < n) {
		if (PP_LIKELY(!(flags & ~(unsigned)PP_REMOTE))) {
			got = pp_owner_get_slow(store, (struct pp_owner *)c, bufs, n,
						flags | (burst ? PP_BURST_ : 0));
			if (PP_UNLIKELY(pp_level_watched(store)))
				pp_level_look((struct pp_pool *)store);
		} else
			got = miss_get(store, c, bufs, n, flags, burst, NULL);
	}
	if (store->holders)
		pp_guard_out(store, c->id + 1, bufs, got);
	return got;
}

/* By way of an array that bufs is not touched for in vain. A frame of its own: of 8 KiB. */
static __attribute__((noinline)) unsigned miss_whole(struct pp_store *store, struct pp_cache *c,
						     void **bufs, unsigned n, unsigned flags)
{
	void *some[PP_KEPT];
	unsigned got = miss_some(store, c, some, n, flags, false);

	memcpy(bufs, some, got * sizeof(*bufs));
	return got;
}

PP_API unsigned pp_cache_get_miss(struct pp_cache *c, void **bufs, unsigned n, unsigned flags)
{
	struct pp_store *store = pp_store_of_cache(c);
	bool burst = flags & PP_BURST_;

	flags &= ~PP_BURST_;
	if (PP_UNLIKELY(flags || n - 1 >= PP_BULK_MAX)) {
		if (!n || !miss_ok(n, flags))
			return 0;
		if (flags == PP_TRY)
			return pp_try_get(store, c, bufs, n, burst);
	}
	/* Else pp_owner_get_slow() keeps bufs, and only where it must. */
	if (!burst && n <= PP_KEPT && flags & ~(unsigned)PP_REMOTE)
		return miss_whole(store, c, bufs, n, flags);
	return miss_some(store, c, bufs, n, flags, burst);
}

unsigned pp_miss_wait(struct pp_cache *c, void **bufs, unsigned n, unsigned flags,
		      struct pp_wait *wait, struct pp_seat *seat)
{
	const struct pp_patience patience = { wait, seat };
	struct pp_store *store = pp_store_of_cache(c);
	unsigned got;

	if (!n || !miss_ok(n, flags | PP_WAIT))
		return 0;
	if (!wait) {
		errno = EINVAL;
		pp_fail(-EINVAL, "no wait is given: pp_wait_for()");
		return 0;
	}
	got = miss_get(store, c, bufs, n, flags | PP_WAIT, false, &patience);
	if (store->holders)
		pp_guard_out(store, c->id + 1, bufs, got);
	return got;
}

PP_API unsigned pp_alloc_bulk_wait(struct pp_cache *c, void **bufs, unsigned n, unsigned flags,
				   struct pp_wait *wait)
{
	return pp_miss_wait(c, bufs, n, flags, wait, NULL);
}

bool pp_miss_lessen(struct pp_pool *pool, struct pp_seat *seat, uint32_t fewer)
{
	return pp_home_lessen(&pool->store, seat, fewer);
}

static void miss_put(struct pp_store *store, struct pp_cache *c, void *const *bufs, unsigned n)
{
	if (c->mode && far_put(store, c, bufs, n))
		return;
	pp_owner_put_slow(store, (struct pp_owner *)c, bufs, n);
	if (PP_UNLIKELY(pp_level_watched(store)))
		pp_level_look((struct pp_pool *)store);
}

PP_API void pp_cache_put_miss(struct pp_cache *c, void *const *bufs, unsigned n)
{
	struct pp_store *store = pp_store_of_cache(c);
	void *kept[PP_CARVE];

	if (n - 1 >= PP_BULK_MAX) {
		if (n)
			pp_fail(0, "n %u is more than %u: nothing is freed", n, PP_BULK_MAX);
		return;
	}
	if (!(c->mode & PP_MODE_DEBUG)) {
		if (store->holders)
			pp_guard_home(store, bufs, n);
		miss_put(store, c, bufs, n);
		return;
	}
	for (unsigned i = 0; i < n; i += PP_CARVE) {
		unsigned k = n - i < PP_CARVE ? n - i : PP_CARVE;

		k = pp_guard_in(store, c->id + 1, bufs + i, k, kept);
		if (k)
			miss_put(store, c, kept, k);
		else
			pp_owner_settle(c);
	}
}
