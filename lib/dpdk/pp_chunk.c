/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunk: a hugepage's objects in the mempool's lists, coming and going. */
#include "pp_binding.h"
#include "pp_fail.h"

#include <rte_malloc.h>
#include <rte_mbuf.h>

static int chunk_map(void *device, void *va, size_t bytes, struct pp_mapping *mapping)
{
	struct pp_binding *binding = device;
	uint32_t p = pp_binding_page(binding, va);
	rte_iova_t iova = rte_mem_virt2iova(va);

	if (iova == RTE_BAD_IOVA)
		return pp_fail(-EFAULT,
			       "no physical address for the %zu MiB hugepage at %p: EAL is in IOVA "
			       "mode PA, which needs CAP_SYS_ADMIN (or --iova-mode=va)",
			       bytes >> 20, va);
	binding->chunks[p].iova = iova;
	pp_extmem_use(binding->extmem, va, iova);
	mapping->iova = iova;
	mapping->lkey = 0;
	mapping->rkey = 0;
	return 0;
}

static int chunk_unmap(void *device, void *va, size_t bytes, const struct pp_mapping *mapping)
{
	struct pp_binding *binding = device;

	(void)bytes;
	(void)mapping;
	pp_extmem_release(binding->extmem, va);
	return 0;
}

static struct rte_mempool_objhdr *chunk_header(const struct pp_binding *binding,
					       const struct pp_page_info *info, uint32_t i)
{
	char *obj =
		(char *)info->start + (size_t)i * binding->extent.stride + binding->mp->header_size;

	return (struct rte_mempool_objhdr *)(obj - sizeof(struct rte_mempool_objhdr));
}

/* A gapless pool's chunks abut: each begins where the one before ends, in the
 * hugepage before it if a buffer lies across the two. */
static int chunk_added(void *device, uint32_t p)
{
	struct pp_binding *binding = device;
	struct rte_mempool *mp = binding->mp;
	struct pp_chunk *chunk = &binding->chunks[p];
	struct pp_page_info info;
	uint32_t size = mp->size;
	int n;

	n = pp_region_page(binding->region, p, &info);
	if (n || !info.count)
		return n;
	/* populate_iova() refuses a full mempool, and this one says that it is
	 * full whenever nothing grows: see pp_pktmbuf_pool_create(). */
	if (mp->size < mp->populated_size + info.count)
		mp->size = mp->populated_size + info.count;
	n = rte_mempool_populate_iova(mp, info.start, pp_binding_iova(binding, info.start),
				      (size_t)info.count * binding->extent.stride, NULL, NULL);
	if (n != (int)info.count) {
		mp->size = size;
		return pp_fail(n < 0 ? n : -ENOMEM, "mempool %s cannot take in hugepage %u",
			       mp->name, p);
	}
	chunk->first = chunk_header(binding, &info, 0);
	chunk->last = chunk_header(binding, &info, info.count - 1);
	chunk->memhdr =
		container_of(mp->mem_list.stqh_last, struct rte_mempool_memhdr, next.stqe_next);
	chunk->prev = binding->tail;
	chunk->next = PP_CHUNK_NONE;
	if (chunk->prev != PP_CHUNK_NONE)
		binding->chunks[chunk->prev].next = p;
	binding->tail = p;
	return 0;
}

/*
 * The lists are singly linked, but a chunk's objects follow each other in
 * elt_list, and the order of the chunks is known: so no list is walked.
 */
static void chunk_removed(void *device, uint32_t p)
{
	struct pp_binding *binding = device;
	struct rte_mempool *mp = binding->mp;
	struct pp_chunk *chunk = &binding->chunks[p], *prev = NULL;
	struct rte_mempool_objhdr *after;
	struct pp_page_info info;

	if (!chunk->memhdr || pp_region_page(binding->region, p, &info))
		return;
	after = STAILQ_NEXT(chunk->last, next);
	if (chunk->prev != PP_CHUNK_NONE) {
		prev = &binding->chunks[chunk->prev];
		STAILQ_NEXT(prev->last, next) = after;
		STAILQ_NEXT(prev->memhdr, next) = STAILQ_NEXT(chunk->memhdr, next);
		prev->next = chunk->next;
	} else {
		STAILQ_FIRST(&mp->elt_list) = after;
		STAILQ_FIRST(&mp->mem_list) = STAILQ_NEXT(chunk->memhdr, next);
	}
	if (chunk->next != PP_CHUNK_NONE) {
		binding->chunks[chunk->next].prev = chunk->prev;
	} else {
		binding->tail = chunk->prev;
		mp->elt_list.stqh_last =
			prev ? &STAILQ_NEXT(prev->last, next) : &STAILQ_FIRST(&mp->elt_list);
		mp->mem_list.stqh_last =
			prev ? &STAILQ_NEXT(prev->memhdr, next) : &STAILQ_FIRST(&mp->mem_list);
	}
	mp->nb_mem_chunks--;
	mp->populated_size -= info.count;
	mp->size -= info.count;
	rte_free(chunk->memhdr);
	chunk->memhdr = NULL;
}

const struct pp_dma_ops pp_chunk_ops = {
	.name = "mempool",
	.map = chunk_map,
	.unmap = chunk_unmap,
	.page_added = chunk_added,
	.page_removed = chunk_removed,
};
