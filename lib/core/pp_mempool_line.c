/* SPDX-License-Identifier: BSD-3-Clause */
/* Line: a mempool's reserve, and who waits for it, first come first served. */
#include "pp_mempool_line.h"

#include <errno.h>
#include <string.h>

#include "pp_fail.h"
#include "pp_sleep.h"

/* A mempool may be the backing of another: each level calls back with a bit of its own. */
#define LEVELS 28
static __thread unsigned line_level;

void pp_mempool_enter(struct pp_mempool *mp, struct pp_mempool_turn *turn)
{
	turn->kicked = 0;
	pthread_mutex_lock(&mp->lock);
}

static void line_kick(struct pp_mempool *mp, struct pp_mempool_waiter *waiter,
		      struct pp_mempool_turn *turn)
{
	mp->wakes++;
	if (turn->kicked < PP_MEMPOOL_WAITERS_MAX)
		turn->kicks[turn->kicked++] = &waiter->kicks;
	else
		pp_sleep_kick(&waiter->kicks);
}

static void line_interrupt(struct pp_mempool *mp, struct pp_mempool_waiter *waiter)
{
	if (waiter->interrupted)
		return;
	waiter->interrupted = true;
	mp->wakes++;
	pp_sleep_interrupt(waiter->wait, waiter->who);
}

/* By buffers of a pool, with nobody else's calls in between: its place there is known. */
static bool line_is_pools(const struct pp_mempool *mp)
{
	return mp->ops->wait_bulk == pp_mempool_pool.wait_bulk;
}

/* So many more are kept now, which the first, who is inside, need not wait for there. */
static void line_lessen(struct pp_mempool *mp, struct pp_mempool_waiter *first, uint32_t more)
{
	/* All are, or nobody knows where it waits: then it comes and asks anew. */
	if (mp->kept >= first->n || !line_is_pools(mp))
		line_interrupt(mp, first);
	else if (pp_miss_lessen(mp->backing, &first->seat, more))
		mp->wakes++;
}

static void line_remove(struct pp_mempool *mp, struct pp_mempool_waiter *waiter)
{
	*(waiter->before ? &waiter->before->after : &mp->first) = waiter->after;
	*(waiter->after ? &waiter->after->before : &mp->last) = waiter->before;
	__atomic_store_n(&mp->waiters, mp->waiters - 1, __ATOMIC_RELAXED);
}

/* `got` in its array, the remainder from the reserve: it has all. */
static void line_serve(struct pp_mempool *mp, struct pp_mempool_waiter *waiter, unsigned got)
{
	pp_mempool_reserve_draw(mp, waiter->elems + got, waiter->n - got, &waiter->drawer);
	waiter->state = PP_MEMPOOL_SERVED;
	line_remove(mp, waiter);
}

/* Of elems[n] those at the end are placed; returns how many are left for the backing. */
static uint32_t line_place(struct pp_mempool *mp, void *const *elems, uint32_t n,
			   struct pp_mempool_turn *turn)
{
	uint32_t before = mp->kept;

	for (;;) {
		struct pp_mempool_waiter *first = mp->first;
		uint32_t k;

		n = pp_mempool_reserve_fill(mp, elems, n);
		if (!first)
			return n;
		if (first->state != PP_MEMPOOL_ASLEEP) {
			if (first->state == PP_MEMPOOL_INSIDE && mp->kept > before)
				line_lessen(mp, first, mp->kept - before);
			return n;
		}
		/* Nobody is served before the first. */
		if ((uint64_t)mp->kept + n < first->n)
			return n;
		k = n < first->n ? n : first->n;
		n -= k;
		if (elems && k)
			memcpy(first->elems, elems + n, k * sizeof(*elems));
		line_serve(mp, first, k);
		line_kick(mp, first, turn);
	}
}

void pp_mempool_leave(struct pp_mempool *mp, struct pp_mempool_turn *turn)
{
	uint32_t needy;

	line_place(mp, NULL, 0, turn);
	needy = mp->first || mp->kept < mp->min_nr;
	if (mp->needy != needy)
		/* R1: needy before the backing is asked; pairs with R2. */
		__atomic_store_n(&mp->needy, needy, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&mp->lock);
	for (unsigned i = 0; i < turn->kicked; i++)
		pp_sleep_kick(turn->kicks[i]);
}

static bool mempool_needy(const struct pp_mempool *mp)
{
	return __atomic_load_n(&mp->needy, __ATOMIC_SEQ_CST);
}

