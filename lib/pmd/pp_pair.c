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

void pp_pair_renew(struct pp_pair *q)
{
	struct pp_rdma *port = q->port;
	int rc;

	if (q->receives)
		pp_rdma_steer(port, NULL);
	pp_pair_close(q);
	rc = pp_pair_open(q);
	if (!rc && q->receives)
		rc = pp_rdma_steer(port, q->qp);
	if (rc && !q->failed)
		rte_log(RTE_LOG_ERR, pp_vdev_log, "%s: no new queue pair: %s\n", port->device,
			pp_error());
	q->failed = rc;
	if (rc)
		pp_pair_close(q);
	else if (q->receives)
		__atomic_store_n(&port->peer.qpn, q->qp->qp_num, __ATOMIC_RELEASE);
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
		q->count.rx_errors += n - i;
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
			q->count.rx_nombuf++;
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
		q->count.rx_reserve += drawn;
		if (drawn)
			break;
	}
	if (n)
		receives_post(q, mbufs, n);
}
