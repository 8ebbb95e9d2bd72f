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
#include "app.h"
#include "loop.h"
#include "pp_critical.h"

/* IEEE 802's local experimental EtherType 1, and the shortest frame without FCS. */
#define FIRST_TYPE 0x88b5
#define FIRST_BYTES 60
/* Rounds without a packet after which what was sent is looked for. */
#define IDLE_ROUNDS 1024

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
			s->critical = &o->critical;
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

/*
 * Whether a packet goes on where others are dropped or held. What the kernel
 * sends is this host's own.
 */
static bool stream_judge(const struct rte_mbuf *m, void *arg)
{
	const struct stream *s = arg;

	return s->from_kernel || critical_judge(m, (void *)(uintptr_t)s->critical);
}

/*
 * Returns how many came; *kept of them stay. Out of the reserve if there is
 * nothing else: then what is not critical is freed here.
 */
static unsigned stream_receive(struct stream *s, const struct options *o, struct rte_mbuf **pkts,
			       unsigned most, unsigned *kept)
{
	bool draw = o->buffers.reserve != 0 && !o->no_critical;
	unsigned n;

	if (draw)
		pp_critical_begin();
	n = rte_eth_rx_burst(s->rx_port, s->queue, pkts, most);
	*kept = draw ? pp_critical_end(pkts, n, stream_judge, s) : n;
	if (n == 0)
		return 0;
	counter_add(&s->tally.rx, n);
	if (unlikely(*kept < n))
		counter_add(&s->tally.marked, n - *kept);
	return n;
}

/* All that has waited, by bursts. */
static void stream_flush(struct stream *s, unsigned burst)
{
	struct batch *batch = &s->batch;

	for (uint32_t i = 0; i < batch->n; i += burst)
		stream_send(s, s->tx_port, &batch->pkts[i], RTE_MIN(burst, batch->n - i));
	batch->n = 0;
}

static unsigned stream_poll(struct stream *s, const struct options *o, unsigned most)
{
	struct rte_mbuf *pkts[OPTIONS_BURST_MAX];
	unsigned out, kept, n = stream_receive(s, o, pkts, most, &kept);

	if (kept == 0 && likely(s->batch.n == 0))
		return n;
	out = kept;
	if (unlikely(s->stall.held != NULL)) {
		out = stall_take(&s->stall, pkts, kept, stream_judge, s);
		counter_add(&s->tally.held, kept - out);
	}
	out = o->program->run(pkts, out, s->from_kernel, s->tally.verdicts);
	if (o->checksum)
		checksums_fill(s, pkts, out);
	if (likely(s->batch.pkts == NULL))
		stream_send(s, s->tx_port, pkts, out);
	else if (batch_add(&s->batch, pkts, out))
		stream_flush(s, o->burst);
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
		app_stop = true;
	return n;
}

/*
 * Most drivers look for what has been sent only when there is more to send. If
 * nothing can be received for want of buffers, that is never: so they are
 * asked. (net_af_xdp has no call for it, but sending none does it.)
 */
static void stream_reclaim(const struct stream *s)
{
	struct rte_mbuf *none[1];

	if (rte_eth_tx_done_cleanup(s->tx_port, s->queue, 0) == -ENOTSUP)
		rte_eth_tx_burst(s->tx_port, s->queue, none, 0);
}

static int lcore_run(void *arg)
{
	struct loop *loop = arg;
	unsigned first = rte_lcore_index(rte_lcore_id());
	unsigned step = rte_lcore_count();
	uint64_t drawn = 0;
	unsigned idle = 0;

	if (first >= loop->n)
		return 0;
	while (!app_stop) {
		unsigned n = 0;

		for (unsigned i = first; i < loop->n; i += step)
			n += loop->o->packets != 0
				     ? stream_poll_limited(loop, &loop->streams[i])
				     : stream_poll(&loop->streams[i], loop->o, loop->o->burst);
		if (n == 0)
			rte_pause();
		idle = n == 0 ? idle + 1 : 0;
		if (likely(drawn == pp_critical_drawn() && idle < IDLE_ROUNDS))
			continue;
		drawn = pp_critical_drawn();
		idle = 0;
		for (unsigned i = first; i < loop->n; i += step)
			stream_reclaim(&loop->streams[i]);
	}
	for (unsigned i = first; i < loop->n; i += step)
		stream_flush(&loop->streams[i], loop->o->burst);
	return 0;
}

int loop_hold(struct loop *loop, const struct rte_mempool *mp)
{
	const struct options *o = loop->o;
	uint32_t most = o->stall ? mp->size : o->batch;

	for (unsigned i = 0; i < loop->n; i++) {
		struct stream *s = &loop->streams[i];

		if ((!o->stall || stall_begin(&s->stall, most)) &&
		    (o->batch == 0 || batch_begin(&s->batch, most, o->burst)))
			continue;
		complain("%s: no memory to hold %" PRIu32 " packets",
			 o->stall ? "--stall" : "--batch", most);
		return APP_ENVIRONMENT;
	}
	return APP_OK;
}

void loop_end(struct loop *loop)
{
	for (unsigned i = 0; i < loop->n; i++) {
		stall_end(&loop->streams[i].stall);
		batch_end(&loop->streams[i].batch);
	}
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
					 (uint64_t)loop->o->buffers.buffers +
						 loop->o->first * loop->n);
				return APP_USAGE;
			}
			counter_add(&s->tally.first, 1);
			stream_send(s, s->rx_port, &m, 1);
		}
	}
	return APP_OK;
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
