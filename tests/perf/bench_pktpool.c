/* SPDX-License-Identifier: BSD-3-Clause */
/* Pktpool: this library as a peer, through what its users include. */
#include "bench.h"

#include <pktpool.h>

#define PEER_LOOPS pktpool_loops
#define PEER_SEEDS pktpool_seeds
#define peer_get(seat, bufs, n) pp_alloc_bulk(seat, bufs, n, 0)
#define peer_put(seat, bufs, n) pp_free_bulk(seat, bufs, n)
#define peer_get_one(seat) pp_alloc(seat, 0)
#define peer_put_one(seat, buf) pp_free(seat, buf)

#include "bench_loops.h"
#include "seeds_loops.h"
