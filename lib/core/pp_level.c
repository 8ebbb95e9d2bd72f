/* SPDX-License-Identifier: BSD-3-Clause */
/* Level: comparing what is free with the watermarks. */
#include "pp_level.h"

#include <errno.h>
#include <unistd.h>

#include "pp_fail.h"
#include "pp_inside.h"

/* In `advice`: low; the rest counts changes of the marks, so that nobody goes by old ones. */
#define LOW 1u
/* How often a call looks again at what its callbacks have done. */
#define LOOKS 8

/* The pool whose callback this thread is in: using a pool there is not looked at before it is
 * over. */
static __thread const struct pp_pool *inside;

/* Without looking into caches: never more than there is. */
static uint64_t level_quick(const struct pp_store *store)
{
	const struct pp_shared *shared = store->shared;
	uint64_t total = atomic_load_explicit(&shared->total, memory_order_relaxed);
	uint64_t carved = atomic_load_explicit(&shared->carved, memory_order_relaxed);
	uint64_t n = total > carved ? total - carved : 0;

	for (uint32_t d = 0; d < shared->facts.nodes; d++)
		n += pp_depot_count(store, d);
	return n;
}

static uint64_t level_exact(const struct pp_store *store)
{
	struct pp_sums sums;

	pp_walk_sums(store, &sums);
	return sums.fresh + sums.cached + sums.deques + sums.depot;
}

/* What can be free, the reserve not counted. */
static uint64_t level_most(const struct pp_pool *pool)
{
	uint64_t total = atomic_load_explicit(&pool->store.shared->total, memory_order_relaxed);
	uint64_t floor = atomic_load_explicit(&pool->store.shared->floor, memory_order_relaxed);

	return total > floor ? total - floor : 0;
}

static bool level_is_low(const struct pp_pool *pool)
{
	return atomic_load(&pool->store.shared->advice) & LOW;
}

static void level_compare(const struct pp_pool *pool)
{
	struct pp_shared *shared = pool->store.shared;
	/* Before the marks: it changes with them. */
	uint32_t was = atomic_load(&shared->advice);
	uint32_t low = atomic_load(&shared->low), high = atomic_load(&shared->high);
	uint64_t n, most = level_most(pool);

	/* The reserve may have grown since, or the pool shrunk. */
	high = high < most ? high : (uint32_t)most;
	if (!(was & LOW) && (!low || level_quick(&pool->store) >= low))
		return;
	n = level_exact(&pool->store);
	if (was & LOW ? n >= high : n < low)
		/* V1: of several that see it one says so, before who tells is looked at. */
		atomic_compare_exchange_strong(&shared->advice, &was, was ^ LOW);
}

/* With `telling` held. */
static void level_call(struct pp_pool *pool, bool low)
{
	static const uint64_t one = 1;
	const struct pp_watermarks marks = pool->level;
	int error = errno;

	inside = pool;
	if (marks.fn)
		marks.fn(pool, low, marks.arg);
	/* Full, it has been told often enough. */
	if (marks.eventfd > 0)
		(void)!write(marks.eventfd, &one, sizeof(one));
	inside = NULL;
	/* What the call says that crossed the mark is not to be changed by that. */
	errno = error;
}

static bool level_told(const struct pp_pool *pool)
{
	return atomic_load_explicit(&pool->told, memory_order_relaxed);
}

/* One tells at a time, or what is told last need not be what came true last. Whoever finds him
 * at it leaves it to him. */
static void level_tell(struct pp_pool *pool)
{
	for (unsigned looks = 0; level_is_low(pool) != level_told(pool); looks++) {
		bool low;

		if (!pp_lock_try(&pool->telling, PP_NOBODY))
			return;
		low = level_is_low(pool);
		if (low != level_told(pool)) {
			atomic_store_explicit(&pool->told, low, memory_order_relaxed);
			level_call(pool, low);
		}
		pp_lock_release(&pool->telling);
		/* V2: released before the advice is looked at again; pairs with V1. */
		atomic_thread_fence(memory_order_seq_cst);
		if (looks < LOOKS)
			level_compare(pool);
	}
}

void pp_level_look(struct pp_pool *pool)
{
	if (inside)
		return;
	level_compare(pool);
	level_tell(pool);
}

/* With `telling` held: who is to be told, and of what. */
static void level_set(struct pp_pool *pool, const struct pp_watermarks *marks)
{
	struct pp_shared *shared = pool->store.shared;

	atomic_store(&shared->low, 0);
	atomic_store(&shared->advice, (atomic_load(&shared->advice) | LOW) + 1);
	atomic_store_explicit(&pool->told, false, memory_order_relaxed);
	pool->level = *marks;
	atomic_store(&shared->high, marks->high);
	atomic_store(&shared->low, marks->low);
}

PP_API int pp_pool_set_watermarks(struct pp_pool *pool, const struct pp_watermarks *marks)
{
	if (!pp_pool_here(pool))
		return -EINVAL;
	if (!marks)
		return pp_fail(-EINVAL, "no watermarks: NULL");
	if (marks->high < marks->low || marks->high > level_most(pool))
		return pp_fail(-EINVAL, "watermarks %u and %u are not low <= high <= %llu buffers",
			       marks->low, marks->high, (unsigned long long)level_most(pool));
	if (inside == pool) {
		/* By the callback itself, which is the one that tells. */
		level_set(pool, marks);
		return 0;
	}
	pp_lock_take(&pool->telling, PP_NOBODY);
	level_set(pool, marks);
	pp_lock_release(&pool->telling);
	pp_level_look(pool);
	return 0;
}

PP_API bool pp_pool_is_low(struct pp_pool *pool)
{
	if (PP_UNLIKELY(!pp_pool_here(pool)))
		return false;
	/* Nobody may have gone the long way since. */
	if (PP_UNLIKELY(level_is_low(pool)))
		pp_level_look(pool);
	return level_is_low(pool);
}
