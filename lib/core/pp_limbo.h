/* SPDX-License-Identifier: BSD-3-Clause */
/* Limbo: where deferred objects are between their last unlinking and their freeing. */
#ifndef PP_LIMBO_H
#define PP_LIMBO_H

#include <stdatomic.h>

#include "pp_defer.h"
#include "pp_handle.h"
#include "pp_lock.h"
#include "pp_thread.h"

/* Blocks that a thread frees for having filled one: more than come, so that it keeps up. */
#define PP_LIMBO_SHARE 2

/* In a buffer of the pool. */
struct pp_limbo_block {
	struct pp_limbo_block *next;
	uint64_t token; /* of the grace period that it waits for */
	uint32_t first; /* slots below it were freed before it was handed over */
	uint32_t end;
	void *slots[PP_DEFER_SLOTS] __attribute__((aligned(PP_LINE)));
};

/*
 * A thread's place. Its block fills from below, and is never taken away: who
 * flushes it frees slots `freed` up to the `n` it saw, while the thread goes on
 * above.
 *
 * field                 written by                read by
 * block, n              the thread; NULL and 0    the thread; who flushes, under the lock
 *                       under the defer's lock
 * spare                 the thread; without one,  the same
 *                       anyone under the lock
 * tried .. grown        the thread                the stats
 * the rest              under the lock            under the lock
 */
struct pp_filler {
	_Atomic(struct pp_limbo_block *) block;
	_Atomic uint32_t n; /* slots filled */
	bool taken;
	struct pp_limbo_block *spare; /* emptied: the next to fill */
	_Atomic uint64_t tried, recycled, grown;

	uint32_t freed;
	uint32_t mark;       /* slots below it were filled when this grace period began: */
	uint64_t mark_token; /* while mark > freed */
	uint64_t number;     /* of blocks handed over: tells the present one from others */
	uint64_t seen;       /* number at the last poll */
	uint64_t snap;       /* number, and n, when a barrier began */
	uint32_t snap_n;
} __attribute__((aligned(2 * PP_LINE)));

/*
 * Blocks and heads each wait in one queue, oldest first, and are counted as
 * they come and go: whatever lies before `due` is due. All under `lock`, but
 * for what is written once; no thread's entry has a generation of 0, that of one
 * that has ended.
 */
struct pp_defer {
	/* Written once: what each call reads, then the rest. */
	uint64_t generation;
	uint32_t slot; /* in every thread's table */
	bool debug;
	struct pp_handle handle;
	struct pp_pool_key key;
	struct pp_filler *fillers; /* [params.threads] */
	struct pp_defer_params params;
	char name[32];

	pp_lock_word lock __attribute__((aligned(2 * PP_LINE)));
	struct pp_limbo_block *first, *last;
	uint64_t pushed, popped, due;

	struct pp_defer_head *head_first, *head_last;
	uint64_t head_pushed, head_popped, head_due;
	uint64_t head_waiting; /* those before it wait for head_token */
	uint64_t head_token;

	struct pp_limbo_block *kept;
	uint32_t kept_n;

	/* Threads inside free_bulk, by whether they began before the last barrier. */
	uint32_t active[2], phase;
	bool settling; /* a barrier is on: one at a time */
	uint32_t sleepers;
	uint32_t kicks; /* what barriers sleep on (pp_sleep.h) */

	struct pp_defer_stats sum; /* of blocks handed over, and of threads that have ended */
	uint32_t fillers_end;
};

/* The calling thread is inside free_bulk. */
extern __thread bool pp_limbo_inside __attribute__((tls_model("initial-exec")));

static inline void pp_limbo_lock(struct pp_defer *defer)
{
	pp_lock_take(&defer->lock, PP_NOBODY);
}

static inline void pp_limbo_unlock(struct pp_defer *defer)
{
	pp_lock_release(&defer->lock);
}

/* Hands over the filler's block, with what is in it, to wait for a grace
 * period; it has none then. The lock is held. */
void pp_limbo_push(struct pp_defer *defer, struct pp_filler *filler);
/* The lock is held. */
void pp_limbo_push_head(struct pp_defer *defer, void *obj, struct pp_defer_head *head);

#define PP_LIMBO_ALL UINT32_MAX
/* Frees what is due, up to so many blocks and as many of the heads; returns how
 * many objects. `filler` (NULL: none) gets an emptied block. Without the lock. */
unsigned pp_limbo_reclaim(struct pp_defer *defer, struct pp_filler *filler, uint64_t blocks);
/* Hands over the filler's full block, and frees its share of what is due. Without the lock. */
void pp_limbo_seal(struct pp_defer *defer, struct pp_filler *filler);
/* Slots that are filled, if the thread has a block; the lock is held. */
uint32_t pp_limbo_filled(const struct pp_filler *filler);
/* Frees one that no reader has, as pp_limbo_reclaim() does. */
void pp_limbo_free_one(struct pp_defer *defer, void *obj);
/* Frees those parts of blocks whose grace period is over, and begins others. */
unsigned pp_limbo_flush(struct pp_defer *defer);
/* Frees slots up to `upto` of the block that the filler still fills; the lock is
 * held, and taken off. Returns how many objects. */
unsigned pp_limbo_flush_filler(struct pp_defer *defer, struct pp_filler *filler, uint32_t upto);

/* An emptied block to the filler (NULL: none), if that has no spare one, else to where
 * pp_limbo_keep() puts it. Without the lock. */
void pp_limbo_empty(struct pp_defer *defer, struct pp_filler *filler, struct pp_limbo_block *block);
/* An empty block to who may need one, or by way of the cache (NULL: the depot) to
 * the pool. Without the lock. */
void pp_limbo_keep(struct pp_defer *defer, struct pp_cache *cache, void *block);
#endif
