/* SPDX-License-Identifier: BSD-3-Clause */
/* Pool: buffers of one size over hugepages, created, grown, shrunk, shared, destroyed. */
#ifndef PP_POOL_H
#define PP_POOL_H

#include "pp_pages.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A misuse that debug mode caught; the call that caused it had no other effect. */
struct pp_fault {
	const char *what;   /* "double free", "foreign free", "written after free", and without
			     * debug mode too "double destroy" */
	const void *buffer; /* as passed in or about to be handed out */
	const char *owner;  /* the name of the cache concerned, "" if unknown; valid
			     * during the call */
};
typedef void (*pp_fault_fn)(struct pp_pool *pool, const struct pp_fault *fault, void *arg);

/* Zero means the default, everywhere. */
struct pp_pool_params {
	size_t sz;            /* sizeof(struct pp_pool_params), always first */
	const char *name;     /* 1..31 characters; default "pool" */
	uint32_t buffer_size; /* bytes, a multiple of 64 up to the hugepage; no default */
	uint32_t buffers;     /* 64 .. 2^28 at creation; no default */
	uint32_t buffers_max; /* what growing may reach; default: buffers */
	uint32_t owners;      /* caches that may exist at once, 1..250; default: CPUs + 2 */
	uint32_t lead;       /* the address handed out is this far into the buffer; < buffer_size */
	uint32_t keep;       /* debug mode leaves this many bytes at a buffer's start alone */
	enum pp_pages pages; /* default 2 MiB hugepages */
	uint64_t nodes;      /* NUMA nodes to spread over, bit n = node n; up to 8; default: the
			      * caller's alone */
	uint32_t flags;      /* enum pp_pool_flag */
	pp_fault_fn fault;   /* debug mode's reports; default: a line on stderr */
	void *fault_arg;
	uint32_t link;    /* where in a buffer, from the address handed out, lists keep their
			* pointer to the next: bytes, a multiple of 8 */
	uint32_t reserve; /* buffers, of those above, for PP_CRITICAL only; 0 .. buffers
			   * (pp_reserve.h) */
	uint32_t wait_us; /* how long PP_WAIT waits, microseconds; default 1 s */
};

/*
 * Reserves the address range of buffers_max, populates buffers, on each node
 * as many hugepages as on the others. 0 or:
 * -EINVAL a parameter is out of range, or a node has no memory for this process;
 * -ENOMEM not enough hugepages on a node (pp_error() names the node, what it
 * has, the sysfs file and the command); -ENOENT no such page size here;
 * -ENOSPC this process has 256 pools already.
 * Any thread.
 */
PP_API int pp_pool_create(const struct pp_pool_params *params, struct pp_pool **pool);

/*
 * Frees the pool and its hugepages; caches of other threads end with it, so
 * no thread may be inside a call on it. -EBUSY if buffers are in flight:
 * nothing is freed, pp_error() says how many and whose. In a process that
 * attached or was forked, only its mapping and its caches go, and nothing is
 * asked; the hugepages go with the last process that has them. NULL is fine.
 */
PP_API int pp_pool_destroy(struct pp_pool *pool);

/*
 * Maps hugepages for at least `buffers` more (as many as fill whole hugepages,
 * up to buffers_max). Returns how many were added (> 0), -ENOSPC at the
 * maximum, -ENOMEM when no hugepage is free, -EIO when a device refused them,
 * -EPERM when another process maps devices for the pool (pp_dma.h), -EDEADLK
 * from inside a device's callback.
 * Over several NUMA nodes, each hugepage comes to the node that has the fewest
 * free buffers then, or where that has none left, to the next such. _on: to
 * that node and no other; -EINVAL if the pool is not spread over it.
 * Any thread, while others allocate; one grow or shrink at a time.
 */
PP_API int pp_pool_grow(struct pp_pool *pool, uint32_t buffers);
PP_API int pp_pool_grow_on(struct pp_pool *pool, int node, uint32_t buffers);

/*
 * Gives back whole hugepages worth up to `buffers` (at least one hugepage).
 * Waits up to `timeout_us` for buffers on them that are out. Returns how many
 * buffers left the pool (> 0), or -EBUSY: nothing was given back and
 * pp_error() says what is out, or -EPERM and -EDEADLK as above. Of hugepages
 * with equally many buffers out those of the node that has most go first; _on: of
 * that node's only, or -EINVAL as above. Any thread, while others allocate.
 */
PP_API int pp_pool_shrink(struct pp_pool *pool, uint32_t buffers, uint32_t timeout_us);
PP_API int pp_pool_shrink_on(struct pp_pool *pool, int node, uint32_t buffers, uint32_t timeout_us);

/*
 * Brings the free buffers that lie idle in other owners' caches to the depot,
 * also from threads that never call again. Returns how many came. Costs a
 * system call; the owners' fast path pays nothing. An owner stopped in the
 * middle of an operation is skipped. Calls that waited in a process that has
 * died leave the line. NULL: 0 with errno EINVAL.
 */
PP_API uint32_t pp_pool_collect(struct pp_pool *pool);

/*
 * Calls fn for every buffer that is in flight, in address order, with the name
 * of the cache that allocated it (valid during the call; "" if not known).
 * Exact only while no thread allocates or frees. Returns how many.
 */
PP_API uint32_t pp_pool_walk_in_flight(struct pp_pool *pool,
				       void (*fn)(void *buffer, const char *owner, void *arg),
				       void *arg);

/*
 * Makes every buffer in flight free: for after the last holder is gone, such
 * as a driver that kept its receive ring at close. Nobody may still hold one
 * or be inside a call on the pool. Returns how many came home.
 */
PP_API uint32_t pp_pool_recover(struct pp_pool *pool);

/* The pool an address lies in, NULL if in none. O(1), any thread. */
PP_API struct pp_pool *pp_pool_find(const void *addr);

/* Its memory, for pp_buffer.h. */
PP_API const struct pp_region *pp_pool_region(const struct pp_pool *pool);

PP_API const char *pp_pool_name(const struct pp_pool *pool);

/*
 * Sharing. A forked child may use the pool at once (with caches of its own:
 * pp_pool_cache() sees to it). Another process attaches with the two file
 * descriptors, received over a Unix socket or opened from /proc/PID/fd; they
 * are duplicated. -EADDRINUSE: the address range is taken there; -EPROTO: not
 * a pool, or another version's.
 */
PP_API void pp_pool_fds(const struct pp_pool *pool, int fds[2]);
PP_API int pp_pool_attach(const int fds[2], struct pp_pool **pool);

#ifdef __cplusplus
}
#endif
#endif
