/* SPDX-License-Identifier: BSD-3-Clause */
/* Thread: tables of caches, thread exit, fork. */
#include "pp_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pp_about.h"
#include "pp_fail.h"
#include "pp_inside.h"
#include "pp_node.h"

/* [PP_POOLS_MAX], NULL until the thread's first cache. */
__thread struct pp_thread_entry *pp_thread_entries;

/* Pools of this process by slot, all under the lock. */
static pthread_mutex_t pools_lock = PTHREAD_MUTEX_INITIALIZER;
static struct pp_pool *pools[PP_POOLS_MAX];
static uint64_t generations;
/* A pool on its way out has lost a reader. */
static pthread_cond_t pools_unread = PTHREAD_COND_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t exit_key;

/* Leaves all that the thread has cached to the others. */
static void thread_end(void *arg)
{
	struct pp_thread_entry *entries = arg;

	pthread_mutex_lock(&pools_lock);
	for (unsigned slot = 0; slot < PP_POOLS_MAX; slot++)
		if (pools[slot] && entries[slot].cache &&
		    entries[slot].generation == pools[slot]->generation &&
		    (!pools[slot]->id || pp_foreign_lives(pools[slot])))
			pp_take_back_slot(&pools[slot]->store,
					  (struct pp_owner *)entries[slot].cache);
	pthread_mutex_unlock(&pools_lock);
	pp_thread_entries = NULL;
	free(entries);
}

static void fork_before(void)
{
	pthread_mutex_lock(&pools_lock);
	for (unsigned slot = 0; slot < PP_POOLS_MAX; slot++)
		if (pools[slot])
			atomic_store(&pools[slot]->store.shared->multi, 1);
}

static void fork_parent(void)
{
	pthread_mutex_unlock(&pools_lock);
}

/* The caches in the table are the parent's: the child gets its own. So are the
 * devices, and the right to say that the pool ends. */
static void fork_child(void)
{
	for (unsigned slot = 0; slot < PP_POOLS_MAX; slot++)
		if (pools[slot]) {
			memset(&pools[slot]->devices, 0, sizeof(pools[slot]->devices));
			atomic_store(&pools[slot]->pager, 0);
			pools[slot]->attached = true;
			/* These are the parent's, too. */
			pools[slot]->readers = 0;
			memset(&pools[slot]->telling, 0, sizeof(pools[slot]->telling));
		}
	pools_unread = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	if (pp_thread_entries)
		memset(pp_thread_entries, 0, PP_POOLS_MAX * sizeof(*pp_thread_entries));
	pthread_mutex_unlock(&pools_lock);
	pp_take_register();
}

static void thread_once(void)
{
	pthread_key_create(&exit_key, thread_end);
	pthread_atfork(fork_before, fork_parent, fork_child);
}

/* The last thread's exit runs no key destructors. */
__attribute__((destructor)) static void process_end(void)
{
	struct pp_thread_entry *entries = pp_thread_entries;

	if (entries) {
		pthread_setspecific(exit_key, NULL);
		thread_end(entries);
	}
}

int pp_thread_pool_add(struct pp_pool *pool)
{
	unsigned slot = 0;

	pthread_once(&once, thread_once);
	/* Both barriers: another process may attach at any time. */
	pp_take_register();
	pthread_mutex_lock(&pools_lock);
	while (slot < PP_POOLS_MAX && pools[slot])
		slot++;
	if (slot < PP_POOLS_MAX) {
		pools[slot] = pool;
		pool->slot = slot;
		pool->generation = ++generations;
	}
	pthread_mutex_unlock(&pools_lock);
	return slot < PP_POOLS_MAX
		       ? 0
		       : pp_fail(-ENOSPC, "this process has %d pools already", PP_POOLS_MAX);
}

void pp_thread_pool_remove(struct pp_pool *pool)
{
	pthread_mutex_lock(&pools_lock);
	pools[pool->slot] = NULL;
	while (pool->readers)
		pthread_cond_wait(&pools_unread, &pools_lock);
	pthread_mutex_unlock(&pools_lock);
}

