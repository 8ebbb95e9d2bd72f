/* SPDX-License-Identifier: BSD-3-Clause */
/* Tag: what a call site calls the buffers that it takes, so that a leak has a name. */
#ifndef PP_TAG_H
#define PP_TAG_H

#include "pp_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * In a pool with PP_POOL_DEBUG each buffer that is handed out is noted with the
 * tag that its cache has then, and with the time. In other pools these calls do
 * nothing, and nothing is paid for them. The kernel tells call sites apart in the
 * like way (memory allocation profiling, Baghdasaryan and Overstreet, 2024), at
 * compile time.
 *
 *	static int tag;                                (once: tag = pp_pool_tag(pool, "clone");)
 *	unsigned before = pp_pool_set_tag(pool, tag);
 *	... pp_alloc() ...
 *	pp_pool_set_tag(pool, before);
 */

/*
 * The number of the tag of that name, the same for everybody who has the pool:
 * 1 .. 255. 0: the pool is not in debug mode. -EINVAL: no pool, or a name that is
 * not of 1 to 31 characters; -ENOSPC: there are 255 others. Any thread.
 */
PP_API int pp_pool_tag(struct pp_pool *pool, const char *name);

/*
 * What the calling thread takes by its own cache (pp_pool_cache()) is noted under
 * that tag from now on; 0, and what is no tag's number, is none. Returns the one
 * before. One atomic load and store in debug mode.
 */
PP_API unsigned pp_pool_set_tag(struct pp_pool *pool, unsigned tag);

/* The same for a cache that is held as a handle. */
PP_API unsigned pp_cache_set_tag(struct pp_cache *cache, unsigned tag);

#ifdef __cplusplus
}
#endif
#endif
