/* SPDX-License-Identifier: BSD-3-Clause */
/* Bare: the floor of pipeline: the ring between the lcores, with no pool at either end. */
#include "bench.h"

#define PEER_LOOPS bare_loops
#define peer_get(seat, bufs, n) ((void)(seat), (void)(bufs), (n))
#define peer_put(seat, bufs, n) ((void)(seat), (void)(bufs), (void)(n))
#define peer_get_one(seat) (seat)
#define peer_put_one(seat, buf) ((void)(seat), (void)(buf))

#include "bench_loops.h"
