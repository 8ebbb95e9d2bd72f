/* SPDX-License-Identifier: BSD-3-Clause */
/* Miss: a wait whose caller may find meanwhile that fewer will do. */
#ifndef PP_MISS_H
#define PP_MISS_H

#include "pp_bulk.h"
#include "pp_queue.h"

/* pp_alloc_bulk_wait(), which may return fewer than n once others have lessened it. The seat
 * (NULL: nobody will) is zero. */
unsigned pp_miss_wait(struct pp_cache *c, void **bufs, unsigned n, unsigned flags,
		      struct pp_wait *wait, struct pp_seat *seat);

/*
 * So many fewer will do for the call that has the seat; some it must still need. It keeps its
 * place in line. Whether it is served with that, and woken. Any thread of its process.
 */
bool pp_miss_lessen(struct pp_pool *pool, struct pp_seat *seat, uint32_t fewer);

#endif
