/* SPDX-License-Identifier: BSD-3-Clause */
/* Walk: every buffer that is free, and where. */
#ifndef PP_WALK_H
#define PP_WALK_H

#include "pp_owner.h"

/* What one place holds: n offsets. Returning false ends the walk. */
typedef bool (*pp_walk_fn)(const char *place, uint32_t id, const uint32_t *offsets, uint32_t n,
			   void *arg);

/*
 * Shows all but the fresh ones and those held back. Each owner's lock is held
 * while its blocks are shown; exact only while nobody allocates or frees.
 * False if fn ended it.
 */
bool pp_walk_blocks(struct pp_store *store, pp_walk_fn fn, void *arg);

/* One bit a buffer, set where it is in flight; the caller frees it. NULL: no memory. */
uint64_t *pp_walk_in_flight(struct pp_store *store);

struct pp_sums {
	uint64_t fresh, cached, deques, depot, reserve, collected;
};
static inline uint64_t pp_sums_free(const struct pp_sums *sums)
{
	return sums->fresh + sums->cached + sums->deques + sums->depot + sums->reserve +
	       sums->collected;
}

/* O(owners + blocks published). */
void pp_walk_sums(const struct pp_store *store, struct pp_sums *sums);

/* What there is on a depot's node: in its caches and deques, the depot and fresh. An estimate. */
struct pp_node_sums {
	uint64_t free, total;
	uint32_t pages;
};
void pp_walk_nodes(const struct pp_store *store, struct pp_node_sums sums[PP_NODES_MAX]);

/* One owner at one moment; what it has published may have moved on. */
struct pp_owner_view {
	bool taken;
	char name[PP_OWNER_NAME];
	int32_t pid;
	uint32_t depot;
	uint64_t cached, published;
	int64_t net; /* what it took less what it freed */
};
void pp_walk_owner(const struct pp_store *store, uint32_t id, struct pp_owner_view *view);

#endif
