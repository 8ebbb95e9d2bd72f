/* SPDX-License-Identifier: BSD-3-Clause */
/* Stall: a consumer that takes packets and never comes to an end with them. */
#include <stdlib.h>

#include <rte_mbuf.h>

#include "stall.h"

bool stall_begin(struct stall *stall, uint32_t buffers)
{
	*stall = (struct stall){ .held = calloc(buffers, sizeof(struct rte_mbuf *)),
				 .room = buffers };
	return stall->held != NULL;
}

unsigned stall_take(struct stall *stall, struct rte_mbuf **pkts, unsigned n,
		    bool (*critical)(const struct rte_mbuf *m, void *arg), void *arg)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++) {
		if (stall->n == stall->room || critical(pkts[i], arg))
			pkts[kept++] = pkts[i];
		else
			stall->held[stall->n++] = pkts[i];
	}
	return kept;
}

void stall_end(struct stall *stall)
{
	if (stall->held == NULL)
		return;
	rte_pktmbuf_free_bulk(stall->held, stall->n);
	free(stall->held);
	*stall = (struct stall){ 0 };
}
