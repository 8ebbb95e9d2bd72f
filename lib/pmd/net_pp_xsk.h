/* SPDX-License-Identifier: BSD-3-Clause */
/* Net pp xsk: a receive queue and a send queue on one socket. */
#ifndef NET_PP_XSK_H
#define NET_PP_XSK_H

#include "pp_umems.h"
#include "pp_vdev.h"

struct xsk_lane {
	struct pp_xsk_queue *q; /* while the port is started */
	struct rte_mempool *mp;
	struct pp_umem *umem;
	uint64_t rearm; /* pp_mbuf_rearm() */
	uint32_t frame; /* bytes that one buffer takes */
	uint16_t rx_descs, tx_descs;
	bool busy;
	struct rte_mbuf *head;                   /* a frame of which more is to come */
	struct pp_counts rx __rte_cache_aligned; /* each thread has its half */
	struct pp_counts tx __rte_cache_aligned;
} __rte_cache_aligned;

uint16_t xsk_receive(void *lane, struct rte_mbuf **pkts, uint16_t n);
uint16_t xsk_send(void *lane, struct rte_mbuf **pkts, uint16_t n);
int xsk_send_cleanup(void *lane, uint32_t n);

#endif
