/* SPDX-License-Identifier: BSD-3-Clause */
/* Receiver: takes what arrives, finds the trial's own packets and counts what happened to them. */
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "counter.h"
#include "pktpool.h"
#include "receiver.h"
#include "signature.h"
#include "verify.h"

/* Looked at this far ahead. */
#define AHEAD 4

int receiver_begin(struct receiver *r, uint32_t flows)
{
	return sequence_begin(&r->sequence, flows);
}

void receiver_end(struct receiver *r)
{
	sequence_end(&r->sequence);
}

void receiver_prepare(struct receiver *r, uint32_t key)
{
	r->received = r->corrupt = r->foreign = r->first = r->last = 0;
	r->key = key;
	sequence_clear(&r->sequence);
	memset(&r->latency, 0, sizeof(r->latency));
}

/* The last bytes of a packet, also of a chain. False: it is too short. */
static bool packet_signature(const struct rte_mbuf *m, struct signature *signature)
{
	uint8_t bytes[SIGNATURE_BYTES];
	const void *at;

	if (m->pkt_len < SIGNATURE_BYTES)
		return false;
	at = rte_pktmbuf_read(m, m->pkt_len - SIGNATURE_BYTES, SIGNATURE_BYTES, bytes);
	if (at == NULL)
		return false;
	*signature = signature_read(at);
	return true;
}

/*
 * A complaint of ICMP's ends with the packet that it is about, signature and
 * all: that has not arrived.
 */
static bool packet_complains(const struct rte_mbuf *m)
{
	const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *);
	unsigned type = 2 * RTE_ETHER_ADDR_LEN;
	uint16_t ether;

	if (unlikely(m->data_len < type + 2 + sizeof(struct rte_ipv4_hdr) + 4))
		return false;
	memcpy(&ether, at + type, sizeof(ether));
	if (ether == RTE_BE16(RTE_ETHER_TYPE_VLAN)) {
		type += sizeof(struct rte_vlan_hdr);
		memcpy(&ether, at + type, sizeof(ether));
	}
	at += type + 2;
	if (ether == RTE_BE16(RTE_ETHER_TYPE_IPV4))
		return at[offsetof(struct rte_ipv4_hdr, next_proto_id)] == IPPROTO_ICMP;
	return ether == RTE_BE16(RTE_ETHER_TYPE_IPV6) &&
	       at[offsetof(struct rte_ipv6_hdr, proto)] == IPPROTO_ICMPV6;
}

static void packet_take(struct receiver *r, const struct rte_mbuf *m, uint64_t now)
{
	struct signature signature;
	uint64_t before = r->sequence.received;

	if (unlikely(!packet_signature(m, &signature) || signature_key(signature) != r->key ||
		     packet_complains(m))) {
		counter_add(&r->foreign, 1);
		return;
	}
	if (unlikely(!signature_right(signature) ||
		     signature_flow(signature) >= r->sequence.flows || (r->verify && !verify(m)))) {
		counter_add(&r->corrupt, 1);
		return;
	}
	sequence_take(&r->sequence, signature_flow(signature), signature_number(signature));
	/* Only of the first copy. */
	if (r->sequence.received != before)
		histogram_add(&r->latency, signature_age(signature, now));
}

static void packets_take(struct receiver *r, struct rte_mbuf **mbufs, unsigned n, uint64_t now)
{
	for (unsigned i = 0; i < n; i++) {
		if (i + AHEAD < n) {
			const struct rte_mbuf *m = mbufs[i + AHEAD];

			rte_prefetch0(rte_pktmbuf_mtod_offset(m, const void *,
							      m->data_len - SIGNATURE_BYTES));
		}
		packet_take(r, mbufs[i], now);
	}
}

/* Buffers of the pool itself that are whole packets need no look at each one's chain. */
static void packets_free(struct receiver *r, struct rte_mbuf **mbufs, unsigned n)
{
	void *own[RECEIVER_BURST];
	unsigned owned = 0;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = mbufs[i];

		if (likely(m->nb_segs == 1 && m->next == NULL && RTE_MBUF_DIRECT(m) &&
			   rte_mbuf_refcnt_read(m) == 1 && m->pool == r->mp))
			own[owned++] = m;
		else
			rte_pktmbuf_free(m);
	}
	if (owned > 0)
		pp_free_bulk(r->cache, own, owned);
}

unsigned receiver_step(struct receiver *r)
{
	struct rte_mbuf *mbufs[RECEIVER_BURST];
	unsigned n = rte_eth_rx_burst(r->port, 0, mbufs, RECEIVER_BURST);
	uint64_t now, before = r->received;

	if (n == 0)
		return 0;
	now = rte_rdtsc();
	if (r->plain) {
		counter_add(&r->received, n);
	} else {
		packets_take(r, mbufs, n, now);
		__atomic_store_n(&r->received, r->sequence.received, __ATOMIC_RELAXED);
	}
	if (r->received != before) {
		if (r->first == 0)
			r->first = now;
		__atomic_store_n(&r->last, now, __ATOMIC_RELAXED);
	}
	packets_free(r, mbufs, n);
	return n;
}

uint64_t receiver_seen(const struct receiver *r)
{
	return counter_read(&r->received) + counter_read(&r->corrupt) +
	       counter_read(&r->sequence.duplicated);
}
