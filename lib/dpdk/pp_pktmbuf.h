/* SPDX-License-Identifier: BSD-3-Clause */
/* Pktmbuf: a pool of rte_mbufs whose memory and objects are pktpool's. */
#ifndef PP_PKTMBUF_H
#define PP_PKTMBUF_H

#include <rte_mempool.h>

#include "pp_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero means the default. */
struct pp_pktmbuf_params {
	size_t sz;
	const char *name;   /* the rte_mempool's and the pool's; no default */
	uint32_t mbufs;     /* at creation; no default */
	uint32_t mbufs_max; /* what growing may reach; default: mbufs */
	uint16_t data_room; /* bytes with the headroom; default RTE_MBUF_DEFAULT_BUF_SIZE */
	uint16_t priv_size; /* bytes, a multiple of RTE_MBUF_PRIV_ALIGN */
	uint32_t owners;    /* as in pp_pool_params; default: lcores + 4 */
	int socket;         /* as for rte_pktmbuf_pool_create(); SOCKET_ID_ANY is -1 */
	int pages;          /* enum pp_pages */
	uint32_t flags;     /* enum pp_pool_flag: PP_POOL_GAPLESS for net_af_xdp */
	uint32_t reserve;   /* of the mbufs, kept for what is critical: pp_critical.h */
	uint32_t cache;     /* as for rte_pktmbuf_pool_create(); default 0, see below */
	uint64_t nodes; /* NUMA nodes to spread over, as in pp_pool_params; default: `socket`'s */
};

/*
 * An rte_mempool of initialised mbufs; every thread, EAL's or not, gets a
 * pktpool cache. NULL with rte_errno, and pp_error() says
 * what is wrong. After rte_eal_init(), in the primary process; any thread.
 *
 * Its size is what there is now, and follows growing and shrinking. The IOVA of
 * every mbuf is right in both modes of EAL; in mode PA a gapless pool whose
 * buffers lie across two hugepages is marked RTE_MEMPOOL_F_NO_IOVA_CONTIG (for
 * net_af_xdp, which asks for no IOVA, that is no loss) and ordinary 4 KiB pages
 * are refused. Its hugepages are mapped for VFIO if a port is behind it (see
 * pp_pktmbuf_port_check() for later ones). One entry of EAL's 128 for external memory is taken by a pool.
 *
 * With `cache` each lcore has rte_mempool's own cache of so many in front, up
 * to one and a half times as many at times. Frees of single mbufs, which most
 * drivers make, then need no call; but to the pool what lies there is in flight,
 * and no other lcore, waiter or shrinking can have it. So 0 .. 512, at most two
 * thirds of the mbufs, and not with a reserve, to which a buffer must return
 * first of all.
 */
PP_API struct rte_mempool *pp_pktmbuf_pool_create(const struct pp_pktmbuf_params *params);

/*
 * Frees it, its pool and the caches that pp_lcore_cache() made. -EBUSY: mbufs
 * are out, nothing was freed. With `cache` no lcore may use it any more. Not rte_mempool_free(), which asks no such
 * question (but leaks nothing either). NULL is fine.
 */
PP_API int pp_pktmbuf_pool_free(struct rte_mempool *mp);

/* The pool under it; NULL if mp is not one of these. */
PP_API struct pp_pool *pp_pktmbuf_pool(const struct rte_mempool *mp);

/*
 * As pp_pool_grow() and pp_pool_shrink(): the mbuf headers of new buffers are
 * initialised before one can be taken; elt_list and mem_list follow. Nobody
 * may iterate over the mempool's objects or chunks meanwhile, nor set up a
 * queue of a port. -EBUSY also if the pool is gapless and a net_af_xdp port has
 * queues (pp_pktmbuf_umem_open()): its UMEM was fixed when they were set up, so
 * it would lose what is sent from new buffers and not see given back ones go.
 */
PP_API int pp_pktmbuf_pool_grow(struct rte_mempool *mp, uint32_t mbufs);
PP_API int pp_pktmbuf_pool_shrink(struct rte_mempool *mp, uint32_t mbufs, uint32_t timeout_us);

/*
 * As pp_pool_recover(), for mbufs that a closed port kept; those that come home
 * are as good as new. External buffers attached to them are not released. With
 * `cache` no lcore may use the mempool meanwhile.
 */
PP_API uint32_t pp_pktmbuf_pool_recover(struct rte_mempool *mp);

#ifdef __cplusplus
}
#endif
#endif
