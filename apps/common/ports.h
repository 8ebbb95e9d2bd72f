/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: EAL's ethdev ports: found, opened, watched, closed. */
#ifndef PORTS_H
#define PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>

struct rte_mempool;

#define PORTS_MAX 16

struct port {
	uint16_t id;
	uint16_t peer; /* position in ports.at[] of where its packets go; itself for none */
	bool open;     /* configured, so it must be closed */
	bool tap;      /* net_tap: the other side is the kernel */
	bool xdp;      /* net_af_xdp: takes the whole pool as its UMEM */
	bool gone;     /* its network interface was deleted under it */
	unsigned if_index;
	char name[RTE_ETH_NAME_MAX_LEN];
	char driver[64];
	struct rte_eth_stats last; /* the driver's own books, read before it was closed */
};

struct ports {
	unsigned n;
	struct port at[PORTS_MAX];
};

/* What is wanted of each port, and there is for all of them. */
struct ports_demand {
	unsigned queues;
	unsigned burst; /* buffers out of the rings, for each queue */
	uint32_t buffers;
	uint32_t reserve; /* of them */
	bool promiscuous;
};

/* These return an enum app_exit and have said what is wrong. */

/* Finds those that there are. */
int ports_find(struct ports *ports, unsigned queues);
/* Whether there are buffers enough. */
int ports_weigh(const struct ports *ports, const struct ports_demand *d);
/* Sets them up with the pool and starts them. After an error: ports_close(). */
int ports_open(struct ports *ports, const struct ports_demand *d, struct rte_mempool *mp);
/* Stops and closes those that are open. */
int ports_close(struct ports *ports);

/* The most buffers that their rings hold. */
uint64_t ports_hold(const struct ports *ports, unsigned queues);
bool ports_any_xdp(const struct ports *ports);
/* Whose interface has vanished since the last call: says so, once for each. */
void ports_watch(struct ports *ports);

#endif
