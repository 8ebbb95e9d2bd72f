/* SPDX-License-Identifier: BSD-3-Clause */
/* Control: a mempool's control memory, and what each process knows of the pool in it. */
#include "pp_ops.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define IDS_NAME "pktpool_ids"
#define ALIGN_SHIFT 12
/* An id is the address of control memory, without the zeros at its end, and a number. */
#define NUMBER_BITS 29
#define NUMBER_MASK ((1ull << NUMBER_BITS) - 1)
/* Threads that are no lcores: EAL's own, and the application's main one. */
#define MORE_CACHES 4

/* Making what a process knows of a pool: one thread at a time. */
static pthread_mutex_t attaching = PTHREAD_MUTEX_INITIALIZER;

/* A number that no mempool of any process has had for long. */
static uint64_t number_next(void)
{
	const struct rte_memzone *mz = rte_memzone_lookup(IDS_NAME);

	if (!mz)
		mz = rte_memzone_reserve_aligned(IDS_NAME, RTE_CACHE_LINE_SIZE, SOCKET_ID_ANY, 0,
						 RTE_CACHE_LINE_SIZE);
	/* Another was quicker. */
	if (!mz)
		mz = rte_memzone_lookup(IDS_NAME);
	/* Whatever it starts with is as good as any. */
	return mz ? __atomic_add_fetch((uint64_t *)mz->addr, 1, __ATOMIC_RELAXED) & NUMBER_MASK
		  : UINT64_MAX;
}

static void *id_control(uint64_t id)
{
	return (void *)(uintptr_t)(id >> NUMBER_BITS << ALIGN_SHIFT);
}

static void id_name(uint64_t id, char name[RTE_MEMZONE_NAMESIZE])
{
	snprintf(name, RTE_MEMZONE_NAMESIZE, "pktpool_%08x", (unsigned)(id & NUMBER_MASK));
}

static struct pp_pool *pool_known(uint64_t id)
{
	struct pp_pool *pool = (struct pp_pool *)pp_region_foreign((uintptr_t)id_control(id));

	return pool && pool->id == id ? pool : NULL;
}

/* One of this process that ended in another, whose control memory was used again since. */
static void pool_forget_stale(uint64_t id)
{
	struct pp_pool *pool = (struct pp_pool *)pp_region_foreign((uintptr_t)id_control(id));

	if (pool && pool->id != id)
		pp_foreign_close(pool, false);
}

struct pp_pool *ops_control_pool(uint64_t id)
{
	struct pp_pool *pool = pool_known(id);

	if (pool || !id)
		return pool;
	pthread_mutex_lock(&attaching);
	pool_forget_stale(id);
	pool = pool_known(id);
	if (!pool && pp_foreign_attach(id_control(id), id, &pool))
		ops_error("%s", pp_error());
	pthread_mutex_unlock(&attaching);
	return pool;
}

static void fault_log(struct pp_pool *pool, const struct pp_fault *fault, void *arg)
{
	(void)arg;
	ops_error("%s: %s of %p%s%s", pp_pool_name(pool), fault->what, fault->buffer,
		  *fault->owner ? " by " : "", fault->owner);
}

static void params_make(const struct rte_mempool *mp, const struct ops_options *options,
			struct pp_foreign_params *p)
{
	*p = (struct pp_foreign_params){
		.name = mp->name,
		.buffers = mp->size + options->reserve,
		.stride = ops_stride(mp),
		.owners = options->caches,
		.size = mp->elt_size,
		.flags = options->debug ? PP_POOL_OWNERS | PP_POOL_DEBUG : 0,
	};
	if (!p->owners)
		p->owners = RTE_MIN(rte_lcore_count() + MORE_CACHES, (unsigned)PP_OWNERS_MAX);
	/* What an object holds is its user's, also while it is free: only by its leave
	 * is any of that overwritten. */
	p->keep = options->poison_set && options->poison < p->size ? options->poison : p->size;
}

int ops_control_create(struct rte_mempool *mp, const struct ops_options *options)
{
	char name[RTE_MEMZONE_NAMESIZE];
	const struct rte_memzone *mz;
	struct pp_foreign_params p;
	struct pp_pool *pool;
	uint64_t number;
	int rc;

	params_make(mp, options, &p);
	number = number_next();
	if (number == UINT64_MAX) {
		ops_error("%s: EAL has no memory zone left", mp->name);
		return -ENOMEM;
	}
	id_name(number, name);
	mz = rte_memzone_reserve_aligned(name, pp_foreign_bytes(&p), mp->socket_id, 0,
					 1u << ALIGN_SHIFT);
	if (!mz) {
		rc = -rte_errno;
		ops_error("%s: no %zu KiB of EAL's memory on node %d for the books of %u objects: "
			  "%s (more memory at start: -m or --socket-mem)",
			  mp->name, pp_foreign_bytes(&p) >> 10, mp->socket_id, p.buffers,
			  rte_strerror(-rc));
		return rc;
	}
	p.id = (uint64_t)(uintptr_t)mz->addr >> ALIGN_SHIFT << NUMBER_BITS | number;
	pthread_mutex_lock(&attaching);
	pool_forget_stale(p.id);
	rc = pp_foreign_create(&p, mz->addr, &pool);
	pthread_mutex_unlock(&attaching);
	if (rc) {
		ops_error("%s: %s", mp->name, pp_error());
		rte_memzone_free(mz);
		return rc;
	}
	pool->fault = fault_log;
	ops_leak_watch();
	mp->pool_id = p.id;
	return 0;
}

void ops_control_free(struct rte_mempool *mp)
{
	uint64_t id = mp->pool_id;
	char name[RTE_MEMZONE_NAMESIZE];
	const struct rte_memzone *mz;
	struct pp_pool *pool;

	if (!id)
		return;
	mp->pool_id = 0;
	pool = ops_control_pool(id);
	if (pool)
		pp_foreign_close(pool, true);
	id_name(id, name);
	mz = rte_memzone_lookup(name);
	if (mz)
		rte_memzone_free(mz);
}
