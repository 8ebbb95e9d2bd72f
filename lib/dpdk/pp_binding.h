/* SPDX-License-Identifier: BSD-3-Clause */
/* Binding: what ties one rte_mempool of mbufs to one pktpool pool. */
#ifndef PP_BINDING_H
#define PP_BINDING_H

#include <stdbool.h>
#include <rte_mempool.h>

#include "pktpool.h"
#include "pp_draws.h"
#include "pp_extmem.h"

/* One a hugepage; those present are chained in the order of the mempool's lists. */
struct pp_chunk {
	rte_iova_t iova;
	struct rte_mempool_objhdr *first, *last;
	struct rte_mempool_memhdr *memhdr;
	uint32_t prev, next;
};
#define PP_CHUNK_NONE UINT32_MAX

/*
 * The mempool's pool_config points here; its pool_id is the binding's.
 *
 * field          written by                         read by
 * pool .. flags  pp_pktmbuf_pool_create()           anyone
 * extmem         create and free                    create and free, growing and shrinking
 * draws          create and free                    who draws on the reserve, and owes it
 * vfio           create, port checks (not at once)  the same, free
 * tail, chunks   who grows or shrinks (page lock)   who grows or shrinks, populate
 */
struct pp_binding {
	struct pp_pool *pool;
	uint64_t id; /* of pp_local.h */
	const struct pp_region *region;
	struct rte_mempool *mp;
	struct pp_extent extent;
	uint32_t flags; /* enum pp_pool_flag */
	int device;     /* what pp_pool_map_device() returned, < 0 before */
	int vfio;       /* the same for VFIO */
	struct pp_extmem *extmem;
	struct pp_draws *draws;
	uint32_t tail; /* the chunk last in the lists */
	struct pp_chunk chunks[];
};

#define PP_MEMPOOL_OPS "pktpool_mbuf"

static inline uint32_t pp_binding_page(const struct pp_binding *binding, const void *va)
{
	return (uint32_t)(((uintptr_t)va - (uintptr_t)binding->extent.base) / binding->extent.page);
}

/* What a device calls va; va lies on a mapped hugepage. */
static inline rte_iova_t pp_binding_iova(const struct pp_binding *binding, const void *va)
{
	size_t at = (uintptr_t)va - (uintptr_t)binding->extent.base;

	return binding->chunks[at / binding->extent.page].iova + at % binding->extent.page;
}

/* The binding of a mempool made by pp_pktmbuf_pool_create(), else NULL. */
struct pp_binding *pp_mempool_binding(const struct rte_mempool *mp);

/* Unmaps, unregisters and frees all but the mempool itself. */
void pp_binding_destroy(struct pp_binding *binding);

/*
 * All n with what the reserve has, and notes what that was, if the thread is
 * receiving (pp_critical.h); else 0. To be called when there is nothing else.
 */
unsigned pp_critical_draw(struct pp_cache *cache, void **objs, unsigned n);

/* How a pool's hugepages come to and leave the mempool; the device is the binding. */
extern const struct pp_dma_ops pp_chunk_ops;

/* Telemetry says that there is a mempool on the pool, or not any more. */
void pp_telemetry_bind(const struct pp_pool *pool, const struct rte_mempool *mp);
void pp_telemetry_unbind(const struct pp_pool *pool);

/* Maps the pool for devices behind VFIO, now and as it grows; nothing the second time. */
int pp_vfio_map(struct pp_binding *binding);
bool pp_vfio_has_port(uint16_t port);
bool pp_vfio_has_ports(void);

#endif
