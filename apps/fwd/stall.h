/* SPDX-License-Identifier: BSD-3-Clause */
/* Stall: a consumer that takes packets and never comes to an end with them. */
#ifndef STALL_H
#define STALL_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;

/* One a stream, and its lcore's own. */
struct stall {
	struct rte_mbuf **held; /* NULL: it does not stall */
	uint32_t n, room;
};

/* For as many packets as there are buffers. False: no memory. */
bool stall_begin(struct stall *stall, uint32_t buffers);

/*
 * Holds what is not critical: like a packet that waits for the neighbour's
 * address, a full queue or a slow thread. Returns how many are left, first in
 * pkts[].
 */
unsigned stall_take(struct stall *stall, struct rte_mbuf **pkts, unsigned n,
		    bool (*critical)(const struct rte_mbuf *m, void *arg), void *arg);

/* Frees all that is held. */
void stall_end(struct stall *stall);

#endif
