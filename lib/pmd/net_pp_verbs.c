/* SPDX-License-Identifier: BSD-3-Clause */
/* Net pp verbs: the RDMA driver's vdev: its arguments, ports started and stopped, what they count. */
#include <rte_alarm.h>

#include "net_pp_verbs.h"

struct verbs_port {
	struct pp_vdev vdev;
	struct pp_rdma rdma;
	struct rte_mempool *mp;
	struct pp_pair rx, tx;
};

#define UDP_PORT 4790
#define DESCS_MAX 4096
/* Between two words to the peer, until it is there and after. */
#define TALK_SOON_US 20000
#define TALK_US 200000

static int verbs_link_update(struct rte_eth_dev *dev, int wait)
{
	struct verbs_port *port = dev->data->dev_private;
	struct rte_eth_link link = { .link_speed = RTE_ETH_SPEED_NUM_UNKNOWN,
				     .link_duplex = RTE_ETH_LINK_FULL_DUPLEX };

	RTE_SET_USED(wait);
	if (dev->data->dev_started)
		link.link_status = pp_rdma_is_up(&port->rdma);
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

static int verbs_steer(struct rte_eth_dev *dev, bool promiscuous, bool multicast)
{
	struct verbs_port *port = dev->data->dev_private;

	return pp_rdma_steer_more(&port->rdma, promiscuous, multicast);
}

static int verbs_promiscuous_on(struct rte_eth_dev *dev)
{
	return verbs_steer(dev, true, dev->data->all_multicast);
}

static int verbs_promiscuous_off(struct rte_eth_dev *dev)
{
	return verbs_steer(dev, false, dev->data->all_multicast);
}

static int verbs_multicast_on(struct rte_eth_dev *dev)
{
	return verbs_steer(dev, dev->data->promiscuous, true);
}

static int verbs_multicast_off(struct rte_eth_dev *dev)
{
	return verbs_steer(dev, dev->data->promiscuous, false);
}

/* What was sent from it may be a mempool that ends before the port stops. */
static void verbs_forget(enum rte_mempool_event event, struct rte_mempool *mp, void *arg)
{
	struct verbs_port *port = arg;

	if (event != RTE_MEMPOOL_EVENT_DESTROY)
		return;
	pp_regions_forget(&port->rdma.regions, mp);
	if (port->tx.source.mp == mp)
		port->tx.source.mp = NULL;
}

static int verbs_stop(struct rte_eth_dev *dev)
{
	struct verbs_port *port = dev->data->dev_private;

	if (!port->rdma.raw) {
		rte_eal_alarm_cancel(verbs_talk, dev);
		if (port->rdma.peer.fd >= 0)
			pp_peer_close(&port->rdma.peer);
	}
	pp_rdma_steer(&port->rdma, NULL);
	pp_pair_close(&port->tx);
	pp_pair_close(&port->rx);
	pp_regions_clear(&port->rdma.regions);
	dev->data->dev_started = 0;
	verbs_link_update(dev, 0);
	return 0;
}

static int port_start(struct rte_eth_dev *dev, struct verbs_port *port)
{
	int rc = pp_mbufs_check(port->mp);

	port->rx.rearm = pp_mbuf_rearm(dev->data->port_id, RTE_PKTMBUF_HEADROOM);
	pp_mbufs_open(&port->rx.source, port->mp);
	/* There may be another mempool where the one was that was sent from last. */
	port->tx.source = (struct pp_mbufs){ 0 };
	/* Below the bit that is the kernel's own. */
	port->rdma.peer.qkey = (uint32_t)rte_rand() >> 1;
	rc = rc ? rc : pp_regions_add(&port->rdma.regions, port->mp);
	rc = rc ? rc : pp_pair_open(&port->rx);
	rc = rc ? rc : pp_pair_open(&port->tx);
	rc = rc ? rc : pp_rdma_steer(&port->rdma, port->rx.qp);
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
	if (!rc && rte_eal_alarm_set(1, verbs_talk, dev))
		rc = pp_fail(-ENOMEM, "EAL sets no alarm");
	return rc;
}

static int verbs_start(struct rte_eth_dev *dev)
{
	struct verbs_port *port = dev->data->dev_private;
	int rc = port_start(dev, port);

	if (rc) {
		PP_VDEV_ERROR(dev, "%s", pp_error());
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
	rte_mempool_event_callback_unregister(verbs_forget, port);
	pp_rdma_close(&port->rdma);
	/* Part of what is freed with the port. */
	dev->data->mac_addrs = NULL;
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
	pp_vdev_rings(info, PP_PAIR_BULK,
		      (uint16_t)RTE_MIN(DESCS_MAX, RTE_MIN(port->rdma.limits.max_qp_wr,
							   port->rdma.limits.max_cqe)),
		      512);
	return 0;
}

/* A frame is received in one buffer. */
static int verbs_mtu_set(struct rte_eth_dev *dev, uint16_t mtu)
{
	const struct verbs_port *port = dev->data->dev_private;
	uint32_t room = port->mp ? rte_pktmbuf_data_room_size(port->mp) : UINT16_MAX;

	if (room >= (uint32_t)mtu + RTE_ETHER_HDR_LEN + RTE_PKTMBUF_HEADROOM)
		return 0;
	PP_VDEV_ERROR(dev,
		      "MTU %u is over the buffer: %s has %u bytes, of which %u headroom; data_room "
		      "of %u, or MTU of %d",
		      mtu, port->mp->name, room, RTE_PKTMBUF_HEADROOM,
		      mtu + RTE_ETHER_HDR_LEN + RTE_PKTMBUF_HEADROOM,
		      (int)room - RTE_PKTMBUF_HEADROOM - RTE_ETHER_HDR_LEN);
	return -EINVAL;
}

static int verbs_rx_setup(struct rte_eth_dev *dev, uint16_t i, uint16_t descs,
			  unsigned socket __rte_unused,
			  const struct rte_eth_rxconf *conf __rte_unused, struct rte_mempool *mp)
{
	struct verbs_port *port = dev->data->dev_private;

	port->mp = mp;
	port->rx.depth = descs;
	dev->data->rx_queues[i] = &port->rx;
	return verbs_mtu_set(dev, dev->data->mtu);
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

static void verbs_count(const struct rte_eth_dev *dev, struct pp_counts *sum)
{
	const struct verbs_port *port = dev->data->dev_private;

	pp_counts_add(sum, &port->rx.count);
	pp_counts_add(sum, &port->tx.count);
}

static const struct eth_dev_ops verbs_ops = {
	.dev_configure = pp_vdev_configure,
	.dev_start = verbs_start,
	.dev_stop = verbs_stop,
	.dev_close = verbs_close,
	.dev_infos_get = verbs_info,
	.rx_queue_setup = verbs_rx_setup,
	.tx_queue_setup = verbs_tx_setup,
	.tx_done_cleanup = verbs_send_cleanup,
	.link_update = verbs_link_update,
	.stats_get = pp_vdev_stats,
	.stats_reset = pp_vdev_stats_reset,
	.xstats_get_names = pp_vdev_xstats_names,
	.xstats_get = pp_vdev_xstats,
	.mtu_set = verbs_mtu_set,
	.promiscuous_enable = verbs_promiscuous_on,
	.promiscuous_disable = verbs_promiscuous_off,
	.allmulticast_enable = verbs_multicast_on,
	.allmulticast_disable = verbs_multicast_off,
};

static int args_parse(struct pp_rdma *rdma, char *address, const char *text)
{
	static const char *const keys[] = { "device", "port", "peer", "udp", NULL };
	struct rte_kvargs *kvargs = rte_kvargs_parse(text, keys);
	uint16_t number = 1;
	int rc = 0;

	rdma->peer.udp = UDP_PORT;
	if (!kvargs || rte_kvargs_count(kvargs, "device") != 1)
		rc = pp_fail(-EINVAL, "'%s': wants device=NAME, takes port, peer, udp", text);
	else if (rte_kvargs_process(kvargs, "device", pp_vdev_text, rdma->device) ||
		 rte_kvargs_process(kvargs, "peer", pp_vdev_text, address) ||
		 rte_kvargs_process(kvargs, "port", pp_vdev_number, &number) ||
		 rte_kvargs_process(kvargs, "udp", pp_vdev_number, &rdma->peer.udp))
		rc = -EINVAL;
	else if (!rdma->peer.udp)
		rc = pp_fail(-EINVAL, "udp=0: not a port of 1..65535");
	rte_kvargs_free(kvargs);
	rdma->number = (uint8_t)RTE_MIN(number, UINT8_MAX);
	return rc;
}

static int verbs_open(struct rte_eth_dev *dev, const char *args)
{
	struct verbs_port *port = dev->data->dev_private;
	char address[PP_VDEV_TEXT] = "";
	int rc;

	port->rdma.peer.fd = -1;
	port->rx.port = port->tx.port = &port->rdma;
	port->rx.receives = true;
	if (rte_mempool_event_callback_register(verbs_forget, port))
		return pp_fail(-ENOMEM, "no memory to hear of mempools");
	rc = args_parse(&port->rdma, address, args);
	if (rc)
		return rc;
	dev->data->mac_addrs = (struct rte_ether_addr *)port->rdma.mac;
	return pp_rdma_open(&port->rdma, address);
}

static int verbs_probe(struct rte_vdev_device *vdev)
{
	static const struct pp_vdev_driver driver = {
		.bytes = sizeof(struct verbs_port),
		.ops = &verbs_ops,
		.receive = verbs_receive,
		.send = verbs_send,
		.open = verbs_open,
		.count = verbs_count,
	};

	return pp_vdev_probe(vdev, &driver);
}

static struct rte_vdev_driver verbs_driver = { .probe = verbs_probe, .remove = pp_vdev_remove };

RTE_PMD_REGISTER_VDEV(net_pp_verbs, verbs_driver);
RTE_PMD_REGISTER_PARAM_STRING(net_pp_verbs, "device=<string> port=<int> peer=<address> udp=<int>");
