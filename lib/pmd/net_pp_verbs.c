/* SPDX-License-Identifier: BSD-3-Clause */
/* Net pp verbs: the RDMA driver's vdev: its arguments, ports started and stopped, what they count. */
#include <rte_alarm.h>
#include <rte_kvargs.h>

#include "ethdev_vdev.h"
#include "pp_fail.h"
#include "pp_pair.h"

/* A port: a queue pair that only receives, and one that only sends, so that the
 * threads of both have nothing in common but the device. */
struct verbs_port {
	struct pp_rdma rdma;
	struct rte_mempool *mp;
	struct ibv_flow *flows[4];
	struct pp_pair rx, tx;
};

#define UDP_PORT 4790
#define DESCS_MAX 4096
/* Between two words to the peer, until it is there and after. */
#define TALK_SOON_US 20000
#define TALK_US 200000

RTE_LOG_REGISTER(verbs_log_type, pmd.net.pp_verbs, NOTICE);
#define VERBS_ERROR(...) rte_log(RTE_LOG_ERR, verbs_log_type, "net_pp_verbs: " __VA_ARGS__)

static int verbs_link_update(struct rte_eth_dev *dev, int wait)
{
	struct verbs_port *port = dev->data->dev_private;
	struct rte_eth_link link = { .link_speed = RTE_ETH_SPEED_NUM_UNKNOWN,
				     .link_duplex = RTE_ETH_LINK_FULL_DUPLEX };
	struct ibv_port_attr attr;

	RTE_SET_USED(wait);
	if (dev->data->dev_started)
		link.link_status = port->rdma.raw ? !ibv_query_port(port->rdma.context,
								    port->rdma.number, &attr) &&
							    attr.state == IBV_PORT_ACTIVE
						  : pp_peer_is_up(&port->rdma.peer);
	return rte_eth_linkstatus_set(dev, &link);
}

static void verbs_talk(void *arg)
{
	struct rte_eth_dev *dev = arg;
	struct verbs_port *port = dev->data->dev_private;
	bool there = pp_peer_talk(&port->rdma.peer);

	verbs_link_update(dev, 0);
	rte_eal_alarm_set(there ? TALK_US : TALK_SOON_US, verbs_talk, dev);
}

static void flows_end(struct verbs_port *port)
{
	for (unsigned i = 0; i < RTE_DIM(port->flows); i++)
		if (port->flows[i])
			ibv_destroy_flow(port->flows[i]);
	memset(port->flows, 0, sizeof(port->flows));
}

/* Who is to receive frames of which addresses, where the device sees frames. */
static int verbs_steer(struct rte_eth_dev *dev)
{
	struct verbs_port *port = dev->data->dev_private;
	struct {
		struct ibv_flow_attr attr;
		struct ibv_flow_spec_eth eth;
	} flow = {
		.attr = { .type = IBV_FLOW_ATTR_NORMAL,
			  .size = sizeof(flow),
			  .num_of_specs = 1,
			  .port = port->rdma.number },
		.eth = { .type = IBV_FLOW_SPEC_ETH, .size = sizeof(flow.eth) },
	};
	struct ibv_flow_attr all = { .size = sizeof(all), .port = port->rdma.number };
	unsigned n = 0;

	flows_end(port);
	if (!port->rdma.raw || !port->rx.qp)
		return 0;
	memset(flow.eth.mask.dst_mac, 0xff, RTE_ETHER_ADDR_LEN);
	memcpy(flow.eth.val.dst_mac, port->rdma.mac, RTE_ETHER_ADDR_LEN);
	port->flows[n++] = ibv_create_flow(port->rx.qp, &flow.attr);
	memset(flow.eth.val.dst_mac, 0xff, RTE_ETHER_ADDR_LEN);
	port->flows[n++] = ibv_create_flow(port->rx.qp, &flow.attr);
	all.type = IBV_FLOW_ATTR_MC_DEFAULT;
	if (dev->data->all_multicast)
		port->flows[n++] = ibv_create_flow(port->rx.qp, &all);
	all.type = IBV_FLOW_ATTR_ALL_DEFAULT;
	if (dev->data->promiscuous)
		port->flows[n++] = ibv_create_flow(port->rx.qp, &all);
	while (n-- > 0)
		if (!port->flows[n])
			return pp_fail(-EIO, "%s steers no frames to us: %s", port->rdma.device,
				       strerror(errno));
	return 0;
}