void pp_mempool_return(struct pp_mempool *mp, void *const *elems, unsigned n)
{
	struct pp_mempool_waiter *first;
	struct pp_mempool_turn turn;

	if (!n)
		return;
	mp->ops->free_bulk(mp->backing, elems, n);
	/* R2: who begins to wait now either finds these, or is seen here; pairs with R1. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (mp->ops->wait_bulk || !mempool_needy(mp))
		return;
	pp_mempool_enter(mp, &turn);
	mp->returned += n;
	first = mp->first;
	if (first && first->state == PP_MEMPOOL_ASLEEP && mp->kept + mp->returned >= first->n) {
		mp->returned = 0;
		line_kick(mp, first, &turn);
	}
	pp_mempool_leave(mp, &turn);
}

unsigned pp_mempool_give(struct pp_mempool *mp, void *const *elems, unsigned n)
{
	struct pp_mempool_turn turn;
	unsigned rest = n;

	if (n && mempool_needy(mp)) {
		pp_mempool_enter(mp, &turn);
		rest = line_place(mp, elems, n, &turn);
		pp_mempool_leave(mp, &turn);
	}
	pp_mempool_return(mp, elems, rest);
	return n - rest;
}

/* The whole remainder under one lock, or nothing. */
static unsigned mempool_draw(struct pp_mempool *mp, const struct pp_mempool_waiter *self,
			     void **elems, unsigned got, unsigned n)
{
	struct pp_mempool_drawer drawer;
	struct pp_mempool_turn turn;

	if (got == n)
		return n;
	drawer = pp_mempool_drawer();
	pp_mempool_enter(mp, &turn);
	if (mp->first == self && mp->kept >= n - got) {
		pp_mempool_reserve_draw(mp, elems + got, n - got, &drawer);
		got = n;
	}
	pp_mempool_leave(mp, &turn);
	return got;
}

unsigned pp_mempool_try(struct pp_mempool *mp, struct pp_mempool_waiter *self, void **elems,
			unsigned n, unsigned flags)
{
	unsigned got = mp->ops->alloc_bulk(mp->backing, elems, n, 0);

	got = mempool_draw(mp, self, elems, got, n);
	if (got < n && flags & PP_GROW) {
		got += mp->ops->alloc_bulk(mp->backing, elems + got, n - got, PP_GROW);
		got = mempool_draw(mp, self, elems, got, n);
	}
	if (got == n)
		return n;
	/* Others may be able to use what is not enough for this one. */
	pp_mempool_give(mp, elems, got);
	return 0;
}

/* With the lock held, which it lets go of while it sleeps. */
static int line_sleep(struct pp_mempool *mp, struct pp_mempool_waiter *waiter, uint64_t until,
		      struct pp_mempool_turn *turn)
{
	uint32_t seen = pp_sleep_kicks(&waiter->kicks);
	int rc;

	waiter->state = PP_MEMPOOL_ASLEEP;
	pp_mempool_leave(mp, turn);
	rc = pp_sleep(waiter->wait, &waiter->kicks, seen, until);
	pp_mempool_enter(mp, turn);
	return rc;
}

static int line_nap(struct pp_mempool *mp, struct pp_mempool_waiter *waiter,
		    struct pp_mempool_turn *turn)
{
	return line_sleep(mp, waiter, pp_sleep_now() + PP_MEMPOOL_RETRY_US * 1000ull, turn);
}

static int wait_ended(const struct pp_wait *wait)
{
	if (__atomic_load_n(&wait->cancelled, __ATOMIC_SEQ_CST))
		return -ECANCELED;
	if (wait->deadline != PP_FOREVER && pp_sleep_now() >= wait->deadline)
		return -ETIMEDOUT;
	return 0;
}

static unsigned line_enter(struct pp_mempool *mp, struct pp_mempool_waiter *first, unsigned need)
{
	if (line_is_pools(mp))
		return pp_mempool_pool_wait(mp->backing, first->elems, need, first->wait,
					    &first->seat);
	return mp->ops->wait_bulk(mp->backing, first->elems, need, first->wait);
}

/* What the reserve lacks for the first in line, waited for in the backing. With the lock held. */
static int line_inside(struct pp_mempool *mp, struct pp_mempool_waiter *first,
		       struct pp_mempool_turn *turn)
{
	unsigned need = first->n - mp->kept, got;
	int error, rc;

	first->interrupted = false;
	first->who = line_level ? 4u << line_level : PP_WAIT_MEMPOOL;
	line_level++;
	first->seat = (struct pp_seat){ .waiter = NULL };
	first->state = PP_MEMPOOL_INSIDE;
	pp_mempool_leave(mp, turn);
	got = line_enter(mp, first, need);
	error = errno;
	pp_mempool_enter(mp, turn);
	first->state = PP_MEMPOOL_BUSY;
	pp_sleep_resume(first->wait, first->who);
	line_level--;
	if (mp->kept >= first->n - got) {
		line_serve(mp, first, got);
		return 0;
	}
	if (got) {
		/* The reserve was made smaller meanwhile. */
		pp_mempool_leave(mp, turn);
		pp_mempool_give(mp, first->elems, got);
		pp_mempool_enter(mp, turn);
		return 0;
	}
	rc = wait_ended(first->wait);
	if (rc || first->interrupted)
		return rc;
	if (error == EINVAL && !mp->min_nr)
		return -EINVAL;
	/* It can't wait there at the moment. */
	return line_nap(mp, first, turn);
}

/* The first in line asks everybody once, then waits where it is told soonest. Lock held. */
static int line_lead(struct pp_mempool *mp, struct pp_mempool_waiter *first, unsigned flags,
		     struct pp_mempool_turn *turn)
{
	unsigned got;

	first->told = true;
	first->state = PP_MEMPOOL_BUSY;
	mp->returned = 0;
	pp_mempool_leave(mp, turn);
	got = pp_mempool_try(mp, first, first->elems, first->n, flags);
	pp_mempool_enter(mp, turn);
	if (got || mp->kept >= first->n) {
		line_serve(mp, first, got);
		return 0;
	}
	if (!pp_mempool_may(mp, first->n))
		return 0;
	/* More has gone to the backing meanwhile. */
	if (mp->kept + mp->returned >= first->n)
		return wait_ended(first->wait);
	if (mp->ops->wait_bulk && line_level < LEVELS)
		return line_inside(mp, first, turn);
	return line_nap(mp, first, turn);
}

/* At the end of the line; NULL if the table is full. Lock held. */
static struct pp_mempool_waiter *line_join(struct pp_mempool *mp, void **elems, unsigned n,
					   struct pp_wait *wait)
{
	struct pp_mempool_waiter *waiter = mp->spare;

	if (!waiter)
		return NULL;
	mp->spare = waiter->after;
	waiter->n = n;
	waiter->state = PP_MEMPOOL_BUSY;
	waiter->told = false;
	waiter->elems = elems;
	waiter->wait = wait;
	waiter->drawer = pp_mempool_drawer();
	pp_mempool_drawer_name(&waiter->drawer);
	waiter->after = NULL;
	waiter->before = mp->last;
	*(mp->last ? &mp->last->after : &mp->first) = waiter;
	mp->last = waiter;
	__atomic_store_n(&mp->waiters, mp->waiters + 1, __ATOMIC_RELAXED);
	mp->waited++;
	return waiter;
}

static void line_part(struct pp_mempool *mp, struct pp_mempool_waiter *waiter, int rc,
		      struct pp_mempool_turn *turn)
{
	struct pp_mempool_waiter *first;

	if (rc)
		line_remove(mp, waiter);
	waiter->after = mp->spare;
	mp->spare = waiter;
	mp->timeouts += rc == -ETIMEDOUT;
	mp->canceled += rc == -ECANCELED;
	/* Who leaves wakes who has come to be first; unless that can be served at once. */
	line_place(mp, NULL, 0, turn);
	first = mp->first;
	if (first && first->state == PP_MEMPOOL_ASLEEP && !first->told) {
		first->told = true;
		line_kick(mp, first, turn);
	}
}

int pp_mempool_wait(struct pp_mempool *mp, void **elems, unsigned n, unsigned flags,
		    struct pp_wait *wait)
{
	struct pp_mempool_waiter *waiter;
	struct pp_mempool_turn turn;
	struct pp_wait own;
	int rc = 0;

	if (!wait) {
		pp_wait_for(&own, PP_FOREVER);
		wait = &own;
	}
	pp_mempool_enter(mp, &turn);
	waiter = line_join(mp, elems, n, wait);
	if (!waiter) {
		pp_mempool_leave(mp, &turn);
		return pp_fail(-EAGAIN, "mempool %s: %d calls wait already", mp->name,
			       PP_MEMPOOL_WAITERS_MAX);
	}
	while (waiter->state != PP_MEMPOOL_SERVED && !rc) {
		if (!pp_mempool_may(mp, n))
			rc = pp_fail(-EINVAL, "mempool %s: min_nr is %u now, less than %u",
				     mp->name, mp->min_nr, n);
		else if (mp->first == waiter)
			rc = line_lead(mp, waiter, flags, &turn);
		else
			rc = line_sleep(mp, waiter, PP_FOREVER, &turn);
	}
	if (waiter->state == PP_MEMPOOL_SERVED)
		rc = 0;
	line_part(mp, waiter, rc, &turn);
	pp_mempool_leave(mp, &turn);
	return rc;
}

void pp_mempool_line_look(struct pp_mempool *mp, struct pp_mempool_turn *turn)
{
	for (struct pp_mempool_waiter *waiter = mp->first; waiter; waiter = waiter->after) {
		if (pp_mempool_may(mp, waiter->n))
			continue;
		if (waiter->state == PP_MEMPOOL_INSIDE)
			line_interrupt(mp, waiter);
		else if (waiter->state == PP_MEMPOOL_ASLEEP)
			line_kick(mp, waiter, turn);
	}
}
