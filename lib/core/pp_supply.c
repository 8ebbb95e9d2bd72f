/* SPDX-License-Identifier: BSD-3-Clause */
/* Supply: see pp_supply.h. */
#include "pp_supply.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "pp_fail.h"
#include "pp_pool.h"
#include "pp_region.h"
#include "pp_sleep.h"

/* How often others may take what a call has brought before it gives up. */
#define TRIES 16
/* Buffers that a wait asks for without an array from the heap. */
#define WAIT_BUFFERS 128
/* How often who cannot wait at a source asks it, nanoseconds. */
#define RETRY 1000000

/*
 * All n from what is there and what `critical` (the mempool, else the pool) has
 * as far as `flags` go; `may`: critical objects, too. Returns n, or 0 with errno.
 */
static unsigned supply_bring(struct pp_objcache *oc, void **objs, unsigned n, bool may,
			     bool critical, unsigned flags)
{
	struct pp_magazine *magazine = pp_magazine_make(&oc->magazines);
	struct pp_slab *slabs = NULL;
	unsigned need = 0, lacks, tries = 0;

	for (;;) {
		pthread_mutex_lock(&oc->lock);
		pp_stock_enter(oc, slabs);
		lacks = pp_stock_lacks(oc, magazine, n, may, (uint64_t)need * oc->shape.count);
		if (!lacks)
			pp_stock_take(oc, magazine, objs, n, may);
		slabs = NULL;
		if (need) {
			pp_stock_serve(oc);
			slabs = pp_stock_trim(oc, false);
		}
		pthread_mutex_unlock(&oc->lock);
		pp_stock_unmake(oc, slabs);
		if (!lacks)
			return n;
		if (tries++ == TRIES)
			break;
		/* objs has room: an object takes no more than a buffer. */
		need = pp_stock_buffers_for(oc, lacks);
		if (!pp_stock_buy(oc, critical, objs, need, flags, NULL))
			return 0;
		slabs = pp_stock_make(oc, critical, objs, need);
		if (!slabs)
			return 0;
	}
	errno = ENOMEM;
	return 0;
}

/* Buffers for a waiter that leads, waited for at their source. 0, or errno; `built`: whose,
 * the source's or, if false, the constructor's. */
static int waiter_buy(struct pp_objcache *oc, struct pp_stock_waiter *waiter, unsigned need,
		      unsigned flags, struct pp_slab **slabs, bool *built)
{
	/* Not into objs: who serves the waiter puts objects there. */
	void *some[WAIT_BUFFERS], **bufs = some;
	bool critical = waiter->critical;
	unsigned got;
	int error = 0;

	if (need > WAIT_BUFFERS)
		bufs = malloc(need * sizeof(*bufs));
	if (!bufs)
		return ENOMEM;
	got = pp_stock_buy(oc, critical, bufs, need, flags, waiter);
	/* More than the mempool ever has: the pool's are as good. */
	if (!got && critical && errno == ENOMEM) {
		critical = false;
		got = pp_stock_buy(oc, critical, bufs, need, flags, waiter);
	}
	if (got)
		*slabs = pp_stock_make(oc, critical, bufs, got);
	if (!*slabs)
		error = errno;
	*built = !got || *slabs;
	if (bufs != some)
		free(bufs);
	return error;
}

/*
 * Frees bypass the magazines while somebody waits; what lies in them already
 * is brought home. A thread that has lost its CPU in the middle of a call is
 * given some time, one that was stopped is not waited for.
 */
static void waiter_collect(struct pp_objcache *oc)
{
	uint32_t skipped = 1;

	for (unsigned i = 0; i < TRIES && skipped; i++) {
		if (i)
			usleep(100);
		pthread_mutex_lock(&oc->lock);
		skipped = pp_stock_collect(oc);
		pthread_mutex_unlock(&oc->lock);
	}
}

/* One turn of a waiter, with the lock held at both ends, but not meanwhile. Returns 0 to go
 * on, or errno. */
