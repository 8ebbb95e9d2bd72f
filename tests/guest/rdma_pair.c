/* SPDX-License-Identifier: BSD-3-Clause */
/* Pair: see rdma_pair.h. */
#include "rdma_pair.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <pp_pktmbuf.h>

#define DESCS 128

struct rte_mempool *mempool_of(const char *name, bool pktpool, uint16_t data_room)
{
	struct pp_pktmbuf_params params = {
		.sz = sizeof(params),
		.name = name,
		.mbufs = MBUFS,
		.mbufs_max = 2 * MBUFS,
		.data_room = data_room,
		.reserve = RESERVE,
		.socket = SOCKET_ID_ANY,
	};
	struct rte_mempool *mp =
		pktpool ? pp_pktmbuf_pool_create(&params)
			: rte_pktmbuf_pool_create(name, MBUFS, 64, 0, data_room, SOCKET_ID_ANY);

	if (!mp) {
		printf("no mempool %s: %s\n", name, pp_error());
		exit(1);
	}
	return mp;
}

int port_setup(uint16_t port, struct rte_mempool *mp, uint16_t mtu)
{
	struct rte_eth_conf conf = { .rxmode = { .mtu = mtu } };
	int rc = rte_eth_dev_configure(port, 1, 1, &conf);

	rc = rc ? rc : rte_eth_rx_queue_setup(port, 0, DESCS, SOCKET_ID_ANY, NULL, mp);
	return rc ? rc : rte_eth_tx_queue_setup(port, 0, DESCS, SOCKET_ID_ANY, NULL);
}

void ports_start(struct rte_mempool *mp)
{
	for (uint16_t port = 0; port < 2; port++) {
		int rc = port_setup(port, mp, 4096 - RTE_ETHER_HDR_LEN);

		rc = rc ? rc : rte_eth_dev_start(port);
		CHECK(rc == 0, "port %u does not start: %d", port, rc);
		if (rc)
			exit(1);
	}
}

void ports_stop(void)
{
	for (uint16_t port = 0; port < 2; port++)
		CHECK(rte_eth_dev_stop(port) == 0, "port %u", port);
}

bool link_becomes(uint16_t port, int status)
{
	struct rte_eth_link link = { 0 };

	for (time_t end = time(NULL) + PATIENCE; time(NULL) < end; usleep(5000))
		if (!rte_eth_link_get_nowait(port, &link) && link.link_status == status)
			return true;
	return false;
}

void frame_write(struct rte_mbuf *packet, unsigned seed)
{
	unsigned at = 0;

	for (struct rte_mbuf *m = packet; m; m = m->next)
		for (unsigned i = 0; i < m->data_len; i++, at++)
			*rte_pktmbuf_mtod_offset(m, uint8_t *, i) =
				(uint8_t)(seed * 37 + at * 3 + (at >> 8));
}

bool frame_is(const struct rte_mbuf *m, unsigned seed, uint32_t bytes)
{
	if (m->pkt_len != bytes || m->nb_segs != 1 || m->next ||
	    rte_pktmbuf_headroom(m) != RTE_PKTMBUF_HEADROOM)
		return false;
	for (unsigned at = 0; at < bytes; at++)
		if (*rte_pktmbuf_mtod_offset(m, uint8_t *, at) !=
		    (uint8_t)(seed * 37 + at * 3 + (at >> 8)))
			return false;
	return true;
}

/* From 64 bytes to all that the way takes; of those that are long, some in two. */
static uint32_t frame_bytes(unsigned seed)
{
	return seed % 7 ? 64 + seed * 389 % 4033 : 4096;
}

struct rte_mbuf *frame_make(struct rte_mempool *mp, unsigned seed)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(mp), *tail;
	uint32_t bytes = frame_bytes(seed), first = seed % 5 ? bytes : bytes / 2;

	CHECK(head && rte_pktmbuf_append(head, (uint16_t)first), "no mbuf");
	if (first < bytes) {
		tail = rte_pktmbuf_alloc(mp);
		CHECK(tail && rte_pktmbuf_append(tail, (uint16_t)(bytes - first)), "no mbuf");
		CHECK(rte_pktmbuf_chain(head, tail) == 0, "no chain");
	}
	frame_write(head, seed);
	return head;
}

