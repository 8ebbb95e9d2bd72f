/* SPDX-License-Identifier: BSD-3-Clause */
/* Mempool: the ops by which an rte_mempool takes its objects from a pktpool. */
#include "pp_binding.h"
#include "pp_fail.h"

#include <rte_mbuf.h>

static const struct rte_mempool_ops mempool_ops;

struct pp_binding *pp_mempool_binding(const struct rte_mempool *mp)
{
	if (!mp || !mp->pool_data ||
	    rte_mempool_get_ops(mp->ops_index)->dequeue != mempool_ops.dequeue)
		return NULL;
	return mp->pool_config;
}

/* Called on the first populate; by a mempool that merely bears the ops' name, too. */
static int mempool_alloc(struct rte_mempool *mp)
{
	struct pp_binding *binding = mp->pool_config;

	if (!binding)
		return pp_fail(-ENOTSUP,
			       "mempool %s has no pktpool: make it by "
			       "pp_pktmbuf_pool_create()",
			       mp->name);
	mp->pool_data = binding->pool;
	return 0;
}

/* Also after a failed creation, and after rte_mempool_free() by who knew no better. */
static void mempool_free(struct rte_mempool *mp)
{
	if (mp->pool_data)
		pp_binding_destroy(mp->pool_config);
	mp->pool_data = NULL;
}

static __rte_noinline int mempool_dequeue_uncached(struct pp_pool *pool, void **objs, unsigned n)
{
	unsigned got = pp_pool_alloc_burst(pool, objs, n);

	if (got == n)
		return 0;
	pp_pool_free(pool, objs, got);
	return -ENOBUFS;
}

static int mempool_dequeue(struct rte_mempool *mp, void **objs, unsigned n)
{
	struct pp_cache *cache = pp_pool_cache(mp->pool_data);

	if (PP_UNLIKELY(!cache))
		return mempool_dequeue_uncached(mp->pool_data, objs, n);
	return PP_LIKELY(pp_alloc_bulk(cache, objs, n, 0) == n) ? 0 : -ENOBUFS;
}

static int mempool_enqueue(struct rte_mempool *mp, void *const *objs, unsigned n)
{
	struct pp_cache *cache = pp_pool_cache(mp->pool_data);

	if (PP_LIKELY(cache != NULL))
		pp_free_bulk(cache, objs, n);
	else
		pp_pool_free(mp->pool_data, objs, n);
	return 0;
}

static unsigned mempool_get_count(const struct rte_mempool *mp)
{
	struct pp_stats stats;

	pp_pool_stats(mp->pool_data, &stats);
	return (unsigned)(stats.total - stats.in_flight);
}

/*
 * Initialises the mbufs and puts them on the list. They are not enqueued: the
 * pool carves them from the hugepage when it needs them, which it starts to do
 * after this has returned. 0 is a refusal: the caller takes a negative number
 * for success.
 */
static int mempool_populate(struct rte_mempool *mp, unsigned max_objs, void *vaddr, rte_iova_t iova,
			    size_t len, rte_mempool_populate_obj_cb_t *obj_cb, void *obj_cb_arg)
{
	const struct pp_binding *binding = mp->pool_config;
	const struct pp_extent *extent = &binding->extent;
	unsigned n = (unsigned)(len / extent->stride);

	(void)iova;
	if ((size_t)((char *)vaddr - (char *)extent->base) >= extent->bytes || n > max_objs)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m =
			(struct rte_mbuf *)((char *)vaddr + (size_t)i * extent->stride +
					    mp->header_size);

		obj_cb(mp, obj_cb_arg, m, pp_binding_iova(binding, m));
		rte_pktmbuf_init(mp, NULL, m, i);
		/* Across two hugepages the data may lie on the other one. */
		rte_mbuf_iova_set(m, pp_binding_iova(binding, m->buf_addr));
	}
	return (int)n;
}

static const struct rte_mempool_ops mempool_ops = {
	.name = PP_MEMPOOL_OPS,
	.alloc = mempool_alloc,
	.free = mempool_free,
	.enqueue = mempool_enqueue,
	.dequeue = mempool_dequeue,
	.get_count = mempool_get_count,
	.populate = mempool_populate,
};

RTE_MEMPOOL_REGISTER_OPS(mempool_ops);
