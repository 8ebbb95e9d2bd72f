/* SPDX-License-Identifier: BSD-3-Clause */
/* Defer: see pp_defer.h. */
#include "pp_defer.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pp_bulk.h"
#include "pp_fail.h"
#include "pp_filler.h"
#include "pp_inside.h"
#include "pp_settle.h"
#include "pp_sleep.h"

_Static_assert(sizeof(struct pp_limbo_block) == PP_DEFER_BLOCK_BYTES, "what the header says");

#define KEEP 8
#define THREADS 128
#define THREADS_MAX 4096
#define WAIT_US 1000000u
/* The first pauses of pp_grace_pause() give the CPU away, the others sleep, each
 * longer than the one before. */
#define PAUSE_YIELDS 16
#define PAUSE_NS 20000u
#define PAUSE_MOST_NS 1000000u

static struct pp_handles defers = PP_HANDLES(struct pp_defer, handle);

/* 0, or -EINVAL: it is NULL, or has been destroyed. */
static int defer_gone(const struct pp_defer *d)
{
	if (PP_LIKELY(d && pp_handle_lives(&d->handle)))
		return 0;
	return pp_fail(-EINVAL, "%s", d ? "the pp_defer has been destroyed" : "no pp_defer: NULL");
}

PP_API int pp_grace_pause(struct pp_wait *wait, unsigned *turn)
{
	static uint32_t nobody_kicks;
	unsigned doubled = *turn < PAUSE_YIELDS ? 0 : *turn - PAUSE_YIELDS;
	uint64_t ns = doubled < 6 ? (uint64_t)PAUSE_NS << doubled : PAUSE_MOST_NS;
	struct pp_wait for_ever;

	if (!wait) {
		pp_wait_until(&for_ever, PP_FOREVER);
		wait = &for_ever;
	}
	if ((*turn)++ >= PAUSE_YIELDS)
		return pp_sleep(wait, &nobody_kicks, pp_sleep_kicks(&nobody_kicks),
				pp_sleep_now() + ns);
	sched_yield();
	/* Looks at the wait, and does not sleep. */
	return pp_sleep(wait, &nobody_kicks, pp_sleep_kicks(&nobody_kicks), 0);
}

static int params_check(const struct pp_defer_params *given, struct pp_defer_params *p)
{
	const struct pp_shared_facts *facts;

	if (!given || !given->sz)
		return pp_fail(-EINVAL, "params.sz is not set (sizeof(struct pp_defer_params))");
	if (given->sz > sizeof(*p))
		return pp_fail(-EINVAL, "params.sz %zu: this library knows %zu bytes of it",
			       given->sz, sizeof(*p));
	memset(p, 0, sizeof(*p));
	memcpy(p, given, given->sz);
	p->name = p->name && *p->name ? p->name : "defer";
	p->keep = p->keep ? p->keep : KEEP;
	p->threads = p->threads ? p->threads : THREADS;
	p->wait_us = p->wait_us ? p->wait_us : WAIT_US;
	if (strlen(p->name) > 31)
		return pp_fail(-EINVAL, "name %.40s: more than 31 characters", p->name);
	if (!p->pool)
		return pp_fail(-EINVAL, "%s: no pool to take blocks from", p->name);
	if (!p->ops || !p->ops->start || !p->ops->done || !p->ops->synchronize)
		return pp_fail(-EINVAL, "%s: start, done and synchronize are needed", p->name);
	if (!p->free_bulk)
		return pp_fail(-EINVAL, "%s: no free_bulk", p->name);
	if (p->threads > THREADS_MAX)
		return pp_fail(-EINVAL, "%s: threads %u: more than %d", p->name, p->threads,
			       THREADS_MAX);
	if (p->flags & ~(uint32_t)PP_DEFER_DEBUG)
		return pp_fail(-EINVAL, "%s: flags %#x: not all known", p->name, p->flags);
	facts = &p->pool->store.shared->facts;
	if (facts->buffer_size - facts->lead < PP_DEFER_BLOCK_BYTES)
		return pp_fail(-EINVAL, "%s: a block needs %d bytes, a buffer of pool %s has %u",
			       p->name, PP_DEFER_BLOCK_BYTES, pp_pool_name(p->pool),
			       facts->buffer_size - facts->lead);
	return 0;
}

