/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls: random calls of every kind on a pool, each held against the rules. */
#ifndef MODEL_CALLS_H
#define MODEL_CALLS_H

#include "model_rules.h"

#define CACHES 5
#define HELD 4096
#define LEASES 4

/* The pool in the model's eyes: who has what, and what was counted. */
struct model {
	struct pp_pool *pool;
	struct pp_cache *caches[CACHES];
	struct pp_cache *cache; /* whose turn it is */
	struct recorder recorder;
	struct marks marks;
	uint64_t seed;
	uint64_t calls;
	struct places before;
	uint64_t out, leased;
	bool remembered; /* all absent hugepages have been refused: no call tries them by itself */
	uint64_t drawn, refused, timeouts;
	uint64_t late; /* freed, at most so many not yet in their place */
	uint64_t quiets, grown, shrunk, failed[2];
	struct pp_lease *leases[LEASES];
	uint32_t n;
	void *held[HELD];
};

uint32_t model_random(struct model *model, uint32_t below);
uint32_t marked_among(const struct pp_pool *pool, void *const *bufs, uint32_t n);

/* One call or another, by the cache whose turn it is. */
void model_call(struct model *model);

#endif
