/* SPDX-License-Identifier: BSD-3-Clause */
/* Stock: see pp_stock.h. */
#include "pp_stock.h"

#include <errno.h>
#include <string.h>

#include "pp_buffer.h"
#include "pp_bulk.h"
#include "pp_fail.h"
#include "pp_place.h"
#include "pp_pool.h"
#include "pp_sleep.h"
#include "pp_thread.h"

static bool buffer_is_whole(const struct pp_objcache *oc, const void *buf)
{
	int64_t index = pp_buffer_index(oc->region, buf);

	return index >= 0 && pp_buffer_at(oc->region, (uint32_t)index) == buf;
}

static unsigned buy_critical(struct pp_objcache *oc, void **bufs, unsigned need, unsigned flags,
			     struct pp_wait *wait)
{
	unsigned got = pp_mempool_alloc_bulk(oc->params.critical, bufs, need, flags, wait);

	for (unsigned i = 0; i < got; i++)
		if (!buffer_is_whole(oc, bufs[i])) {
			pp_fail(-EINVAL, "%s: the mempool's %p is no whole buffer of pool %s",
				oc->name, bufs[i], pp_pool_name(oc->params.pool));
			pp_mempool_free_bulk(oc->params.critical, bufs, got);
			errno = EINVAL;
			return 0;
		}
	/* EINVAL: more than the mempool keeps. Others may have as many. */
	if (!got && (!(flags & PP_WAIT) || errno == EINVAL))
		errno = ENOMEM;
	return got;
}

/* A critical one waits at the mempool first: nobody knows where it is. */
static bool waiter_sits(const struct pp_stock_waiter *waiter)
{
	return !waiter->critical;
}

unsigned pp_stock_buy(struct pp_objcache *oc, bool critical, void **bufs, unsigned need,
		      unsigned flags, struct pp_stock_waiter *waiter)
{
	struct pp_wait *wait = waiter ? waiter->wait : NULL;
	struct pp_cache *cache;
	unsigned got;

	errno = ENOMEM;
	if (critical)
		return buy_critical(oc, bufs, need, flags, wait);
	cache = pp_pool_cache(oc->params.pool);
	if (cache && waiter && flags & PP_WAIT)
		return pp_miss_wait(cache, bufs, need, flags, wait,
				    waiter_sits(waiter) ? &waiter->seat : NULL);
	/* A thread that came too late for a cache of its own tries again and again. */
	got = cache ? pp_alloc_bulk(cache, bufs, need, flags | PP_REMOTE)
		    : pp_pool_alloc_burst(oc->params.pool, bufs, need);
	if (got == need)
		return need;
	pp_pool_free(oc->params.pool, bufs, got);
	errno = flags & PP_WAIT ? EAGAIN : ENOMEM;
	return 0;
}

void pp_stock_return(struct pp_objcache *oc, bool critical, void *const *bufs, unsigned n)
{
	struct pp_cache *cache;

	if (critical) {
		pp_mempool_free_bulk(oc->params.critical, bufs, n);
		return;
	}
	cache = pp_pool_cache(oc->params.pool);
	if (cache)
		pp_free_bulk(cache, bufs, n);
	else
		pp_pool_free(oc->params.pool, bufs, n);
}

static void slab_destruct(struct pp_objcache *oc, struct pp_slab *slab, uint32_t n)
{
	if (oc->params.dtor)
		for (uint32_t i = 0; i < n; i++)
			oc->params.dtor(pp_slab_object(&oc->shape, slab, i), oc->params.arg);
	__atomic_fetch_add(&oc->destructed, n, __ATOMIC_RELAXED);
}

static int slab_construct(struct pp_objcache *oc, struct pp_slab *slab)
{
	uint32_t n = 0;
	int rc = 0;

	while (n < oc->shape.count && oc->params.ctor) {
		rc = oc->params.ctor(pp_slab_object(&oc->shape, slab, n), oc->params.arg);
		if (rc)
			break;
		n++;
	}
	if (!rc)
		n = oc->shape.count;
	__atomic_fetch_add(&oc->constructed, n, __ATOMIC_RELAXED);
	if (rc)
		slab_destruct(oc, slab, n);
	return rc < 0 ? -rc : rc;
}

struct pp_slab *pp_stock_make(struct pp_objcache *oc, bool critical, void *const *bufs, unsigned n)
{
	struct pp_slab *slabs = NULL;

	for (unsigned i = 0; i < n; i++) {
		struct pp_slab *slab = pp_slab_make(&oc->shape, bufs[i], critical);
		int rc = slab_construct(oc, slab);

		if (rc) {
			/* bufs may be what the caller wants objects in: not touched. */
			pp_stock_return(oc, critical, bufs + i, n - i);
			pp_stock_unmake(oc, slabs);
			errno = rc;
			pp_fail(-rc, "%s: the constructor failed", oc->name);
			return NULL;
		}
		slab->next = slabs;
		slabs = slab;
	}
	return slabs;
}

