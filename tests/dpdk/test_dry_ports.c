/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: ports that lead out of the process, on a pool of which not one buffer is free. */
#include "dpdk_far.h"
#include "dpdk_vdev.h"

#include <errno.h>
#include <unistd.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "pp_critical.h"
#include "pp_device.h"

#define BURST 32
#define RESERVE 64
#define FRAMES 2000
/* What everybody waits for. */
#define ANSWER 1000000

struct port {
	const char *name;
	struct rte_mempool *mp;
	struct pp_pool *pool;
	uint16_t id;
	int fd; /* its far end */
};

static struct port port_open(const char *name, const char *args, const char *interface)
{
	struct port port = { .name = name };

	port.mp = test_pool_create((struct pp_pktmbuf_params){
		.mbufs = 8192, .flags = PP_POOL_GAPLESS, .reserve = RESERVE });
	port.pool = pp_pktmbuf_pool(port.mp);
	port.id = vdev_open(name, args, port.mp);
	port.fd = far_open(interface);
	return port;
}

/* The test has freed all that it had. */
static void port_close(struct port *port)
{
	close(port->fd);
	vdev_close(port->name, port->id);
	pp_pktmbuf_pool_recover(port->mp);
	assert_int_equal(pp_pool_check(port->pool), 0);
	assert_int_equal(pp_pktmbuf_pool_free(port->mp), 0);
}

static struct pp_stats books(const struct port *port)
{
	struct pp_stats stats;

	pp_pool_stats(port->pool, &stats);
	return stats;
}

static uint64_t deadline_in(double seconds)
{
	return rte_get_timer_cycles() + (uint64_t)(seconds * (double)rte_get_timer_hz());
}

/* The number of a frame of ours, every byte of which is right; else UINT32_MAX. */
static uint32_t frame_number(const struct rte_mbuf *m)
{
	const char *data = rte_pktmbuf_mtod(m, const char *);
	char right[FAR_FRAME];
	uint32_t number;

	if (rte_pktmbuf_data_len(m) < FAR_FRAME)
		return UINT32_MAX;
	memcpy(&number, data + RTE_ETHER_HDR_LEN, sizeof(number));
	far_write(right, number);
	return memcmp(data, right, FAR_FRAME) ? UINT32_MAX : number;
}

static bool every_fourth(const struct rte_mbuf *m, void *arg)
{
	(void)arg;
	return frame_number(m) % 4 == 0;
}

static bool is_answer(const struct rte_mbuf *m, void *arg)
{
	(void)arg;
	return frame_number(m) == ANSWER;
}

/* Receives with all buffers held elsewhere: what is critical comes, all of it. */
static void critical_comes(const struct port *port)
{
	const struct pp_stats before = books(port);
	struct pp_stats after;
	uint8_t seen[FRAMES] = { 0 };
	struct rte_mbuf *m[BURST], **held;
	uint32_t sent = 0, came = 0, critical = 0;
	uint64_t deadline = deadline_in(60);
	unsigned n = test_drain(port->mp, &held);

	/* Nothing comes for who has only what is free. */
	far_send(port->fd, ANSWER, ANSWER + 8);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(rte_eth_rx_burst(port->id, 0, m, BURST), 0);
	while (critical < FRAMES / 4 && rte_get_timer_cycles() < deadline) {
		uint16_t all, kept;

		if (sent < FRAMES && sent < came + 256)
			sent += far_send(port->fd, sent, RTE_MIN(sent + 16, (uint32_t)FRAMES));
		pp_critical_begin();
		all = rte_eth_rx_burst(port->id, 0, m, BURST);
		kept = pp_critical_end(m, all, every_fourth, NULL);
		came += all;
		for (uint16_t i = 0; i < kept; i++) {
			uint32_t number = frame_number(m[i]);

			if (number == ANSWER || number == ANSWER + 4)
				continue;
			assert_true(number < FRAMES && number % 4 == 0 && !seen[number]);
			seen[number] = 1;
			critical++;
		}
		rte_pktmbuf_free_bulk(m, kept);
		assert_int_equal(books(port).reserve, RESERVE);
		assert_int_equal(books(port).marked, 0);
	}
	assert_int_equal(critical, FRAMES / 4);
	after = books(port);
	after.sum.refused -= before.sum.refused;
	assert_true(after.sum.refused >= (FRAMES / 4 - 1) * 3);
	assert_true(after.sum.reserve - before.sum.reserve >= after.sum.refused + critical);
	print_message("%s: %u frames, %u of them critical, %llu refused, on an empty pool\n",
		      port->name, came, critical, (unsigned long long)after.sum.refused);
	rte_pktmbuf_free_bulk(held, n);
	free(held);
}

/*
 * Packets are held until the address of their neighbour is known (DPDK/grout
 * issues 110 and 111), more of them than there are buffers; then the answer
 * comes. Returns whether it is received; if so, all that is held goes out.
 */
