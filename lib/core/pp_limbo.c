/* SPDX-License-Identifier: BSD-3-Clause */
/* Limbo: queues of blocks and of heads, freeing what is due, barriers. */
#include "pp_limbo.h"

#include <errno.h>

#include "pp_bulk.h"
#include "pp_sleep.h"

__thread bool pp_limbo_inside;

static bool grace_done(const struct pp_defer *d, uint64_t token)
{
	return d->params.ops->done(d->params.grace, token);
}

static uint64_t grace_start(struct pp_defer *d)
{
	d->sum.grace_periods++;
	return d->params.ops->start(d->params.grace);
}

void pp_limbo_push(struct pp_defer *d, struct pp_filler *filler)
{
	struct pp_limbo_block *block = atomic_load_explicit(&filler->block, memory_order_relaxed);

	block->next = NULL;
	block->first = filler->freed;
	block->end = atomic_load_explicit(&filler->n, memory_order_relaxed);
	block->token = grace_start(d);
	if (d->first)
		d->last->next = block;
	else
		d->first = block;
	d->last = block;
	d->pushed++;
	d->sum.blocks++;
	d->sum.deferred += block->end;
	filler->freed = filler->mark = 0;
	filler->number++;
	atomic_store_explicit(&filler->block, NULL, memory_order_relaxed);
	atomic_store_explicit(&filler->n, 0, memory_order_relaxed);
}

void pp_limbo_push_head(struct pp_defer *d, void *obj, struct pp_defer_head *head)
{
	head->next = NULL;
	head->obj = obj;
	if (d->head_first)
		d->head_last->next = head;
	else
		d->head_first = head;
	d->head_last = head;
	d->head_pushed++;
	d->sum.deferred++;
	d->sum.to_head++;
}

/* Up to so many blocks that are due, linked. */
static struct pp_limbo_block *blocks_take(struct pp_defer *d, uint64_t most)
{
	struct pp_limbo_block *taken = d->first, *last = NULL;

	while (most-- && d->first && (d->popped < d->due || grace_done(d, d->first->token))) {
		last = d->first;
		d->first = last->next;
		d->popped++;
	}
	if (!last)
		return NULL;
	last->next = NULL;
	return taken;
}

/* The same of heads. They have no room for a token each: all that have come
 * since the last grace period wait for the next one together. */
static struct pp_defer_head *heads_take(struct pp_defer *d, uint64_t most)
{
	struct pp_defer_head *taken = d->head_first, *last = NULL;

	if (d->head_waiting > d->head_due && grace_done(d, d->head_token))
		d->head_due = d->head_waiting;
	if (d->head_waiting <= d->head_due && d->head_pushed > d->head_due) {
		d->head_waiting = d->head_pushed;
		d->head_token = grace_start(d);
	}
	while (most-- && d->head_popped < d->head_due) {
		last = d->head_first;
		d->head_first = last->next;
		d->head_popped++;
	}
	if (!last)
		return NULL;
	last->next = NULL;
	return taken;
}

/* Around free_bulk, so that a barrier knows who is in it. The lock is held. */
static uint32_t free_begin(struct pp_defer *d)
{
	d->active[d->phase]++;
	pp_limbo_inside = true;
	return d->phase;
}

/* Without the lock. */
static void free_end(struct pp_defer *d, uint32_t phase, unsigned objects, unsigned calls)
{
	bool awaited;

	pp_limbo_inside = false;
	pp_limbo_lock(d);
	d->sum.freed += objects;
	d->sum.calls += calls;
	awaited = !--d->active[phase] && d->sleepers;
	pp_limbo_unlock(d);
	if (awaited)
		pp_sleep_kick(&d->kicks);
}

static void objects_free(struct pp_defer *d, void *const *objs, unsigned n)
{
	d->params.free_bulk(d->params.arg, objs, n);
}

void pp_limbo_keep(struct pp_defer *d, struct pp_cache *cache, void *buf)
{
	struct pp_limbo_block *block = buf;
	bool kept;

	pp_limbo_lock(d);
	kept = d->kept_n < d->params.keep;
	if (kept) {
		block->next = d->kept;
		d->kept = block;
		d->kept_n++;
	}
	pp_limbo_unlock(d);
	if (!kept && cache)
		pp_free(cache, buf);
	else if (!kept)
		pp_pool_free(d->params.pool, &buf, 1);
}

void pp_limbo_empty(struct pp_defer *d, struct pp_filler *filler, struct pp_limbo_block *block)
{
	if (filler && !filler->spare)
		filler->spare = block;
	else
		pp_limbo_keep(d, pp_key_cache(&d->key), block);
}

