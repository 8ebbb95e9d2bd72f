/* SPDX-License-Identifier: BSD-3-Clause */
/* Types: the words that every other file uses: flags, limits, the last error. */
#ifndef PP_TYPES_H
#define PP_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Nothing, in a library that has the core inside and does not show it. */
#ifndef PP_API
#define PP_API __attribute__((visibility("default")))
#endif
#define PP_LIKELY(x) __builtin_expect(!!(x), 1)
#define PP_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define PP_VERSION "0.1.0"

/* Bytes of a cache line; every buffer starts on one. */
#define PP_LINE 64
/* Fresh buffers are carved from a hugepage this many at a time, or more. */
#define PP_CARVE 64
/* A bulk of so many, or less, that gets none leaves its array as it was. */
#define PP_KEPT 1024
/* Devices that one pool can be mapped for at once. */
#define PP_DEVICES_MAX 8
/* NUMA nodes that one pool can span. */
#define PP_NODES_MAX 8
/* Caches that one pool can have. */
#define PP_OWNERS_MAX 250

/*
 * How far down the ladder of an allocation a call may go: own cache, own deque,
 * other owners' deques and the depot of the caller's NUMA node, fresh buffers
 * there, and then by flags. 0, PP_REMOTE and PP_CRITICAL make no system call.
 */
enum pp_flag {
	/* The caller's own cache only: no lock, bounded, and no write to a shared line but,
	 * with PP_POOL_OWNERS and PP_POOL_DEBUG, to the notes of the buffers that it
	 * hands out. It gets nothing while a pool is pressed (pp_reserve.h), as all caches
	 * are closed then. Alone it may be used in a signal handler and under any lock. */
	PP_TRY = 1 << 0,
	/* And the reserve: what is still missing at once, or nothing. Such buffers
	 * are marked (pp_reserve.h). */
	PP_CRITICAL = 1 << 1,
	/* With effort: another hugepage if the pool may grow, and what lies idle in
	 * other owners' caches. */
	PP_GROW = 1 << 2,
	/* Also takes back from idle caches, and then waits, first come first served. */
	PP_WAIT = 1 << 3,
	/* In a pool over several NUMA nodes: what the other nodes have, once the
	 * caller's has none. PP_CRITICAL and PP_WAIT imply it. */
	PP_REMOTE = 1 << 4,
};

struct pp_pool;
struct pp_cache;
struct pp_region;

/*
 * What the last failed call of this thread complained about: the thing, its
 * limit, and the command that mends it where there is one. Never NULL; valid
 * until the thread's next failing call. Not set by allocations that merely
 * find the pool empty.
 */
PP_API const char *pp_error(void);

#ifdef __cplusplus
}
#endif
#endif
