/* SPDX-License-Identifier: BSD-3-Clause */
/* Critical: which packets go on when there are no buffers for the others. */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "critical.h"
#include "host.h"

#define WORD_MAX 32
/* A tag in a tag; more are not looked behind. */
#define TAGS_MAX 2

/* What is asked of a packet; 0 where it has none. */
struct face {
	uint16_t ether;
	uint8_t protocol;
	bool host;
	bool neighbour; /* who has which address, in whatever protocol */
	uint16_t from, to;
};

static const struct {
	const char *name;
	uint8_t protocol;
	uint16_t ether;
	unsigned long most; /* what may stand behind the colon; 0: nothing */
} words[] = {
	{ "tcp", IPPROTO_TCP, 0, UINT16_MAX }, { "udp", IPPROTO_UDP, 0, UINT16_MAX },
	{ "proto", 0, 0, UINT8_MAX },          { "ether", 0, 0, UINT16_MAX },
	{ "icmp", IPPROTO_ICMP, 0, 0 },        { "icmp6", IPPROTO_ICMPV6, 0, 0 },
	{ "arp", 0, RTE_ETHER_TYPE_ARP, 0 },
};

static const char *rule_parse(struct critical_rule *rule, const char *word)
{
	const char *colon = strchrnul(word, ':');
	unsigned long number = 0;
	unsigned w = 0;
	char *end;

	while (w < RTE_DIM(words) && (strlen(words[w].name) != (size_t)(colon - word) ||
				      strncmp(words[w].name, word, colon - word) != 0))
		w++;
	if (w == RTE_DIM(words))
		return "it is of tcp:PORT, udp:PORT, icmp, icmp6, arp, proto:NUMBER and ether:TYPE";
	if ((*colon == ':') != (words[w].most != 0))
		return words[w].most != 0 ? "a colon and a number are missing"
					  : "it takes no number";
	if (*colon == ':') {
		errno = 0;
		number = strtoul(colon + 1, &end, 0);
		if (end == colon + 1 || *end != '\0' || colon[1] == '-' || errno != 0 ||
		    number == 0 || number > words[w].most)
			return words[w].most == UINT8_MAX ? "the number is not one of 1..255"
							  : "the number is not one of 1..65535";
	}
	*rule = (struct critical_rule){ .ether = words[w].ether, .protocol = words[w].protocol };
	if (words[w].protocol == IPPROTO_TCP || words[w].protocol == IPPROTO_UDP)
		rule->port = (uint16_t)number;
	else if (strcmp(words[w].name, "proto") == 0)
		rule->protocol = (uint8_t)number;
	else if (strcmp(words[w].name, "ether") == 0)
		rule->ether = (uint16_t)number;
	return NULL;
}

const char *critical_parse(struct critical *c, const char *text)
{
	char word[WORD_MAX];
	const char *wrong;

	for (;;) {
		size_t bytes = strcspn(text, ",");

		if (c->n == CRITICAL_MAX)
			return "it has more than 32 words";
		if (bytes >= sizeof(word))
			return "a word of it is too long";
		memcpy(word, text, bytes);
		word[bytes] = '\0';
		wrong = rule_parse(&c->rules[c->n], word);
		if (wrong != NULL)
			return wrong;
		c->n++;
		if (text[bytes] == '\0')
			return NULL;
		text += bytes + 1;
	}
}

static void ports_read(struct face *f, const uint8_t *at, const uint8_t *end)
{
	if ((f->protocol != IPPROTO_TCP && f->protocol != IPPROTO_UDP) || end - at < 4)
		return;
	f->from = (uint16_t)(at[0] << 8 | at[1]);
	f->to = (uint16_t)(at[2] << 8 | at[3]);
}

static void ip4_read(struct face *f, const uint8_t *at, const uint8_t *end)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)at;

	if ((size_t)(end - at) < sizeof(*ip))
		return;
	f->protocol = ip->next_proto_id;
	f->host = host_has4(ip->dst_addr);
	/* Behind the first fragment there are no ports. */
	if ((ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK)) == 0)
		ports_read(f, at + rte_ipv4_hdr_len(ip), end);
}

static void ip6_read(struct face *f, const uint8_t *at, const uint8_t *end)
{
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)at;

	if ((size_t)(end - at) < sizeof(*ip))
		return;
	at += sizeof(*ip);
	f->protocol = ip->proto;
	f->host = host_has6(ip->dst_addr);
	f->neighbour = ip->proto == IPPROTO_ICMPV6 && at < end && *at >= ND_ROUTER_SOLICIT &&
		       *at <= ND_REDIRECT;
	ports_read(f, at, end);
}

static struct face face_read(const struct rte_mbuf *m)
{
	const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint8_t *end = at + rte_pktmbuf_data_len(m);
	struct face f = { 0 };

	if (end - at < RTE_ETHER_HDR_LEN)
		return f;
	at += RTE_ETHER_HDR_LEN;
	f.ether = (uint16_t)(at[-2] << 8 | at[-1]);
	for (unsigned i = 0; i < TAGS_MAX && end - at >= RTE_VLAN_HLEN; i++) {
		if (f.ether != RTE_ETHER_TYPE_VLAN && f.ether != RTE_ETHER_TYPE_QINQ)
			break;
		at += RTE_VLAN_HLEN;
		f.ether = (uint16_t)(at[-2] << 8 | at[-1]);
	}
	f.neighbour = f.ether == RTE_ETHER_TYPE_ARP;
	if (f.ether == RTE_ETHER_TYPE_IPV4)
		ip4_read(&f, at, end);
	else if (f.ether == RTE_ETHER_TYPE_IPV6)
		ip6_read(&f, at, end);
	return f;
}

bool critical_judge(const struct rte_mbuf *m, void *arg)
{
	const struct critical *c = arg;
	struct face f = face_read(m);

	if (f.neighbour || f.host)
		return true;
	for (unsigned i = 0; i < c->n; i++) {
		const struct critical_rule *r = &c->rules[i];

		if ((r->ether == 0 || r->ether == f.ether) &&
		    (r->protocol == 0 || r->protocol == f.protocol) &&
		    (r->port == 0 || r->port == f.from || r->port == f.to))
			return true;
	}
	return false;
}
