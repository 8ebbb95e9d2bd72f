/* SPDX-License-Identifier: BSD-3-Clause */
/* Seeds-pools: a pool of ours, an rte_mempool and a ring, for one workload at a time. */
#include "seeds.h"

#include <errno.h>
#include <pktpool.h>
#include <rte_mempool.h>
#include <rte_ring.h>
#include <stdlib.h>

void seeds_damaged(const char *workload)
{
	fprintf(stderr, "pktpool-bench: %s: a buffer came back with another's content\n", workload);
	exit(BENCH_FAILED);
}

int seeds_pools_create(struct seeds_pools *pools, unsigned buffers, unsigned buffer_size,
		       unsigned mempool_cache, unsigned ring_slots)
{
	*pools = (struct seeds_pools){ 0 };
	pools->pktpool = pktpool_create(buffers, buffer_size, false);
	if (!pools->pktpool)
		return -ENOMEM;
	pools->mempool = mempool_create("seeds", buffers, buffer_size, "ring_mp_mc", mempool_cache);
	pools->ring = rte_ring_create("seeds", ring_slots, SOCKET_ID_ANY, 0);
	pools->caches[0] = pp_cache_create(pools->pktpool, "first");
	pools->caches[1] = pp_cache_create(pools->pktpool, "second");
	if (pools->mempool && pools->ring && pools->caches[0] && pools->caches[1])
		return 0;
	seeds_pools_destroy(pools);
	return -ENOMEM;
}

int seeds_pools_destroy(struct seeds_pools *pools)
{
	int error = 0;

	if (pools->pktpool && pp_pool_check(pools->pktpool)) {
		fprintf(stderr, "pktpool-bench: %s\n", pp_error());
		error = -EUCLEAN;
	}
	for (unsigned i = 0; i < 2; i++)
		pp_cache_destroy(pools->caches[i]);
	if (mempool_check(pools->mempool))
		error = -EBUSY;
	rte_mempool_free(pools->mempool);
	rte_ring_free(pools->ring);
	if (pp_pool_destroy(pools->pktpool)) {
		fprintf(stderr, "pktpool-bench: %s\n", pp_error());
		error = -EBUSY;
	}
	*pools = (struct seeds_pools){ 0 };
	return error;
}

unsigned long seeds_pages_needed(void)
{
	/* The largest are crypt's: 16 K buffers of 4 KiB in two pools and an rte_mempool,
	 * 32 MiB of the floors' and 1 MiB of plain text; EAL's heap may round each up. */
	unsigned long buffers = 16 << 10;

	return 2 * (buffers * SEEDS_PAGE / (2 << 20) + 2) + pages_of_mempool(buffers, SEEDS_PAGE) +
	       24;
}