void frames_pass(struct rte_mempool *mp, uint16_t from, uint16_t to, unsigned n)
{
	struct rte_mbuf *pkts[BURST];
	unsigned sent = 0, seen = 0;
	time_t end = time(NULL) + PATIENCE;

	while (seen < n && time(NULL) < end) {
		uint16_t k;

		for (k = 0; k < BURST && sent + k < n && sent + k < seen + BURST; k++)
			pkts[k] = frame_make(mp, from * 1000 + sent + k);
		for (uint16_t put = 0; put < k;)
			put += rte_eth_tx_burst(from, 0, pkts + put, k - put);
		sent += k;
		k = rte_eth_rx_burst(to, 0, pkts, BURST);
		for (uint16_t i = 0; i < k; i++, seen++)
			CHECK(frame_is(pkts[i], from * 1000 + seen,
				       frame_bytes(from * 1000 + seen)),
			      "frame %u of %u bytes came with %u", seen,
			      frame_bytes(from * 1000 + seen), pkts[i]->pkt_len);
		rte_pktmbuf_free_bulk(pkts, k);
		if (!k)
			usleep(200);
	}
	CHECK(seen == n, "%u of %u frames came from port %u to %u", seen, n, from, to);
}

void burst_pass(struct rte_mbuf **pkts, unsigned n)
{
	uint32_t bytes = 4096;
	unsigned seen = 0;

	for (unsigned i = 0; i < n; i++) {
		rte_pktmbuf_reset(pkts[i]);
		CHECK(rte_pktmbuf_append(pkts[i], (uint16_t)bytes), "too long");
		frame_write(pkts[i], i);
	}
	for (unsigned put = 0; put < n;)
		put += rte_eth_tx_burst(0, 0, pkts + put, (uint16_t)(n - put));
	for (time_t end = time(NULL) + PATIENCE; seen < n && time(NULL) < end;) {
		struct rte_mbuf *m;

		if (!rte_eth_rx_burst(1, 0, &m, 1))
			continue;
		CHECK(frame_is(m, seen, bytes), "frame %u", seen);
		rte_pktmbuf_free(m);
		seen++;
	}
	CHECK(seen == n, "%u of %u came", seen, n);
}

bool way_becomes_free(struct rte_mempool *mp, uint16_t from, uint16_t to)
{
	struct rte_mbuf *pkts[BURST];
	unsigned quiet = 0;
	uint16_t got = 0;

	for (time_t end = time(NULL) + PATIENCE; !got && time(NULL) < end; usleep(20000)) {
		pkts[0] = frame_make(mp, 1);
		if (!rte_eth_tx_burst(from, 0, pkts, 1))
			rte_pktmbuf_free(pkts[0]);
		got = rte_eth_rx_burst(to, 0, pkts, BURST);
		rte_pktmbuf_free_bulk(pkts, got);
	}
	for (bool some = got; some && quiet < 20; usleep(10000), quiet++) {
		got = rte_eth_rx_burst(to, 0, pkts, BURST);
		rte_pktmbuf_free_bulk(pkts, got);
		quiet = got ? 0 : quiet;
		some = true;
	}
	return quiet == 20;
}

struct rte_eth_stats stats_of(uint16_t port)
{
	struct rte_eth_stats stats;

	rte_eth_stats_get(port, &stats);
	return stats;
}

void mempool_whole(struct rte_mempool *mp, const char *when)
{
	unsigned out = rte_mempool_in_use_count(mp);

	CHECK(out == 0, "%u mbufs are out %s", out, when);
	if (pp_pktmbuf_pool(mp))
		CHECK(pp_pool_check(pp_pktmbuf_pool(mp)) == 0, "%s", pp_error());
}

unsigned regions(const char *name)
{
	return regions_of(&(struct end){ .name = name });
}
