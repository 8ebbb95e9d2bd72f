/* SPDX-License-Identifier: BSD-3-Clause */
/* Rdma: one port of an RDMA device, opened to carry Ethernet frames. */
#include <rte_common.h>
#include <rte_ether.h>

#include "pp_fail.h"
#include "pp_iface.h"
#include "pp_rdma.h"

static int device_open(struct pp_rdma *rdma)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	char names[128] = "";
	int n = 0;

	for (struct ibv_device **d = list; d && *d; d++) {
		const char *name = ibv_get_device_name(*d);

		if (!strcmp(name, rdma->device))
			rdma->context = ibv_open_device(*d);
		if (n < (int)sizeof(names))
			n += snprintf(names + n, sizeof(names) - (size_t)n, " %s", name);
	}
	if (list)
		ibv_free_device_list(list);
	if (!rdma->context)
		return pp_fail(-ENODEV, "device=%s: there is no such RDMA device%s%s", rdma->device,
			       n ? ", but" : " (none at all: is its module loaded?)", names);
	rdma->pd = ibv_alloc_pd(rdma->context);
	if (!rdma->pd || ibv_query_device(rdma->context, &rdma->limits))
		return pp_fail(-EIO, "%s cannot be opened: %s", rdma->device, strerror(errno));
	return 0;
}

static int port_open(struct pp_rdma *rdma, const char *address)
{
	struct ibv_port_attr attr;
	struct ibv_gid_entry entry;
	int rc, mtu;

	if (rdma->number > rdma->limits.phys_port_cnt ||
	    ibv_query_port(rdma->context, rdma->number, &attr))
		return pp_fail(-EINVAL, "port=%u: %s has ports 1 to %u", rdma->number, rdma->device,
			       rdma->limits.phys_port_cnt);
	rdma->segments = RTE_MIN(PP_RDMA_SEGMENTS, (uint32_t)rdma->limits.max_sge);
	rdma->peer.pd = rdma->regions.pd = rdma->pd;
	rdma->peer.port = rdma->number;
	if (!rdma->raw) {
		rc = pp_peer_find(&rdma->peer, address);
		if (rc)
			return rc;
	} else if (!ibv_query_gid_ex(rdma->context, rdma->number, 0, &entry, 0)) {
		rdma->peer.ifindex = entry.ndev_ifindex;
	}
	if (!if_indextoname(rdma->peer.ifindex, rdma->interface))
		return pp_fail(-ENODEV, "%s has no network interface here", rdma->device);
	rc = pp_iface_mtu(rdma->interface, &mtu);
	rdma->frame = rdma->raw ? (uint32_t)mtu + RTE_ETHER_HDR_LEN : 128u << attr.active_mtu;
	return rc ? rc : pp_iface_mac(rdma->interface, rdma->mac);
}

int pp_rdma_open(struct pp_rdma *rdma, const char *address)
{
	int rc = device_open(rdma);

	pthread_mutex_init(&rdma->steering, NULL);
	rdma->raw = !address[0];
	rdma->headroom = rdma->raw ? 0 : PP_RDMA_GRH;
	return rc ? rc : port_open(rdma, address);
}

void pp_rdma_close(struct pp_rdma *rdma)
{
	if (rdma->pd)
		ibv_dealloc_pd(rdma->pd);
	if (rdma->context)
		ibv_close_device(rdma->context);
	rdma->pd = NULL;
	rdma->context = NULL;
}

static void flows_end(struct pp_rdma *rdma)
{
	for (unsigned i = 0; i < RTE_DIM(rdma->flows); i++)
		if (rdma->flows[i])
			ibv_destroy_flow(rdma->flows[i]);
	memset(rdma->flows, 0, sizeof(rdma->flows));
}

static int flows_make(struct pp_rdma *rdma)
{
	struct {
		struct ibv_flow_attr attr;
		struct ibv_flow_spec_eth eth;
	} flow = {
		.attr = { .type = IBV_FLOW_ATTR_NORMAL,
			  .size = sizeof(flow),
			  .num_of_specs = 1,
			  .port = rdma->number },
		.eth = { .type = IBV_FLOW_SPEC_ETH, .size = sizeof(flow.eth) },
	};
	struct ibv_flow_attr all = { .size = sizeof(all), .port = rdma->number };
	struct ibv_qp *qp = rdma->steered;
	unsigned n = 0;

	if (!rdma->raw || !qp)
		return 0;
	memset(flow.eth.mask.dst_mac, 0xff, RTE_ETHER_ADDR_LEN);
	memcpy(flow.eth.val.dst_mac, rdma->mac, RTE_ETHER_ADDR_LEN);
	rdma->flows[n++] = ibv_create_flow(qp, &flow.attr);
	memset(flow.eth.val.dst_mac, 0xff, RTE_ETHER_ADDR_LEN);
	rdma->flows[n++] = ibv_create_flow(qp, &flow.attr);
	all.type = IBV_FLOW_ATTR_MC_DEFAULT;
	if (rdma->multicast)
		rdma->flows[n++] = ibv_create_flow(qp, &all);
	all.type = IBV_FLOW_ATTR_ALL_DEFAULT;
	if (rdma->promiscuous)
		rdma->flows[n++] = ibv_create_flow(qp, &all);
	while (n-- > 0)
		if (!rdma->flows[n])
			return pp_fail(-EIO, "%s steers no frames to us: %s", rdma->device,
				       strerror(errno));
	return 0;
}

int pp_rdma_steer(struct pp_rdma *rdma, struct ibv_qp *qp)
{
	int rc;

	pthread_mutex_lock(&rdma->steering);
	flows_end(rdma);
	rdma->steered = qp;
	rc = flows_make(rdma);
	pthread_mutex_unlock(&rdma->steering);
	return rc;
}

int pp_rdma_steer_more(struct pp_rdma *rdma, bool promiscuous, bool multicast)
{
	int rc;

	pthread_mutex_lock(&rdma->steering);
	flows_end(rdma);
	rdma->promiscuous = promiscuous;
	rdma->multicast = multicast;
	rc = flows_make(rdma);
	pthread_mutex_unlock(&rdma->steering);
	return rc;
}

bool pp_rdma_is_up(struct pp_rdma *rdma)
{
	struct ibv_port_attr attr;

	if (!rdma->raw)
		return pp_peer_is_up(&rdma->peer);
	return !ibv_query_port(rdma->context, rdma->number, &attr) && attr.state == IBV_PORT_ACTIVE;
}
