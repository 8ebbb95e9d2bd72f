/* SPDX-License-Identifier: BSD-3-Clause */
/* Verify: whether a packet's checksums are right. */
#include <netinet/in.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "verify.h"

#define VLANS 2

static bool transport_right(const void *ip, bool six, const uint8_t *at, unsigned bytes,
			    uint8_t protocol)
{
	uint32_t sum;

	if (protocol == IPPROTO_UDP) {
		const struct rte_udp_hdr *udp = (const void *)at;

		if (bytes < sizeof(*udp))
			return false;
		if (udp->dgram_cksum == 0 && !six)
			return true;
	} else if (protocol == IPPROTO_TCP) {
		if (bytes < sizeof(struct rte_tcp_hdr))
			return false;
	} else {
		return true;
	}
	/* With the checksum in it, all is ones. */
	sum = (uint32_t)rte_raw_cksum(at, bytes) +
	      (six ? rte_ipv6_phdr_cksum(ip, 0) : rte_ipv4_phdr_cksum(ip, 0));
	return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

static bool ipv4_right(const uint8_t *at, unsigned bytes)
{
	const struct rte_ipv4_hdr *ip = (const void *)at;
	unsigned header, total;

	if (bytes < sizeof(*ip))
		return false;
	header = rte_ipv4_hdr_len(ip);
	total = rte_be_to_cpu_16(ip->total_length);
	if (header < sizeof(*ip) || header > total || total > bytes ||
	    rte_raw_cksum(ip, header) != 0xffff)
		return false;
	/* The sum of a fragment spans others. */
	if (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK | RTE_IPV4_HDR_MF_FLAG))
		return true;
	return transport_right(ip, false, at + header, total - header, ip->next_proto_id);
}

static bool ipv6_right(const uint8_t *at, unsigned bytes)
{
	const struct rte_ipv6_hdr *ip = (const void *)at;
	unsigned length;

	if (bytes < sizeof(*ip))
		return false;
	length = rte_be_to_cpu_16(ip->payload_len);
	if (length + sizeof(*ip) > bytes)
		return false;
	return transport_right(ip, true, at + sizeof(*ip), length, ip->proto);
}

bool verify(const struct rte_mbuf *m)
{
	const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *);
	unsigned bytes = m->data_len, header = 2 * RTE_ETHER_ADDR_LEN;
	uint16_t type = 0;

	if (m->nb_segs != 1)
		return true;
	for (unsigned tags = 0; tags <= VLANS; tags++) {
		if (header + 2 > bytes)
			return false;
		type = (uint16_t)(at[header] << 8 | at[header + 1]);
		header += 2;
		if (type != RTE_ETHER_TYPE_VLAN && type != RTE_ETHER_TYPE_QINQ)
			break;
		header += 2;
	}
	if (type == RTE_ETHER_TYPE_IPV4)
		return ipv4_right(at + header, bytes - header);
	if (type == RTE_ETHER_TYPE_IPV6)
		return ipv6_right(at + header, bytes - header);
	return true;
}
