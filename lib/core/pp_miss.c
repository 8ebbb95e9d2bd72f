/* SPDX-License-Identifier: BSD-3-Clause */
/* Miss: what the inlined calls come to when the cache's line cannot serve them. */
#include "pp_fail.h"
#include "pp_guard.h"
#include "pp_owner.h"

static void miss_settle(struct pp_cache *c)
{
	/* Nothing is intended any more: idle again. */
	__atomic_store_n(&c->want, __atomic_load_n(&c->s, __ATOMIC_RELAXED), __ATOMIC_RELEASE);
}

/* The hit of a pool whose inline limits never open, by the other pair of limits. */
static unsigned far_get(struct pp_store *store, struct pp_cache *c, void **bufs, unsigned n)
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

static bool far_put(struct pp_store *store, struct pp_cache *c, void *const *bufs, unsigned n)
{
	int32_t s = __atomic_load_n(&c->s, __ATOMIC_RELAXED);

	pp_cache_intend(c, s + (int32_t)n);
	if (s + (int32_t)n > __atomic_load_n(&c->far_hi, __ATOMIC_RELAXED))
		return false;
	pp_store_in(store, c->slots + s, bufs, n);
	__atomic_store_n(&c->s, s + (int32_t)n, __ATOMIC_RELEASE); /* T2 */
	return true;
}

/* What the current block has and no more: no lock, no line but the owner's. */
static unsigned try_get(struct pp_store *store, struct pp_cache *c, void **bufs, unsigned n,
			bool burst)
{
	int32_t lo = __atomic_load_n(c->mode ? &c->far_lo : &c->lo, __ATOMIC_RELAXED);
	int32_t s = __atomic_load_n(&c->s, __ATOMIC_RELAXED);
	unsigned have = s > lo ? (unsigned)(s - lo) : 0;
	unsigned k = n < have ? n : have;

	/* None: as in pp_cache_get(), `s` must not be stored then. */
	if (!k || (k < n && !burst))
		return 0;
	pp_cache_intend(c, s - (int32_t)k);
	/* Closed since? */
	if (s - (int32_t)k < __atomic_load_n(c->mode ? &c->far_lo : &c->lo, __ATOMIC_RELAXED))
		return 0;
	s -= (int32_t)k;
	pp_cache_count(c, k);
	pp_store_out(store, c->slots + s, bufs, k);
	__atomic_store_n(&c->s, s, __ATOMIC_RELEASE); /* T2 */
	return k;
}

PP_API unsigned pp_cache_get_miss(struct pp_cache *c, void **bufs, unsigned n, unsigned flags)
{
	struct pp_store *store = pp_store_of(c);
	bool burst = flags & PP_BURST_;
	unsigned got = 0;

	if (flags & ~(PP_TRY | PP_BURST_)) {
		miss_settle(c);
		pp_fail(0, "flags %#x: only 0 and PP_TRY are known so far", flags & ~PP_BURST_);
		return 0;
	}
	if (c->mode)
		got = far_get(store, c, bufs, n);
	if (got < n && (flags & PP_TRY)) {
		got = try_get(store, c, bufs, n, burst);
		miss_settle(c);
	} else if (got < n)
		got = pp_owner_get_slow(store, (struct pp_owner *)c, bufs, n, burst);
	if (store->holders)
		pp_guard_out(store, c->id + 1, bufs, got);
	return got;
}

static void miss_put(struct pp_store *store, struct pp_cache *c, void *const *bufs, unsigned n)
{
	if (!c->mode || !far_put(store, c, bufs, n))
		pp_owner_put_slow(store, (struct pp_owner *)c, bufs, n);
}

PP_API void pp_cache_put_miss(struct pp_cache *c, void *const *bufs, unsigned n)
{
	struct pp_store *store = pp_store_of(c);
	void *kept[PP_CARVE];

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
			miss_settle(c);
	}
}
