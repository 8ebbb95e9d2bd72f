/* SPDX-License-Identifier: BSD-3-Clause */
/* Local: the calling thread's cache of a mempool, remembered where no call is needed to find it. */
#ifndef PP_LOCAL_H
#define PP_LOCAL_H

#include "pp_thread.h"

/* Mempools that a thread can alternate between without a call. */
#define PP_LOCALS 8

/*
 * pp_pool_cache() knows the thread's cache, but is a call into another library,
 * which a mempool's user pays for each burst: 6.5 of 25 cycles for one mbuf got
 * and put. So its last answers are kept here, under a number that belongs to one
 * mempool and never comes again. They are forgotten where it forgets them: in a
 * forked child, and before a thread's end takes the caches away. All fields are
 * the thread's own.
 */
struct pp_local {
	uint64_t id;
	struct pp_cache *cache;
};

extern __thread struct pp_local pp_locals[PP_LOCALS] __attribute__((tls_model("initial-exec")));

/* NULL: ask pp_local_find(). */
static inline struct pp_cache *pp_local_cache(uint64_t id)
{
	const struct pp_local *local = &pp_locals[id % PP_LOCALS];

	return PP_LIKELY(local->id == id) ? local->cache : NULL;
}

/* pp_pool_cache(), and remembers it. */
struct pp_cache *pp_local_find(uint64_t id, struct pp_pool *pool);

/* A number that no mempool of this process has had, until it is given up. */
uint64_t pp_local_id(void);
void pp_local_id_end(uint64_t id);
/* Whether it has not been given up; and how often that was done with any. */
bool pp_local_id_lives(uint64_t id);
uint64_t pp_local_ids_ended(void);

#endif
