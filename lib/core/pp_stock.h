/* SPDX-License-Identifier: BSD-3-Clause */
/* Stock: what an object cache holds: its slabs, who waits for them, and the magazines. */
#ifndef PP_STOCK_H
#define PP_STOCK_H

#include "pp_handle.h"
#include "pp_magazine.h"
#include "pp_miss.h"
#include "pp_objcache.h"
#include "pp_slab.h"

#define PP_OBJCACHE_NAME 32

/* Words that waiters sleep on behind the first; more than so many share some. */
#define PP_STOCK_KICKS 64

/* One who waits, on its own stack; all under the lock. */
struct pp_stock_waiter {
	struct pp_stock_waiter *next;
	void **objs;
	unsigned n;
	unsigned need; /* buffers that it waits for at their source */
	bool critical;
	bool served;
	struct pp_seat seat; /* in the pool's line */
	uint32_t *kicks; /* in the cache: who cancels a wait may kick after the waiter has gone */
	struct pp_wait *wait;
};

/*
 * field       written by                 read by
 * magazines   see there                  see there
 * books, ours, waiters, joined, faults   under the lock
 * constructed, destructed                anyone, by atomic add
 * the rest    at creation                anyone
 *
 * Constructors, destructors, the pool and the mempool are called without the
 * lock.
 */
struct pp_objcache {
	struct pp_magazines magazines; /* first: what the fast path looks at */
	struct pp_handle handle;
	_Alignas(PP_LINE) pthread_mutex_t lock;
	struct pp_slab_book books[2]; /* [critical] */
	uint64_t *ours;               /* a bit a buffer of the pool: it is a slab of this cache */
	struct pp_stock_waiter *waiters[2]; /* [critical], first come first */
	uint64_t joined;
	uint32_t kicks[PP_STOCK_KICKS];
	uint64_t faults;
	uint64_t constructed, destructed;
	struct pp_slab_shape shape;
	const struct pp_region *region;
	struct pp_objcache_params params;
	char name[PP_OBJCACHE_NAME];
};

/* Without the lock. */

static inline unsigned pp_stock_buffers_for(const struct pp_objcache *oc, uint64_t objects)
{
	return (unsigned)((objects + oc->shape.count - 1) / oc->shape.count);
}

/* Buffers of the pool or of the mempool: need, or 0 with errno. With PP_WAIT
 * EAGAIN: it cannot wait there now; ENOMEM: the mempool never has so many. A `waiter` (else
 * NULL) waits, in the pool's line in its seat: for as many as it still lacks. */
unsigned pp_stock_buy(struct pp_objcache *oc, bool critical, void **bufs, unsigned need,
		      unsigned flags, struct pp_stock_waiter *waiter);
void pp_stock_return(struct pp_objcache *oc, bool critical, void *const *bufs, unsigned n);
/* Constructs slabs, linked by `next`; NULL with errno, and every buffer has gone back. */
struct pp_slab *pp_stock_make(struct pp_objcache *oc, bool critical, void *const *bufs, unsigned n);
/* Destroys the objects of slabs so linked, and returns their buffers. Returns how many. */
uint32_t pp_stock_unmake(struct pp_objcache *oc, struct pp_slab *slabs);

/* With the lock. */

void pp_stock_enter(struct pp_objcache *oc, struct pp_slab *slabs);
/* Takes the empty slabs that need not stay out of the books, to be unmade. Critical ones
 * never stay; `keep` ordinary ones do, unless `all` go or somebody waits. */
struct pp_slab *pp_stock_trim(struct pp_objcache *oc, bool all);

/* The slab of an object, and its number there; NULL if it is none of this cache's. */
struct pp_slab *pp_stock_find(struct pp_objcache *oc, const void *obj, uint32_t *i);
/* NULL, or what is wrong with it: then it is counted and left alone. */
const char *pp_stock_put(struct pp_objcache *oc, void *obj);
/* All that a magazine has. */
void pp_stock_put_all(struct pp_objcache *oc, struct pp_magazine *magazine);

/*
 * How many of n cannot be had: 0 if all n can. While somebody waits whom the
 * caller must not overtake, only its magazine and what it `brought` count.
 */
unsigned pp_stock_lacks(const struct pp_objcache *oc, const struct pp_magazine *magazine,
			unsigned n, bool critical, uint64_t brought);
/* n objects that do not lack. */
void pp_stock_take(struct pp_objcache *oc, struct pp_magazine *magazine, void **objs, unsigned n,
		   bool critical);

void pp_stock_join(struct pp_objcache *oc, struct pp_stock_waiter *waiter);
/* Whether it has been served or not. */
void pp_stock_leave(struct pp_objcache *oc, struct pp_stock_waiter *waiter);
/* Whether it is the one that has to see to it that buffers come. */
bool pp_stock_leads(const struct pp_objcache *oc, const struct pp_stock_waiter *waiter);
/* How many buffers it lacks. */
unsigned pp_stock_buffers(const struct pp_objcache *oc, const struct pp_stock_waiter *waiter);
/* Gives who waits what there is, in order. */
void pp_stock_serve(struct pp_objcache *oc);

/* Brings home what is in the threads' magazines. Returns how many were skipped. */
uint32_t pp_stock_collect(struct pp_objcache *oc);

#endif
