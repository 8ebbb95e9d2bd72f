/* SPDX-License-Identifier: BSD-3-Clause */
/* Effort: the lower rungs of the ladder: reserve, another hugepage, idle caches, waiting. */
#ifndef PP_EFFORT_H
#define PP_EFFORT_H

#include "pp_inside.h"
#include "pp_sleep.h"

/*
 * Of n buffers, `got` of which are there: fetches the others as far as flags
 * say. Returns n, or fewer, all still the caller's.
 */
unsigned pp_effort_get(struct pp_pool *pool, struct pp_owner *owner, void **bufs, unsigned got,
		       unsigned n, unsigned flags);

/* How a call waits: as long as its wait says, in a seat where others may lessen it (else NULL). */
struct pp_patience {
	struct pp_wait *wait;
	struct pp_seat *seat;
};

/* In line until n are there, or as many as the seat says: these, or 0 with errno. The caller
 * holds none. */
unsigned pp_effort_wait(struct pp_pool *pool, struct pp_owner *owner, void **bufs, unsigned n,
			unsigned flags, const struct pp_patience *patience);

#endif
