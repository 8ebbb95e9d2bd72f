/* SPDX-License-Identifier: BSD-3-Clause */
/* Owner: a thread's cache with all that stands behind its fast line. */
#ifndef PP_OWNER_H
#define PP_OWNER_H

#include <string.h>

#include "pp_cache.h"
#include "pp_late.h"

#define PP_OWNER_EMPTIES 16
#define PP_OWNER_NAME 16

/* In `want`, which is no `s` then: on the slow path, so that `s` is loaded again
 * under the lock; and in the middle of a try. */
#define PP_OWNER_PARKED INT32_MIN
#define PP_OWNER_TRIES (INT32_MIN + 1)

enum pp_owner_state {
	PP_OWNER_FREE = 0,
	PP_OWNER_CLAIMED, /* somebody is filling it in */
	PP_OWNER_TAKEN,
};

/* Steps of several words leave a note first, for who finds their author dead. */
enum pp_journal_kind { PP_JOURNAL_NONE = 0, PP_JOURNAL_STEAL, PP_JOURNAL_DEPOT, PP_JOURNAL_SPILL };

/*
 * In control memory, four pairs of lines.
 *
 * field          written by                               read by
 * line           see struct pp_cache
 * lock           who holds it: the owner on its slow path, a taker
 * block, stash,  the owner under lock; a taker under lock
 * empties, quiet
 * counters       the owner (on its slow path)             the books
 * drawn          the owner (on its slow path)             the books
 * given          who holds lock                           the books
 * deque          owner pushes and pops, anyone steals
 * journal        the owner                                a reaper, once the owner is dead
 * state          who takes or gives up the slot           anyone
 */
struct pp_owner {
	struct pp_cache line;
	_Alignas(128) pp_lock_word lock;
	_Atomic uint32_t state;
	_Atomic uint32_t depot; /* its node's */
	uint32_t victim;        /* whom it stole from last */
	uint32_t block;         /* the current one */
	uint32_t stash;         /* one full block's ticket, or PP_TICKET_NONE */
	uint32_t empty;         /* how many there are in empties */
	bool quiet;             /* closed, and seen idle since: nothing can get in */
	_Atomic int32_t pid;
	char name[PP_OWNER_NAME];
	uint32_t empties[PP_OWNER_EMPTIES];
	_Alignas(128) pp_deque_word deque;
	_Alignas(128) _Atomic uint64_t journal;
	_Atomic uint64_t journal_word;
	struct pp_counters counters;
	uint64_t drawn, given; /* buffers that came to its private blocks, and left them, otherwise
				* than by its calls: the rest is what it took less what it freed */
};

/* Private empties an owner may hold: fewer where blocks are small, and so the pool. */
static inline uint32_t pp_owner_empties_max(uint32_t block_size)
{
	return block_size >= 256 ? PP_OWNER_EMPTIES : PP_OWNER_EMPTIES / 4;
}

static inline struct pp_deque pp_owner_deque(const struct pp_store *store,
					     const struct pp_owner *owner)
{
	uint32_t size = store->shared->facts.ring_size;

	return (struct pp_deque){
		.word = (pp_deque_word *)&owner->deque,
		.ring = store->rings + (size_t)owner->line.id * size,
		.mask = size - 1,
	};
}

/* Its own counters, on its slow path. */
#define PP_OWNER_COUNT(owner, counter, n)                                             \
	__atomic_store_n(&(owner)->counters.counter, (owner)->counters.counter + (n), \
			 __ATOMIC_RELAXED)

static inline int32_t pp_owner_s(const struct pp_owner *owner)
{
	return __atomic_load_n(&owner->line.s, __ATOMIC_RELAXED);
}

/* Contents first, then one store: whoever finds the owner dead finds either all or nothing. */
static inline void pp_owner_commit(struct pp_owner *owner, int32_t s)
{
	__atomic_store_n(&owner->line.s, s, __ATOMIC_RELEASE); /* T2 */
}

static inline void pp_owner_note(struct pp_owner *owner, enum pp_journal_kind kind, uint64_t word)
{
	atomic_store_explicit(&owner->journal_word, word, memory_order_relaxed);
	atomic_store_explicit(&owner->journal, kind, memory_order_release);
}

static inline bool pp_owner_closed(const struct pp_store *store, const struct pp_owner *owner)
{
	/* G2: pairs with G1 in pp_pool_shrink(), and with a taker's lock K1. */
	return (owner->line.mode & PP_MODE_CLOSED) ||
	       atomic_load_explicit(&store->shared->pressure, memory_order_acquire) ||
	       pp_lock_held(&store->shared->taking);
}

static inline int32_t pp_owner_start(const struct pp_store *store, const struct pp_owner *owner)
{
	return (int32_t)(owner->block * store->blocks.size);
}

/* A copy, since the slot may change hands. */
static inline void pp_owner_name(struct pp_owner *owner, char name[PP_OWNER_NAME])
{
	pp_lock_take(&owner->lock, PP_NOBODY);
	memcpy(name, owner->name, PP_OWNER_NAME);
	pp_lock_release(&owner->lock);
}

/*
 * Nothing is intended any more. A handler that comes between load and store
 * makes what is stored old: then none comes after it, and it is put right.
 */
static inline void pp_owner_settle(struct pp_cache *c)
{
	int32_t s;

	do {
		s = __atomic_load_n(&c->s, __ATOMIC_RELAXED);
		__atomic_store_n(&c->want, s, __ATOMIC_RELEASE);
	} while (__atomic_load_n(&c->s, __ATOMIC_RELAXED) != s);
}

static inline void pp_owner_flow(uint64_t *flow, uint64_t n)
{
	__atomic_store_n(flow, *flow + n, __ATOMIC_RELAXED);
}

/* Once per slot, at creation of the pool. */
void pp_owner_init(struct pp_store *store, uint32_t id);

/* What the miss of each of pp_cache.h's calls comes to; of `flags` those that matter here say
 * whether it may go to other nodes, and PP_BURST_ that fewer than n will do. */
uint32_t pp_owner_get_slow(struct pp_store *store, struct pp_owner *owner, void **bufs, uint32_t n,
			   unsigned flags);
void pp_owner_put_slow(struct pp_store *store, struct pp_owner *owner, void *const *bufs,
		       uint32_t n);

/* Closes all limits of an owner: its next call goes the long way. Any thread that holds its
 * lock. */
void pp_owner_close(struct pp_owner *owner);

/* Its private buffers to the depot, its lock held; `id` is the caller's. Returns how many. */
uint32_t pp_owner_spill(struct pp_store *store, struct pp_owner *owner, uint32_t id);

#endif
