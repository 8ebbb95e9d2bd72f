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
	const char *name;    /* the rte_mempool's and the pool's; no default */
	uint32_t mbufs;      /* at creation; no default */
	uint32_t mbufs_max;  /* what growing may reach; default: mbufs */
	uint16_t data_room;  /* bytes with the headroom; default RTE_MBUF_DEFAULT_BUF_SIZE */
	uint16_t priv_size;  /* bytes, a multiple of RTE_MBUF_PRIV_ALIGN */
	uint32_t owners;     /* as in pp_pool_params; default: lcores + 4 */
	int socket;          /* as for rte_pktmbuf_pool_create(); SOCKET_ID_ANY is -1 */
	int pages;           /* enum pp_pages */
	uint32_t flags;      /* enum pp_pool_flag: PP_POOL_GAPLESS for net_af_xdp */
};

/*
 * An rte_mempool of initialised mbufs with no cache of its own; every thread,
 * EAL's or not, gets a pktpool cache. NULL with rte_errno, and pp_error() says
 * what is wrong. After rte_eal_init(); any thread.
 */
PP_API struct rte_mempool *pp_pktmbuf_pool_create(const struct pp_pktmbuf_params *params);

/*
 * Frees it and its pool. -EBUSY: mbufs are out, nothing was freed. Not
 * rte_mempool_free(), which asks no such question (but leaks nothing either).
 */
PP_API int pp_pktmbuf_pool_free(struct rte_mempool *mp);

/* The pool under it; NULL if mp is not one of these. */
PP_API struct pp_pool *pp_pktmbuf_pool(const struct rte_mempool *mp);

/*
 * As pp_pool_grow() and pp_pool_shrink(): the mbuf headers of new buffers are
 * initialised before one can be taken; elt_list and mem_list follow. Nobody
 * may iterate over the mempool's objects or chunks meanwhile. A net_af_xdp
 * port that is open does not see what grew: its UMEM was fixed when its queue
 * was set up.
 */
PP_API int pp_pktmbuf_pool_grow(struct rte_mempool *mp, uint32_t mbufs);
PP_API int pp_pktmbuf_pool_shrink(struct rte_mempool *mp, uint32_t mbufs, uint32_t timeout_us);

/* As pp_pool_recover(), and the mbufs that come home are reset to as good as new. */
PP_API uint32_t pp_pktmbuf_pool_recover(struct rte_mempool *mp);

#ifdef __cplusplus
}
#endif
#endif
