/* SPDX-License-Identifier: BSD-3-Clause */
/* Magazine: the objects that a thread keeps for itself, and how others get at them. */
#ifndef PP_MAGAZINE_H
#define PP_MAGAZINE_H

#include <pthread.h>

#include "pp_cache.h"

/* Sets of magazines that one process can have at a time. */
#define PP_MAGAZINES_MAX 256

struct pp_slab;

/*
 * field  written by                                        read by
 * busy   its thread                                        its thread, a taker
 * n, objs  its thread, busy or with the lock; a taker with  same
 *        the lock, having seen it idle
 * next, link  under the lock                               same
 */
struct pp_magazine {
	uint32_t busy;
	uint32_t n;
	struct pp_magazine *next, **link;
	void *objs[];
};

/*
 * A cache's set of magazines.
 *
 * field                 written by              read by
 * get_long, put_long    anyone with the lock    every thread's fast path
 * first, skipped        under the lock          same
 * forked                a forked child, once    its slow paths
 * ending                under the table's lock  same
 * the rest              at creation             anyone
 *
 * A thread says that it is busy, then looks whether it has to go the long way.
 * A taker says so, makes all threads pass a barrier, and then looks who is
 * busy: who is not will see what the taker said (doc/ordering.md, J1..J4). So
 * the fast path has no atomic instruction and no fence.
 */
struct pp_magazines {
	uint64_t generation;
	uintptr_t base; /* of the memory that objects lie in */
	size_t bytes;
	uint32_t slot;
	uint32_t size; /* objects in a magazine; 0: there are none */
	uint32_t get_long, put_long;
	uint32_t refused; /* flags that no call may have */
	bool forked;
	uint32_t ending; /* threads that end, and are not yet done with unmake() */
	uint64_t skipped;
	struct pp_magazine *first;
	pthread_mutex_t *lock;
	/* Empties the magazine of a thread that ends; the lock is not held. Returns
	 * what need not stay, for unmake(), which is called without any lock. */
	struct pp_slab *(*spill)(struct pp_magazines *set, struct pp_magazine *magazine);
	void (*unmake)(struct pp_magazines *set, struct pp_slab *slabs);
};

struct pp_magazine_entry {
	uint64_t generation;
	struct pp_magazine *magazine;
};
/* [PP_MAGAZINES_MAX], NULL until the thread's first magazine. */
extern __thread struct pp_magazine_entry *pp_magazine_entries
	__attribute__((tls_model("initial-exec")));

/* Gives the set a slot; -ENOSPC beyond PP_MAGAZINES_MAX. */
int pp_magazines_open(struct pp_magazines *set);
/* No thread finds a magazine of it after this, nor ends with one, nor is ending. */
void pp_magazines_close(struct pp_magazines *set);

/* The calling thread's, made on first use; NULL if there can be none, or the thread is
 * ending. The lock is not held. */
struct pp_magazine *pp_magazine_make(struct pp_magazines *set);

/* With the lock held: every thread's objects, through fn, but for those that are
 * in the middle of something. Returns how many of these there are. */
uint32_t pp_magazines_take(struct pp_magazines *set,
			   void (*fn)(struct pp_magazines *set, void *const *objs, uint32_t n));

/* The calling thread's, if there is one. */
static inline struct pp_magazine *pp_magazine_here(const struct pp_magazines *set)
{
	const struct pp_magazine_entry *entries = pp_magazine_entries;

	if (PP_LIKELY(entries && entries[set->slot].generation == set->generation))
		return entries[set->slot].magazine;
	return NULL;
}

static inline void pp_magazine_begin(struct pp_magazine *magazine)
{
#ifdef PP_TSAN
	/* The sanitizer knows neither compiler barriers nor membarrier. */
	__atomic_exchange_n(&magazine->busy, 1, __ATOMIC_SEQ_CST);
#else
	__atomic_store_n(&magazine->busy, 1, __ATOMIC_RELAXED);
	/* J1: before the words are read; pairs with the membarrier J3 of a taker. */
	__asm__("" ::: "memory");
#endif
}

static inline void pp_magazine_end(struct pp_magazine *magazine)
{
	/* J2: objects before idle; pairs with magazine_is_idle(). */
	__atomic_store_n(&magazine->busy, 0, __ATOMIC_RELEASE);
}

/* Whether a word allows the short way. J4: then what a taker left in the magazine is
 * seen; pairs with the taker's opening it. */
static inline bool pp_magazine_short(const uint32_t *word)
{
	return PP_LIKELY(!__atomic_load_n(word, __ATOMIC_ACQUIRE));
}

#endif
