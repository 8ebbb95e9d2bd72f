/* SPDX-License-Identifier: BSD-3-Clause */
/* Objcache backing: an object cache as what a mempool takes its elements from. */
#include "pp_objcache.h"

/* As many as there are: all that are wanted, or halves of that, down to one. */
static unsigned backing_alloc(void *backing, void **elems, unsigned n, unsigned flags)
{
	unsigned got = 0, step = n;

	while (step) {
		unsigned k = pp_objcache_alloc_bulk(backing, elems + got, step, flags, NULL);

		got += k;
		if (!k)
			step /= 2;
		if (step > n - got)
			step = n - got;
	}
	return got;
}

static void backing_free(void *backing, void *const *elems, unsigned n)
{
	pp_objcache_free_bulk(backing, elems, n);
}

static unsigned backing_wait(void *backing, void **elems, unsigned n, struct pp_wait *wait)
{
	return pp_objcache_alloc_bulk(backing, elems, n, PP_WAIT, wait);
}

PP_API const struct pp_mempool_ops pp_mempool_objcache = {
	.alloc_bulk = backing_alloc,
	.free_bulk = backing_free,
	.wait_bulk = backing_wait,
};
