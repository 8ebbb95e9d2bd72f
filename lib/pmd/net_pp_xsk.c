/* SPDX-License-Identifier: BSD-3-Clause */
/* Net pp xsk: the AF_XDP driver's vdev: its arguments, ports started and stopped, what they count. */
#include <rte_kvargs.h>

#include "ethdev_vdev.h"
#include "net_pp_xsk.h"
#include "pp_iface.h"

#define FRAME_MAX 65535

RTE_LOG_REGISTER(xsk_log_type, pmd.net.pp_xsk, NOTICE);
#define XSK_ERROR(...) rte_log(RTE_LOG_ERR, xsk_log_type, "net_pp_xsk: " __VA_ARGS__)

struct xsk_device {
	char iface[IF_NAMESIZE];
	uint16_t queues, queue, busy_budget, copy, frags;
	struct rte_ether_addr mac;
	struct pp_xsk_port *port;
	struct xsk_counts since; /* the last reset: what was counted until then, negative */
	struct xsk_lane *lanes;
};

static int xsk_configure(struct rte_eth_dev *dev)
{
	if (dev->data->nb_rx_queues == dev->data->nb_tx_queues)
		return 0;
	XSK_ERROR("a socket receives and sends: as many receive queues as send queues\n");
	return -EINVAL;
}

static int xsk_link_update(struct rte_eth_dev *dev, int wait __rte_unused)
{
	const struct xsk_device *xsk = dev->data->dev_private;
	struct rte_eth_link link = { .link_speed = RTE_ETH_SPEED_NUM_10G,
				     .link_duplex = RTE_ETH_LINK_FULL_DUPLEX,
				     .link_status = pp_iface_is_running(xsk->iface) };

	return rte_eth_linkstatus_set(dev, &link);
}

/* All of a struct xsk_counts, each added. */
static void counts_add(struct xsk_counts *to, const struct xsk_counts *from)
{
	for (unsigned i = 0; i < sizeof(*to) / sizeof(uint64_t); i++)
		((uint64_t *)to)[i] += ((const uint64_t *)from)[i];
}

/* What both threads of a lane have counted, its socket and the kernel. */
static struct xsk_counts lane_count(const struct xsk_lane *lane)
{
	struct xdp_statistics kernel = { 0 };
	socklen_t bytes = sizeof(kernel);
	struct xsk_counts c = lane->rx;

	counts_add(&c, &lane->tx);
	if (lane->q && !getsockopt(lane->q->fd, SOL_XDP, XDP_STATISTICS, &kernel, &bytes)) {
		c.missed += kernel.rx_dropped + kernel.rx_ring_full;
		c.nombuf += lane->q->starved;
		c.reserve += lane->q->last;
	}
	return c;
}

/* Of all lanes. */
static struct xsk_counts xsk_count(const struct rte_eth_dev *dev)
{
	const struct xsk_device *xsk = dev->data->dev_private;
	struct xsk_counts sum = xsk->since;

	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++) {
		struct xsk_counts c = lane_count(&xsk->lanes[i]);

		counts_add(&sum, &c);
	}
	return sum;
}

static void lane_stop(struct xsk_lane *lane)
{
	lane->rx = lane_count(lane);
	lane->tx = (struct xsk_counts){ 0 };
	rte_pktmbuf_free(lane->head);
	pp_xsk_queue_destroy(lane->q);
	pp_umem_put(lane->umem);
	lane->head = NULL;
	lane->q = NULL;
	lane->umem = NULL;
}

