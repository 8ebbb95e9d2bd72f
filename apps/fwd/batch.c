/* SPDX-License-Identifier: BSD-3-Clause */
/* Batch: packets that wait for one another, to be sent all at once. */
#include <stdlib.h>
#include <string.h>

#include "batch.h"

bool batch_begin(struct batch *batch, uint32_t full, unsigned burst)
{
	*batch = (struct batch){ .pkts = calloc(full + burst, sizeof(struct rte_mbuf *)),
				 .full = full };
	return batch->pkts != NULL;
}

bool batch_add(struct batch *batch, struct rte_mbuf *const *pkts, unsigned n)
{
	memcpy(&batch->pkts[batch->n], pkts, n * sizeof(struct rte_mbuf *));
	batch->n += n;
	batch->idle = n == 0 ? batch->idle + 1 : 0;
	return batch->n >= batch->full || (batch->n != 0 && batch->idle >= BATCH_IDLE);
}

void batch_end(struct batch *batch)
{
	free(batch->pkts);
	*batch = (struct batch){ 0 };
}
