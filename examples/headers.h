/* SPDX-License-Identifier: BSD-3-Clause */
/* Headers: a mempool of mbufs without data of their own, whose objects an object cache has. */
#ifndef HEADERS_H
#define HEADERS_H

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <pktpool.h>

#define HEADERS_OPS "headers"
/* What is converted at a time. */
#define HEADERS_BATCH 64

/*
 * An indirect mbuf goes back to m->pool, which must be an rte_mempool: so there
 * is one, with no memory, and with ops that ask the object cache. In front of an
 * mbuf stands what rte_mempool looks for there.
 */
struct header {
	char pad[RTE_CACHE_LINE_SIZE - sizeof(struct rte_mempool_objhdr)];
	struct rte_mempool_objhdr hdr;
	struct rte_mbuf mbuf;
};

/* What this thread's gets are: 0 or PP_CRITICAL. */
static __thread unsigned headers_flags;

/* Once for each while its buffer stays; rte_pktmbuf_free() leaves it like this. */
static int header_construct(void *obj, void *mp)
{
	struct header *header = obj;

	header->hdr.mp = mp;
	header->hdr.iova = rte_mem_virt2iova(&header->mbuf);
	rte_pktmbuf_init(mp, NULL, &header->mbuf, 0);
	return 0;
}

static int headers_alloc(struct rte_mempool *mp)
{
	return mp->pool_config ? 0 : -ENOTSUP;
}

static int headers_dequeue(struct rte_mempool *mp, void **objs, unsigned n)
{
	if (pp_objcache_alloc_bulk(mp->pool_config, objs, n, headers_flags, NULL) < n)
		return -ENOBUFS;
	for (unsigned i = 0; i < n; i++)
		objs[i] = &((struct header *)objs[i])->mbuf;
	return 0;
}

static int headers_enqueue(struct rte_mempool *mp, void *const *mbufs, unsigned n)
{
	void *objs[HEADERS_BATCH];

	for (unsigned i = 0, k; i < n; i += k) {
		k = RTE_MIN(n - i, (unsigned)HEADERS_BATCH);
		for (unsigned j = 0; j < k; j++)
			objs[j] = RTE_PTR_SUB(mbufs[i + j], offsetof(struct header, mbuf));
		pp_objcache_free_bulk(mp->pool_config, objs, k);
	}
	return 0;
}

/* What is cut already; the pool of buffers may have more. */
static unsigned headers_count(const struct rte_mempool *mp)
{
	struct pp_objcache_stats stats;

	pp_objcache_stats(mp->pool_config, &stats);
	return (unsigned)(stats.cached + stats.free);
}

static const struct rte_mempool_ops headers_ops = {
	.name = HEADERS_OPS,
	.alloc = headers_alloc,
	.enqueue = headers_enqueue,
	.dequeue = headers_dequeue,
	.get_count = headers_count,
};
RTE_MEMPOOL_REGISTER_OPS(headers_ops);

/* For rte_pktmbuf_clone() and rte_pktmbuf_attach(); NULL: it cannot be. Ends with
 * rte_mempool_free() and pp_objcache_destroy(). Where the buffers come from is `params`'. */
static struct rte_mempool *headers_create(struct pp_objcache_params params, struct pp_objcache **oc)
{
	struct rte_pktmbuf_pool_private none = { .mbuf_data_room_size = 0 };
	struct rte_mempool *mp =
		rte_mempool_create_empty(params.name, UINT16_MAX, sizeof(struct rte_mbuf), 0,
					 sizeof(none), SOCKET_ID_ANY, 0);

	if (!mp)
		return NULL;
	params.object_size = sizeof(struct header);
	params.align = RTE_CACHE_LINE_SIZE;
	params.ctor = header_construct;
	params.arg = mp;
	rte_pktmbuf_pool_init(mp, &none);
	if (!pp_objcache_create(&params, oc)) {
		if (!rte_mempool_set_ops_byname(mp, HEADERS_OPS, *oc))
			return mp;
		pp_objcache_destroy(*oc);
	}
	rte_mempool_free(mp);
	return NULL;
}

#endif
