/* SPDX-License-Identifier: BSD-3-Clause */
/* Loop: each lcore takes its streams' packets from receiving to sending, until told to stop. */
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_pause.h>

#include "checksum.h"
#include "counter.h"
#include "fwd.h"
#include "loop.h"

/* IEEE 802's local experimental EtherType 1, and the shortest frame without FCS. */
#define FIRST_TYPE 0x88b5
#define FIRST_BYTES 60

void loop_prepare(struct loop *loop, const struct ports *ports, const struct options *o)
{
	memset(loop, 0, sizeof(*loop));
	loop->o = o;
	loop->unclaimed = o->packets;
	for (unsigned q = 0; q < o->queues; q++) {
		for (unsigned i = 0; i < ports->n; i++) {
			struct stream *s = &loop->streams[loop->n++];

			s->at = i;
			s->queue = q;
			s->rx_port = ports->at[i].id;
			s->tx_port = ports->at[ports->at[i].peer].id;
			s->from_kernel = ports->at[i].tap;
		}
	}
}

/* Packets the driver refuses are freed at once: trying again would hold up the next burst. */
static void stream_send(struct stream *s, uint16_t port, struct rte_mbuf **pkts, unsigned n)
{
	unsigned sent = n == 0 ? 0 : rte_eth_tx_burst(port, s->queue, pkts, n);

	counter_add(&s->tally.tx, sent);
	if (unlikely(sent < n)) {
		rte_pktmbuf_free_bulk(pkts + sent, n - sent);
		counter_add(&s->tally.refused, n - sent);
	}
}

static void checksums_fill(struct stream *s, struct rte_mbuf **pkts, unsigned n)
{
	unsigned filled = 0;

	for (unsigned i = 0; i < n; i++)
		filled += checksum_fill(pkts[i]);
	counter_add(&s->tally.checksums, filled);
}

static unsigned stream_poll(struct stream *s, const struct options *o, unsigned most)
{
	struct rte_mbuf *pkts[OPTIONS_BURST_MAX];
	unsigned n = rte_eth_rx_burst(s->rx_port, s->queue, pkts, most);
	unsigned out;

	if (n == 0)
		return 0;
	counter_add(&s->tally.rx, n);
	out = o->program->run(pkts, n, s->from_kernel, s->tally.verdicts);
	if (o->checksum)
		checksums_fill(s, pkts, out);
	stream_send(s, s->tx_port, pkts, out);
	return n;
}

/*
 * Receiving is asked for before it is known how much comes, so a lcore first
 * claims a burst and gives back what did not come: the sum is never exceeded.
 */
static unsigned stream_poll_limited(struct loop *loop, struct stream *s)
{
	int64_t most = RTE_MIN((int64_t)loop->o->burst,
			       __atomic_load_n(&loop->unclaimed, __ATOMIC_RELAXED));
	unsigned n;

	if (most <= 0)
		return 0;
	if (__atomic_sub_fetch(&loop->unclaimed, most, __ATOMIC_RELAXED) < 0) {
		__atomic_fetch_add(&loop->unclaimed, most, __ATOMIC_RELAXED);
		return 0;
	}
	n = stream_poll(s, loop->o, most);
	__atomic_fetch_add(&loop->unclaimed, most - n, __ATOMIC_RELAXED);
	if (__atomic_add_fetch(&loop->received, n, __ATOMIC_RELAXED) == loop->o->packets)
		fwd_stop = true;
	return n;
}

static int lcore_run(void *arg)
{
	struct loop *loop = arg;
	unsigned first = rte_lcore_index(rte_lcore_id());
	unsigned step = rte_lcore_count();

	if (first >= loop->n)
		return 0;
	while (!fwd_stop) {
		unsigned n = 0;

		for (unsigned i = first; i < loop->n; i += step)
			n += loop->o->packets != 0
				     ? stream_poll_limited(loop, &loop->streams[i])
				     : stream_poll(&loop->streams[i], loop->o, loop->o->burst);
		if (n == 0)
			rte_pause();
	}
	return 0;
}

void loop_run(struct loop *loop)
{
	rte_eal_mp_remote_launch(lcore_run, loop, CALL_MAIN);
	rte_eal_mp_wait_lcore();
}

static struct rte_mbuf *first_make(struct rte_mempool *mp)
{
	static const struct rte_ether_hdr header = {
		.dst_addr.addr_bytes = { 2, 0, 0, 0, 0, 1 },
		.src_addr.addr_bytes = { 2, 0, 0, 0, 0, 2 },
		.ether_type = RTE_BE16(FIRST_TYPE),
	};
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);

	if (m != NULL) {
		char *data = rte_pktmbuf_append(m, FIRST_BYTES);

		memset(data, 0, FIRST_BYTES);
		memcpy(data, &header, sizeof(header));
	}
	return m;
}

int loop_prime(struct loop *loop, struct rte_mempool *mp)
{
	for (unsigned i = 0; i < loop->n; i++) {
		struct stream *s = &loop->streams[i];

		if (s->queue != 0)
			continue;
		for (uint64_t k = 0; k < loop->o->first; k++) {
			struct rte_mbuf *m = first_make(mp);

			if (m == NULL) {
				complain("--first %" PRIu64 ": the pool is empty after %" PRIu64
					 ": fewer, or --buffers %" PRIu64,
					 loop->o->first, loop_tally(loop, UINT_MAX).first,
					 (uint64_t)loop->o->buffers + loop->o->first * loop->n);
				return FWD_USAGE;
			}
			counter_add(&s->tally.first, 1);
			stream_send(s, s->rx_port, &m, 1);
		}
	}
	return FWD_OK;
}

struct tally loop_tally(const struct loop *loop, unsigned at)
{
	struct tally sum = { 0 };
	uint64_t *to = (uint64_t *)&sum;

	for (unsigned i = 0; i < loop->n; i++) {
		const uint64_t *from = (const uint64_t *)&loop->streams[i].tally;

		if (at != UINT_MAX && loop->streams[i].at != at)
			continue;
		for (unsigned k = 0; k < sizeof(sum) / sizeof(*to); k++)
			to[k] += counter_read(&from[k]);
	}
	return sum;
}