/* An MTU of more than a buffer takes frames in several. */
static int mtu_check(const struct xsk_device *xsk, const struct xsk_lane *lane, int mtu)
{
	if (!lane->q || lane->q->frags || mtu + RTE_ETHER_HDR_LEN <= (int)lane->frame)
		return 0;
	XSK_ERROR("%s: MTU %d is over the buffer, which takes frames of %u bytes: ip link set dev "
		  "%s mtu %d\n",
		  xsk->iface, mtu, lane->frame, xsk->iface, (int)lane->frame - RTE_ETHER_HDR_LEN);
	return -EINVAL;
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
	struct rte_mbuf like = { .nb_segs = 1, .port = port };
	int mtu, rc = pp_umem_get(lane->mp, &lane->umem);

	if (rc)
		goto fail;
	rte_mbuf_refcnt_set(&like, 1);
	like.data_off = pp_umem_data_off(lane->umem);
	lane->rearm = *xsk_rearm(&like);
	lane->frame = pp_xsk_umem_frame(lane->umem->umem);
	lane->busy = params.busy_budget != 0;
	params.source = lane->umem->source;
	rc = pp_xsk_queue_create(lane->umem->umem, xsk->port, &params, &lane->q);
	if (rc)
		goto fail;
	rc = pp_iface_mtu(xsk->iface, &mtu);
	return rc ? rc : mtu_check(xsk, lane, mtu);
fail:
	XSK_ERROR("%s: %s\n", xsk->iface, pp_error());
	return rc;
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

	if (rc)
		XSK_ERROR("%s\n", pp_error());
	for (uint16_t i = 0; i < dev->data->nb_rx_queues && !rc; i++)
		rc = lane_start(xsk, &xsk->lanes[i], i, dev->data->port_id);
	if (rc)
		xsk_stop(dev);
	else
		xsk_link_update(dev, 0);
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
	info->rx_desc_lim.nb_max = info->tx_desc_lim.nb_max = 16384;
	info->rx_desc_lim.nb_min = info->tx_desc_lim.nb_min = PP_XSK_BULK;
	info->rx_desc_lim.nb_align = info->tx_desc_lim.nb_align = 1;
	info->default_rxportconf.ring_size = info->default_txportconf.ring_size = 1024;
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

static int xsk_stats(struct rte_eth_dev *dev, struct rte_eth_stats *stats)
{
	struct xsk_counts c = xsk_count(dev);

	stats->ipackets = c.rx_packets;
	stats->ibytes = c.rx_bytes;
	stats->imissed = c.missed;
	stats->rx_nombuf = c.nombuf;
	stats->opackets = c.tx_packets;
	stats->obytes = c.tx_bytes;
	stats->oerrors = c.tx_errors;
	return 0;
}

static int xsk_stats_reset(struct rte_eth_dev *dev)
{
	struct xsk_device *xsk = dev->data->dev_private;
	struct xsk_counts c = xsk_count(dev);

	for (unsigned i = 0; i < sizeof(c) / sizeof(uint64_t); i++)
		((uint64_t *)&xsk->since)[i] -= ((uint64_t *)&c)[i];
	return 0;
}

static int xsk_xstats_names(struct rte_eth_dev *dev __rte_unused, struct rte_eth_xstat_name *names,
			    unsigned n)
{
	if (names && n >= 2) {
		strcpy(names[0].name, "tx_copied_packets");
		strcpy(names[1].name, "rx_reserve_mbufs");
	}
	return 2;
}

static int xsk_xstats(struct rte_eth_dev *dev, struct rte_eth_xstat *values, unsigned n)
{
	struct xsk_counts c = xsk_count(dev);

	if (values && n >= 2) {
		values[0] = (struct rte_eth_xstat){ .id = 0, .value = c.tx_copied };
		values[1] = (struct rte_eth_xstat){ .id = 1, .value = c.reserve };
	}
	return 2;
}

static int xsk_mtu_set(struct rte_eth_dev *dev, uint16_t mtu)
{
	struct xsk_device *xsk = dev->data->dev_private;
	int rc = mtu_check(xsk, xsk->lanes, mtu);

	return rc ? rc : pp_iface_set_mtu(xsk->iface, mtu);
}

/* What comes to the sockets is what the interface lets through. */
static int xsk_nothing(struct rte_eth_dev *dev __rte_unused)
{
	return 0;
}

static const struct eth_dev_ops xsk_ops = {
	.dev_configure = xsk_configure,
	.dev_start = xsk_start,
	.dev_stop = xsk_stop,
	.dev_close = xsk_close,
	.dev_infos_get = xsk_info,
	.rx_queue_setup = xsk_rx_setup,
	.tx_queue_setup = xsk_tx_setup,
	.tx_done_cleanup = xsk_send_cleanup,
	.link_update = xsk_link_update,
	.stats_get = xsk_stats,
	.stats_reset = xsk_stats_reset,
	.xstats_get_names = xsk_xstats_names,
	.xstats_get = xsk_xstats,
	.mtu_set = xsk_mtu_set,
	.promiscuous_enable = xsk_nothing,
	.promiscuous_disable = xsk_nothing,
};

static int number_parse(const char *key, const char *value, void *to)
{
	char *end;
	unsigned long number = strtoul(value, &end, 10);

	*(uint16_t *)to = (uint16_t)number;
	if (*value >= '0' && *value <= '9' && !*end && number <= 1024)
		return 0;
	XSK_ERROR("%s=%s: not a number of 0..1024\n", key, value);
	return -EINVAL;
}

static int iface_parse(const char *key, const char *value, void *to)
{
	snprintf(to, IF_NAMESIZE, "%s", value);
	if (if_nametoindex(value))
		return 0;
	XSK_ERROR("%s=%s: there is no such interface here\n", key, value);
	return -ENODEV;
}

static int args_parse(struct xsk_device *xsk, const char *text)
{
	static const char *const keys[] = { "iface", "queues", "queue", "busy_budget",
					    "copy",  "frags",  NULL };
	uint16_t *const to[] = { &xsk->queues, &xsk->queue, &xsk->busy_budget, &xsk->copy,
				 &xsk->frags };
	struct rte_kvargs *kvargs = rte_kvargs_parse(text, keys);
	unsigned most;
	int rc = -EINVAL;

	if (!kvargs || rte_kvargs_count(kvargs, "iface") != 1)
		XSK_ERROR("%s: wants iface=NAME, takes queues, queue, busy_budget, copy, frags\n",
			  text);
	else
		rc = rte_kvargs_process(kvargs, "iface", iface_parse, xsk->iface);
	for (unsigned i = 0; i < RTE_DIM(to) && !rc; i++)
		rc = rte_kvargs_process(kvargs, keys[i + 1], number_parse, to[i]);
	rte_kvargs_free(kvargs);
	if (rc)
		return -EINVAL;
	most = pp_iface_queues(xsk->iface);
	if (xsk->queues && xsk->queue + xsk->queues <= most)
		return pp_iface_mac(xsk->iface, &xsk->mac);
	XSK_ERROR("%s has queues 0 to %u: queue=%u and queues=%u are others\n", xsk->iface,
		  most - 1, xsk->queue, xsk->queues);
	return -EINVAL;
}

static int xsk_probe(struct rte_vdev_device *vdev)
{
	struct xsk_device args = { .queues = 1, .busy_budget = PP_XSK_BULK, .frags = 1 };
	struct rte_eth_dev *dev;
	struct xsk_device *xsk;
	int rc;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
		XSK_ERROR("its sockets are the primary process's\n");
		return -ENOTSUP;
	}
	rc = args_parse(&args, rte_vdev_device_args(vdev));
	if (rc)
		return rc;
	args.lanes = rte_calloc("net_pp_xsk", args.queues, sizeof(*args.lanes), 0);
	dev = args.lanes ? rte_eth_vdev_allocate(vdev, sizeof(*xsk)) : NULL;
	if (!dev) {
		rte_free(args.lanes);
		return -ENOMEM;
	}
	xsk = dev->data->dev_private;
	*xsk = args;
	dev->data->mac_addrs = &xsk->mac;
	dev->dev_ops = &xsk_ops;
	dev->rx_pkt_burst = xsk_receive;
	dev->tx_pkt_burst = xsk_send;
	rte_eth_dev_probing_finish(dev);
	return 0;
}

static int xsk_remove(struct rte_vdev_device *vdev)
{
	struct rte_eth_dev *dev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));

	if (!dev)
		return 0;
	xsk_close(dev);
	return rte_eth_dev_release_port(dev);
}

static struct rte_vdev_driver xsk_driver = { .probe = xsk_probe, .remove = xsk_remove };

RTE_PMD_REGISTER_VDEV(net_pp_xsk, xsk_driver);
RTE_PMD_REGISTER_PARAM_STRING(net_pp_xsk, "iface=<string> queues=<int> queue=<int> "
					  "busy_budget=<int> copy=<0|1> frags=<0|1>");
