/* SPDX-License-Identifier: BSD-3-Clause */
/* Pair: mbufs in the hands of a queue pair that only receives, or only sends. */
#include <rte_ether.h>
#include <rte_malloc.h>

#include "pp_fail.h"
#include "pp_pair.h"

/* A receive queue with fewer draws on the reserve. */
#define KEEP 16u

static int qp_ready(struct pp_pair *q)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = q->port->number,
		.qkey = q->port->peer.qkey,
	};
	int ud = q->port->raw ? 0 : IBV_QP_PKEY_INDEX | IBV_QP_QKEY;
	int rc = ibv_modify_qp(q->qp, &attr, IBV_QP_STATE | IBV_QP_PORT | ud);

	attr.qp_state = IBV_QPS_RTR;
	if (!rc)
		rc = ibv_modify_qp(q->qp, &attr, IBV_QP_STATE);
	attr.qp_state = IBV_QPS_RTS;
	if (!rc && !q->receives)
		rc = ibv_modify_qp(q->qp, &attr, IBV_QP_STATE | (ud ? IBV_QP_SQ_PSN : 0));
	return rc;
}

int pp_pair_open(struct pp_pair *q)
{
	struct pp_rdma *port = q->port;
	bool receives = q->receives;
	struct ibv_qp_init_attr init = {
		.qp_type = port->raw ? IBV_QPT_RAW_PACKET : IBV_QPT_UD,
		.cap = { .max_send_wr = receives ? 1 : q->depth,
			 .max_recv_wr = receives ? q->depth : 1,
			 .max_send_sge = receives ? 1 : port->segments,
			 .max_recv_sge = receives ? 2 : 1 },
	};
	int rc;

	q->head = q->tail = 0;
	q->mask = rte_align32pow2(q->depth) - 1;
	q->mbufs = rte_calloc("net_pp_verbs", q->mask + 1, sizeof(void *), 0);
	q->cq = q->mbufs ? ibv_create_cq(port->context, (int)q->depth, NULL, NULL, 0) : NULL;
	if (!q->cq)
		return pp_fail(-ENOMEM, "%s: no completion queue of %u: fewer descriptors?",
			       port->device, q->depth);
	init.send_cq = init.recv_cq = q->cq;
	errno = 0;
	q->qp = ibv_create_qp(port->pd, &init);
	if (!q->qp && port->raw)
		return pp_fail(
			errno ? -errno : -ENOTSUP,
			"%s has no queue pairs for raw packets here (%s): give peer=ADDRESS, "
			"for frames in datagrams",
			port->device, strerror(errno));
	if (!q->qp)
		return pp_fail(errno ? -errno : -EIO, "%s: no queue pair of %u requests: %s",
			       port->device, q->depth, strerror(errno));
	rc = qp_ready(q);
	return rc ? pp_fail(-rc, "%s: a queue pair does not start: %s", port->device, strerror(rc))
		  : 0;
}

void pp_pair_close(struct pp_pair *q)
{
	/* From here on the device reaches none of them. */
	if (q->qp)
		ibv_destroy_qp(q->qp);
	if (q->cq)
		ibv_destroy_cq(q->cq);
	for (; q->head != q->tail; q->head++)
		rte_pktmbuf_free(q->mbufs[q->head & q->mask]);
	rte_free(q->mbufs);
	q->qp = NULL;
	q->cq = NULL;
	q->mbufs = NULL;
}

/* What the device has done with its memory since it erred is nobody's. */
static void pair_renew(struct pp_pair *q)
{
	pp_pair_close(q);
	if (pp_pair_open(q) || !q->qp)
		pp_pair_close(q);
	else if (q->receives)
		__atomic_store_n(&q->port->peer.qpn, q->qp->qp_num, __ATOMIC_RELEASE);
}

static inline uint64_t *mbuf_rearm(struct rte_mbuf *m)
{
	return RTE_PTR_ADD(m, offsetof(struct rte_mbuf, data_off));
}

static void receives_post(struct pp_pair *q, struct rte_mbuf **mbufs, unsigned n)
{
	struct ibv_recv_wr wrs[PP_PAIR_BULK], *bad = NULL;
	struct ibv_sge sges[PP_PAIR_BULK][2];
	unsigned i;

	for (i = 0; i < n; i++) {
		struct rte_mbuf *m = mbufs[i];
		char *data = (char *)m->buf_addr + RTE_PKTMBUF_HEADROOM - q->port->headroom;
		uint32_t bytes = m->buf_len - RTE_PKTMBUF_HEADROOM + q->port->headroom;

		wrs[i] = (struct ibv_recv_wr){ .next = &wrs[i + 1], .sg_list = sges[i] };
		wrs[i].num_sge = pp_regions_sge(&q->port->regions, &q->hint, data, bytes, sges[i]);
		if (unlikely(!wrs[i].num_sge))
			break;
		q->mbufs[q->tail++ & q->mask] = m;
	}
	bad = i ? wrs : NULL;
	if (i) {
		wrs[i - 1].next = NULL;
		if (likely(!ibv_post_recv(q->qp, wrs, &bad)))
			bad = NULL;
	}
	if (unlikely(bad)) {
		q->tail -= i - (unsigned)(bad - wrs);
		i = (unsigned)(bad - wrs);
	}
	if (unlikely(i < n)) {
		pp_mbufs_free(&q->source, (void **)&mbufs[i], n - i);
		q->count.errors += n - i;
	}
}