static int waiter_turn(struct pp_objcache *oc, struct pp_stock_waiter *waiter, unsigned flags)
{
	bool leads = pp_stock_leads(oc, waiter);
	/* Holds nothing: empty slabs go back to where all wait for them. */
	struct pp_slab *slabs = pp_stock_trim(oc, true);
	/* Who leads has not been served, so it lacks something. */
	unsigned need = leads ? pp_stock_buffers(oc, waiter) : 0;
	uint32_t seen = pp_sleep_kicks(waiter->kicks);
	bool built = true;
	int error = 0;

	waiter->need = need;
	waiter->seat = (struct pp_seat){ .waiter = NULL };
	pthread_mutex_unlock(&oc->lock);
	pp_stock_unmake(oc, slabs);
	slabs = NULL;
	if (leads)
		error = waiter_buy(oc, waiter, need, flags, &slabs, &built);
	if (!leads || (built && error == EAGAIN))
		error = -pp_sleep(waiter->wait, waiter->kicks, seen,
				  leads ? pp_sleep_now() + RETRY : PP_FOREVER);
	pthread_mutex_lock(&oc->lock);
	pp_stock_enter(oc, slabs);
	pp_stock_serve(oc);
	/* Woken to look around, not cancelled. */
	pp_sleep_resume(waiter->wait, PP_WAIT_OBJCACHE);
	if (built && error == ECANCELED &&
	    !__atomic_load_n(&waiter->wait->cancelled, __ATOMIC_SEQ_CST))
		error = 0;
	return error;
}

/* The same by a wait: whole buffers are waited for at their source, by the
 * first in the cache's line; objects that are freed serve the line directly. */
static unsigned supply_wait(struct pp_objcache *oc, void **objs, unsigned n, unsigned flags,
			    struct pp_wait *wait)
{
	struct pp_stock_waiter waiter = {
		.objs = objs, .n = n, .critical = flags & PP_CRITICAL, .wait = wait
	};
	struct pp_slab *slabs;
	int error = 0;

	pthread_mutex_lock(&oc->lock);
	pp_stock_join(oc, &waiter);
	pthread_mutex_unlock(&oc->lock);
	waiter_collect(oc);
	pthread_mutex_lock(&oc->lock);
	pp_sleep_resume(wait, PP_WAIT_OBJCACHE);
	while (!waiter.served && !error)
		error = waiter_turn(oc, &waiter, flags & (PP_GROW | PP_WAIT));
	pp_stock_leave(oc, &waiter);
	slabs = pp_stock_trim(oc, false);
	pthread_mutex_unlock(&oc->lock);
	pp_stock_unmake(oc, slabs);
	if (waiter.served)
		return n;
	errno = error;
	return 0;
}

static void supply_collect(struct pp_objcache *oc)
{
	pthread_mutex_lock(&oc->lock);
	pp_stock_collect(oc);
	pthread_mutex_unlock(&oc->lock);
}

/* From the pool, else from the mempool. */
static unsigned supply_effort(struct pp_objcache *oc, void **objs, unsigned n, bool critical)
{
	if (supply_bring(oc, objs, n, critical, false, PP_GROW))
		return n;
	if (!critical || errno != ENOMEM)
		return 0;
	return supply_bring(oc, objs, n, true, true, PP_GROW);
}

unsigned pp_supply(struct pp_objcache *oc, void **objs, unsigned n, unsigned flags,
		   struct pp_wait *wait)
{
	bool critical = flags & PP_CRITICAL;
	struct pp_wait forever;

	if (pp_stock_buffers_for(oc, n) > oc->region->buffers_max) {
		errno = -pp_fail(-EINVAL, "%s: %u objects take more than pool %s's %u buffers",
				 oc->name, n, pp_pool_name(oc->params.pool),
				 oc->region->buffers_max);
		return 0;
	}
	if (supply_bring(oc, objs, n, false, false, 0))
		return n;
	if (critical && errno == ENOMEM && supply_bring(oc, objs, n, true, true, 0))
		return n;
	if (flags & PP_GROW && errno == ENOMEM && supply_effort(oc, objs, n, critical))
		return n;
	if ((flags & (PP_GROW | PP_WAIT)) == PP_GROW && errno == ENOMEM) {
		supply_collect(oc);
		return supply_effort(oc, objs, n, critical);
	}
	if (!(flags & PP_WAIT) || errno != ENOMEM)
		return 0;
	if (!wait) {
		wait = &forever;
		pp_wait_until(wait, PP_FOREVER);
	}
	return supply_wait(oc, objs, n, flags, wait);
}
