/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside: what a pool is, in one process. */
#ifndef PP_INSIDE_H
#define PP_INSIDE_H

#include "pp_devices.h"
#include "pp_handle.h"
#include "pp_level.h"
#include "pp_pool.h"
#include "pp_take.h"
#include "pp_walk.h"

/* Pools that one process can have at a time. */
#define PP_POOLS_MAX 256

struct pp_pool {
	struct pp_store store; /* first: an address leads to the region, that to the pool */
	struct pp_handle handle;
	uint32_t slot;       /* in every thread's table of caches */
	uint64_t generation; /* tells it from a pool that had the slot before */
	bool attached;       /* another process made it */
	uint64_t id;         /* of one over foreign memory, see pp_foreign.h; else 0 */
	struct pp_devices devices;
	_Atomic uintptr_t pager; /* the thread that has the page lock */
	pp_fault_fn fault;
	void *fault_arg;
	struct pp_watermarks level; /* this process's share of them; under telling */
	pp_lock_word telling;       /* held while they are told, or changed */
	_Atomic bool told;          /* what they were told last: that it is low */
	uint32_t readers;           /* by pp_pool_each(); under the lock of all pools */
};

/* A pool's handle, all zero, or NULL with -ENOMEM's words; and its end: what it led to is gone. */
struct pp_pool *pp_pool_new(void);
void pp_pool_end(struct pp_pool *pool);

/* Whether a call on the pool can be; or errno EINVAL: it is NULL, or has been destroyed. */
bool pp_pool_here(const struct pp_pool *pool);

/* The first value of everything in control memory, which is mapped and zero. */
void pp_pool_init(struct pp_store *store);
/* What debug mode caught, to who wants to know of it in this process. */
void pp_pool_fault(struct pp_store *store, const char *what, const void *buf, uint32_t holder);

/* Whether its control memory is still there, which may be somebody else's. */
bool pp_foreign_lives(const struct pp_pool *pool);

/* Gives a new pool its slot and generation; -ENOSPC beyond PP_POOLS_MAX. */
int pp_thread_pool_add(struct pp_pool *pool);
/* No thread finds a cache of it after this. */
void pp_thread_pool_remove(struct pp_pool *pool);

/* One grow, shrink or mapping at a time: 0, or -EPERM where that is another process's,
 * -EDEADLK from inside a device's callback. */
int pp_page_lock(struct pp_pool *pool);
void pp_page_unlock(struct pp_pool *pool);
/* False where it would have to wait, or is another process's. */
bool pp_page_try_lock(struct pp_pool *pool);

/* Whether the calling thread has it: it is in a device's callback then. */
bool pp_page_is_mine(const struct pp_pool *pool);

struct pp_growth {
	uint32_t buffers; /* at least so many, as far as the pool's maximum allows */
	int32_t depot;    /* on its node; -1: each on the node that is shortest of them */
	bool only;        /* and on no other, where it has no hugepage left */
	bool again;       /* also hugepages that a device has refused */
};
/* With the page lock held: how many came, or -errno. */
int64_t pp_page_grow(struct pp_pool *pool, const struct pp_growth *growth);
/* Whether there is something left that a call by itself would try. Any thread. */
bool pp_page_can_grow(const struct pp_pool *pool);
/* The depot of a node; -EINVAL if the pool is not spread over it. */
int pp_page_depot(const struct pp_pool *pool, int node);

/* Hugepage p, which is absent, was refused by the device that devices.lost has: no call
 * tries it again by itself until pp_page_changed(). */
void pp_page_refused(struct pp_pool *pool, uint32_t p);
/* A device came or went, or has one mapping less: what was refused may succeed. */
void pp_page_changed(struct pp_pool *pool);

/* Hugepage p leaves: told, unmapped, punched. Its buffers are all held back or fresh. */
void pp_page_remove(struct pp_pool *pool, uint32_t p);

/* Whether there are watermarks, and the pool's level compared with them. No lock is held. */
static inline bool pp_level_watched(const struct pp_store *store)
{
	return atomic_load_explicit(&store->shared->low, memory_order_relaxed);
}
void pp_level_look(struct pp_pool *pool);

/* The cache that a noted holder is; returns `name`. */
const char *pp_holder_name(struct pp_store *store, uint32_t holder, char name[PP_OWNER_NAME]);

/* Who holds the most, for messages; returns `text`. */
const char *pp_pool_holders(struct pp_pool *pool, char *text, size_t bytes);

#endif
