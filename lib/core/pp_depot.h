/* SPDX-License-Identifier: BSD-3-Clause */
/* Depot: per NUMA node, blocks in nobody's deque, loose buffers, and fresh ones to carve. */
#ifndef PP_DEPOT_H
#define PP_DEPOT_H

#include "pp_store.h"

/*
 * call                     who      how
 * push, pop                anyone   one exchange on a stack of blocks
 * put, get                 anyone   a copy of offsets under `lock`
 * carve                    anyone   one exchange on the hugepage's count
 * sift                     who shrinks, one at a time
 *
 * Two stacks of full blocks: pushes go to `side`, pops try both, so that who
 * shrinks can move every block from one to the other with no more than one at
 * a time out of the others' sight.
 */
struct pp_depot {
	_Alignas(128) pp_stack full[2];
	_Atomic uint32_t side;
	_Atomic uint32_t hint;   /* no hugepage of this node before it has fresh buffers */
	_Atomic int64_t buffers; /* in the full blocks */
	_Alignas(128) pp_lock_word lock;
	uint32_t block;         /* the loose buffers' block */
	_Atomic uint32_t loose; /* how many are in it */
};

void pp_depot_init(struct pp_store *store, uint32_t d);

/* A block that is full, or nearly: its index changes hands, nothing is copied. */
void pp_depot_push(struct pp_store *store, uint32_t d, uint32_t ticket);
uint32_t pp_depot_pop(struct pp_store *store, uint32_t d);

/*
 * Single offsets, in any number, to the depot of their own hugepage's node;
 * those whose hugepage is leaving are held back. `id` is the holder's, for the
 * lock. Returns how many were not at home in depot d.
 */
uint32_t pp_depot_put(struct pp_store *store, uint32_t d, uint32_t id, const uint32_t *offsets,
		      uint32_t n);
/* The same, all to depot d, whatever their node and state. */
void pp_depot_append(struct pp_store *store, uint32_t d, uint32_t id, const uint32_t *offsets,
		     uint32_t n);
/* How many are in it: exact while nobody pushes or pops. */
uint32_t pp_depot_count(const struct pp_store *store, uint32_t d);
/* Up to n, from the loose ones first. */
uint32_t pp_depot_get(struct pp_store *store, uint32_t d, uint32_t id, uint32_t *offsets,
		      uint32_t n);

/* Up to n buffers never handed out before, a multiple of PP_CARVE where the
 * hugepage has them. */
uint32_t pp_depot_carve(struct pp_store *store, uint32_t d, uint32_t *offsets, uint32_t n);
/* Says that hugepage p may have fresh buffers again. */
void pp_depot_hint(struct pp_store *store, uint32_t d, uint32_t p);

/* Shows every full block and the loose ones to `fn`, which leaves in slots
 * what is to stay and returns how many. */
typedef uint32_t (*pp_sift_fn)(struct pp_store *store, uint32_t *slots, uint32_t n, void *arg);
void pp_depot_sift(struct pp_store *store, uint32_t d, uint32_t id, pp_sift_fn fn, void *arg);

#endif