/* With a peer all that it sends is for us anyway. ethdev notes these only afterwards. */
static int verbs_promiscuous_on(struct rte_eth_dev *dev)
{
	dev->data->promiscuous = 1;
	return verbs_steer(dev);
}

static int verbs_promiscuous_off(struct rte_eth_dev *dev)
{
	dev->data->promiscuous = 0;
	return verbs_steer(dev);
}

static int verbs_multicast_on(struct rte_eth_dev *dev)
{
	dev->data->all_multicast = 1;
	return verbs_steer(dev);
}

static int verbs_multicast_off(struct rte_eth_dev *dev)
{
	dev->data->all_multicast = 0;
	return verbs_steer(dev);
}

static int verbs_stop(struct rte_eth_dev *dev)
{
	struct verbs_port *port = dev->data->dev_private;

	if (!port->rdma.raw) {
		rte_eal_alarm_cancel(verbs_talk, dev);
		if (port->rdma.peer.fd >= 0)
			pp_peer_close(&port->rdma.peer);
	}
	flows_end(port);
	pp_pair_close(&port->tx);
	pp_pair_close(&port->rx);
	pp_regions_clear(&port->rdma.regions);
	dev->data->dev_started = 0;
	verbs_link_update(dev, 0);
	return 0;
}

static int port_start(struct rte_eth_dev *dev, struct verbs_port *port)
{
	struct rte_mbuf like = { .nb_segs = 1,
				 .port = dev->data->port_id,
				 .data_off = RTE_PKTMBUF_HEADROOM };
	int rc = pp_regions_add(&port->rdma.regions, port->mp);

	rte_mbuf_refcnt_set(&like, 1);
	port->rx.rearm = *(uint64_t *)RTE_PTR_ADD(&like, offsetof(struct rte_mbuf, data_off));
	pp_mbufs_open(&port->rx.source, port->mp);
	/* Below the bit that is the kernel's own. */
	port->rdma.peer.qkey = (uint32_t)rte_rand() >> 1;
	rc = rc ? rc : pp_pair_open(&port->rx);
	rc = rc ? rc : pp_pair_open(&port->tx);
	rc = rc ? rc : verbs_steer(dev);
	if (rc)
		return rc;
	pp_pair_refill(&port->rx);
	if (port->rdma.raw)
		return 0;
	port->rdma.peer.qpn = port->rx.qp->qp_num;
	port->rdma.peer.frame =
		RTE_MIN(port->rdma.frame,
			(uint32_t)rte_pktmbuf_data_room_size(port->mp) - RTE_PKTMBUF_HEADROOM);
	rc = pp_peer_open(&port->rdma.peer);
	return rc ? rc : rte_eal_alarm_set(1, verbs_talk, dev);
}

static int verbs_start(struct rte_eth_dev *dev)
{
	struct verbs_port *port = dev->data->dev_private;
	int rc = port_start(dev, port);

	if (rc) {
		VERBS_ERROR("%s: %s\n", dev->data->name, pp_error());
		verbs_stop(dev);
		return rc;
	}
	dev->data->dev_started = 1;
	verbs_link_update(dev, 0);
	return 0;
}

static int verbs_close(struct rte_eth_dev *dev)
{
	struct verbs_port *port = dev->data->dev_private;

	verbs_stop(dev);
	pp_rdma_close(&port->rdma);
	/* Part of what is freed with the port. */
	dev->data->mac_addrs = NULL;
	return 0;
}

static int verbs_configure(struct rte_eth_dev *dev)
{
	RTE_SET_USED(dev);
	return 0;
}

