/* SPDX-License-Identifier: BSD-3-Clause */
/* Magazine: tables of magazines by thread, thread exit, fork, and taking. */
#include "pp_magazine.h"

#include <errno.h>
#include <immintrin.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pp_fail.h"

/* How often a taker looks whether a thread has finished before it is skipped. */
#define PATIENCE 256

__thread struct pp_magazine_entry *pp_magazine_entries;

/* Sets of this process by slot, under the lock; a set's own lock is taken inside it. */
static pthread_mutex_t sets_lock = PTHREAD_MUTEX_INITIALIZER;
static struct pp_magazines *sets[PP_MAGAZINES_MAX];
static uint64_t generations;
/* No thread is ending any more in some set. */
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static __thread bool thread_ends;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t exit_key;

static void magazine_remove(struct pp_magazine *magazine)
{
	*magazine->link = magazine->next;
	if (magazine->next)
		magazine->next->link = magazine->link;
	free(magazine);
}

/* The magazine of one slot. Destructors may use other caches, make and end them: they
 * are called without the lock. */
static void thread_end_slot(unsigned slot, const struct pp_magazine_entry *entry)
{
	struct pp_magazines *set;
	struct pp_slab *slabs;

	pthread_mutex_lock(&sets_lock);
	set = sets[slot];
	if (!set || entry->generation != set->generation || set->forked) {
		pthread_mutex_unlock(&sets_lock);
		return;
	}
	slabs = set->spill(set, entry->magazine);
	pthread_mutex_lock(set->lock);
	magazine_remove(entry->magazine);
	pthread_mutex_unlock(set->lock);
	set->ending++;
	pthread_mutex_unlock(&sets_lock);
	set->unmake(set, slabs);
	pthread_mutex_lock(&sets_lock);
	if (!--set->ending)
		pthread_cond_broadcast(&ended);
	pthread_mutex_unlock(&sets_lock);
}

static void thread_end(void *arg)
{
	struct pp_magazine_entry *entries = arg;

	/* What destructors free meanwhile goes home at once. */
	thread_ends = true;
	pp_magazine_entries = NULL;
	for (unsigned slot = 0; slot < PP_MAGAZINES_MAX; slot++)
		if (entries[slot].generation)
			thread_end_slot(slot, &entries[slot]);
	thread_ends = false;
	free(entries);
}

static void fork_before(void)
{
	pthread_mutex_lock(&sets_lock);
}

static void fork_parent(void)
{
	pthread_mutex_unlock(&sets_lock);
}

/* Slabs lie in memory that the child shares, their books in memory that it does
 * not: nothing of a set may be used there. */
static void fork_child(void)
{
	for (unsigned slot = 0; slot < PP_MAGAZINES_MAX; slot++)
		if (sets[slot]) {
			sets[slot]->forked = true;
			sets[slot]->get_long = sets[slot]->put_long = 1;
		}
	pthread_mutex_unlock(&sets_lock);
}

static void magazine_once(void)
{
	pthread_key_create(&exit_key, thread_end);
	pthread_atfork(fork_before, fork_parent, fork_child);
}

int pp_magazines_open(struct pp_magazines *set)
{
	unsigned slot = 0;

	pthread_once(&once, magazine_once);
	pthread_mutex_lock(&sets_lock);
	while (slot < PP_MAGAZINES_MAX && sets[slot])
		slot++;
	if (slot < PP_MAGAZINES_MAX) {
		sets[slot] = set;
		set->slot = slot;
		set->generation = ++generations;
	}
	pthread_mutex_unlock(&sets_lock);
	return slot < PP_MAGAZINES_MAX
		       ? 0
		       : pp_fail(-ENOSPC, "this process has %d object caches already",
				 PP_MAGAZINES_MAX);
}

void pp_magazines_close(struct pp_magazines *set)
{
	pthread_mutex_lock(&sets_lock);
	sets[set->slot] = NULL;
	/* Such a thread is not there in a forked child. */
	while (set->ending && !set->forked)
		pthread_cond_wait(&ended, &sets_lock);
	pthread_mutex_unlock(&sets_lock);
	for (struct pp_magazine *magazine = set->first, *next; magazine; magazine = next) {
		next = magazine->next;
		free(magazine);
	}
	set->first = NULL;
}

struct pp_magazine *pp_magazine_make(struct pp_magazines *set)
{
	struct pp_magazine *magazine = pp_magazine_here(set);

	if (magazine || !set->size || thread_ends)
		return magazine;
	if (!pp_magazine_entries) {
		pp_magazine_entries = calloc(PP_MAGAZINES_MAX, sizeof(*pp_magazine_entries));
		if (!pp_magazine_entries)
			return NULL;
		pthread_setspecific(exit_key, pp_magazine_entries);
	}
	magazine = aligned_alloc(PP_LINE,
				 (sizeof(*magazine) + set->size * sizeof(void *) + PP_LINE - 1) /
					 PP_LINE * PP_LINE);
	if (!magazine)
		return NULL;
	magazine->busy = magazine->n = 0;
	pthread_mutex_lock(set->lock);
	magazine->link = &set->first;
	magazine->next = set->first;
	if (set->first)
		set->first->link = &magazine->next;
	set->first = magazine;
	pthread_mutex_unlock(set->lock);
	pp_magazine_entries[set->slot].magazine = magazine;
	pp_magazine_entries[set->slot].generation = set->generation;
	return magazine;
}

static bool magazine_is_idle(const struct pp_magazine *magazine)
{
	for (unsigned i = 0; i < PATIENCE; i++) {
		if (!__atomic_load_n(&magazine->busy, __ATOMIC_SEQ_CST))
			return true;
		_mm_pause();
	}
	return false;
}

uint32_t pp_magazines_take(struct pp_magazines *set,
			   void (*fn)(struct pp_magazines *set, void *const *objs, uint32_t n))
{
	uint32_t get_long = set->get_long, put_long = set->put_long, skipped = 0;

	__atomic_store_n(&set->get_long, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&set->put_long, 1, __ATOMIC_SEQ_CST);
#ifndef PP_TSAN
	/* J3: every thread passes a full barrier; pairs with J1. */
	syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
#endif
	for (struct pp_magazine *magazine = set->first; magazine; magazine = magazine->next) {
		if (!magazine_is_idle(magazine)) {
			skipped++;
			continue;
		}
		fn(set, magazine->objs, magazine->n);
		magazine->n = 0;
	}
	set->skipped += skipped;
	/* Opens: pairs with J4. */
	__atomic_store_n(&set->get_long, get_long, __ATOMIC_SEQ_CST);
	__atomic_store_n(&set->put_long, put_long, __ATOMIC_SEQ_CST);
	return skipped;
}
