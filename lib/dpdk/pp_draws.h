/* SPDX-License-Identifier: BSD-3-Clause */
/* Draws: which draw on the reserve each mbuf came out by last. */
#ifndef PP_DRAWS_H
#define PP_DRAWS_H

#include <rte_mbuf.h>

#include "pktpool.h"

/*
 * A number for each draw, kept by mbuf, so that a thread can tell the mbuf it has
 * drawn from the same one that went home and was drawn again, by anybody: in
 * memory that forked children share. Pages of it come into being when an mbuf
 * whose number they have is first drawn.
 *
 * field  written by                   read by
 * last   who draws (atomic add)       the same
 * of     who drew that mbuf last      who believes to have drawn it
 */
struct pp_draws {
	uint32_t last;
	uint32_t of[];
};

/* NULL, and pp_error() says why. */
struct pp_draws *pp_draws_create(const struct pp_region *region);
void pp_draws_destroy(struct pp_draws *draws, const struct pp_region *region);

/* The mbuf has been drawn, by the caller; returns which draw that is, never 0. */
uint32_t pp_draws_note(struct pp_draws *draws, const struct pp_region *region,
		       const struct rte_mbuf *m);

/* The draw that it came out by last. */
uint32_t pp_draws_last(const struct pp_draws *draws, const struct pp_region *region,
		       const struct rte_mbuf *m);

#endif
