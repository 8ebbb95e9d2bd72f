/* SPDX-License-Identifier: BSD-3-Clause */
/* Settle: waiting until all that was deferred before is freed. */
#include "pp_settle.h"

#include "pp_filler.h"
#include "pp_sleep.h"

/* How often who waits for another says that it reads nothing. */
#define REST_NS 1000000

/* Sleeps until somebody has left free_bulk, or a barrier is over; the lock is held before
 * and after. The barrier that it waits for may be waiting for this reader to rest. */
static int settle_sleep(struct pp_defer *d, struct pp_wait *wait)
{
	uint32_t seen = pp_sleep_kicks(&d->kicks);
	int rc;

	d->sleepers++;
	pp_limbo_unlock(d);
	if (d->params.ops->rest)
		d->params.ops->rest(d->params.grace);
	rc = pp_sleep(wait, &d->kicks, seen,
		      d->params.ops->rest ? pp_sleep_now() + REST_NS : PP_FOREVER);
	pp_limbo_lock(d);
	d->sleepers--;
	return rc;
}

/* Until all who were in free_bulk have left it. Who comes meanwhile counts in
 * the other phase, so that it ends even if somebody is always there. */
static int settle_drain(struct pp_defer *d, struct pp_wait *wait)
{
	uint32_t old;
	int rc = 0;

	/* Left by a barrier that did not have the time. */
	while (!rc && d->active[!d->phase])
		rc = settle_sleep(d, wait);
	old = d->phase;
	if (!rc)
		d->phase = !old;
	while (!rc && d->active[old])
		rc = settle_sleep(d, wait);
	return rc;
}

/* Frees what was in the threads' blocks at the snapshot; returns whether some
 * have been handed over since, and wait in the queue. */
static bool settle_flush(struct pp_defer *d)
{
	bool moved = false;

	for (uint32_t i = 0;; i++) {
		struct pp_filler *filler = &d->fillers[i];

		pp_limbo_lock(d);
		if (i >= d->fillers_end)
			break;
		moved |= filler->snap_n && filler->number != filler->snap;
		if (filler->number == filler->snap && filler->snap_n > filler->freed)
			pp_limbo_flush_filler(d, filler, filler->snap_n);
		else
			pp_limbo_unlock(d);
	}
	pp_limbo_unlock(d);
	return moved;
}

static int settle_grace(struct pp_defer *d, struct pp_wait *wait)
{
	uint64_t pushed, heads;
	int rc;

	pp_limbo_lock(d);
	d->sum.grace_periods++;
	pushed = d->pushed;
	heads = d->head_pushed;
	pp_limbo_unlock(d);
	rc = d->params.ops->synchronize(d->params.grace, wait);
	if (rc)
		return rc;
	pp_limbo_lock(d);
	if (d->due < pushed)
		d->due = pushed;
	if (d->head_due < heads)
		d->head_due = heads;
	pp_limbo_unlock(d);
	return 0;
}

int pp_settle(struct pp_defer *d, struct pp_wait *wait)
{
	int rc = 0;

	pp_limbo_lock(d);
	while (!rc && d->settling)
		rc = settle_sleep(d, wait);
	if (rc) {
		pp_limbo_unlock(d);
		return rc;
	}
	d->settling = true;
	for (uint32_t i = 0; i < d->fillers_end; i++) {
		d->fillers[i].snap = d->fillers[i].number;
		d->fillers[i].snap_n = pp_limbo_filled(&d->fillers[i]);
	}
	pp_limbo_unlock(d);
	rc = settle_grace(d, wait);
	/* Those handed over since are as old as what they held then, and begun a
	 * grace period that this one need not have covered. */
	if (!rc && settle_flush(d))
		rc = settle_grace(d, wait);
	pp_limbo_reclaim(d, NULL, PP_LIMBO_ALL);
	pp_limbo_lock(d);
	if (!rc)
		rc = settle_drain(d, wait);
	d->settling = false;
	pp_limbo_unlock(d);
	pp_sleep_kick(&d->kicks);
	return rc;
}
