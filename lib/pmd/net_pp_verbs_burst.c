/* SPDX-License-Identifier: BSD-3-Clause */
/* Burst: mbufs out of the queue pair that receives and into the one that sends, none of them copied. */
#include "net_pp_verbs.h"

uint16_t verbs_receive(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct pp_pair *q = queue;
	struct ibv_wc wcs[PP_PAIR_BULK];
	int got = q->cq ? ibv_poll_cq(q->cq, (int)RTE_MIN(n, PP_PAIR_BULK), wcs) : 0;
	uint16_t out = 0;

	for (int i = 0; i < got; i++) {
		struct rte_mbuf *m = q->mbufs[q->head++ & q->mask];
		uint32_t bytes = wcs[i].byte_len - q->port->headroom;

		if (unlikely(wcs[i].status != IBV_WC_SUCCESS || bytes > UINT16_MAX)) {
			pp_mbufs_free(&q->source, (void **)&m, 1);
			q->count.rx_errors++;
			continue;
		}
		pp_mbuf_receive(m, q->rearm, bytes);
		q->count.rx_bytes += bytes;
		pkts[out++] = m;
	}
	q->count.rx_packets += out;
	if (unlikely(out < got || got < 0 || !q->cq))
		pp_pair_renew(q);
	if (likely(q->qp != NULL))
		pp_pair_refill(q);
	return out;
}

static void batch_end(const struct pp_mbufs *home, void **batch, unsigned *n)
{
	if (*n)
		pp_mbufs_free(home, batch, *n);
	*n = 0;
}

/* Frees what was sent, up to there. */
static void sent_free(struct pp_pair *q, uint32_t end)
{
	void *batch[PP_PAIR_BULK];
	unsigned n = 0;

	for (; q->head != end; q->head++) {
		struct rte_mbuf *next, *m = q->mbufs[q->head & q->mask];

		for (; m; m = next) {
			next = m->next;
			m = rte_pktmbuf_prefree_seg(m);
			if (!m)
				continue;
			if (n == PP_PAIR_BULK || m->pool != q->source.mp)
				batch_end(&q->source, batch, &n);
			if (m->pool != q->source.mp)
				pp_mbufs_open(&q->source, m->pool);
			batch[n++] = m;
		}
	}
	batch_end(&q->source, batch, &n);
}

/* What the device had is errors, whatever became of it. */
static void sent_lose(struct pp_pair *q)
{
	q->count.tx_errors += q->tail - q->head;
	pp_pair_renew(q);
}

/* One completion stands for all before it. */
static void sent_poll(struct pp_pair *q)
{
	struct ibv_wc wcs[PP_PAIR_BULK];
	int n = ibv_poll_cq(q->cq, PP_PAIR_BULK, wcs);

	for (int i = 0; i < n; i++) {
		if (unlikely(wcs[i].status != IBV_WC_SUCCESS)) {
			sent_lose(q);
			return;
		}
		sent_free(q, (uint32_t)wcs[i].wr_id);
	}
}

int verbs_send_cleanup(void *queue, uint32_t n)
{
	struct pp_pair *q = queue;
	uint32_t before = q->tail - q->head;

	RTE_SET_USED(n);
	if (q->cq)
		sent_poll(q);
	return (int)(before - (q->tail - q->head));
}

/* Elements for the whole frame, 0 if it cannot be sent. */
static uint32_t frame_elements(struct pp_pair *q, const struct rte_mbuf *packet,
			       struct ibv_sge *sges)
{
	uint32_t n = 0;

	for (const struct rte_mbuf *m = packet; m; m = m->next) {
		struct ibv_sge part[2];
		int parts = pp_regions_mbuf(&q->port->regions, &q->hint, m, part);

		if (unlikely(!parts || n + (uint32_t)parts > q->port->segments))
			return 0;
		for (int i = 0; i < parts; i++)
			sges[n++] = part[i];
	}
	return n;
}

/* Posts what it can of up to 64: how many of the packets it has taken. */
static unsigned sends_post(struct pp_pair *q, struct rte_mbuf **pkts, unsigned n,
			   const struct pp_peer_way *way)
{
	struct ibv_send_wr wrs[PP_PAIR_BULK], *bad;
	struct ibv_sge sges[PP_PAIR_BULK * 2 + PP_RDMA_SEGMENTS];
	uint32_t most = way ? RTE_MIN(q->port->frame, way->frame) : q->port->frame;
	unsigned taken, posted = 0, used = 0;

	for (taken = 0; taken < n && used < PP_PAIR_BULK * 2; taken++) {
		struct rte_mbuf *m = pkts[taken];
		struct ibv_send_wr *wr = &wrs[posted];
		uint32_t elements = m->pkt_len <= most && m->pkt_len >= RTE_ETHER_HDR_LEN
					    ? frame_elements(q, m, &sges[used])
					    : 0;

		if (unlikely(!elements)) {
			rte_pktmbuf_free(m);
			q->count.tx_errors++;
			continue;
		}
		*wr = (struct ibv_send_wr){ .next = wr + 1,
					    .sg_list = &sges[used],
					    .num_sge = (int)elements,
					    .opcode = IBV_WR_SEND };
		if (way) {
			wr->wr.ud.ah = way->ah;
			wr->wr.ud.remote_qpn = way->qpn;
			wr->wr.ud.remote_qkey = way->qkey;
		}
		q->mbufs[(q->tail + posted++) & q->mask] = m;
		used += elements;
		q->count.tx_bytes += m->pkt_len;
	}
	if (!posted)
		return taken;
	wrs[posted - 1].next = NULL;
	wrs[posted - 1].send_flags = IBV_SEND_SIGNALED;
	wrs[posted - 1].wr_id = q->tail + posted;
	q->tail += posted;
	q->count.tx_packets += posted;
	/* Part of it may be under way, with nothing to tell of its end. */
	if (unlikely(ibv_post_send(q->qp, wrs, &bad)))
		sent_lose(q);
	return taken;
}

uint16_t verbs_send(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct pp_pair *q = queue;
	const struct pp_peer_way *way = pp_peer_way(&q->port->peer);
	uint16_t sent = 0;

	if (unlikely(!q->cq))
		pp_pair_renew(q);
	else
		sent_poll(q);
	if (unlikely(!q->qp || (!way && !q->port->raw))) {
		rte_pktmbuf_free_bulk(pkts, n);
		q->count.tx_errors += n;
		return n;
	}
	while (sent < n && q->qp && q->tail - q->head < q->depth) {
		unsigned room = q->depth - (q->tail - q->head);

		sent += (uint16_t)sends_post(q, pkts + sent,
					     RTE_MIN(RTE_MIN(room, PP_PAIR_BULK),
						     (uint32_t)(n - sent)),
					     way);
	}
	return sent;
}