static struct pp_pool *pool_hold(unsigned slot)
{
	struct pp_pool *pool;

	pthread_mutex_lock(&pools_lock);
	pool = pools[slot];
	if (pool)
		pool->readers++;
	pthread_mutex_unlock(&pools_lock);
	return pool;
}

static void pool_let_go(struct pp_pool *pool)
{
	pthread_mutex_lock(&pools_lock);
	/* None in a child that was forked in between. */
	if (pool->readers && !--pool->readers)
		pthread_cond_broadcast(&pools_unread);
	pthread_mutex_unlock(&pools_lock);
}

PP_API void pp_pool_each(void (*fn)(struct pp_pool *pool, void *arg), void *arg)
{
	for (unsigned slot = 0; slot < PP_POOLS_MAX; slot++) {
		struct pp_pool *pool = pool_hold(slot);

		if (!pool)
			continue;
		if (!pool->id || pp_foreign_lives(pool))
			fn(pool, arg);
		pool_let_go(pool);
	}
}

PP_API struct pp_cache *pp_cache_create(struct pp_pool *pool, const char *name)
{
	char own[PP_OWNER_NAME] = "";
	struct pp_owner *owner;

	if (!pp_pool_here(pool))
		return NULL;
	if (!name || !*name) {
		pthread_getname_np(pthread_self(), own, sizeof(own));
		name = own;
	}
	owner = pp_take_slot(&pool->store, getpid(), pp_store_here(&pool->store), name);
	if (!owner) {
		errno = ENOSPC;
		pp_fail(-ENOSPC, "pool %s: all %u caches are taken (pp_pool_params.owners)",
			pp_pool_name(pool), pool->store.shared->facts.owners);
		return NULL;
	}
	return &owner->line;
}

PP_API void pp_cache_destroy(struct pp_cache *cache)
{
	struct pp_store *store = cache ? pp_store_of_cache(cache) : NULL;

	/* NULL too when the pool has ended, and the cache with it. */
	if (!store || pp_take_back_slot(store, (struct pp_owner *)cache))
		return;
	/* Not a cache any more: what is done to it would be done to the slot's next owner. */
	__atomic_fetch_add(&store->shared->past.fault, 1, __ATOMIC_RELAXED);
	store->fault(store, "double destroy", cache, cache->id + 1);
}

PP_API struct pp_pool *pp_cache_pool(const struct pp_cache *cache)
{
	return (struct pp_pool *)pp_store_of_cache(cache);
}

static __attribute__((noinline)) struct pp_cache *thread_cache_make(struct pp_pool *pool)
{
	struct pp_cache *cache;

	if (!pp_thread_entries) {
		pp_thread_entries = calloc(PP_POOLS_MAX, sizeof(*pp_thread_entries));
		if (!pp_thread_entries) {
			errno = ENOMEM;
			pp_fail(-ENOMEM, "no memory for a thread's table of caches");
			return NULL;
		}
		pthread_setspecific(exit_key, pp_thread_entries);
	}
	cache = pp_cache_create(pool, NULL);
	if (cache) {
		pp_thread_entries[pool->slot].cache = cache;
		pp_thread_entries[pool->slot].generation = pool->generation;
	}
	return cache;
}

PP_API struct pp_cache *pp_pool_cache(struct pp_pool *pool)
{
	const struct pp_thread_entry *entries = pp_thread_entries;

	if (PP_UNLIKELY(!pool)) {
		pp_pool_here(pool); /* which says that it is not */
		return NULL;
	}
	if (PP_LIKELY(entries && entries[pool->slot].generation == pool->generation))
		return entries[pool->slot].cache;
	return thread_cache_make(pool);
}

PP_API void pp_pool_key(struct pp_pool *pool, struct pp_pool_key *key)
{
	key->pool = pool;
	key->generation = pool->generation;
	key->slot = pool->slot;
}
