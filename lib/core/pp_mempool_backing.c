/* SPDX-License-Identifier: BSD-3-Clause */
/* Backing: plain memory, and the buffers of a pool. */
#include <errno.h>
#include <stdlib.h>

#include "pp_mempool_line.h"
#include "pp_pool.h"
#include "pp_thread.h"

static unsigned malloc_alloc_bulk(void *backing, void **elems, unsigned n, unsigned flags)
{
	unsigned got;

	(void)flags;
	for (got = 0; got < n; got++) {
		elems[got] = malloc((uintptr_t)backing);
		if (!elems[got])
			break;
	}
	return got;
}

static void malloc_free_bulk(void *backing, void *const *elems, unsigned n)
{
	(void)backing;
	for (unsigned i = 0; i < n; i++)
		free(elems[i]);
}

/* malloc can't tell when there is memory again. */
PP_API const struct pp_mempool_ops pp_mempool_malloc = {
	.alloc_bulk = malloc_alloc_bulk,
	.free_bulk = malloc_free_bulk,
};

static unsigned pool_alloc_bulk(void *backing, void **elems, unsigned n, unsigned flags)
{
	struct pp_cache *cache = pp_pool_cache(backing);
	unsigned got;

	if (cache)
		return pp_alloc_burst(cache, elems, n, flags | PP_REMOTE);
	got = pp_pool_alloc_burst(backing, elems, n);
	if (got < n && flags & PP_GROW && pp_pool_collect(backing))
		got += pp_pool_alloc_burst(backing, elems + got, n - got);
	return got;
}

static void pool_free_bulk(void *backing, void *const *elems, unsigned n)
{
	struct pp_cache *cache = pp_pool_cache(backing);

	if (cache)
		pp_free_bulk(cache, elems, n);
	else
		pp_pool_free(backing, elems, n);
}

unsigned pp_mempool_pool_wait(struct pp_pool *pool, void **elems, unsigned n, struct pp_wait *wait,
			      struct pp_seat *seat)
{
	struct pp_cache *cache = pp_pool_cache(pool);

	if (cache)
		return pp_miss_wait(cache, elems, n, 0, wait, seat);
	errno = ENOSPC;
	return 0;
}

static unsigned pool_wait_bulk(void *backing, void **elems, unsigned n, struct pp_wait *wait)
{
	return pp_mempool_pool_wait(backing, elems, n, wait, NULL);
}

PP_API const struct pp_mempool_ops pp_mempool_pool = {
	.alloc_bulk = pool_alloc_bulk,
	.free_bulk = pool_free_bulk,
	.wait_bulk = pool_wait_bulk,
};
