/* SPDX-License-Identifier: BSD-3-Clause */
/* Mempool: the ops by which an rte_mempool takes its objects from a pktpool. */
#include "pp_binding.h"
#include "pp_critical.h"
#include "pp_fail.h"
#include "pp_local.h"
#include "pp_recall.h"

#include <rte_mbuf.h>

static const struct rte_mempool_ops mempool_ops;

struct pp_binding *pp_mempool_binding(const struct rte_mempool *mp)
{
	if (!mp || !mp->pool_id ||
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
	mp->pool_id = binding->id;
	return 0;
}

/* Also after a failed creation, and after rte_mempool_free() by who knew no better. */
static void mempool_free(struct rte_mempool *mp)
{
	if (mp->pool_id)
		pp_binding_destroy(mp->pool_config);
	mp->pool_id = 0;
}

static struct pp_pool *mempool_pool(const struct rte_mempool *mp)
{
	return ((const struct pp_binding *)mp->pool_config)->pool;
}

/* What the own cache has not at hand, of more than fit in registers, by a thread's first call,
 * one that gets no cache, or one that receives: only that may come back with the reserve's. */
static __rte_noinline int mempool_dequeue_more(struct rte_mempool *mp, void **objs, unsigned n)
{
	struct pp_cache *cache = pp_local_cache(mp->pool_id);

	if (PP_UNLIKELY(!cache))
		cache = pp_local_find(mp->pool_id, mempool_pool(mp));
	if (PP_LIKELY(cache != NULL) && PP_LIKELY(pp_alloc_bulk(cache, objs, n, PP_REMOTE)))
		return 0;
	if (PP_UNLIKELY(!n))
		return 0;
	return pp_recall(mempool_pool(mp), cache, objs, n) ? 0 : -ENOBUFS;
}

static __rte_noinline int mempool_enqueue_more(struct rte_mempool *mp, void *const *objs,
					       unsigned n)
{
	struct pp_pool *pool = mempool_pool(mp);
	struct pp_cache *cache = pp_local_cache(mp->pool_id);

	if (PP_UNLIKELY(!cache))
		cache = pp_local_find(mp->pool_id, pool);
	if (PP_LIKELY(cache != NULL))
		pp_free_bulk(cache, objs, n);
	else
		pp_pool_free(pool, objs, n);
	return 0;
}

/*
 * The hit of a few calls nothing that returns here, so that it saves no
 * register; that the thread receives costs one instruction to ask.
 */
static int mempool_dequeue(struct rte_mempool *mp, void **objs, unsigned n)
{
	struct pp_cache *cache = pp_local_cache(mp->pool_id);

	if (PP_UNLIKELY(!cache) || ((n - 1) | pp_critical.receiving) >= PP_OFFSET_INLINE)
		return mempool_dequeue_more(mp, objs, n);
	/* What the compiler does not see through the `|`. */
	if (n - 1 >= PP_OFFSET_INLINE)
		__builtin_unreachable();
	return PP_LIKELY(pp_cache_hit(cache, objs, n)) ? 0 : mempool_dequeue_more(mp, objs, n);
}

static __rte_noinline int mempool_enqueue_few(struct rte_mempool *mp, void *const *objs, unsigned n)
{
	struct pp_cache *cache = pp_local_cache(mp->pool_id);

	if (PP_UNLIKELY(!cache) || n > PP_OFFSET_INLINE)
		return mempool_enqueue_more(mp, objs, n);
	pp_free_bulk(cache, objs, n);
	return 0;
}

/* One has a way of its own, as most drivers free what they have sent one by one. */
static int mempool_enqueue(struct rte_mempool *mp, void *const *objs, unsigned n)
{
	struct pp_cache *cache = pp_local_cache(mp->pool_id);

	if (n != 1 || PP_UNLIKELY(!cache))
		return mempool_enqueue_few(mp, objs, n);
	pp_free_bulk(cache, objs, 1);
	return 0;
}

static unsigned mempool_get_count(const struct rte_mempool *mp)
{
	struct pp_stats stats;

	pp_pool_stats(mempool_pool(mp), &stats);
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
