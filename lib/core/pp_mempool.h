/* SPDX-License-Identifier: BSD-3-Clause */
/* Mempool: elements of any backing, of which a minimum is always kept. */
#ifndef PP_MEMPOOL_H
#define PP_MEMPOOL_H

#include "pp_wait.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Where a mempool gets its elements from and returns them to: a pool, a cache
 * of objects, malloc, anything. Every element that the mempool ever holds or
 * hands out went through alloc_bulk, and every one it gives up goes through
 * free_bulk, so that a count kept by them is right at any quiet moment, while
 * it is filled, resized and destroyed, too (Foster's review of Shi's series,
 * 2022). Called without the mempool's lock held, by any thread.
 */
struct pp_mempool_ops {
	/* Up to n elements; returns how many. flags is 0 (what is at hand) or
	 * PP_GROW (with effort, but without waiting). */
	unsigned (*alloc_bulk)(void *backing, void **elems, unsigned n, unsigned flags);
	void (*free_bulk)(void *backing, void *const *elems, unsigned n);
	/* Optional: all n or none, waiting for those that are freed behind the
	 * mempool's back. Ends when `wait` does. */
	unsigned (*wait_bulk)(void *backing, void **elems, unsigned n, struct pp_wait *wait);
};

struct pp_mempool;

#ifdef __cplusplus
}
#endif
#endif
