/* SPDX-License-Identifier: BSD-3-Clause */
/* Mempool: rte_mempool as a peer, through the calls its users make; the ops are the pool's. */
#include "bench.h"

#include <rte_mempool.h>

#define PEER_LOOPS mempool_loops
#define PEER_SEEDS mempool_seeds
#define peer_get(seat, bufs, n) (rte_mempool_get_bulk(seat, bufs, n) ? 0 : (n))
#define peer_put(seat, bufs, n) rte_mempool_put_bulk(seat, bufs, n)
#define peer_get_one(seat) mempool_get_one(seat)
#define peer_put_one(seat, buf) rte_mempool_put(seat, buf)

static inline __attribute__((always_inline)) void *mempool_get_one(void *seat)
{
	void *buf;

	return rte_mempool_get(seat, &buf) ? NULL : buf;
}

#include "bench_loops.h"
#include "seeds_loops.h"
