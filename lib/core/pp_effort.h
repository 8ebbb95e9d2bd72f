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

/* In line until n are there: n, or 0 with errno. The caller holds none. */
unsigned pp_effort_wait(struct pp_pool *pool, struct pp_owner *owner, void **bufs, unsigned n,
			unsigned flags, struct pp_wait *wait);

#endif
