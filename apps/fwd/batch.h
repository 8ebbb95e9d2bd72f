/* SPDX-License-Identifier: BSD-3-Clause */
/* Batch: packets that wait for one another, to be sent all at once. */
#ifndef BATCH_H
#define BATCH_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;

/* One a stream, and its lcore's own. */
struct batch {
	struct rte_mbuf **pkts; /* NULL: they do not wait */
	uint32_t n, full;
};

/* For `full` packets, and a burst of so many that comes in between. False: no memory. */
bool batch_begin(struct batch *batch, uint32_t full, unsigned burst);

/* Keeps them. Returns whether it is full, and so to be sent. */
bool batch_add(struct batch *batch, struct rte_mbuf *const *pkts, unsigned n);

void batch_end(struct batch *batch);

#endif
