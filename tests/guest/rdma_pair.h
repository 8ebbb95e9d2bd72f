/* SPDX-License-Identifier: BSD-3-Clause */
/* Pair: ports 0 and 1, of net_pp_verbs, and frames from one to the other, byte by byte. */
#ifndef RDMA_PAIR_H
#define RDMA_PAIR_H

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <pktpool.h>

#include "rdma.h"

/* Seconds of a guest whose clock may run fast. */
#define PATIENCE 300
#define BURST 32
#define MBUFS 2048
#define RESERVE 64
#define DATA_ROOM (4096 + RTE_PKTMBUF_HEADROOM)

/* A pool's, or an ordinary one; ends the program if there is none. */
struct rte_mempool *mempool_of(const char *name, bool pktpool, uint16_t data_room);
/* None of its mbufs is out, and its pool's books balance. */
void mempool_whole(struct rte_mempool *mp, const char *when);

int port_setup(uint16_t port, struct rte_mempool *mp, uint16_t mtu);
/* Both; ends the program if one does not start. */
void ports_start(struct rte_mempool *mp);
void ports_stop(void);
/* Whether the port's link is so in time. */
bool link_becomes(uint16_t port, int status);
struct rte_eth_stats stats_of(uint16_t port);
/* Memory regions of this process on that device. */
unsigned regions(const char *name);

/* A frame like no other, by its seed: of 64 bytes to all that the way takes, some in two mbufs. */
struct rte_mbuf *frame_make(struct rte_mempool *mp, unsigned seed);
void frame_write(struct rte_mbuf *packet, unsigned seed);
bool frame_is(const struct rte_mbuf *m, unsigned seed, uint32_t bytes);
/* n frames, a window of them under way at a time; all come, in their order. */
void frames_pass(struct rte_mempool *mp, uint16_t from, uint16_t to, unsigned n);
/* One burst from port 0 to 1, of the longest frames, and each of it comes. */
void burst_pass(struct rte_mbuf **pkts, unsigned n);
/* Sends until something comes through, in time, and takes what comes after it. */
bool way_becomes_free(struct rte_mempool *mp, uint16_t from, uint16_t to);

#endif
