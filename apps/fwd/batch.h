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
	unsigned idle; /* times that none came since */
};

/* For `full` packets, and a burst of so many that comes in between. False: no memory. */
bool batch_begin(struct batch *batch, uint32_t full, unsigned burst);

/* Keeps them, of which there may be none. Returns whether all are to be sent: there are
 * enough, or none has come so often. */
#define BATCH_IDLE 1024
bool batch_add(struct batch *batch, struct rte_mbuf *const *pkts, unsigned n);

void batch_end(struct batch *batch);

#endif