static int verbs_info(struct rte_eth_dev *dev, struct rte_eth_dev_info *info)
{
	const struct verbs_port *port = dev->data->dev_private;

	info->if_index = if_nametoindex(port->rdma.interface);
	info->max_mac_addrs = 1;
	info->max_rx_queues = info->max_tx_queues = 1;
	info->max_rx_pktlen = port->rdma.frame;
	info->max_mtu = (uint16_t)(port->rdma.frame - RTE_ETHER_HDR_LEN);
	info->tx_offload_capa = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	info->rx_desc_lim.nb_max = info->tx_desc_lim.nb_max =
		(uint16_t)RTE_MIN(DESCS_MAX,
				  RTE_MIN(port->rdma.limits.max_qp_wr, port->rdma.limits.max_cqe));
	info->rx_desc_lim.nb_min = info->tx_desc_lim.nb_min = PP_PAIR_BULK;
	info->rx_desc_lim.nb_align = info->tx_desc_lim.nb_align = 1;
	info->default_rxportconf.ring_size = info->default_txportconf.ring_size = 512;
	return 0;
}

/* A frame is received in one buffer. */
static int mtu_check(const struct verbs_port *port, uint16_t mtu)
{
	uint32_t room = port->mp ? rte_pktmbuf_data_room_size(port->mp) : UINT16_MAX;

	if (room >= (uint32_t)mtu + RTE_ETHER_HDR_LEN + RTE_PKTMBUF_HEADROOM)
		return 0;
	VERBS_ERROR(
		"MTU %u is over the buffer: %s has %u bytes, of which %u headroom; data_room of "
		"%u, or MTU of %d\n",
		mtu, port->mp->name, room, RTE_PKTMBUF_HEADROOM,
		mtu + RTE_ETHER_HDR_LEN + RTE_PKTMBUF_HEADROOM,
		(int)room - RTE_PKTMBUF_HEADROOM - RTE_ETHER_HDR_LEN);
	return -EINVAL;
}

static int verbs_mtu_set(struct rte_eth_dev *dev, uint16_t mtu)
{
	return mtu_check(dev->data->dev_private, mtu);
}

static int verbs_rx_setup(struct rte_eth_dev *dev, uint16_t i, uint16_t descs,
			  unsigned socket __rte_unused,
			  const struct rte_eth_rxconf *conf __rte_unused, struct rte_mempool *mp)
{
	struct verbs_port *port = dev->data->dev_private;

	port->mp = mp;
	port->rx.depth = descs;
	dev->data->rx_queues[i] = &port->rx;
	return mtu_check(port, dev->data->mtu);
}

static int verbs_tx_setup(struct rte_eth_dev *dev, uint16_t i, uint16_t descs,
			  unsigned socket __rte_unused,
			  const struct rte_eth_txconf *conf __rte_unused)
{
	struct verbs_port *port = dev->data->dev_private;

	port->tx.depth = descs;
	dev->data->tx_queues[i] = &port->tx;
	return 0;
}

static int verbs_stats(struct rte_eth_dev *dev, struct rte_eth_stats *stats)
{
	const struct verbs_port *port = dev->data->dev_private;

	stats->ipackets = port->rx.count.packets;
	stats->ibytes = port->rx.count.bytes;
	stats->ierrors = port->rx.count.errors;
	stats->rx_nombuf = port->rx.count.nombuf;
	stats->opackets = port->tx.count.packets;
	stats->obytes = port->tx.count.bytes;
	stats->oerrors = port->tx.count.errors;
	return 0;
}

static int verbs_stats_reset(struct rte_eth_dev *dev)
{
	struct verbs_port *port = dev->data->dev_private;

	memset(&port->rx.count, 0, sizeof(port->rx.count));
	memset(&port->tx.count, 0, sizeof(port->tx.count));
	return 0;
}