uint32_t pp_stock_unmake(struct pp_objcache *oc, struct pp_slab *slabs)
{
	uint32_t n = 0;

	while (slabs) {
		struct pp_slab *slab = slabs;
		void *buffer = slab->buffer;
		bool critical = slab->critical;

		slabs = slab->next;
		slab_destruct(oc, slab, oc->shape.count);
		pp_stock_return(oc, critical, &buffer, 1);
		n++;
	}
	return n;
}

/* Whether frees must look at what they free: see PP_OBJCACHE_DEBUG for the first. */
static void stock_say(struct pp_objcache *oc)
{
	struct pp_magazines *set = &oc->magazines;
	bool pressed = !set->size || oc->books[1].slabs || oc->waiters[0] || oc->waiters[1];

	/* Before a critical object is handed out, and whoever frees it got it from
	 * there: no barrier is needed. For waiters there is pp_stock_collect(). */
	__atomic_store_n(&set->put_long, pressed, __ATOMIC_SEQ_CST);
}

static void stock_note(struct pp_objcache *oc, const struct pp_slab *slab, bool ours)
{
	uint32_t index = (uint32_t)pp_buffer_index(oc->region, slab->buffer);
	uint64_t bit = 1ull << index % 64;

	if (ours)
		oc->ours[index / 64] |= bit;
	else
		oc->ours[index / 64] &= ~bit;
}

void pp_stock_enter(struct pp_objcache *oc, struct pp_slab *slabs)
{
	while (slabs) {
		struct pp_slab *next = slabs->next;

		stock_note(oc, slabs, true);
		pp_slab_enter(&oc->books[slabs->critical], slabs, &oc->shape);
		slabs = next;
	}
	stock_say(oc);
}

struct pp_slab *pp_stock_trim(struct pp_objcache *oc, bool all)
{
	uint32_t keep = all || oc->waiters[0] || oc->waiters[1] ? 0 : oc->params.keep;
	struct pp_slab *slabs = NULL;

	for (unsigned critical = 0; critical < 2; critical++) {
		struct pp_slab_book *book = &oc->books[critical];

		while (book->empty > (critical ? 0 : keep)) {
			struct pp_slab *slab = book->lists[PP_SLAB_EMPTY];

			pp_slab_leave(book, slab);
			stock_note(oc, slab, false);
			slab->next = slabs;
			slabs = slab;
		}
	}
	stock_say(oc);
	return slabs;
}

/*
 * As pp_buffer_index() and pp_buffer_at(), but in one, since every object that
 * goes home passes here. A set bit says that the hugepage is there.
 */
struct pp_slab *pp_stock_find(struct pp_objcache *oc, const void *obj, uint32_t *i)
{
	const struct pp_region *region = oc->region;
	uint64_t at = (uintptr_t)obj - region->base;
	uint64_t start = 0, index;
	struct pp_slab *slab;
	int64_t number;

	if (at >= region->buffer_bytes)
		return NULL;
	if (region->flags & PP_POOL_GAPLESS) {
		index = pp_place_strides(region, at);
	} else {
		uint64_t p = at >> region->page_shift;

		start = p << region->page_shift;
		index = pp_place_strides(region, at - start);
		/* Behind the last buffer of a hugepage. */
		if (index >= region->pages[p].count)
			return NULL;
		start += index * region->stride;
		index += region->pages[p].first;
	}
	if (index >= region->buffers_max || !(oc->ours[index / 64] >> index % 64 & 1))
		return NULL;
	if (region->flags & PP_POOL_GAPLESS)
		start = index * region->stride;
	slab = pp_slab_of((void *)(region->base + start + region->lead));
	number = pp_slab_index(&oc->shape, slab, obj);
	*i = (uint32_t)number;
	return number < 0 ? NULL : slab;
}

const char *pp_stock_put(struct pp_objcache *oc, void *obj)
{
	uint32_t i;
	struct pp_slab *slab = pp_stock_find(oc, obj, &i);

	if (slab && pp_slab_put(&oc->books[slab->critical], &oc->shape, slab, i))
		return NULL;
	oc->faults++;
	return slab ? "double free" : "foreign free";
}

void pp_stock_put_all(struct pp_objcache *oc, struct pp_magazine *magazine)
{
	for (uint32_t i = 0; i < magazine->n; i++)
		pp_stock_put(oc, magazine->objs[i]);
	__atomic_store_n(&magazine->n, 0, __ATOMIC_RELAXED);
}

unsigned pp_stock_lacks(const struct pp_objcache *oc, const struct pp_magazine *magazine,
			unsigned n, bool critical, uint64_t brought)
{
	uint64_t there = brought;

	if (!oc->waiters[1] && (critical || !oc->waiters[0]))
		there = oc->books[0].free + (critical ? oc->books[1].free : 0);
	if (magazine)
		there += magazine->n;
	return there < n ? n - (unsigned)there : 0;
}

