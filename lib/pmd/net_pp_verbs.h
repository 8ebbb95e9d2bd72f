/* SPDX-License-Identifier: BSD-3-Clause */
/* Net pp verbs: a port with a queue pair that only receives and one that only sends. */
#ifndef NET_PP_VERBS_H
#define NET_PP_VERBS_H

#include <rte_ether.h>

#include "pp_mbufs.h"
#include "pp_peer.h"
#include "pp_regions.h"

/* Work requests a call to the device, and mbufs a call to the pool. */
#define VERBS_BULK 64u
/* In front of what a datagram carries, in its receive buffer. */
#define VERBS_GRH 40u
/* Elements of one frame to send. */
#define VERBS_SEGMENTS 16u

struct verbs_counts {
	uint64_t packets, bytes, errors, nombuf;
};

/*
 * Of the thread that receives, or of the one that sends; made anew by it when
 * the device has put it into the error state. mbufs[] between head and tail are
 * the device's, in the order in which it is done with them.
 */
struct verbs_queue {
	struct verbs_port *port;
	struct ibv_qp *qp;
	struct ibv_cq *cq;
	struct rte_mbuf **mbufs;
	uint32_t head, tail, mask;
	uint32_t depth;
	unsigned hint; /* of pp_regions_sge() */
	uint64_t rearm;
	struct pp_mbufs source; /* of received ones; the last that was sent came from */
	struct verbs_counts count;
} __rte_cache_aligned;

struct verbs_port {
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_device_attr limits;
	uint8_t number;    /* the device's port */
	uint8_t raw;       /* whole frames on the wire, or in datagrams */
	uint32_t headroom; /* in front of a frame that the device writes: VERBS_GRH or 0 */
	uint32_t frame;    /* bytes that the way there takes */
	uint32_t segments; /* elements of a frame that the device takes */
	struct rte_mempool *mp;
	struct rte_ether_addr mac;
	char device[IBV_SYSFS_NAME_MAX], address[64], interface[IBV_SYSFS_NAME_MAX];
	struct ibv_flow *flows[4];
	struct pp_peer peer;
	struct pp_regions regions;
	struct verbs_queue rx, tx;
};

/* 0, or -errno with pp_error(). */
int verbs_queue_open(struct verbs_queue *q);
/* Frees every mbuf that the device has. */
void verbs_queue_close(struct verbs_queue *q);
/* Fills the receive queue. */
void verbs_refill(struct verbs_queue *q);

uint16_t verbs_receive(void *queue, struct rte_mbuf **pkts, uint16_t n);
uint16_t verbs_send(void *queue, struct rte_mbuf **pkts, uint16_t n);
int verbs_send_cleanup(void *queue, uint32_t n);

#endif
