/* SPDX-License-Identifier: BSD-3-Clause */
/* Net pp xsk: the AF_XDP driver's vdev: its arguments, ports started and stopped, what they count. */
#include "net_pp_xsk.h"
#include "pp_iface.h"

#define FRAME_MAX 65535

struct xsk_device {
	struct pp_vdev vdev;
	char iface[PP_VDEV_TEXT];
	uint16_t queues, queue, busy_budget, copy, frags;
	struct rte_ether_addr mac;
	struct pp_xsk_port *port;
	struct xsk_lane *lanes;
};

static int xsk_link_update(struct rte_eth_dev *dev, int wait __rte_unused)
{
	const struct xsk_device *xsk = dev->data->dev_private;
	struct rte_eth_link link = { .link_speed = RTE_ETH_SPEED_NUM_10G,
				     .link_duplex = RTE_ETH_LINK_FULL_DUPLEX,
				     .link_status = pp_iface_is_running(xsk->iface) };

	return rte_eth_linkstatus_set(dev, &link);
}

/* What both threads of a lane have counted, its socket and the kernel. */
static struct pp_counts lane_count(const struct xsk_lane *lane)
{
	struct xdp_statistics kernel = { 0 };
	socklen_t bytes = sizeof(kernel);
	const struct pp_xsk_queue *q = __atomic_load_n(&lane->q, __ATOMIC_ACQUIRE);
	struct pp_counts c = lane->rx;

	pp_counts_add(&c, &lane->tx);
	if (q && !getsockopt(q->fd, SOL_XDP, XDP_STATISTICS, &kernel, &bytes)) {
		c.rx_missed += kernel.rx_dropped + kernel.rx_ring_full;
		c.rx_nombuf += q->starved;
		c.rx_reserve += q->last;
	}
	return c;
}

static void xsk_count(const struct rte_eth_dev *dev, struct pp_counts *sum)
{
	const struct xsk_device *xsk = dev->data->dev_private;

	/* Also of those that it had before it was configured anew. */
	for (uint16_t i = 0; i < xsk->queues && xsk->lanes; i++) {
		struct pp_counts c = lane_count(&xsk->lanes[i]);

		pp_counts_add(sum, &c);
	}
}

static void lane_stop(struct xsk_lane *lane)
{
	struct pp_counts counts = lane_count(lane);
	struct pp_xsk_queue *q = lane->q;

	/* Whoever asks for counters meanwhile finds what the queue had in the lane's, or in neither. */
	__atomic_store_n(&lane->q, NULL, __ATOMIC_RELEASE);
	lane->rx = counts;
	lane->tx = (struct pp_counts){ 0 };
	rte_pktmbuf_free(lane->head);
	pp_xsk_queue_destroy(q);
	pp_umem_put(lane->umem);
	lane->head = NULL;
	lane->umem = NULL;
}

/* An MTU of more than a buffer takes frames in several. */
static int mtu_check(const struct xsk_device *xsk, const struct xsk_lane *lane, int mtu)
{
	if (!lane->q || lane->q->frags || mtu + RTE_ETHER_HDR_LEN <= (int)lane->frame)
		return 0;
	return pp_fail(-EINVAL,
		       "%s: MTU %d is over the buffer, which takes frames of %u bytes: ip link set "
		       "dev %s mtu %d",
		       xsk->iface, mtu, lane->frame, xsk->iface,
		       (int)lane->frame - RTE_ETHER_HDR_LEN);
}

static int lane_start(struct xsk_device *xsk, struct xsk_lane *lane, uint16_t i, uint16_t port)
{
	struct pp_xsk_queue_params params = {
		.sz = sizeof(params),
		.queue = xsk->queue + i,
		.rx = lane->rx_descs,
		.tx = lane->tx_descs,
		.busy_budget = xsk->busy_budget,
		.flags = (xsk->copy ? PP_XSK_COPY : 0u) | (xsk->frags ? 0u : PP_XSK_SINGLE),
	};
	int mtu, rc = pp_umem_get(lane->mp, &lane->umem);

	if (rc)
		return rc;
	lane->rearm = pp_mbuf_rearm(port, pp_umem_data_off(lane->umem));
	lane->frame = pp_xsk_umem_frame(lane->umem->umem);
	params.source = lane->umem->source;
	rc = pp_xsk_queue_create(lane->umem->umem, xsk->port, &params, &lane->q);
	if (rc)
		return rc;
	lane->busy = lane->q->busy;
	rc = pp_iface_mtu(xsk->iface, &mtu);
	return rc ? rc : mtu_check(xsk, lane, mtu);
}

