/* SPDX-License-Identifier: BSD-3-Clause */
/* Pair: mbufs in the hands of a queue pair that only receives, or only sends. */
#ifndef PP_PAIR_H
#define PP_PAIR_H

#include "pp_mbufs.h"
#include "pp_rdma.h"
#include "pp_vdev.h"

/* Work requests a call to the device, and mbufs a call to the pool. */
#define PP_PAIR_BULK 64u

/*
 * Of the thread that receives, or of the one that sends; made anew by it when
 * the device has put it into the error state. mbufs[] between head and tail are
 * the device's, in the order in which it is done with them.
 */
struct pp_pair {
	struct pp_rdma *port;
	bool receives;
	bool failed; /* to be made anew, and that was said */
	struct ibv_qp *qp;
	struct ibv_cq *cq;
	struct rte_mbuf **mbufs;
	uint32_t head, tail, mask;
	uint32_t depth;
	unsigned hint;          /* of pp_regions_sge() */
	uint64_t rearm;         /* pp_mbuf_rearm() */
	struct pp_mbufs source; /* of received ones; the last that was sent came from */
	struct pp_counts count;
} __rte_cache_aligned;

/* 0, or -errno with pp_error(). */
int pp_pair_open(struct pp_pair *q);
/* Frees every mbuf that the device has. */
void pp_pair_close(struct pp_pair *q);
/* Fills the receive queue. */
void pp_pair_refill(struct pp_pair *q);
/* Anew, if the device has put it into the error state: what it has done with its
 * memory since then is nobody's. Without a queue pair, if that fails. */
void pp_pair_renew(struct pp_pair *q);

#endif
