/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules: what calls must return, by where the free buffers are; a simple model of a pool. */
#ifndef MODEL_RULES_H
#define MODEL_RULES_H

#include "recorder.h"

/* Where the free buffers are, as the user of one cache sees them. */
struct places {
	uint64_t own;    /* its private blocks */
	uint64_t others; /* other caches' */
	uint64_t deques; /* anybody may steal these */
	uint64_t home;   /* depots, what is noted for them, and fresh ones */
	uint64_t room;   /* on hugepages that are not there yet */
	struct pp_stats stats;
};

/* At a quiet moment, exactly. */
void places_look(struct places *places, struct pp_pool *pool, const struct pp_cache *cache);

/* One call, and what it must come to. */
struct call {
	uint32_t n;
	unsigned flags;
	bool burst;
	bool refused;  /* hugepages are */
	uint32_t stop; /* handed over to a callback that wanted no more after so many; 0: all */
	uint64_t got;
	uint64_t drawn, drawn_most; /* who waits is served as soon as it can be */
	uint64_t grown;             /* at least so many come on new hugepages */
	bool waits;
};

/*
 * `before` and what came on new hugepages decide: how many are had, and how
 * many of those were drawn from the reserve. The ladder in few words: what is
 * in reach, the whole remainder from the reserve or none, hugepages, what is
 * idle elsewhere, the reserve again; or the line. What lacks in the reserve goes there before
 * anybody has it, unless it is in his hands already.
 */
void call_judge(struct call *call, const struct places *before, uint64_t added);

/* Whether the pool could ever have so many for it. */
bool call_possible(const struct call *call, const struct places *places);

/* What holds between any two calls. */
void places_check(const struct places *places);

#endif