static int xsk_stop(struct rte_eth_dev *dev)
{
	struct xsk_device *xsk = dev->data->dev_private;

	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++)
		lane_stop(&xsk->lanes[i]);
	pp_xsk_port_close(xsk->port);
	xsk->port = NULL;
	return 0;
}

static int xsk_start(struct rte_eth_dev *dev)
{
	struct xsk_device *xsk = dev->data->dev_private;
	int rc = pp_xsk_port_open(xsk->iface, &xsk->port);

	for (uint16_t i = 0; i < dev->data->nb_rx_queues && !rc; i++)
		rc = lane_start(xsk, &xsk->lanes[i], i, dev->data->port_id);
	if (rc) {
		PP_VDEV_ERROR(dev, "%s", pp_error());
		xsk_stop(dev);
	} else {
		xsk_link_update(dev, 0);
	}
	return rc;
}

static int xsk_close(struct rte_eth_dev *dev)
{
	struct xsk_device *xsk = dev->data->dev_private;

	xsk_stop(dev);
	rte_free(xsk->lanes);
	/* Part of what is freed with the port. */
	dev->data->mac_addrs = NULL;
	return 0;
}

static int xsk_info(struct rte_eth_dev *dev, struct rte_eth_dev_info *info)
{
	const struct xsk_device *xsk = dev->data->dev_private;

	info->if_index = if_nametoindex(xsk->iface);
	info->max_mac_addrs = 1;
	info->max_rx_queues = info->max_tx_queues = xsk->queues;
	info->max_rx_pktlen = FRAME_MAX;
	info->max_mtu = FRAME_MAX - RTE_ETHER_HDR_LEN;
	info->rx_offload_capa = RTE_ETH_RX_OFFLOAD_SCATTER;
	info->tx_offload_capa = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	/* A ring is filled by 64: of fewer than twice that a long frame might find too few. */
	pp_vdev_rings(info, 2 * PP_XSK_BULK, 16384, 1024);
	return 0;
}

static int xsk_rx_setup(struct rte_eth_dev *dev, uint16_t i, uint16_t descs,
			unsigned socket __rte_unused,
			const struct rte_eth_rxconf *conf __rte_unused, struct rte_mempool *mp)
{
	struct xsk_lane *lane = &((struct xsk_device *)dev->data->dev_private)->lanes[i];

	lane->mp = mp;
	lane->rx_descs = descs;
	dev->data->rx_queues[i] = lane;
	return 0;
}

static int xsk_tx_setup(struct rte_eth_dev *dev, uint16_t i, uint16_t descs,
			unsigned socket __rte_unused,
			const struct rte_eth_txconf *conf __rte_unused)
{
	struct xsk_lane *lane = &((struct xsk_device *)dev->data->dev_private)->lanes[i];

	lane->tx_descs = descs;
	dev->data->tx_queues[i] = lane;
	return 0;
}

static int xsk_mtu_set(struct rte_eth_dev *dev, uint16_t mtu)
{
	struct xsk_device *xsk = dev->data->dev_private;
	int rc = 0;

	for (uint16_t i = 0; i < xsk->queues && !rc; i++)
		rc = mtu_check(xsk, &xsk->lanes[i], mtu);
	rc = rc ? rc : pp_iface_set_mtu(xsk->iface, mtu);
	if (rc)
		PP_VDEV_ERROR(dev, "%s", pp_error());
	return rc;
}

