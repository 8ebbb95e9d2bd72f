/* SPDX-License-Identifier: BSD-3-Clause */
/* Foreign: a pool of buffers that lie in somebody else's memory. */
#ifndef PP_FOREIGN_H
#define PP_FOREIGN_H

#include "pp_inside.h"

/*
 * Such a pool has no hugepages: it is given buffers, and
 * control memory, which lies at the same address in every process that uses
 * it. Offsets are the low half of an address as long as all buffers lie in one
 * window of 4 GiB, and units of 64 bytes within 256 GiB when they do not.
 *
 * It neither grows nor shrinks by itself, has no devices, and ends with
 * pp_foreign_close(), not with pp_pool_destroy().
 */
struct pp_foreign_params {
	const char *name;
	uint64_t id;      /* tells this control memory from what lay there before */
	uint32_t buffers; /* that it may be given, at most */
	uint32_t stride;  /* they begin at least so far apart */
	uint32_t owners;
	uint32_t flags; /* PP_POOL_OWNERS, PP_POOL_DEBUG */
	uint32_t keep;  /* debug mode leaves so much of a buffer alone, from the address on */
	uint32_t size;  /* of a buffer, from the address on; for debug mode */
};

/* Bytes of control memory. */
size_t pp_foreign_bytes(const struct pp_foreign_params *params);

/* In control memory that nobody else looks at yet: 0 or -errno. */
int pp_foreign_create(const struct pp_foreign_params *params, void *control, struct pp_pool **pool);

/* The same pool in another process; -ESTALE: no pool of that id is there. */
int pp_foreign_attach(void *control, uint64_t id, struct pp_pool **pool);

/*
 * Buffers begin in [start, end), a stride apart if gapless, and come next. May
 * have to write all offsets anew, so while there are buffers already it wants
 * all of them free and no other process attached: else -EBUSY. -ERANGE: beyond
 * 256 GiB. -EINVAL: beyond 4 GiB and not on cache lines. -ENOSPC: too many
 * pieces that do not follow each other, or more than `buffers` have room in.
 */
int pp_foreign_extend(struct pp_pool *pool, uintptr_t start, uintptr_t end, bool gapless);

/* Buffers, new to the pool and within what was extended to, from now on anybody's. */
void pp_foreign_give(struct pp_pool *pool, void *const *bufs, unsigned n);

/*
 * For when pp_alloc_bulk() has failed: all n or none, and none only if there are
 * not so many free, whoever's cache they lie in. `cache` may be NULL.
 */
unsigned pp_foreign_get(struct pp_pool *pool, struct pp_cache *cache, void **bufs, unsigned n,
			unsigned flags);

/* Free buffers, exact while nobody is inside a call; those of the reserve too or not. */
uint64_t pp_foreign_free(const struct pp_pool *pool, bool reserve);

/*
 * Ends it in this process; `last` also for all others, who find it gone. No
 * thread of this process may be inside a call.
 */
void pp_foreign_close(struct pp_pool *pool, bool last);

#endif