/* As many as may be kept, if the pool has them. */
static void kept_fill(struct pp_defer *d, struct pp_cache *cache)
{
	uint32_t missing;
	void *buf;

	pp_limbo_lock(d);
	missing = d->params.keep - d->kept_n;
	pp_limbo_unlock(d);
	while (missing--) {
		if (cache)
			buf = pp_alloc(cache, PP_REMOTE);
		else if (!pp_pool_alloc_burst(d->params.pool, &buf, 1))
			buf = NULL;
		if (!buf)
			return;
		pp_limbo_keep(d, cache, buf);
	}
}

PP_API int pp_defer_create(const struct pp_defer_params *params, struct pp_defer **out)
{
	struct pp_defer_params p = { 0 };
	struct pp_defer *d;
	int rc = params_check(params, &p);

	if (rc)
		return rc;
	d = pp_handle_new(&defers);
	if (!d)
		return pp_fail(-ENOMEM, "%s: no memory for its handle", p.name);
	d->fillers = aligned_alloc(2 * PP_LINE, p.threads * sizeof(*d->fillers));
	if (!d->fillers) {
		rc = pp_fail(-ENOMEM, "%s: no memory for %u threads", p.name, p.threads);
		goto end_handle;
	}
	memset(d->fillers, 0, p.threads * sizeof(*d->fillers));
	for (uint32_t i = 0; i < p.threads; i++)
		d->fillers[i].seen = UINT64_MAX;
	d->params = p;
	snprintf(d->name, sizeof(d->name), "%s", p.name);
	d->params.name = d->name;
	d->debug = p.flags & PP_DEFER_DEBUG;
	pp_pool_key(p.pool, &d->key);
	rc = pp_filler_register(d);
	if (rc)
		goto free_fillers;
	kept_fill(d, NULL);
	*out = d;
	return 0;
free_fillers:
	free(d->fillers);
end_handle:
	pp_handle_end(&defers, d);
	return rc;
}

static void blocks_return(struct pp_defer *d)
{
	struct pp_limbo_block *next;
	void *buf;

	for (uint32_t i = 0; i < d->fillers_end; i++) {
		buf = atomic_load(&d->fillers[i].block);
		if (buf)
			pp_pool_free(d->params.pool, &buf, 1);
		buf = d->fillers[i].spare;
		if (buf)
			pp_pool_free(d->params.pool, &buf, 1);
	}
	for (struct pp_limbo_block *block = d->kept; block; block = next) {
		next = block->next;
		buf = block;
		pp_pool_free(d->params.pool, &buf, 1);
	}
}

PP_API int pp_defer_destroy(struct pp_defer *d)
{
	struct pp_defer_stats stats;
	struct pp_wait wait;

	if (!d)
		return 0;
	if (defer_gone(d))
		return -EINVAL;
	pp_wait_for(&wait, d->params.wait_us);
	if (pp_limbo_inside)
		return pp_fail(-EBUSY, "%s: cannot end while it frees", d->name);
	pp_settle(d, &wait);
	pp_defer_stats(d, &stats);
	if (stats.deferred != stats.freed)
		return pp_fail(-EBUSY, "%s: %llu objects wait for readers", d->name,
			       (unsigned long long)(stats.deferred - stats.freed));
	pp_filler_unregister(d);
	blocks_return(d);
	free(d->fillers);
	/* No thread has a place in it: what each defers goes the long way, and is refused. */
	d->generation = 0;
	pp_handle_end(&defers, d);
	return 0;
}

/* The last resort, of who may sleep. */
static int defer_wait(struct pp_defer *d, struct pp_filler *filler, void *obj)
{
	int rc = d->params.ops->synchronize(d->params.grace, NULL);

	if (rc)
		return pp_fail(rc, "%s: the grace period failed", d->name);
	pp_limbo_free_one(d, obj);
	/* What has come due meanwhile brings blocks for those who come next. */
	pp_limbo_reclaim(d, filler, PP_LIMBO_SHARE);
	return 0;
}

/* There is a thread's first place to be made, a block to be had, or debug mode. */
static __attribute__((noinline)) int defer_long_way(struct pp_defer *d, void *obj,
						    struct pp_defer_head *head)
{
	struct pp_filler *filler;
	bool found = false;