static bool answer_comes(const struct port *port, bool draw)
{
	uint32_t most = port->mp->populated_size + 4096, sent = 0, came = 0, out = 0, n = 0;
	struct rte_mbuf *m[BURST], **held = calloc(most, sizeof(*held));
	uint8_t *seen = calloc(most, 1);
	uint64_t deadline = deadline_in(60), quiet;
	bool answered = false;

	/* What must come is waited for. */
	quiet = draw ? deadline : deadline_in(1);
	assert_non_null(held);
	assert_non_null(seen);
	while (!answered && rte_get_timer_cycles() < RTE_MIN(deadline, quiet)) {
		uint16_t all, kept;

		if (sent < most && sent < came + 128)
			sent += far_send(port->fd, sent, RTE_MIN(sent + 16, most));
		else if (sent == most && far_send(port->fd, ANSWER, ANSWER + 1))
			sent++;
		if (draw)
			pp_critical_begin();
		all = rte_eth_rx_burst(port->id, 0, m, BURST);
		kept = draw ? pp_critical_end(m, all, is_answer, NULL) : all;
		came += all;
		if (all && !draw)
			quiet = deadline_in(1);
		for (uint16_t i = 0; i < kept; i++) {
			uint32_t number = frame_number(m[i]);

			answered |= number == ANSWER;
			/* The kernel says something, too, now and then. */
			if (number == ANSWER || number == UINT32_MAX)
				rte_pktmbuf_free(m[i]);
			else
				held[n++] = m[i];
		}
	}
	assert_true(n < most);
	for (uint32_t at = 0; answered && out < n && rte_get_timer_cycles() < deadline;) {
		if (at < n)
			at += rte_eth_tx_burst(port->id, 0, held + at,
					       (uint16_t)RTE_MIN(n - at, (uint32_t)BURST));
		out += far_receive(port->fd, seen, most);
	}
	assert_int_equal(out, answered ? n : 0);
	print_message("%s, %s the reserve: %u packets wait of %u sent, the answer %s\n", port->name,
		      draw ? "with" : "without", n, sent, answered ? "comes" : "does not come");
	if (!answered)
		rte_pktmbuf_free_bulk(held, n);
	free(held);
	free(seen);
	return answered;
}

/*
 * NVIDIA/daqiri issue 207: who sends no more because it receives no more never
 * gets back what it has sent, so it receives no more. Sending none asks for it.
 */
static void what_was_sent_comes_back(const struct port *port)
{
	uint8_t seen[FRAMES] = { 0 };
	struct rte_mbuf *m[BURST], **held, *more;
	uint64_t deadline = deadline_in(60);
	uint32_t came = 0, n, back = 0;

	assert_int_equal(rte_pktmbuf_alloc_bulk(port->mp, m, BURST), 0);
	for (uint32_t i = 0; i < BURST; i++)
		far_write(rte_pktmbuf_append(m[i], FAR_FRAME), i);
	assert_int_equal(rte_eth_tx_burst(port->id, 0, m, BURST), BURST);
	while (came < BURST && rte_get_timer_cycles() < deadline)
		came += far_receive(port->fd, seen, FRAMES);
	assert_int_equal(came, BURST);
	n = test_drain(port->mp, &held);
	/* They have arrived, and yet the port has them, and would for ever. */
	usleep(10000);
	assert_null(rte_pktmbuf_alloc(port->mp));
	assert_int_equal(rte_eth_rx_burst(port->id, 0, m, BURST), 0);
	assert_null(rte_pktmbuf_alloc(port->mp));
	assert_int_equal(rte_eth_tx_done_cleanup(port->id, 0, 0), -ENOTSUP);
	assert_int_equal(rte_eth_tx_burst(port->id, 0, m, 0), 0);
	while ((more = rte_pktmbuf_alloc(port->mp))) {
		held[n++] = more;
		back++;
	}
	assert_int_equal(back, BURST);
	rte_pktmbuf_free_bulk(held, n);
	free(held);
}

static const char *near_args(void)
{
	static char args[64];

	snprintf(args, sizeof(args), "iface=%s", far_near_name);
	return args;
}

static void test_net_af_xdp_goes_on_with_an_empty_pool(void **state)
{
	struct port port = port_open("net_af_xdp0", near_args(), far_name);

	(void)state;
	what_was_sent_comes_back(&port);
	critical_comes(&port);
	assert_true(answer_comes(&port, true));
	assert_false(answer_comes(&port, false));
	port_close(&port);
}

static void test_net_af_packet_goes_on_with_an_empty_pool(void **state)
{
	struct port port = port_open("net_af_packet0", near_args(), far_name);

	(void)state;
	critical_comes(&port);
	assert_true(answer_comes(&port, true));
	assert_false(answer_comes(&port, false));
	port_close(&port);
}

static void test_net_tap_goes_on_with_an_empty_pool(void **state)
{
	char args[64], interface[16];
	struct port port;

	(void)state;
	snprintf(interface, sizeof(interface), "ppt%d", getpid());
	snprintf(args, sizeof(args), "iface=%s", interface);
	port = port_open("net_tap0", args, interface);
	critical_comes(&port);
	port_close(&port);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_net_af_xdp_goes_on_with_an_empty_pool),
		cmocka_unit_test(test_net_af_packet_goes_on_with_an_empty_pool),
		cmocka_unit_test(test_net_tap_goes_on_with_an_empty_pool),
	};

	far_veth_create();
	test_eal_start(argc, argv, 32);
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
