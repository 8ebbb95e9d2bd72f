/* SPDX-License-Identifier: BSD-3-Clause */
/* Filler: a thread's place in a pp_defer, and the block that it fills there. */
#ifndef PP_FILLER_H
#define PP_FILLER_H

#include "pp_limbo.h"

/* Gives a new pp_defer its slot in the threads' tables; -ENOSPC when all are taken. */
int pp_filler_register(struct pp_defer *defer);
/* No thread that ends leaves anything to it after this. */
void pp_filler_unregister(struct pp_defer *defer);

/* By slot of the pp_defer; an entry counts while its generation is the pp_defer's. */
struct pp_filler_entry {
	uint64_t generation;
	struct pp_filler *filler;
};
/* NULL until the thread defers. */
extern __thread struct pp_filler_entry *pp_filler_entries
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The calling thread's; NULL if it has none yet. */
static inline struct pp_filler *pp_filler_have(const struct pp_defer *d)
{
	const struct pp_filler_entry *entries = pp_filler_entries;

	return PP_LIKELY(entries && entries[d->slot].generation == d->generation)
		       ? entries[d->slot].filler
		       : NULL;
}

/* Its first call: NULL when all places are taken. */
struct pp_filler *pp_filler_make(struct pp_defer *defer);

static inline bool pp_filler_has_block(const struct pp_filler *filler)
{
	return atomic_load_explicit(&filler->block, memory_order_relaxed) != NULL;
}

/* Sees to it that there is a block to fill: whether there is. */
bool pp_filler_refill(struct pp_defer *defer, struct pp_filler *filler, bool may_lock_pool);

/* One more in the block, which there is, and which is handed over when full. */
static inline void pp_filler_add(struct pp_defer *d, struct pp_filler *filler, void *obj)
{
	struct pp_limbo_block *block = atomic_load_explicit(&filler->block, memory_order_relaxed);
	uint32_t n = atomic_load_explicit(&filler->n, memory_order_relaxed);

	block->slots[n] = obj;
	/* N1: publishes the slot, and that obj was unlinked before; pairs with N2. */
	atomic_store_explicit(&filler->n, n + 1, memory_order_release);
	if (PP_UNLIKELY(n + 1 == PP_DEFER_SLOTS))
		pp_limbo_seal(d, filler);
}
/* The same in debug mode: 0, or -EALREADY. */
int pp_filler_add_once(struct pp_defer *defer, struct pp_filler *filler, void *obj);

/* Debug mode: whether it waits already, counted; the lock is held. */
bool pp_filler_finds(struct pp_defer *defer, const void *obj);
/* Reports such a one: -EALREADY. Without the lock. */
int pp_filler_refuse(struct pp_defer *defer, void *obj);

#endif
