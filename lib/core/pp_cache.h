/* SPDX-License-Identifier: BSD-3-Clause */
/* Cache: an owner's private block, with the hit inlined and the miss out of line. */
#ifndef PP_CACHE_H
#define PP_CACHE_H

#include "pp_offset.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__SANITIZE_THREAD__)
#define PP_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PP_TSAN 1
#endif
#endif

/*
 * The line that an owner's fast path works on, and all that it works on.
 *
 * field   written by                              read by
 * s       owner; a taker under the owner's lock   owner, taker
 * want    owner only                              owner, taker, own signal handlers
 * lo, hi  anyone closes; owner's slow path opens  owner
 * fast    owner                                   the books
 * others  once, when the cache is made            owner
 *
 * `s` is the index, in the pool's one array of blocks, of the first free slot
 * of the current block: slots below it down to the block's start hold free
 * buffers. Before the owner looks at the limits it says in `want` where `s`
 * will be; idle is `want == s`. Who needs the buffers closes the limits, makes
 * every thread pass a barrier, and reads `want`, then `s` (doc/ordering.md,
 * T1..T4). So no operation on the fast path is atomic, and none is a fence.
 */
struct pp_cache {
	int32_t s;
	int32_t lo;
	int32_t hi;
	int32_t want;
	uint32_t *slots;
	uintptr_t base;
	/* The long way's limits, for pools whose inline ones are never open. */
	int32_t far_lo;
	int32_t far_hi;
	uint32_t mode; /* why: enum pp_mode, in pp_owner.h */
	uint32_t id;
	uint64_t fast;    /* buffers handed out by hits; a statistic, not part of the protocol */
	uint64_t foreign; /* where control memory begins that is in no region of its own, or 0 */
} __attribute__((aligned(PP_LINE)));

/* Set in `flags` of a miss by pp_alloc_burst: take what there is. */
#define PP_BURST_ (1u << 16)
/* Flags that change nothing while the cache has what is asked. */
#define PP_HIT_FLAGS_ ((unsigned)(PP_CRITICAL | PP_GROW | PP_WAIT | PP_REMOTE) | PP_BURST_)

/* Buffers that one call may ask for or give back. */
#define PP_BULK_MAX (1u << 28)

PP_API unsigned pp_cache_get_miss(struct pp_cache *c, void **bufs, unsigned n, unsigned flags);
PP_API void pp_cache_put_miss(struct pp_cache *c, void *const *bufs, unsigned n);

static inline __attribute__((always_inline)) void pp_cache_intend(struct pp_cache *c, int32_t want)
{
#ifdef PP_TSAN
	/* The sanitizer knows neither compiler barriers nor membarrier. */
	__atomic_exchange_n(&c->want, want, __ATOMIC_SEQ_CST);
#else
	__atomic_store_n(&c->want, want, __ATOMIC_RELAXED);
	/* T1: before the limits are read; pairs with the membarrier T3 of a taker. */
	__asm__("" ::: "memory");
#endif
}

/* Plain, so that it becomes one instruction on memory: a load, an add and a
 * store cost 0.7 cycles more, and a signal handler could come between them. */
static inline __attribute__((always_inline)) void pp_cache_count(struct pp_cache *c, unsigned n)
{
#ifdef PP_TSAN
	__atomic_fetch_add(&c->fast, n, __ATOMIC_RELAXED);
#else
	c->fast += n;
#endif
}

/*
 * The hit alone, of 1 .. PP_BULK_MAX without flags: true, or false and nothing is
 * changed but what is intended, as the miss does again. For who does something
 * after a miss: were that called here, the hit would save registers for it.
 */
static inline __attribute__((always_inline)) bool pp_cache_hit(struct pp_cache *c, void **bufs,
							       unsigned n)
{
	uint32_t s = (uint32_t)__atomic_load_n(&c->s, __ATOMIC_RELAXED);

	/* Opaque, so that it is loaded by mov: movslq from memory costs 3 cycles. */
	__asm__("" : "+r"(s));
	pp_cache_intend(c, (int32_t)(s - n));
	if (PP_UNLIKELY((int32_t)(s - n) < __atomic_load_n(&c->lo, __ATOMIC_RELAXED)))
		return false;
	s -= n;
	pp_cache_count(c, n);
	pp_offset_out(c->base, c->slots + s, bufs, n);
	/* T2: commits; the slots were read before. Pairs with T4. */
	__atomic_store_n(&c->s, (int32_t)s, __ATOMIC_RELEASE);
	return true;
}

static inline __attribute__((always_inline)) unsigned pp_cache_get(struct pp_cache *c, void **bufs,
								   unsigned n, unsigned flags)
{
	/* None: an owner that wants `s` to stay looks idle, so it must not store it.
	 * PP_TRY, and what is no flag or no number: nothing for a constant. */
	if (PP_UNLIKELY(n - 1 >= PP_BULK_MAX || (flags & ~PP_HIT_FLAGS_)))
		return pp_cache_get_miss(c, bufs, n, flags);
	return PP_LIKELY(pp_cache_hit(c, bufs, n)) ? n : pp_cache_get_miss(c, bufs, n, flags);
}

static inline __attribute__((always_inline)) void pp_cache_put(struct pp_cache *c,
							       void *const *bufs, unsigned n)
{
	uint32_t s;

	if (PP_UNLIKELY(n - 1 >= PP_BULK_MAX)) { /* As in pp_cache_get(). */
		pp_cache_put_miss(c, bufs, n);
		return;
	}
	s = (uint32_t)__atomic_load_n(&c->s, __ATOMIC_RELAXED);
	__asm__("" : "+r"(s));
	pp_cache_intend(c, (int32_t)(s + n));
	if (PP_UNLIKELY((int32_t)(s + n) > __atomic_load_n(&c->hi, __ATOMIC_RELAXED))) {
		pp_cache_put_miss(c, bufs, n);
		return;
	}
	pp_offset_in(c->slots + s, bufs, n);
	/* T2: commits; the slots were written before. Pairs with T4. */
	__atomic_store_n(&c->s, (int32_t)(s + n), __ATOMIC_RELEASE);
}

#ifdef __cplusplus
}
#endif
#endif
