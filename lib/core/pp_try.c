/* SPDX-License-Identifier: BSD-3-Clause */
/* Try: what may be done in a signal handler and under a lock: no waiting, no lock, bounded. */
#include "pp_try.h"

#include <limits.h>

#include "pp_buffer.h"
#include "pp_bulk.h"
#include "pp_guard.h"

/* Limits that their own owner has closed: only its slow path may open them, as
 * ever, but these calls go on. A taker's are INT_MAX and -1. */
#define OWN_LO (INT_MAX - 1)
#define OWN_HI (-2)

static bool limit_close(int32_t *limit, int32_t taken, int32_t own)
{
	int32_t old = __atomic_load_n(limit, __ATOMIC_RELAXED);

	if (old == taken)
		return false;
	/* A taker may be at it: its store must not be undone by this one. */
	return old == own || __atomic_compare_exchange_n(limit, &old, own, false, __ATOMIC_SEQ_CST,
							 __ATOMIC_RELAXED);
}

/*
 * As a handler cannot know whether the thread has `s` in a register already, it
 * sends the thread's next call to the slow path, which loads it again. False:
 * a taker has closed them.
 */
static bool own_close(struct pp_cache *c)
{
	return limit_close(c->mode ? &c->far_lo : &c->lo, INT_MAX, OWN_LO) &&
	       limit_close(c->mode ? &c->far_hi : &c->hi, -1, OWN_HI);
}

/*
 * This thread is between two calls, or has not begun to show that it is not.
 * What it intends is then no number that `s` could be: a handler, which acts
 * where they are equal, comes before this or not at all.
 */
static bool own_begin(struct pp_cache *c)
{
	if (__atomic_load_n(&c->want, __ATOMIC_RELAXED) != __atomic_load_n(&c->s, __ATOMIC_RELAXED))
		return false;
	pp_cache_intend(c, PP_OWNER_TRIES);
	return true;
}

static void own_end(struct pp_cache *c, int32_t s)
{
	__atomic_store_n(&c->s, s, __ATOMIC_RELEASE); /* T2 */
	__atomic_store_n(&c->want, s, __ATOMIC_RELEASE);
}

unsigned pp_try_get(struct pp_store *store, struct pp_cache *c, void **bufs, unsigned n, bool burst)
{
	int32_t start, s;
	unsigned k;

	if (c->mode & PP_MODE_CLOSED || !own_begin(c))
		return 0;
	s = __atomic_load_n(&c->s, __ATOMIC_RELAXED);
	start = pp_owner_start(store, (struct pp_owner *)c);
	k = (unsigned)(s - start) < n ? (unsigned)(s - start) : n;
	/* None: as in pp_cache_get(), `s` must not be stored then. */
	if (!k || (k < n && !burst) || !own_close(c)) {
		pp_owner_settle(c);
		return 0;
	}
	s -= (int32_t)k;
	pp_cache_count(c, k);
	pp_store_out(store, c->slots + s, bufs, k);
	own_end(c, s);
	if (store->holders)
		pp_guard_out(store, c->id + 1, bufs, k);
	return k;
}

static bool try_put(struct pp_store *store, struct pp_cache *c, void *const *bufs, unsigned n)
{
	int32_t end, s;

	/* Debug mode wants to look at them, which takes its time. */
	if (c->mode & (PP_MODE_CLOSED | PP_MODE_DEBUG) || !own_begin(c))
		return false;
	s = __atomic_load_n(&c->s, __ATOMIC_RELAXED);
	end = pp_owner_start(store, (struct pp_owner *)c) + (int32_t)store->blocks.size;
	if (n > (unsigned)(end - s) || !own_close(c)) {
		pp_owner_settle(c);
		return false;
	}
	if (store->holders)
		pp_guard_home(store, bufs, n);
	pp_store_in(store, c->slots + s, bufs, n);
	own_end(c, s + (int32_t)n);
	return true;
}

/* The buffer's number, or -1; whose cache was given is believed, but in debug mode. */
static int64_t try_index(const struct pp_store *store, const void *buf, bool believed)
{
	const struct pp_region *region = &store->region;
	int64_t index;

	if (believed && !(store->shared->facts.mode & PP_MODE_DEBUG))
		return pp_place_index(region, pp_place_to_offset(region, buf));
	index = pp_buffer_index(region, buf);
	return index >= 0 && pp_buffer_at(region, (uint32_t)index) == buf ? index : -1;
}

static bool nolock_one(struct pp_store *store, const void *buf, bool believed)
{
	int64_t index = store ? try_index(store, buf, believed) : -1;

	if (index >= 0 && pp_late_note(store, (uint32_t)index)) {
		pp_queue_kick(store);
		return true;
	}
	if (store)
		__atomic_fetch_add(&store->shared->past.fault, 1, __ATOMIC_RELAXED);
	return false;
}

PP_API unsigned pp_free_nolock(struct pp_cache *cache, void *const *bufs, unsigned n)
{
	struct pp_store *store = cache ? pp_store_of_cache(cache) : NULL;
	unsigned freed = 0;

	if (!n || n > PP_BULK_MAX || !bufs)
		return 0;
	if (cache && try_put(store, cache, bufs, n))
		return n;
	for (unsigned i = 0; i < n; i++)
		freed += nolock_one(cache ? store : pp_store_of(bufs[i]), bufs[i], cache);
	return freed;
}
