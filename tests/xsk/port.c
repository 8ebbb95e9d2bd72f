/* SPDX-License-Identifier: BSD-3-Clause */
/* Port: one of net_pp_xsk on a veth, its mempool, and what goes in and out. */
#include "port.h"

#include <time.h>
#include <rte_bus_vdev.h>

struct rte_mempool *pool_make(uint32_t reserve, uint16_t data_room)
{
	return test_pool_create((struct pp_pktmbuf_params){ .mbufs = MBUFS,
							    .reserve = reserve,
							    .data_room = data_room,
							    .socket = SOCKET_ID_ANY });
}

uint64_t out(struct rte_mempool *mp)
{
	struct pp_stats stats;

	pp_pool_stats(pp_pktmbuf_pool(mp), &stats);
	assert_int_equal(pp_pool_check(pp_pktmbuf_pool(mp)), 0);
	return stats.in_flight;
}

uint16_t port_open(const char *name, const char *iface, struct rte_mempool *mp)
{
	const struct rte_eth_conf conf = { 0 };
	char args[64];
	uint16_t port;

	snprintf(args, sizeof(args), "iface=%s", iface);
	assert_int_equal(rte_vdev_init(name, args), 0);
	assert_int_equal(rte_eth_dev_get_port_by_name(name, &port), 0);
	assert_int_equal(rte_eth_dev_configure(port, 1, 1, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, RING, SOCKET_ID_ANY, NULL, mp), 0);
	assert_int_equal(rte_eth_tx_queue_setup(port, 0, RING, SOCKET_ID_ANY, NULL), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
	return port;
}

void port_close(const char *name, uint16_t port)
{
	assert_int_equal(rte_eth_dev_stop(port), 0);
	assert_int_equal(rte_vdev_uninit(name), 0);
}

uint64_t xstat(uint16_t port, const char *name)
{
	uint64_t id, value;

	assert_int_equal(rte_eth_xstats_get_id_by_name(port, name, &id), 0);
	assert_int_equal(rte_eth_xstats_get_by_id(port, &id, &value, 1), 1);
	return value;
}

/* A frame of ours, in segments of that length at most, the last with what is left. */
struct rte_mbuf *packet_make(struct rte_mempool *mp, size_t bytes, size_t most, uint32_t number)
{
	struct rte_mbuf *head = NULL, *m;
	uint8_t frame[FRAME_MOST];

	frame_make(frame, bytes, number);
	for (size_t at = 0; at < bytes; at += rte_pktmbuf_data_len(m)) {
		size_t n = bytes - at < most ? bytes - at : most;

		m = rte_pktmbuf_alloc(mp);
		assert_non_null(m);
		memcpy(rte_pktmbuf_append(m, (uint16_t)n), frame + at, n);
		if (!head)
			head = m;
		else
			assert_int_equal(rte_pktmbuf_chain(head, m), 0);
	}
	return head;
}

void packet_send(uint16_t port, struct rte_mbuf *m)
{
	time_t end = time(NULL) + 60;

	while (!rte_eth_tx_burst(port, 0, &m, 1))
		assert_true(time(NULL) < end);
}

/* Receives until so many have come, and checks each. */
void receive(uint16_t port, struct rte_mbuf **pkts, unsigned n, size_t bytes)
{
	time_t end = time(NULL) + 60;
	uint8_t copy[FRAME_MOST];
	unsigned got = 0;

	while (got < n) {
		uint16_t some = rte_eth_rx_burst(port, 0, pkts + got, (uint16_t)(n - got));

		for (unsigned i = got; i < got + some; i++) {
			const uint8_t *frame = rte_pktmbuf_read(pkts[i], 0, pkts[i]->pkt_len, copy);
			uint32_t number;

			rte_mbuf_sanity_check(pkts[i], 1);
			assert_int_equal(pkts[i]->pkt_len, bytes);
			assert_int_equal(pkts[i]->port, port);
			assert_true(frame_is_right(frame, bytes, &number));
			assert_int_equal(rte_pktmbuf_headroom(pkts[i]), RTE_PKTMBUF_HEADROOM);
		}
		got += some;
		assert_true(time(NULL) < end);
	}
}
