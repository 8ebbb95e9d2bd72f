/* SPDX-License-Identifier: BSD-3-Clause */
/* Critical: which packets go on when there are no buffers for the others. */
#ifndef CRITICAL_H
#define CRITICAL_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;

#define CRITICAL_MAX 32

/* A packet has to have all that is given; 0 is not given. */
struct critical_rule {
	uint16_t ether;   /* EtherType */
	uint8_t protocol; /* of IPv4 or IPv6 */
	uint16_t port;    /* TCP or UDP, at either end */
};

/* Beside ARP, IPv6's neighbour discovery and what is for the host itself. */
struct critical {
	unsigned n;
	struct critical_rule rules[CRITICAL_MAX];
};

/* Adds e.g. "tcp:179,udp:53,icmp,proto:89,ether:0x88cc". NULL, or what is wrong with it. */
const char *critical_parse(struct critical *c, const char *text);

/* For pp_critical_end(); arg is a struct critical. */
bool critical_judge(const struct rte_mbuf *m, void *arg);

#endif
