/* SPDX-License-Identifier: BSD-3-Clause */
/* Burst: mbufs out of a socket's receive ring and into its send ring, none of them copied. */
#include <rte_ether.h>

#include "net_pp_xsk.h"

/* Descriptors that a frame may have: what any kernel takes. */
#define SEGMENTS_MAX 16

/* In if_xdp.h since 6.6. */
#ifndef XDP_PKT_CONTD
#define XDP_PKT_CONTD (1 << 0)
#endif

/* One buffer of a frame in several; returns the frame when it is all here. */
static __rte_noinline struct rte_mbuf *frame_join(struct xsk_lane *lane, struct rte_mbuf *m,
						  bool more)
{
	struct rte_mbuf *head = lane->head ? lane->head : m;

	/* Never too many segments: the kernel has fewer fragments in a frame. */
	if (head != m)
		rte_pktmbuf_chain(head, m);
	lane->head = more ? head : NULL;
	return more ? NULL : head;
}

uint16_t xsk_receive(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct xsk_lane *lane = queue;
	struct pp_xsk_queue *q = lane->q;
	uint64_t rearm = lane->rearm, bytes = 0;
	uint32_t at, got;
	uint16_t out = 0;

	got = xsk_ring_cons__peek(&q->rx, n, &at);
	if (!got) {
		pp_xsk_refill(q);
		if (lane->busy || xsk_ring_prod__needs_wakeup(&q->fill))
			pp_xsk_wake_rx(q);
		return 0;
	}
	for (uint32_t i = 0; i < got; i++)
		rte_prefetch0(q->base + q->lead +
			      (xsk_ring_cons__rx_desc(&q->rx, at + i)->addr & q->chunk));
	for (uint32_t i = 0; i < got; i++) {
		const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&q->rx, at + i);
		struct rte_mbuf *m = pp_xsk_take(q, desc->addr);
		bool more = desc->options & XDP_PKT_CONTD;

		bytes += desc->len;
		pp_mbuf_receive(m, rearm, desc->len);
		if (unlikely(more || lane->head))
			m = frame_join(lane, m, more);
		if (likely(m != NULL))
			pkts[out++] = m;
	}
	xsk_ring_cons__release(&q->rx, got);
	q->level -= got;
	lane->rx.rx_packets += out;
	lane->rx.rx_bytes += bytes;
	pp_xsk_refill(q);
	return out;
}

static inline bool mbuf_is_ours(const struct xsk_lane *lane, const struct rte_mbuf *m)
{
	return m->pool == lane->mp && RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1;
}

/* Into the send ring, as the pool wants it back: what is sent goes home unseen. */
static inline void segment_put(struct pp_xsk_queue *q, struct rte_mbuf *m, uint32_t at, bool more)
{
	struct xdp_desc *desc = xsk_ring_prod__tx_desc(&q->tx, at);

	desc->len = m->data_len;
	desc->options = more ? XDP_PKT_CONTD : 0;
	desc->addr = pp_xsk_data(q, pp_xsk_give(q, m),
				 (uint32_t)((char *)m->buf_addr + m->data_off - (char *)m));
}

/* Whether every segment can go as it is. */
static bool frame_is_ours(const struct xsk_lane *lane, const struct rte_mbuf *packet)
{
	if (packet->nb_segs > (lane->q->frags ? SEGMENTS_MAX : 1))
		return false;
	for (const struct rte_mbuf *m = packet; m; m = m->next)
		if (!mbuf_is_ours(lane, m) || !m->data_len || m->data_len > lane->frame)
			return false;
	return true;
}

/*
 * A frame that is not one mbuf of ours: descriptors used from `at` on, of at
 * most `room`. 0: not now, it stays the caller's. Negative: it can never be
 * sent, and is gone.
 */
static __rte_noinline int frame_put(struct xsk_lane *lane, struct rte_mbuf *packet, uint32_t at,
				    uint32_t room)
{
	uint32_t pieces = packet->nb_segs;
	struct rte_mbuf *sent = packet;
	bool ours = frame_is_ours(lane, packet);

	if (!ours)
		pieces = (packet->pkt_len + lane->frame - 1) / lane->frame;
	if (packet->pkt_len < RTE_ETHER_HDR_LEN || pieces > (lane->q->frags ? SEGMENTS_MAX : 1)) {
		rte_pktmbuf_free(packet);
		lane->tx.tx_errors++;
		return -1;
	}
	if (pieces > room)
		return 0;
	if (!ours) {
		sent = pp_mbufs_copy(&lane->umem->mbufs, packet, lane->frame);
		if (!sent)
			return 0;
		rte_pktmbuf_free(packet);
		lane->tx.tx_copied++;
	}
	for (struct rte_mbuf *next; sent; sent = next) {
		next = sent->next;
		sent->next = NULL;
		sent->nb_segs = 1;
		segment_put(lane->q, sent, at++, next != NULL);
	}
	return (int)pieces;
}

uint16_t xsk_send(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct xsk_lane *lane = queue;
	struct pp_xsk_queue *q = lane->q;
	uint32_t room, used = 0, at = q->tx.cached_prod;
	uint64_t bytes = 0, errors = lane->tx.tx_errors;
	uint16_t i;

	if (q->sending >= PP_XSK_BULK)
		pp_xsk_reclaim(q);
	room = xsk_prod_nb_free(&q->tx, n + SEGMENTS_MAX);
	for (i = 0; i < n && used < room; i++) {
		struct rte_mbuf *m = pkts[i];
		uint32_t length = m->pkt_len;
		int pieces;

		if (likely(m->nb_segs == 1 && mbuf_is_ours(lane, m) &&
			   (uint32_t)m->data_len - RTE_ETHER_HDR_LEN <=
				   lane->frame - RTE_ETHER_HDR_LEN)) {
			segment_put(q, m, at + used++, false);
			bytes += length;
			continue;
		}
		pieces = frame_put(lane, m, at + used, room - used);
		if (!pieces)
			break;
		used += pieces > 0 ? (uint32_t)pieces : 0;
		bytes += pieces > 0 ? length : 0;
	}
	if (used) {
		xsk_ring_prod__reserve(&q->tx, used, &at);
		pp_xsk_submit(q, used);
	}
	/* Also what an earlier call left behind. */
	if (q->sending)
		pp_xsk_wake_tx(q, used);
	lane->tx.tx_packets += i - (lane->tx.tx_errors - errors);
	lane->tx.tx_bytes += bytes;
	return i;
}

int xsk_send_cleanup(void *queue, uint32_t n)
{
	struct xsk_lane *lane = queue;

	RTE_SET_USED(n);
	if (!lane->q)
		return 0;
	if (lane->q->sending)
		pp_xsk_wake_tx(lane->q, 0);
	return (int)pp_xsk_reclaim(lane->q);
}
