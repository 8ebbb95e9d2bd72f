/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffers: the packets' memory, from pktpool or one of rte_mempool's own kinds. */
#ifndef BUFFERS_H
#define BUFFERS_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"

struct rte_mempool;

struct buffers {
	struct rte_mempool *mp;
	enum buffers_kind kind;
};

/* FWD_OK, or an enum fwd_exit having said what is wrong. gapless: net_af_xdp is among the ports. */
int buffers_create(struct buffers *b, const struct options *o, bool gapless);

/* Allocated and not freed. Exact at a quiet moment. */
uint64_t buffers_in_flight(const struct buffers *b);

/* Those that anybody could still have: the reserve is not among them. */
uint64_t buffers_free(const struct buffers *b);
/* Drawn from the reserve so far, and refused because they were not for critical use. */
void buffers_reserve_used(const struct buffers *b, uint64_t *drawn, uint64_t *refused);

/*
 * After the ports are closed and every packet accounted for: what is still out
 * is in rings that no driver will look at again. Brings it home and returns
 * how many they were. Only pktpool can.
 */
uint32_t buffers_recover(struct buffers *b);

/* Walks the books and prints them; FWD_FAILED if they are wrong. */
int buffers_audit(const struct buffers *b);

/* FWD_FAILED if something is still out (pktpool only: rte_mempool does not ask). */
int buffers_destroy(struct buffers *b);

#endif
