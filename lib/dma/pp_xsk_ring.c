/* SPDX-License-Identifier: BSD-3-Clause */
/* Ring: a socket's rings, filled and emptied by bulk alloc and bulk free. */
#include <errno.h>
#include <sys/socket.h>

#include "pp_dma_xsk.h"

/* A ring with fewer is about to be empty. */
#define LEVEL_LOW PP_XSK_BULK

static void fill_put(struct pp_xsk_queue *q, void *const *bufs, unsigned n)
{
	uint32_t at = 0;

	xsk_ring_prod__reserve(&q->fill, n, &at);
	for (unsigned i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&q->fill, at + i) = pp_xsk_give(q, bufs[i]);
	xsk_ring_prod__submit(&q->fill, n);
	q->level += n;
}

/* n at most, of which there may be fewer: all or none is had of a reserve. */
static void refill_reserve(struct pp_xsk_queue *q, unsigned n, enum pp_xsk_need need)
{
	void *bufs[PP_XSK_BULK];

	while (n && q->source.alloc(q->source.arg, bufs, n, need) != n)
		n /= 2;
	fill_put(q, bufs, n);
	q->last += n;
}

/*
 * There are no 64. Who answers for what he receives gets as much of the reserve
 * for it, so that the ring does not shrink; a ring that runs dry gets what there
 * is, of the reserve if need be.
 */
static void refill_scraps(struct pp_xsk_queue *q)
{
	void *bufs[PP_XSK_BULK];
	unsigned n;

	if (q->level < q->had)
		refill_reserve(q, q->had - q->level < PP_XSK_BULK ? q->had - q->level : PP_XSK_BULK,
			       PP_XSK_TRADE);
	if (q->level >= LEVEL_LOW)
		return;
	n = q->source.alloc(q->source.arg, bufs, LEVEL_LOW - q->level, PP_XSK_ANY);
	fill_put(q, bufs, n);
	if (q->level < LEVEL_LOW / 2)
		refill_reserve(q, LEVEL_LOW - q->level, PP_XSK_LAST);
	if (!q->level)
		q->starved++;
}

PP_API void pp_xsk_refill_more(struct pp_xsk_queue *q)
{
	void *bufs[PP_XSK_BULK];

	while (q->level + PP_XSK_BULK <= q->target) {
		/* The ring is longer than the target; but the kernel may not have said
		 * yet that it has taken what we have received already. */
		if (xsk_prod_nb_free(&q->fill, PP_XSK_BULK) < PP_XSK_BULK)
			return;
		if (q->source.alloc(q->source.arg, bufs, PP_XSK_BULK, PP_XSK_ALL) != PP_XSK_BULK) {
			refill_scraps(q);
			return;
		}
		fill_put(q, bufs, PP_XSK_BULK);
	}
	q->had = q->level;
}

PP_API unsigned pp_xsk_reclaim(struct pp_xsk_queue *q)
{
	void *bufs[PP_XSK_BULK];
	unsigned n, sum = 0;
	uint32_t at;

	do {
		n = xsk_ring_cons__peek(&q->completion, PP_XSK_BULK, &at);
		for (unsigned i = 0; i < n; i++)
			bufs[i] = pp_xsk_take(q, *xsk_ring_cons__comp_addr(&q->completion, at + i));
		if (!n)
			break;
		xsk_ring_cons__release(&q->completion, n);
		q->source.free(q->source.arg, bufs, n);
		q->sending -= n;
		sum += n;
	} while (n == PP_XSK_BULK);
	return sum;
}

PP_API void pp_xsk_wake_rx(struct pp_xsk_queue *q)
{
	recvfrom(q->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

PP_API void pp_xsk_wake_tx(struct pp_xsk_queue *q, unsigned n)
{
	/* The kernel looks at up to tx_most of them a call, and says when more are left. */
	do {
		if (!xsk_ring_prod__needs_wakeup(&q->tx) ||
		    sendto(q->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0 || errno != EAGAIN ||
		    n <= q->tx_most)
			return;
		n -= q->tx_most;
	} while (1);
}