/* By 64s: the heads are gone when their objects are. */
static unsigned heads_free(struct pp_defer *d, struct pp_defer_head *head, unsigned *calls)
{
	void *objs[PP_DEFER_SLOTS];
	unsigned n, freed = 0;

	while (head) {
		for (n = 0; head && n < PP_DEFER_SLOTS; head = head->next)
			objs[n++] = head->obj;
		objects_free(d, objs, n);
		freed += n;
		(*calls)++;
	}
	return freed;
}

/* Takes the lock off. */
static unsigned limbo_free_due(struct pp_defer *d, struct pp_filler *filler, uint64_t blocks)
{
	struct pp_limbo_block *block = blocks_take(d, blocks), *next;
	struct pp_defer_head *heads = heads_take(d, blocks * PP_DEFER_SLOTS);
	unsigned freed = 0, calls = 0;
	uint32_t phase;

	if (!block && !heads) {
		pp_limbo_unlock(d);
		return 0;
	}
	phase = free_begin(d);
	pp_limbo_unlock(d);
	for (; block; block = next) {
		unsigned n = block->end - block->first;

		next = block->next;
		if (n) {
			objects_free(d, block->slots + block->first, n);
			freed += n;
			calls++;
		}
		pp_limbo_empty(d, filler, block);
	}
	freed += heads_free(d, heads, &calls);
	free_end(d, phase, freed, calls);
	return freed;
}

unsigned pp_limbo_reclaim(struct pp_defer *d, struct pp_filler *filler, uint64_t blocks)
{
	/* Not within itself: a chain of objects that defer each other would nest. */
	if (pp_limbo_inside)
		return 0;
	pp_limbo_lock(d);
	return limbo_free_due(d, filler, blocks);
}

void pp_limbo_seal(struct pp_defer *d, struct pp_filler *filler)
{
	pp_limbo_lock(d);
	pp_limbo_push(d, filler);
	if (pp_limbo_inside)
		pp_limbo_unlock(d);
	else
		limbo_free_due(d, filler, PP_LIMBO_SHARE);
}

void pp_limbo_free_one(struct pp_defer *d, void *obj)
{
	bool nested = pp_limbo_inside;
	uint32_t phase;

	pp_limbo_lock(d);
	d->sum.deferred++;
	d->sum.to_wait++;
	d->sum.grace_periods++;
	phase = free_begin(d);
	pp_limbo_unlock(d);
	objects_free(d, &obj, 1);
	free_end(d, phase, 1, 1);
	pp_limbo_inside = nested;
}

uint32_t pp_limbo_filled(const struct pp_filler *filler)
{
	if (!atomic_load_explicit(&filler->block, memory_order_relaxed))
		return 0;
	/* N2: the count before the slots; pairs with N1. */
	return atomic_load_explicit(&filler->n, memory_order_acquire);
}

/* A copy: once the lock is off, the block may be full, gone and filled again. */
unsigned pp_limbo_flush_filler(struct pp_defer *d, struct pp_filler *filler, uint32_t upto)
{
	struct pp_limbo_block *block = atomic_load_explicit(&filler->block, memory_order_relaxed);
	void *objs[PP_DEFER_SLOTS];
	unsigned n = 0;
	uint32_t phase;

	while (filler->freed < upto)
		objs[n++] = block->slots[filler->freed++];
	d->sum.flushed++;
	phase = free_begin(d);
	pp_limbo_unlock(d);
	objects_free(d, objs, n);
	free_end(d, phase, n, 1);
	return n;
}

/* What a thread that has ended has left in its place; the lock is held. */
static struct pp_limbo_block *spare_inherit(struct pp_filler *filler)
{
	struct pp_limbo_block *spare = filler->taken ? NULL : filler->spare;

	if (spare)
		filler->spare = NULL;
	return spare;
}

unsigned pp_limbo_flush(struct pp_defer *d)
{
	struct pp_limbo_block *spare;
	unsigned freed = 0;

	if (pp_limbo_inside)
		return 0;
	for (uint32_t i = 0;; i++) {
		struct pp_filler *filler = &d->fillers[i];
		uint32_t n;

		pp_limbo_lock(d);
		if (i >= d->fillers_end)
			break;
		spare = spare_inherit(filler);
		if (spare) {
			pp_limbo_unlock(d);
			pp_limbo_keep(d, pp_key_cache(&d->key), spare);
			continue;
		}
		n = pp_limbo_filled(filler);
		/* One that gets full between two polls is better freed whole. */
		if (filler->seen != filler->number)
			filler->seen = filler->number;
		else if (filler->mark <= filler->freed && n > filler->freed) {
			filler->mark = n;
			filler->mark_token = grace_start(d);
		}
		if (filler->mark > filler->freed && grace_done(d, filler->mark_token))
			freed += pp_limbo_flush_filler(d, filler, filler->mark);
		else
			pp_limbo_unlock(d);
	}
	pp_limbo_unlock(d);
	return freed;
}
