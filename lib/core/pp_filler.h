/* SPDX-License-Identifier: BSD-3-Clause */
/* Filler: a thread's place in a pp_defer, and the block that it fills there. */
#ifndef PP_FILLER_H
#define PP_FILLER_H

#include "pp_limbo.h"

/* Gives a new pp_defer its slot in the threads' tables; -ENOSPC when all are taken. */
int pp_filler_register(struct pp_defer *defer);
/* No thread that ends leaves anything to it after this. */
void pp_filler_unregister(struct pp_defer *defer);

/* The calling thread's, made on its first call; NULL when all places are taken. */
struct pp_filler *pp_filler_make(struct pp_defer *defer);
/* The same; NULL if it has none yet. */
struct pp_filler *pp_filler_have(const struct pp_defer *defer);

static inline bool pp_filler_has_block(const struct pp_filler *filler)
{
	return atomic_load_explicit(&filler->block, memory_order_relaxed) != NULL;
}

/* Sees to it that there is a block to fill: whether there is. */
bool pp_filler_refill(struct pp_defer *defer, struct pp_filler *filler, bool may_lock_pool);

/* One more in the block, which is handed over when full. 0, or -EALREADY in debug mode. */
int pp_filler_add(struct pp_defer *defer, struct pp_filler *filler, void *obj);

/* Debug mode: whether it waits already, counted; the lock is held. */
bool pp_filler_finds(struct pp_defer *defer, const void *obj);
/* Reports such a one: -EALREADY. Without the lock. */
int pp_filler_refuse(struct pp_defer *defer, void *obj);

#endif