/*
 * 64 at a time while there are 64. Only a queue that would soon be empty takes
 * what is left, and what is missing yet of the reserve.
 */
void pp_pair_refill(struct pp_pair *q)
{
	struct rte_mbuf *mbufs[PP_PAIR_BULK];
	uint32_t posted = q->tail - q->head;
	unsigned n;

	for (; q->depth - posted >= PP_PAIR_BULK; posted += PP_PAIR_BULK) {
		if (!pp_mbufs_bulk(&q->source, (void **)mbufs, PP_PAIR_BULK)) {
			q->count.nombuf++;
			break;
		}
		receives_post(q, mbufs, PP_PAIR_BULK);
	}
	if (likely(posted >= KEEP))
		return;
	n = pp_mbufs_burst(&q->source, (void **)mbufs, KEEP - posted);
	for (unsigned want = KEEP - posted - n; want; want /= 2) {
		unsigned drawn = pp_mbufs_last(&q->source, (void **)mbufs + n, want);

		n += drawn;
		if (drawn)
			break;
	}
	if (n)
		receives_post(q, mbufs, n);
}

uint16_t pp_pair_receive(void *queue, struct rte_mbuf **pkts, uint16_t n)
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
			q->count.errors++;
			continue;
		}
		*mbuf_rearm(m) = q->rearm;
		m->ol_flags = 0;
		m->packet_type = 0;
		m->pkt_len = bytes;
		m->data_len = (uint16_t)bytes;
		q->count.bytes += bytes;
		pkts[out++] = m;
	}
	q->count.packets += out;
	if (unlikely(out < got || got < 0 || !q->cq))
		pair_renew(q);
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
	for (uint32_t i = q->head; i != q->tail; i++) {
		q->count.errors++;
		q->count.packets--;
		q->count.bytes -= q->mbufs[i & q->mask]->pkt_len;
	}
	pair_renew(q);
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

int pp_pair_send_cleanup(void *queue, uint32_t n)
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
	struct pp_regions *regions = &q->port->regions;
	uint32_t n = 0;

	for (const struct rte_mbuf *m = packet; m; m = m->next) {
		const void *data = rte_pktmbuf_mtod(m, const void *);
		struct ibv_sge part[2];
		int parts = pp_regions_sge(regions, &q->hint, data, m->data_len, part);

		/* A mempool not seen before; an mbuf's data may be another's. */
		if (unlikely(!parts) && !RTE_MBUF_HAS_EXTBUF(m) &&
		    !pp_regions_add(regions,
				    RTE_MBUF_CLONED(m)
					    ? rte_mbuf_from_indirect((void *)(uintptr_t)m)->pool
					    : m->pool))
			parts = pp_regions_sge(regions, &q->hint, data, m->data_len, part);
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
	uint64_t bytes = 0;

	for (taken = 0; taken < n && used < PP_PAIR_BULK * 2; taken++) {
		struct rte_mbuf *m = pkts[taken];
		struct ibv_send_wr *wr = &wrs[posted];
		uint32_t elements = m->pkt_len <= most && m->pkt_len >= RTE_ETHER_HDR_LEN
					    ? frame_elements(q, m, &sges[used])
					    : 0;

		if (unlikely(!elements)) {
			rte_pktmbuf_free(m);
			q->count.errors++;
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
		bytes += m->pkt_len;
	}
	if (!posted)
		return taken;
	wrs[posted - 1].next = NULL;
	wrs[posted - 1].send_flags = IBV_SEND_SIGNALED;
	wrs[posted - 1].wr_id = q->tail + posted;
	q->tail += posted;
	q->count.packets += posted;
	q->count.bytes += bytes;
	/* Part of it may be under way, with nothing to tell of its end. */
	if (unlikely(ibv_post_send(q->qp, wrs, &bad)))
		sent_lose(q);
	return taken;
}

uint16_t pp_pair_send(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct pp_pair *q = queue;
	const struct pp_peer_way *way = pp_peer_way(&q->port->peer);
	uint16_t sent = 0;

	if (unlikely(!q->cq))
		pair_renew(q);
	else
		sent_poll(q);
	if (unlikely(!q->qp || (!way && !q->port->raw))) {
		rte_pktmbuf_free_bulk(pkts, n);
		q->count.errors += n;
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
