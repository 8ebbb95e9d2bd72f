/* SPDX-License-Identifier: BSD-3-Clause */
/* Defer: objects freed in whole blocks of pointers, once nobody can be reading them any more. */
#ifndef PP_DEFER_H
#define PP_DEFER_H

#include "pp_pool.h"
#include "pp_wait.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Readers look at objects without a lock; a writer unlinks one and must not
 * free it before every reader that may have seen it is done: a grace period.
 * The idea of doing that a block of pointers at a time, the block being taken
 * where no lock is needed, is Rezki's (kfree_rcu and __GFP_FAST_TRY, 2020);
 * that of using the block again instead of giving it back is SLUB's sheaves
 * (2025).
 */

/* What a grace period is: DPDK's QSBR (pp_qsbr.h), or anything with these. */
struct pp_grace_ops {
	/* Begins one; returns what tells it from others. Begun later, it ends no
	 * earlier. Any thread, never waits. */
	uint64_t (*start)(void *grace);
	/* Whether it is over: every reader that was reading when it began is done.
	 * Any thread, never waits. Called under a lock of the pp_defer. */
	bool (*done)(void *grace, uint64_t token);
	/* Waits for a whole one from now on. The calling thread reads nothing, and
	 * must not count as a reader. 0; -ETIMEDOUT or -ECANCELED when `wait` ends it
	 * (pp_wait.h), which it does not where that is NULL. */
	int (*synchronize)(void *grace, struct pp_wait *wait);
	/* Says that the calling thread, if it is a reader, reads nothing just now; called
	 * again and again by who waits for another one's synchronize(). Needed
	 * where that would wait for it; else NULL. */
	void (*rest)(void *grace);
};

/*
 * For a synchronize() that has nothing better than to look again and again:
 * pauses, a few times shortly, then up to 1 ms; *turn starts at 0. 0, or
 * -ETIMEDOUT or -ECANCELED once `wait` (NULL: for ever) has ended.
 */
PP_API int pp_grace_pause(struct pp_wait *wait, unsigned *turn);

/* Pointers in a block, and what a buffer must hold to be one: size - lead. */
#define PP_DEFER_SLOTS 64
#define PP_DEFER_BLOCK_BYTES 576

enum pp_defer_flag {
	/* Looks through all that waits whether the object is there already; such a call
	 * is refused. Slow; for development. */
	PP_DEFER_DEBUG = 1 << 0,
};

/* Zero means the default, everywhere. */
struct pp_defer_params {
	size_t sz;        /* sizeof(struct pp_defer_params), always first */
	const char *name; /* for messages; 1..31 characters, default "defer" */
	/* Blocks are buffers of this pool; how many there can be is its size. No default. */
	struct pp_pool *pool;
	const struct pp_grace_ops *ops; /* no default */
	void *grace;                    /* what they are called with */
	/*
	 * Frees n objects, 1..64, for good: the whole of a block at once. Called by
	 * whichever thread finds them due, pp_defer_free() too, with no lock held. It
	 * may defer others with their heads. No default; pp_defer_buffers() and
	 * the free_bulk of pp_mempool_ops fit.
	 */
	void (*free_bulk)(void *arg, void *const *objs, unsigned n);
	void *arg;
	uint32_t keep;    /* empty blocks kept for when the pool has none; default 8 */
	uint32_t threads; /* that can have blocks of their own, 1..4096; default 128 */
	uint32_t wait_us; /* how long pp_defer_destroy() waits; default 1 s */
	uint32_t flags;   /* enum pp_defer_flag */
	/* Told of what debug mode refuses ("double defer"), with the pool of blocks;
	 * default: a line on stderr. */
	pp_fault_fn fault;
	void *fault_arg;
};

struct pp_defer;

/* 0 or: -EINVAL a parameter is out of range or missing, or the pool's buffers are
 * too small; -ENOMEM; -ENOSPC this process has 64 already. An empty pool is fine.
 * Not for a forked child to use. Any thread. */
PP_API int pp_defer_create(const struct pp_defer_params *params, struct pp_defer **defer);

/*
 * Waits until all is freed, then ends it. -EBUSY, and all is as before: a
 * reader did not let go within wait_us (pp_error() says how many objects wait),
 * or this was called by free_bulk. No thread may be inside another call on it.
 * NULL is fine. To be called before the pool is destroyed. Every later call on it is an
 * -EINVAL (pp_defer_poll(): 0), this one, too, until the next that is created has its
 * address.
 */
PP_API int pp_defer_destroy(struct pp_defer *defer);

/*
 * Frees obj (which nobody can find any more) after a grace period. The
 * pointer goes into the thread's own block: no lock but once in 64 calls. Where
 * there is no block: PP_TRY from the thread's cache of the pool; an empty block
 * that was kept; one from the pool the long way (without system calls); and if
 * there is none, it waits for a grace period and frees it by itself. So it must
 * not be called by who is reading, nor where sleeping is forbidden.
 * 0, also for an obj of NULL; -EINVAL no defer, or a destroyed one; -EALREADY it waits already (debug mode).
 */
PP_API int pp_defer_free(struct pp_defer *defer, void *obj);

/* Part of an object, for the call below; readers must not look at it. */
struct pp_defer_head {
	struct pp_defer_head *next;
	void *obj;
};

/*
 * The same, by anyone: it never waits and needs no memory. Where neither
 * PP_TRY nor a kept block is to be had, the object goes on a list through its head.
 */
PP_API int pp_defer_free_head(struct pp_defer *defer, void *obj, struct pp_defer_head *head);

/*
 * Frees what is due, without waiting; returns how many objects. A block that
 * is still not full at the second call that finds it begins its grace period
 * then, with what is in it, so that who defers one object a minute has it freed:
 * call it now and then. It takes new blocks from the pool up to `keep`. Any
 * thread; in free_bulk it does nothing.
 */
PP_API unsigned pp_defer_poll(struct pp_defer *defer);

/*
 * Waits until all that was deferred before, by any thread, full block or not,
 * on this pp_defer only, is freed. Not for who is reading. 0, or -EDEADLK when
 * called by free_bulk, -EINVAL without a defer, and with a wait (pp_wait.h) -ETIMEDOUT or
 * -ECANCELED: what could be freed is.
 */
PP_API int pp_defer_barrier(struct pp_defer *defer);
PP_API int pp_defer_barrier_wait(struct pp_defer *defer, struct pp_wait *wait);

/* A free_bulk for buffers; arg is the struct pp_pool that they are of. */
PP_API void pp_defer_buffers(void *pool, void *const *bufs, unsigned n);

/* Exact at a quiet moment; a good estimate while others work. */
struct pp_defer_stats {
	uint64_t deferred;      /* objects */
	uint64_t freed;         /* of them */
	uint64_t calls;         /* of free_bulk */
	uint64_t blocks;        /* that were handed over, full or of an ended thread */
	uint64_t flushed;       /* calls for part of a block that its thread still fills */
	uint64_t tried;         /* blocks that PP_TRY gave */
	uint64_t recycled;      /* blocks used again */
	uint64_t grown;         /* blocks from the pool the long way */
	uint64_t to_head;       /* objects that went on the list */
	uint64_t to_wait;       /* objects that their thread waited for */
	uint64_t grace_periods; /* begun */
	uint64_t doubled;       /* refused in debug mode */
	uint32_t kept;          /* empty blocks at hand for all */
	uint32_t threads;       /* that have a block, or had one and live */
};
/* NULL for either: errno EINVAL, and zeroes. */
PP_API void pp_defer_stats(struct pp_defer *defer, struct pp_defer_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
