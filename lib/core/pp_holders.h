/* SPDX-License-Identifier: BSD-3-Clause */
/* Holders: what is in flight, whose it is, under which tag, and since when. */
#ifndef PP_HOLDERS_H
#define PP_HOLDERS_H

#include "pp_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An age that is not known. */
#define PP_AGE_UNKNOWN UINT64_MAX
/* Not a cache of the pool's books: it is not known which, or there was none. */
#define PP_CACHE_UNKNOWN UINT32_MAX

/*
 * A buffer in flight. The owner is known in pools with PP_POOL_OWNERS, tag and age
 * in those with PP_POOL_DEBUG.
 */
struct pp_out {
	void *buffer;      /* NULL where it cannot be told: memory of somebody else's with gaps */
	const char *owner; /* name of the cache it was allocated by; "(no cache)"; "" not known */
	const char *tag;   /* "" none, or not known */
	uint32_t cache;    /* that cache's number (pp_cache_info.id), or PP_CACHE_UNKNOWN */
	uint64_t age_ms;   /* since it was allocated, or PP_AGE_UNKNOWN */
};

/* What is looked for; zero and NULL: anything. */
struct pp_out_filter {
	const char *owner;
	const char *tag;
	uint64_t age_ms; /* at least so old */
};

/*
 * Calls fn for every buffer in flight that the filter (NULL: all) lets pass, in
 * address order; names are valid during the call. Returns how many, or -ENOMEM.
 * With PP_POOL_OWNERS any thread, while others allocate: each buffer is as it was
 * at the moment it was looked at, and nobody is held up but for an owner's name.
 * Without, exact only while no thread allocates or frees.
 */
PP_API int64_t pp_pool_each_out(struct pp_pool *pool, const struct pp_out_filter *filter,
				void (*fn)(const struct pp_out *out, void *arg), void *arg);

/* All that one owner took under one tag and has not come back. */
struct pp_holding {
	const char *owner, *tag; /* as in struct pp_out */
	uint32_t cache;
	uint64_t buffers;
	uint64_t oldest_ms, youngest_ms; /* or PP_AGE_UNKNOWN */
	void *oldest;                    /* one of the oldest, or NULL */
};

/*
 * Calls fn for each of them: those with the oldest buffer first, or, where ages
 * are not known, those with the most. Returns how many, or -ENOMEM. Threads as above.
 */
PP_API int64_t pp_pool_each_holding(struct pp_pool *pool,
				    void (*fn)(const struct pp_holding *holding, void *arg),
				    void *arg);

#ifdef __cplusplus
}
#endif
#endif