void pp_stock_take(struct pp_objcache *oc, struct pp_magazine *magazine, void **objs, unsigned n,
		   bool critical)
{
	struct pp_magazines *set = &oc->magazines;
	unsigned got = 0;

	if (magazine) {
		got = magazine->n < n ? magazine->n : n;
		magazine->n -= got;
		memcpy(objs, magazine->objs + magazine->n, got * sizeof(*objs));
	}
	got += pp_slab_take(&oc->books[0], &oc->shape, objs + got, n - got);
	if (critical)
		pp_slab_take(&oc->books[1], &oc->shape, objs + got, n - got);
	if (magazine && magazine->n < set->size / 2 && !set->put_long)
		magazine->n += pp_slab_take(&oc->books[0], &oc->shape, magazine->objs + magazine->n,
					    set->size / 2 - magazine->n);
}

/* Out of whatever it sleeps in: the cache's line, the pool's or the mempool's.
 * With the lock held, so that its wait is there. */
static void waiter_wake(struct pp_stock_waiter *waiter)
{
	pp_sleep_interrupt(waiter->wait, PP_WAIT_OBJCACHE);
}

bool pp_stock_leads(const struct pp_objcache *oc, const struct pp_stock_waiter *waiter)
{
	return oc->waiters[waiter->critical] == waiter && (waiter->critical || !oc->waiters[1]);
}

void pp_stock_join(struct pp_objcache *oc, struct pp_stock_waiter *waiter)
{
	struct pp_stock_waiter **last = &oc->waiters[waiter->critical];

	while (*last)
		last = &(*last)->next;
	waiter->next = NULL;
	waiter->kicks = &oc->kicks[oc->joined++ % PP_STOCK_KICKS];
	*last = waiter;
	stock_say(oc);
}

unsigned pp_stock_buffers(const struct pp_objcache *oc, const struct pp_stock_waiter *waiter)
{
	uint64_t there = oc->books[0].free + (waiter->critical ? oc->books[1].free : 0);

	return there < waiter->n ? pp_stock_buffers_for(oc, waiter->n - there) : 0;
}

/* Who leads may be asleep for more buffers than it still lacks. In the pool's line it keeps
 * its place. */
static void stock_lessen(struct pp_objcache *oc)
{
	struct pp_stock_waiter *leader = oc->waiters[oc->waiters[1] != NULL];
	unsigned need = leader ? pp_stock_buffers(oc, leader) : 0, had;

	if (!leader || need >= leader->need)
		return;
	had = leader->need;
	leader->need = need;
	if (need && waiter_sits(leader))
		pp_miss_lessen(oc->params.pool, &leader->seat, had - need);
	else
		waiter_wake(leader);
}

/* Who leads now may be asleep behind the one that has gone. */
static void stock_lead(struct pp_objcache *oc)
{
	for (unsigned critical = 0; critical < 2; critical++)
		if (oc->waiters[critical] && pp_stock_leads(oc, oc->waiters[critical]))
			waiter_wake(oc->waiters[critical]);
}

void pp_stock_leave(struct pp_objcache *oc, struct pp_stock_waiter *waiter)
{
	struct pp_stock_waiter **at = &oc->waiters[waiter->critical];
	bool led = pp_stock_leads(oc, waiter);

	pp_sleep_resume(waiter->wait, PP_WAIT_OBJCACHE);
	if (waiter->served)
		return;
	while (*at != waiter)
		at = &(*at)->next;
	*at = waiter->next;
	if (led)
		stock_lead(oc);
	stock_say(oc);
}

void pp_stock_serve(struct pp_objcache *oc)
{
	bool led = false;

	for (unsigned line = 2; line-- > 0;)
		while (oc->waiters[line] && (line || !oc->waiters[1])) {
			struct pp_stock_waiter *waiter = oc->waiters[line];

			/* Who comes first is not overtaken by who wants less. */
			if (waiter->n > oc->books[0].free + (line ? oc->books[1].free : 0))
				break;
			pp_stock_take(oc, NULL, waiter->objs, waiter->n, line);
			waiter->served = led = true;
			oc->waiters[line] = waiter->next;
			waiter_wake(waiter);
		}
	if (led)
		stock_lead(oc);
	stock_lessen(oc);
	stock_say(oc);
}

static void stock_spill(struct pp_magazines *set, void *const *objs, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		pp_stock_put((struct pp_objcache *)set, objs[i]);
}

uint32_t pp_stock_collect(struct pp_objcache *oc)
{
	uint32_t skipped = pp_magazines_take(&oc->magazines, stock_spill);

	pp_stock_serve(oc);
	return skipped;
}