static const struct eth_dev_ops verbs_ops = {
	.dev_configure = verbs_configure,
	.dev_start = verbs_start,
	.dev_stop = verbs_stop,
	.dev_close = verbs_close,
	.dev_infos_get = verbs_info,
	.rx_queue_setup = verbs_rx_setup,
	.tx_queue_setup = verbs_tx_setup,
	.tx_done_cleanup = pp_pair_send_cleanup,
	.link_update = verbs_link_update,
	.stats_get = verbs_stats,
	.stats_reset = verbs_stats_reset,
	.mtu_set = verbs_mtu_set,
	.promiscuous_enable = verbs_promiscuous_on,
	.promiscuous_disable = verbs_promiscuous_off,
	.allmulticast_enable = verbs_multicast_on,
	.allmulticast_disable = verbs_multicast_off,
};

static int number_parse(const char *key, const char *value, void *to)
{
	char *end;
	unsigned long number = strtoul(value, &end, 10);

	*(uint16_t *)to = (uint16_t)number;
	if (*value >= '0' && *value <= '9' && !*end && number && number <= UINT16_MAX)
		return 0;
	return pp_fail(-EINVAL, "%s=%s: not a number of 1..65535", key, value);
}

static int text_parse(const char *key, const char *value, void *to)
{
	if (snprintf(to, 64, "%s", value) < 64)
		return 0;
	return pp_fail(-EINVAL, "%s=%s: longer than 63 characters", key, value);
}

static int args_parse(struct pp_rdma *rdma, char *address, const char *text)
{
	static const char *const keys[] = { "device", "port", "peer", "udp", NULL };
	struct rte_kvargs *kvargs = rte_kvargs_parse(text, keys);
	uint16_t number = 1;
	int rc = 0;

	rdma->peer.udp = UDP_PORT;
	if (!kvargs || rte_kvargs_count(kvargs, "device") != 1)
		rc = pp_fail(-EINVAL, "'%s': wants device=NAME, takes port, peer, udp", text);
	else if (rte_kvargs_process(kvargs, "device", text_parse, rdma->device) ||
		 rte_kvargs_process(kvargs, "peer", text_parse, address) ||
		 rte_kvargs_process(kvargs, "port", number_parse, &number) ||
		 rte_kvargs_process(kvargs, "udp", number_parse, &rdma->peer.udp))
		rc = -EINVAL;
	rte_kvargs_free(kvargs);
	rdma->number = (uint8_t)RTE_MIN(number, UINT8_MAX);
	return rc;
}

static int verbs_probe(struct rte_vdev_device *vdev)
{
	char address[64] = "";
	struct rte_eth_dev *dev;
	struct verbs_port *port;
	int rc;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
		VERBS_ERROR("its queue pairs are the primary process's\n");
		return -ENOTSUP;
	}
	dev = rte_eth_vdev_allocate(vdev, sizeof(*port));
	if (!dev)
		return -ENOMEM;
	port = dev->data->dev_private;
	port->rdma.peer.fd = -1;
	rc = args_parse(&port->rdma, address, rte_vdev_device_args(vdev));
	rc = rc ? rc : pp_rdma_open(&port->rdma, address);
	if (rc) {
		VERBS_ERROR("%s: %s\n", dev->data->name, pp_error());
		verbs_close(dev);
		rte_eth_dev_release_port(dev);
		return rc;
	}
	port->rx.port = port->tx.port = &port->rdma;
	port->rx.receives = true;
	dev->data->mac_addrs = (struct rte_ether_addr *)port->rdma.mac;
	dev->dev_ops = &verbs_ops;
	dev->rx_pkt_burst = pp_pair_receive;
	dev->tx_pkt_burst = pp_pair_send;
	rte_eth_dev_probing_finish(dev);
	return 0;
}

static int verbs_remove(struct rte_vdev_device *vdev)
{
	struct rte_eth_dev *dev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));

	if (!dev)
		return 0;
	verbs_close(dev);
	return rte_eth_dev_release_port(dev);
}

static struct rte_vdev_driver verbs_driver = { .probe = verbs_probe, .remove = verbs_remove };

RTE_PMD_REGISTER_VDEV(net_pp_verbs, verbs_driver);
RTE_PMD_REGISTER_PARAM_STRING(net_pp_verbs, "device=<string> port=<int> peer=<address> udp=<int>");
