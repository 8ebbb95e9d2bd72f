/* SPDX-License-Identifier: BSD-3-Clause */
/* Checksum: fills in what a sender left to its hardware. */
#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "checksum.h"

#define VLAN_TAGS_MAX 2
#define EXTENSIONS_MAX 8
#define TYPE_QINQ_OLD 0x9100

/* Where the fourth layer lies in the packet, and what its sum begins with. */
struct layer4 {
	uint32_t at;
	uint32_t bytes;
	uint8_t protocol;
	uint16_t pseudo; /* folded sum of the pseudo-header, in network order; 0: IPv4's ICMP */
};

static uint16_t sum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Copies bytes of a packet, which may be a chain; false where it ends before. */
static bool packet_read(const struct rte_mbuf *m, uint32_t at, void *to, uint32_t bytes)
{
	const void *from;

	if (at > m->pkt_len || bytes > m->pkt_len - at)
		return false;
	from = rte_pktmbuf_read(m, at, bytes, to);
	if (from == NULL)
		return false;
	if (from != to)
		memcpy(to, from, bytes);
	return true;
}

/* A byte at a time, as the two of a checksum may lie in two segments. */
static void packet_write(struct rte_mbuf *m, uint32_t at, const void *from, uint32_t bytes)
{
	const uint8_t *byte = from;

	for (; bytes > 0; bytes--, at++) {
		struct rte_mbuf *segment = m;
		uint32_t skip = at;

		while (segment != NULL && skip >= segment->data_len) {
			skip -= segment->data_len;
			segment = segment->next;
		}
		if (segment == NULL)
			return;
		*rte_pktmbuf_mtod_offset(segment, uint8_t *, skip) = *byte++;
	}
}

/*
 * The folded sum of bytes of a packet, which has them. Not rte_raw_cksum_mbuf():
 * DPDK 22.11 loses carries there in a segment that begins at an odd byte.
 */
static uint16_t packet_sum(const struct rte_mbuf *m, uint32_t at, uint32_t bytes)
{
	uint32_t sum = 0, done = 0;

	for (; m != NULL && done < bytes; m = m->next) {
		uint32_t here;
		uint16_t part;

		if (at >= m->data_len) {
			at -= m->data_len;
			continue;
		}
		here = RTE_MIN(m->data_len - at, bytes - done);
		part = rte_raw_cksum(rte_pktmbuf_mtod_offset(m, const char *, at), here);
		sum += done % 2 == 0 ? part : rte_bswap16(part);
		done += here;
		at = 0;
	}
	return sum_fold(sum);
}

static bool is_vlan(uint16_t type)
{
	return type == RTE_ETHER_TYPE_VLAN || type == RTE_ETHER_TYPE_QINQ || type == TYPE_QINQ_OLD;
}

/* The EtherType behind the tags, and where its header begins; 0 if there is none. */
static uint16_t ether_skip(const struct rte_mbuf *m, uint32_t *at)
{
	struct rte_ether_hdr eth;
	uint16_t type;

	if (!packet_read(m, 0, &eth, sizeof(eth)))
		return 0;
	*at = sizeof(eth);
	type = rte_be_to_cpu_16(eth.ether_type);
	for (unsigned tags = 0; tags < VLAN_TAGS_MAX && is_vlan(type); tags++) {
		struct rte_vlan_hdr tag;

		if (!packet_read(m, *at, &tag, sizeof(tag)))
			return 0;
		*at += sizeof(tag);
		type = rte_be_to_cpu_16(tag.eth_proto);
	}
	return type;
}

/* False where there is no whole fourth layer. *filled: the header's own sum was. */
static bool ipv4_skip(struct rte_mbuf *m, uint32_t at, struct layer4 *l4, bool *filled)
{
	struct rte_ipv4_hdr ip;
	uint32_t header, total;

	if (!packet_read(m, at, &ip, sizeof(ip)) || ip.version_ihl >> 4 != 4)
		return false;
	header = rte_ipv4_hdr_len(&ip);
	total = rte_be_to_cpu_16(ip.total_length);
	if (header < sizeof(ip) || total < header || total > m->pkt_len - at)
		return false;
	if (ip.hdr_checksum == 0) {
		uint16_t sum = ~packet_sum(m, at, header);

		packet_write(m, at + offsetof(struct rte_ipv4_hdr, hdr_checksum), &sum,
			     sizeof(sum));
		*filled = true;
	}
	if ((ip.fragment_offset & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) != 0)
		return false;
	l4->at = at + header;
	l4->bytes = total - header;
	l4->protocol = ip.next_proto_id;
	/* rte_ipv4_phdr_cksum() knows no options, so it is told of a header without. */
	ip.version_ihl = RTE_IPV4_VHL_DEF;
	ip.total_length = rte_cpu_to_be_16(sizeof(ip) + l4->bytes);
	l4->pseudo = l4->protocol == IPPROTO_ICMP ? 0 : rte_ipv4_phdr_cksum(&ip, 0);
	return true;
}

