/* SPDX-License-Identifier: BSD-3-Clause */
/* Swap: a packet's two ends change places: the MACs, or MACs, IP addresses and ports. */
#include <netinet/in.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include "swap.h"

#define TAGS_MAX 2

static void swap_ports(char *l4, uint8_t protocol, uint32_t left)
{
	uint32_t ports;

	if ((protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) || left < sizeof(ports))
		return;
	memcpy(&ports, l4, sizeof(ports));
	ports = ports << 16 | ports >> 16;
	memcpy(l4, &ports, sizeof(ports));
}

static void swap_ip4(char *l3, uint32_t left)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)l3;
	uint32_t ihl, source;

	if (left < sizeof(*ip))
		return;
	source = ip->src_addr;
	ip->src_addr = ip->dst_addr;
	ip->dst_addr = source;
	ihl = rte_ipv4_hdr_len(ip);
	if (ihl < sizeof(*ip) || left < ihl ||
	    (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK)))
		return;
	swap_ports(l3 + ihl, ip->next_proto_id, left - ihl);
}

static void swap_ip6(char *l3, uint32_t left)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)l3;
	uint8_t source[sizeof(ip->src_addr)];

	if (left < sizeof(*ip))
		return;
	memcpy(source, ip->src_addr, sizeof(source));
	memcpy(ip->src_addr, ip->dst_addr, sizeof(source));
	memcpy(ip->dst_addr, source, sizeof(source));
	swap_ports(l3 + sizeof(*ip), ip->proto, left - sizeof(*ip));
}

void swap_tuple(void *frame, uint32_t bytes)
{
	const struct rte_ether_hdr *eth = frame;
	rte_be16_t type = eth->ether_type;
	char *l3 = (char *)frame + RTE_ETHER_HDR_LEN;
	uint32_t left = bytes - RTE_ETHER_HDR_LEN;

	for (unsigned tags = 0;
	     tags < TAGS_MAX && left >= RTE_VLAN_HLEN &&
	     (type == RTE_BE16(RTE_ETHER_TYPE_VLAN) || type == RTE_BE16(RTE_ETHER_TYPE_QINQ));
	     tags++) {
		type = ((const struct rte_vlan_hdr *)l3)->eth_proto;
		l3 += RTE_VLAN_HLEN;
		left -= RTE_VLAN_HLEN;
	}
	swap_macs(frame);
	if (type == RTE_BE16(RTE_ETHER_TYPE_IPV4))
		swap_ip4(l3, left);
	else if (type == RTE_BE16(RTE_ETHER_TYPE_IPV6))
		swap_ip6(l3, left);
}
