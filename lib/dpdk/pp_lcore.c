/* SPDX-License-Identifier: BSD-3-Clause */
/* Lcore: one cache for each lcore id that asked. */
#include "pp_lcore.h"
#include "pp_fail.h"
#include "pp_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <rte_config.h>

/*
 * One a pool. Rows stay for the next pool and are never freed, so that a walk
 * needs no lock.
 *
 * field   written by                        read by
 * pool    any, under the lock (release)     anyone (acquire)
 * caches  any, under the lock (release)     who may use the pool (acquire)
 * next    its maker, before publication     anyone
 */
struct lcore_row {
	struct pp_pool *pool;
	struct lcore_row *next;
	struct pp_cache *caches[RTE_MAX_LCORE];
};

static struct lcore_row *rows;
static pthread_mutex_t rows_lock = PTHREAD_MUTEX_INITIALIZER;

static struct lcore_row *row_find(const struct pp_pool *pool)
{
	/* E2: before what is in the row; pairs with E1, and for a row used again with E3. */
	struct lcore_row *row = __atomic_load_n(&rows, __ATOMIC_ACQUIRE);

	while (row && __atomic_load_n(&row->pool, __ATOMIC_ACQUIRE) != pool)
		row = row->next;
	return row;
}

static struct lcore_row *row_create(struct pp_pool *pool)
{
	struct lcore_row *row = row_find(NULL);

	if (row) {
		/* E3: publishes a row whose caches were cleared; pairs with E2. */
		__atomic_store_n(&row->pool, pool, __ATOMIC_RELEASE);
		return row;
	}
	row = calloc(1, sizeof(*row));
	if (!row) {
		errno = ENOMEM;
		return NULL;
	}
	row->pool = pool;
	row->next = rows;
	/* E1: publishes a row that is filled in; pairs with E2. */
	__atomic_store_n(&rows, row, __ATOMIC_RELEASE);
	return row;
}

static struct pp_cache *row_fill(struct pp_pool *pool, unsigned lcore_id)
{
	struct pp_cache *cache = NULL;
	struct lcore_row *row;
	char name[16];

	pthread_mutex_lock(&rows_lock);
	row = row_find(pool);
	if (!row)
		row = row_create(pool);
	if (row) {
		cache = row->caches[lcore_id];
		if (!cache) {
			snprintf(name, sizeof(name), "lcore%u", lcore_id);
			cache = pp_cache_create(pool, name);
			/* E4: publishes a cache that is made; pairs with E5. */
			__atomic_store_n(&row->caches[lcore_id], cache, __ATOMIC_RELEASE);
		}
	}
	pthread_mutex_unlock(&rows_lock);
	return cache;
}

static void rows_take(void)
{
	pthread_mutex_lock(&rows_lock);
}

static void rows_release(void)
{
	pthread_mutex_unlock(&rows_lock);
}

/* The parent's caches are not the child's. */
static void rows_forget(void)
{
	for (struct lcore_row *row = rows; row; row = row->next)
		memset(row->caches, 0, sizeof(row->caches));
	rows_release();
}

__attribute__((constructor)) static void rows_prepare(void)
{
	pthread_atfork(rows_take, rows_release, rows_forget);
}

PP_API struct pp_cache *pp_lcore_cache(struct pp_pool *pool, unsigned lcore_id)
{
	struct pp_cache *cache = NULL;
	struct lcore_row *row;

	if (lcore_id >= RTE_MAX_LCORE) {
		errno = EINVAL;
		pp_fail(-EINVAL, "lcore id %u is not below %d", lcore_id, RTE_MAX_LCORE);
		return NULL;
	}
	row = row_find(pool);
	/* E5: before the cache is used; pairs with E4. */
	if (PP_LIKELY(row != NULL))
		cache = __atomic_load_n(&row->caches[lcore_id], __ATOMIC_ACQUIRE);
	return PP_LIKELY(cache != NULL) ? cache : row_fill(pool, lcore_id);
}

PP_API void pp_lcore_release(struct pp_pool *pool)
{
	struct lcore_row *row;

	pthread_mutex_lock(&rows_lock);
	row = row_find(pool);
	if (row) {
		for (unsigned i = 0; i < RTE_MAX_LCORE; i++) {
			pp_cache_destroy(row->caches[i]);
			row->caches[i] = NULL;
		}
		__atomic_store_n(&row->pool, NULL, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&rows_lock);
}