/* Steps over extension headers; false where the packet ends or is a fragment. */
static bool ipv6_extensions_skip(const struct rte_mbuf *m, struct layer4 *l4)
{
	for (unsigned i = 0; i < EXTENSIONS_MAX; i++) {
		uint8_t extension[8];
		uint32_t bytes;

		switch (l4->protocol) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
		case IPPROTO_FRAGMENT:
		case IPPROTO_AH:
			break;
		default:
			return true;
		}
		if (l4->bytes < sizeof(extension) ||
		    !packet_read(m, l4->at, extension, sizeof(extension)))
			return false;
		bytes = (extension[1] + 1) * 8;
		if (l4->protocol == IPPROTO_AH)
			bytes = (extension[1] + 2) * 4;
		if (l4->protocol == IPPROTO_FRAGMENT) {
			/* Offset and M; a fragment that is the whole packet has neither. */
			if (extension[2] != 0 || (extension[3] & 0xf9) != 0)
				return false;
			bytes = sizeof(extension);
		}
		if (bytes > l4->bytes)
			return false;
		l4->protocol = extension[0];
		l4->at += bytes;
		l4->bytes -= bytes;
	}
	return false;
}

/* With the last protocol, and the fourth layer's own length. */
static uint16_t ipv6_pseudo_sum(const struct rte_ipv6_hdr *ip, const struct layer4 *l4)
{
	uint32_t sum = rte_raw_cksum(ip->src_addr, sizeof(ip->src_addr) + sizeof(ip->dst_addr));

	sum += rte_cpu_to_be_16(l4->bytes);
	sum += rte_cpu_to_be_16(l4->protocol);
	return sum_fold(sum);
}

static bool ipv6_skip(const struct rte_mbuf *m, uint32_t at, struct layer4 *l4)
{
	struct rte_ipv6_hdr ip;

	if (!packet_read(m, at, &ip, sizeof(ip)) || (rte_be_to_cpu_32(ip.vtc_flow) >> 28) != 6)
		return false;
	l4->at = at + sizeof(ip);
	l4->bytes = rte_be_to_cpu_16(ip.payload_len);
	l4->protocol = ip.proto;
	if (l4->bytes > m->pkt_len - l4->at || !ipv6_extensions_skip(m, l4))
		return false;
	l4->pseudo = ipv6_pseudo_sum(&ip, l4);
	return true;
}

/* Where in the fourth layer its checksum is, and how long its header is at least. */
static bool layer4_field(uint8_t protocol, uint32_t *field, uint32_t *header)
{
	switch (protocol) {
	case IPPROTO_TCP:
		*field = offsetof(struct rte_tcp_hdr, cksum);
		*header = sizeof(struct rte_tcp_hdr);
		return true;
	case IPPROTO_UDP:
		*field = offsetof(struct rte_udp_hdr, dgram_cksum);
		*header = sizeof(struct rte_udp_hdr);
		return true;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		*field = offsetof(struct rte_icmp_hdr, icmp_cksum);
		*header = 4;
		return true;
	default:
		return false;
	}
}

static bool layer4_fill(struct rte_mbuf *m, const struct layer4 *l4)
{
	uint32_t field, header;
	uint16_t left, sum;

	if (!layer4_field(l4->protocol, &field, &header) || l4->bytes < header)
		return false;
	if (!packet_read(m, l4->at + field, &left, sizeof(left)) || left != l4->pseudo)
		return false;
	/*
	 * What was left is the pseudo-header's sum: it is added to the rest by
	 * being where it is.
	 */
	sum = ~packet_sum(m, l4->at, l4->bytes);
	/* In UDP zero means none; the others read 0xffff as the same number. */
	if (sum == 0 && l4->protocol != IPPROTO_ICMP)
		sum = 0xffff;
	packet_write(m, l4->at + field, &sum, sizeof(sum));
	return true;
}

bool checksum_fill(struct rte_mbuf *m)
{
	struct layer4 l4;
	bool filled = false, whole = false;
	uint32_t at = 0;

	switch (ether_skip(m, &at)) {
	case RTE_ETHER_TYPE_IPV4:
		whole = ipv4_skip(m, at, &l4, &filled);
		/* ICMPv6's sum has a pseudo-header, which IPv4 has not. */
		whole = whole && l4.protocol != IPPROTO_ICMPV6;
		break;
	case RTE_ETHER_TYPE_IPV6:
		whole = ipv6_skip(m, at, &l4) && l4.protocol != IPPROTO_ICMP;
		break;
	default:
		break;
	}
	if (whole && layer4_fill(m, &l4))
		filled = true;
	return filled;
}
