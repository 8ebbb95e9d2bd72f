/* SPDX-License-Identifier: BSD-3-Clause */
/* Objbench: see objbench.h. */
#include "objbench.h"

void objbench_make(struct objbench *b, uint32_t min_nr)
{
	struct pp_mempool_params params = {
		.sz = sizeof(params), .name = "critical", .ops = &pp_mempool_pool, .min_nr = min_nr
	};

	memset(b, 0, sizeof(*b));
	b->pool = pool_4k(2048, BUFFERS, 0);
	params.backing = b->pool;
	assert_ok(pp_mempool_create(&params, &b->mempool));
}

void objbench_drain(struct objbench *b)
{
	b->hoarded += pp_pool_alloc_burst(b->pool, b->hoard + b->hoarded, BUFFERS - b->hoarded);
}

void objbench_end(struct objbench *b)
{
	pp_pool_free(b->pool, b->hoard, b->hoarded);
	assert_ok(pp_mempool_destroy(b->mempool));
	pool_end(b->pool);
}

struct pp_objcache_params objbench_params(struct objbench *b, uint32_t object_size)
{
	return (struct pp_objcache_params){
		.sz = sizeof(struct pp_objcache_params),
		.object_size = object_size,
		.pool = b->pool,
		.critical = b->mempool,
	};
}

struct pp_objcache *objbench_cache_with(const struct pp_objcache_params *params)
{
	struct pp_objcache *oc = NULL;

	assert_ok(pp_objcache_create(params, &oc));
	assert_non_null(oc);
	return oc;
}

struct pp_objcache *objbench_cache(struct objbench *b, uint32_t object_size)
{
	struct pp_objcache_params params = objbench_params(b, object_size);

	return objbench_cache_with(&params);
}

struct pp_objcache_stats objbench_books(struct pp_objcache *oc)
{
	struct pp_objcache_stats stats;

	memset(&stats, 0xa5, sizeof(stats));
	pp_objcache_stats(oc, &stats);
	/* Each object of a held buffer is in one place. */
	assert_true(stats.out + stats.cached + stats.free >= stats.out_critical);
	assert_int_equal(stats.out - stats.out_critical + stats.cached + stats.free,
			 (uint64_t)stats.buffers * stats.per_buffer);
	return stats;
}

uint32_t objbench_kept(struct objbench *b)
{
	struct pp_mempool_stats stats;

	pp_mempool_stats(b->mempool, &stats);
	return stats.kept;
}

void *errand_free(void *arg)
{
	struct errand *e = arg;

	e->got = pp_objcache_free_bulk(e->oc, e->objs, e->n);
	return NULL;
}

void *errand_alloc(void *arg)
{
	struct errand *e = arg;

	atomic_store(&e->began, true);
	e->got = pp_objcache_alloc_bulk(e->oc, e->objs, e->n, e->flags, e->wait);
	e->error = errno;
	return NULL;
}
