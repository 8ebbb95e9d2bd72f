/* SPDX-License-Identifier: BSD-3-Clause */
/* Rdma: one port of an RDMA device, opened to carry Ethernet frames. */
#ifndef PP_RDMA_H
#define PP_RDMA_H

#include <net/if.h>
#include <pthread.h>

#include "pp_peer.h"
#include "pp_regions.h"

/* In front of what a datagram carries, in its receive buffer. */
#define PP_RDMA_GRH 40u
/* Elements of one frame to send. */
#define PP_RDMA_SEGMENTS 16u

struct pp_rdma {
	char device[IBV_SYSFS_NAME_MAX];
	uint8_t number;    /* the device's port */
	bool raw;          /* frames as they are on the wire, or in datagrams */
	uint32_t headroom; /* in front of a frame that the device writes: PP_RDMA_GRH or 0 */
	uint32_t frame;    /* bytes that the way there takes */
	uint32_t segments; /* elements of a frame that the device takes */
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_device_attr limits;
	char interface[IF_NAMESIZE]; /* the network interface below */
	uint8_t mac[6];              /* of that */
	struct pp_peer peer;
	struct pp_regions regions;
	pthread_mutex_t steering; /* over what follows */
	struct ibv_qp *steered;   /* NULL: none */
	bool promiscuous, multicast;
	struct ibv_flow *flows[4];
};

/*
 * `device` and `number` are set, and peer.udp. With an address frames go to the
 * peer there, with "" they are raw. 0, or -errno with pp_error(); to be closed
 * either way.
 */
int pp_rdma_open(struct pp_rdma *rdma, const char *address);
void pp_rdma_close(struct pp_rdma *rdma);

/*
 * Where the device sees frames: those to its own address and to all come to qp,
 * and others that are asked for. With a peer all that it sends is for us. A
 * queue pair has to be left (NULL) before it goes. Any thread; 0, or -errno with
 * pp_error().
 */
int pp_rdma_steer(struct pp_rdma *rdma, struct ibv_qp *qp);
int pp_rdma_steer_more(struct pp_rdma *rdma, bool promiscuous, bool multicast);

bool pp_rdma_is_up(struct pp_rdma *rdma);

#endif
