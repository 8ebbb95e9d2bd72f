/* SPDX-License-Identifier: BSD-3-Clause */
/* Filler: threads that come and end, blocks to fill, pointers into them. */
#include "pp_filler.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pp_bulk.h"
#include "pp_fail.h"

/* That one process can have at a time. */
#define DEFERS_MAX 64
/* [DEFERS_MAX] */
__thread struct pp_filler_entry *pp_filler_entries;

/* By slot, all under the lock. */
static pthread_mutex_t defers_lock = PTHREAD_MUTEX_INITIALIZER;
static struct pp_defer *defers[DEFERS_MAX];
static uint64_t generations;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t exit_key;

/* What the thread has not filled waits for its grace period like a full block. */
static void filler_leave(struct pp_defer *d, struct pp_filler *filler)
{
	pp_limbo_lock(d);
	if (pp_filler_has_block(filler))
		pp_limbo_push(d, filler);
	d->sum.tried += atomic_exchange(&filler->tried, 0);
	d->sum.recycled += atomic_exchange(&filler->recycled, 0);
	d->sum.grown += atomic_exchange(&filler->grown, 0);
	/* The empty block stays with the place: giving it back may call who watches the
	 * pool's level, and a lock is held that he may want. */
	filler->taken = false;
	pp_limbo_unlock(d);
}

static void thread_end(void *arg)
{
	struct pp_filler_entry *table = arg;

	/* First: another destructor of the thread may still defer something, and
	 * then gets a new table. */
	pp_filler_entries = NULL;
	pthread_mutex_lock(&defers_lock);
	for (unsigned slot = 0; slot < DEFERS_MAX; slot++)
		if (defers[slot] && table[slot].filler &&
		    table[slot].generation == defers[slot]->generation)
			filler_leave(defers[slot], table[slot].filler);
	pthread_mutex_unlock(&defers_lock);
	free(table);
}

static void fork_before(void)
{
	pthread_mutex_lock(&defers_lock);
}

static void fork_parent(void)
{
	pthread_mutex_unlock(&defers_lock);
}

/* They are the parent's, whose other threads may have been inside one. */
static void fork_child(void)
{
	memset(defers, 0, sizeof(defers));
	pthread_mutex_unlock(&defers_lock);
}

static void defer_once(void)
{
	pthread_key_create(&exit_key, thread_end);
	pthread_atfork(fork_before, fork_parent, fork_child);
}

int pp_filler_register(struct pp_defer *d)
{
	unsigned slot = 0;

	pthread_once(&once, defer_once);
	pthread_mutex_lock(&defers_lock);
	while (slot < DEFERS_MAX && defers[slot])
		slot++;
	if (slot < DEFERS_MAX) {
		defers[slot] = d;
		d->slot = slot;
		d->generation = ++generations;
	}
	pthread_mutex_unlock(&defers_lock);
	return slot < DEFERS_MAX
		       ? 0
		       : pp_fail(-ENOSPC, "this process has %d pp_defers already", DEFERS_MAX);
}

void pp_filler_unregister(struct pp_defer *d)
{
	pthread_mutex_lock(&defers_lock);
	defers[d->slot] = NULL;
	pthread_mutex_unlock(&defers_lock);
}

/* The thread's first call: a place of its own, or NULL when all are taken. */
struct pp_filler *pp_filler_make(struct pp_defer *d)
{
	struct pp_filler *filler = NULL;

	if (!pp_filler_entries) {
		pp_filler_entries = calloc(DEFERS_MAX, sizeof(*pp_filler_entries));
		if (!pp_filler_entries)
			return NULL;
		pthread_setspecific(exit_key, pp_filler_entries);
	}
	pp_limbo_lock(d);
	for (uint32_t i = 0; i < d->params.threads && !filler; i++)
		if (!d->fillers[i].taken)
			filler = &d->fillers[i];
	if (filler) {
		filler->taken = true;
		if (d->fillers_end < filler - d->fillers + 1)
			d->fillers_end = (uint32_t)(filler - d->fillers) + 1;
	}
	pp_limbo_unlock(d);
	if (filler)
		pp_filler_entries[d->slot] = (struct pp_filler_entry){ d->generation, filler };
	return filler;
}

static void filler_count(_Atomic uint64_t *counter)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

static struct pp_limbo_block *kept_take(struct pp_defer *d)
{
	struct pp_limbo_block *block;