static const struct eth_dev_ops xsk_ops = {
	/* A socket receives and sends. */
	.dev_configure = pp_vdev_configure,
	.dev_start = xsk_start,
	.dev_stop = xsk_stop,
	.dev_close = xsk_close,
	.dev_infos_get = xsk_info,
	.rx_queue_setup = xsk_rx_setup,
	.tx_queue_setup = xsk_tx_setup,
	.tx_done_cleanup = xsk_send_cleanup,
	.link_update = xsk_link_update,
	.stats_get = pp_vdev_stats,
	.stats_reset = pp_vdev_stats_reset,
	.xstats_get_names = pp_vdev_xstats_names,
	.xstats_get = pp_vdev_xstats,
	.mtu_set = xsk_mtu_set,
	/* What comes to the sockets is what the interface lets through. */
	.promiscuous_enable = pp_vdev_nothing,
	.promiscuous_disable = pp_vdev_nothing,
};

static int iface_parse(const char *key, const char *value, void *to)
{
	int rc = pp_vdev_text(key, value, to);

	return rc || if_nametoindex(value)
		       ? rc
		       : pp_fail(-ENODEV, "%s=%s: there is no such interface here", key, value);
}

static int args_parse(struct xsk_device *xsk, const char *text)
{
	static const char *const keys[] = { "iface", "queues", "queue", "busy_budget",
					    "copy",  "frags",  NULL };
	uint16_t *const to[] = { &xsk->queues, &xsk->queue, &xsk->busy_budget, &xsk->copy,
				 &xsk->frags };
	struct rte_kvargs *kvargs = rte_kvargs_parse(text, keys);
	unsigned most;
	int rc = 0;

	if (!kvargs || rte_kvargs_count(kvargs, "iface") != 1)
		rc = pp_fail(
			-EINVAL,
			"'%s': wants iface=NAME, takes queues, queue, busy_budget, copy, frags",
			text);
	else if (rte_kvargs_process(kvargs, "iface", iface_parse, xsk->iface))
		rc = -ENODEV;
	for (unsigned i = 0; i < RTE_DIM(to) && !rc; i++)
		if (rte_kvargs_process(kvargs, keys[i + 1], pp_vdev_number, to[i]))
			rc = -EINVAL;
	rte_kvargs_free(kvargs);
	if (rc)
		return rc;
	most = pp_iface_queues(xsk->iface);
	if (xsk->queues && xsk->queue + xsk->queues <= most)
		return pp_iface_mac(xsk->iface, &xsk->mac);
	return pp_fail(-EINVAL, "%s has queues 0 to %u: queue=%u and queues=%u are others",
		       xsk->iface, most - 1, xsk->queue, xsk->queues);
}

static int xsk_open(struct rte_eth_dev *dev, const char *args)
{
	struct xsk_device *xsk = dev->data->dev_private;
	int rc;

	xsk->queues = xsk->frags = 1;
	xsk->busy_budget = PP_XSK_BULK;
	rc = args_parse(xsk, args);
	if (rc)
		return rc;
	dev->data->mac_addrs = &xsk->mac;
	xsk->lanes = rte_calloc("net_pp_xsk", xsk->queues, sizeof(*xsk->lanes), 0);
	return xsk->lanes ? 0 : pp_fail(-ENOMEM, "no memory for %u queues", xsk->queues);
}

static int xsk_probe(struct rte_vdev_device *vdev)
{
	static const struct pp_vdev_driver driver = {
		.bytes = sizeof(struct xsk_device),
		.ops = &xsk_ops,
		.receive = xsk_receive,
		.send = xsk_send,
		.open = xsk_open,
		.count = xsk_count,
	};

	return pp_vdev_probe(vdev, &driver);
}

static struct rte_vdev_driver xsk_driver = { .probe = xsk_probe, .remove = pp_vdev_remove };

RTE_PMD_REGISTER_VDEV(net_pp_xsk, xsk_driver);
RTE_PMD_REGISTER_PARAM_STRING(net_pp_xsk, "iface=<string> queues=<int> queue=<int> "
					  "busy_budget=<int> copy=<0|1> frags=<0|1>");