	if (defer_gone(d))
		return -EINVAL;
	filler = pp_filler_have(d);
	if (!filler)
		filler = pp_filler_make(d);
	if (filler && (pp_filler_has_block(filler) || pp_filler_refill(d, filler, !head))) {
		if (d->debug)
			return pp_filler_add_once(d, filler, obj);
		pp_filler_add(d, filler, obj);
		return 0;
	}
	if (!head)
		return defer_wait(d, filler, obj);
	pp_limbo_lock(d);
	if (d->debug)
		found = pp_filler_finds(d, obj);
	if (!found)
		pp_limbo_push_head(d, obj, head);
	pp_limbo_unlock(d);
	if (found)
		return pp_filler_refuse(d, obj);
	pp_limbo_reclaim(d, filler, PP_LIMBO_SHARE);
	return 0;
}

static inline int defer_free(struct pp_defer *d, void *obj, struct pp_defer_head *head)
{
	struct pp_filler *filler = pp_filler_have(d);

	if (PP_UNLIKELY(!obj))
		return 0;
	if (PP_UNLIKELY(!filler || !pp_filler_has_block(filler) || d->debug))
		return defer_long_way(d, obj, head);
	pp_filler_add(d, filler, obj);
	return 0;
}

PP_API int pp_defer_free(struct pp_defer *d, void *obj)
{
	return PP_UNLIKELY(!d) ? defer_gone(d) : defer_free(d, obj, NULL);
}

PP_API int pp_defer_free_head(struct pp_defer *d, void *obj, struct pp_defer_head *head)
{
	if (PP_UNLIKELY(!d))
		return defer_gone(d);
	if (PP_UNLIKELY(!head))
		return pp_fail(-EINVAL, "%s: no head", d->name);
	return defer_free(d, obj, head);
}

PP_API unsigned pp_defer_poll(struct pp_defer *d)
{
	unsigned freed;

	if (defer_gone(d) || pp_limbo_inside)
		return 0;
	freed = pp_limbo_reclaim(d, pp_filler_have(d), PP_LIMBO_ALL);
	freed += pp_limbo_flush(d);
	kept_fill(d, pp_key_cache(&d->key));
	return freed;
}

PP_API int pp_defer_barrier_wait(struct pp_defer *d, struct pp_wait *wait)
{
	struct pp_wait for_ever;

	if (defer_gone(d))
		return -EINVAL;
	if (pp_limbo_inside)
		return pp_fail(-EDEADLK, "%s: a barrier would wait for its own caller", d->name);
	if (!wait) {
		pp_wait_until(&for_ever, PP_FOREVER);
		wait = &for_ever;
	}
	return pp_settle(d, wait);
}

PP_API int pp_defer_barrier(struct pp_defer *d)
{
	return pp_defer_barrier_wait(d, NULL);
}

PP_API void pp_defer_buffers(void *pool, void *const *bufs, unsigned n)
{
	struct pp_cache *cache = pp_pool_cache(pool);

	if (cache)
		pp_free_bulk(cache, bufs, n);
	else
		pp_pool_free(pool, bufs, n);
}

PP_API void pp_defer_stats(struct pp_defer *d, struct pp_defer_stats *stats)
{
	if (stats)
		memset(stats, 0, sizeof(*stats));
	if (!stats || defer_gone(d)) {
		errno = stats ? EINVAL : -pp_fail(-EINVAL, "nowhere to put the books: NULL");
		return;
	}
	pp_limbo_lock(d);
	*stats = d->sum;
	stats->kept = d->kept_n;
	for (uint32_t i = 0; i < d->fillers_end; i++) {
		const struct pp_filler *filler = &d->fillers[i];

		stats->threads += filler->taken;
		stats->deferred += atomic_load_explicit(&filler->n, memory_order_relaxed);
		stats->tried += atomic_load_explicit(&filler->tried, memory_order_relaxed);
		stats->recycled += atomic_load_explicit(&filler->recycled, memory_order_relaxed);
		stats->grown += atomic_load_explicit(&filler->grown, memory_order_relaxed);
	}
	pp_limbo_unlock(d);
}