	pp_limbo_lock(d);
	block = d->kept;
	if (block) {
		d->kept = block->next;
		d->kept_n--;
	}
	pp_limbo_unlock(d);
	return block;
}

static struct pp_limbo_block *spare_take(struct pp_filler *filler)
{
	struct pp_limbo_block *block = filler->spare;

	filler->spare = NULL;
	return block;
}

/* From the pool the long way, which may call who watches its level: he may defer others
 * here, by a block that he fetches himself. */
static struct pp_limbo_block *pool_take(struct pp_defer *d, struct pp_cache *cache)
{
	void *buf = NULL;

	if (cache)
		buf = pp_alloc(cache, PP_REMOTE);
	else
		pp_pool_alloc_burst(d->params.pool, &buf, 1);
	return buf;
}

/* An empty one, or NULL; which kind is counted. */
static struct pp_limbo_block *block_find(struct pp_defer *d, struct pp_filler *filler,
					 bool may_lock_pool)
{
	struct pp_cache *cache = pp_key_cache(&d->key);
	struct pp_limbo_block *block = spare_take(filler);
	_Atomic uint64_t *counter = &filler->recycled;

	if (!block && cache) {
		block = pp_alloc(cache, PP_TRY);
		counter = block ? &filler->tried : counter;
	}
	if (!block)
		block = kept_take(d);
	/* Perhaps a grace period is over; what is freed may defer others. */
	if (!block && pp_limbo_reclaim(d, filler, PP_LIMBO_SHARE)) {
		if (pp_filler_has_block(filler))
			return NULL;
		block = spare_take(filler);
	}
	if (!block && may_lock_pool) {
		block = pool_take(d, cache);
		counter = &filler->grown;
	}
	if (block)
		filler_count(counter);
	return block;
}

bool pp_filler_refill(struct pp_defer *d, struct pp_filler *filler, bool may_lock_pool)
{
	/* Again: what was deferred meanwhile may have come by a block, and have filled it. */
	while (!pp_filler_has_block(filler)) {
		struct pp_limbo_block *block = block_find(d, filler, may_lock_pool);

		if (block && pp_filler_has_block(filler))
			pp_limbo_empty(d, filler, block);
		else if (block)
			atomic_store_explicit(&filler->block, block, memory_order_relaxed);
		else if (!pp_filler_has_block(filler))
			return false;
	}
	return true;
}

int pp_filler_add_once(struct pp_defer *d, struct pp_filler *filler, void *obj)
{
	uint32_t n = atomic_load_explicit(&filler->n, memory_order_relaxed);
	bool found;

	/* Looked for and added at once: two threads may defer the same. */
	pp_limbo_lock(d);
	found = pp_filler_finds(d, obj);
	if (!found) {
		atomic_load(&filler->block)->slots[n] = obj;
		atomic_store(&filler->n, n + 1);
	}
	pp_limbo_unlock(d);
	if (!found && n + 1 == PP_DEFER_SLOTS)
		pp_limbo_seal(d, filler);
	return found ? pp_filler_refuse(d, obj) : 0;
}

static bool slots_have(void *const *slots, uint32_t from, uint32_t to, const void *obj)
{
	while (from < to)
		if (slots[from++] == obj)
			return true;
	return false;
}

bool pp_filler_finds(struct pp_defer *d, const void *obj)
{
	bool found = false;

	for (const struct pp_limbo_block *b = d->first; b && !found; b = b->next)
		found = slots_have(b->slots, b->first, b->end, obj);
	for (const struct pp_defer_head *head = d->head_first; head && !found; head = head->next)
		found = head->obj == obj;
	for (uint32_t i = 0; i < d->fillers_end && !found; i++) {
		const struct pp_filler *filler = &d->fillers[i];
		uint32_t n = pp_limbo_filled(filler);

		found = n && slots_have(atomic_load(&filler->block)->slots, filler->freed, n, obj);
	}
	d->sum.doubled += found;
	return found;
}

int pp_filler_refuse(struct pp_defer *d, void *obj)
{
	struct pp_fault fault = { "double defer", obj, d->name };

	if (d->params.fault)
		d->params.fault(d->params.pool, &fault, d->params.fault_arg);
	else
		fprintf(stderr, "pktpool %s: %s of %p\n", d->name, fault.what, obj);
	return pp_fail(-EALREADY, "%s: %s of %p", d->name, fault.what, obj);
}
