/* SPDX-License-Identifier: BSD-3-Clause */
/* Port: one of net_pp_xsk on a veth, its mempool, and what goes in and out. */
#ifndef PORT_H
#define PORT_H

#include <rte_ethdev.h>

#include "../dpdk/dpdk_test.h"
#include "veth.h"

#define MBUFS 8192
#define RING 1024

struct rte_mempool *pool_make(uint32_t reserve, uint16_t data_room);
/* Of its mbufs, how many are out; its books balance. */
uint64_t out(struct rte_mempool *mp);

/* One queue each way, started. */
uint16_t port_open(const char *name, const char *iface, struct rte_mempool *mp);
void port_close(const char *name, uint16_t port);
uint64_t xstat(uint16_t port, const char *name);

/* A frame of ours, in segments of that length at most, the last with what is left. */
struct rte_mbuf *packet_make(struct rte_mempool *mp, size_t bytes, size_t most, uint32_t number);
void packet_send(uint16_t port, struct rte_mbuf *m);
/* Receives until so many have come, and checks each. */
void receive(uint16_t port, struct rte_mbuf **pkts, unsigned n, size_t bytes);

#endif
