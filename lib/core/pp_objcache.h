/* SPDX-License-Identifier: BSD-3-Clause */
/* Objcache: small objects, kept constructed, carved from a pool's buffers. */
#ifndef PP_OBJCACHE_H
#define PP_OBJCACHE_H

#include "pp_mempool.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Flow entries, timers, indirect mbufs: objects of one size, many to a buffer,
 * handed out from a magazine of the thread's own. Objects are constructed when
 * their buffer joins the cache, and destroyed when it leaves; in between they
 * are freed and handed out again as they are, so leave them as the constructor
 * did.
 *
 * Behind it stands, for PP_CRITICAL, a mempool of whole buffers, one for any
 * number of caches. What Enberg found wanting in critical mempools for the
 * kernel's slab (2006) are the rules here:
 * - critical objects share the critical buffers that their cache holds; a
 *   buffer is taken from the mempool only when none of them has room;
 * - an object of a critical buffer is never handed to a request without
 *   PP_CRITICAL, not even when the cache has no other;
 * - when the last object of a critical buffer is freed, the buffer is back in
 *   its mempool before the call returns.
 */
struct pp_objcache;

enum pp_objcache_flag {
	/* No magazines: every free is checked against the cache's book, so that a
	 * double or foreign free is found at once. Without it that is so while the
	 * cache holds a critical buffer or somebody waits (but for what lies in
	 * another thread's magazine since before), else when a magazine is emptied:
	 * until then an object freed twice may be handed out twice.
	 * An address outside of the pool is always found. */
	PP_OBJCACHE_DEBUG = 1 << 0,
};

/* Zero means the default, everywhere. */
struct pp_objcache_params {
	size_t sz;            /* sizeof(struct pp_objcache_params), always first */
	const char *name;     /* 1..31 characters; default "objects" */
	uint32_t object_size; /* bytes, as many as fit into a buffer; no default */
	uint32_t align;       /* a power of two; default 8 */
	/* Makes an object of memory with any content. 0, or -errno: then the whole
	 * buffer goes back, and the allocation that needed it fails with that errno.
	 * NULL: nothing is to be done. */
	int (*ctor)(void *obj, void *arg);
	/* Called once for each object that was constructed. */
	void (*dtor)(void *obj, void *arg);
	/* Both are called by any thread, at its end, too, and without a lock held; they
	 * may use other caches. */
	void *arg;
	struct pp_pool *pool;        /* where ordinary buffers come from; outlives the cache */
	struct pp_mempool *critical; /* of whole buffers of the same pool; outlives the cache */
	uint32_t magazine;           /* objects that a thread may keep, 2..4096; default 64 */
	uint32_t keep;               /* empty ordinary buffers that stay; default 4 */
	uint32_t flags;              /* enum pp_objcache_flag */
};

/*
 * 0 or: -EINVAL a parameter is out of range, no object fits into a buffer, or
 * align is not a power of two; -ENOMEM; -ENOSPC this process has 256 already.
 * Takes no buffer yet. The cache is this process's: in a forked child every
 * call on it fails with EPERM, and destroying it frees memory only.
 */
PP_API int pp_objcache_create(const struct pp_objcache_params *params, struct pp_objcache **oc);

/*
 * Destroys the objects and returns every buffer to where it came from. -EBUSY
 * if objects are out or somebody waits: pp_error() says how many, and the cache
 * goes on as before. No thread may be inside a call on it; other threads'
 * magazines are no matter, and for one that is just ending it waits. NULL is fine. Every later
 * call on it is an EINVAL, this one, too, until the next that is created has its address.
 */
PP_API int pp_objcache_destroy(struct pp_objcache *oc);

/*
 * All n or none: returns n, or 0 with errno. Any thread, but not a signal
 * handler. While it waits it holds none.
 *
 * flags, wait    goes as far as                                       system calls
 * PP_TRY         the thread's magazine; bounded                       none
 * 0              the cache's buffers, the pool's (flags 0)            no
 * PP_CRITICAL    ... and critical buffers: the cache's, the mempool's no
 * PP_GROW        ... pool and mempool with effort; other threads' magazines  yes
 * PP_WAIT        ... until `wait` ends (NULL: for ever): a critical one at the mempool, an
 *                ordinary one at the pool, and both for objects that are freed
 *
 * Who waits is served in the order of arrival, critical ones before the
 * others, by a free of any thread; others do not overtake with the cache's
 * objects meanwhile. For an ordinary one the first keeps its place in the pool's line when
 * objects that are freed leave it lacking fewer buffers; at the mempool a critical one then
 * asks anew, behind whoever waits there for another cache.
 *
 * A critical request for more buffers than the mempool keeps has the pool's
 * only, and waits there.
 *
 * EINVAL: NULL, flags that contradict each other, n above 2^28, PP_CRITICAL
 * without a mempool, more buffers than the pool could ever have (than it has
 * without its reserve, for a wait without PP_GROW); EAGAIN: PP_TRY and fewer
 * than n in the magazine; ENOMEM: there is nothing left as far as the flags go;
 * ETIMEDOUT, ECANCELED: of the wait; the constructor's; EPERM: in a forked
 * child. n = 0 returns 0.
 */
PP_API unsigned pp_objcache_alloc_bulk(struct pp_objcache *oc, void **objs, unsigned n,
				       unsigned flags, struct pp_wait *wait);
/* One, or NULL with errno; PP_WAIT waits for ever. */
PP_API void *pp_objcache_alloc(struct pp_objcache *oc, unsigned flags);

/*
 * Objects of this cache, allocated by any thread. Returns how many it took: an
 * address that is not an object of the cache, and an object that is known to be
 * free, are left alone and counted, and pp_error() names the first. NULLs are
 * strangers, too. No cache or no array (NULL): 0 with errno EINVAL; in a forked
 * child 0 with EPERM.
 */
PP_API unsigned pp_objcache_free_bulk(struct pp_objcache *oc, void *const *objs, unsigned n);
PP_API void pp_objcache_free(struct pp_objcache *oc, void *obj);

/* Whether an object that is out lies in a critical buffer. This and the two below
 * say false, 0 and zeroes of a cache that is NULL, with errno EINVAL. */
PP_API bool pp_objcache_is_critical(struct pp_objcache *oc, const void *obj);

/* Empties the threads' magazines and returns every empty buffer to the pool.
 * Returns how many. One system call; any thread. */
PP_API uint32_t pp_objcache_shrink(struct pp_objcache *oc);

/* Exact at a quiet moment. Every object is out, in a magazine or free. */
struct pp_objcache_stats {
	uint32_t per_buffer;   /* objects in a buffer */
	uint32_t buffers;      /* ordinary ones held */
	uint32_t empty;        /* of these without an object out or in a magazine */
	uint32_t critical;     /* buffers of the mempool held */
	uint64_t out;          /* objects handed out, of both kinds */
	uint64_t out_critical; /* of these from critical buffers */
	uint64_t cached;       /* in magazines */
	uint64_t free;         /* ordinary ones in buffers */
	uint64_t constructed, destructed;
	uint64_t faults;  /* foreign and double frees */
	uint64_t skipped; /* magazines whose thread was in the middle of something */
	uint32_t waiters;
};
PP_API void pp_objcache_stats(struct pp_objcache *oc, struct pp_objcache_stats *stats);

/* An object cache as a mempool's backing: `backing` is the struct pp_objcache. */
PP_API extern const struct pp_mempool_ops pp_mempool_objcache;

#ifdef __cplusplus
}
#endif
#endif
