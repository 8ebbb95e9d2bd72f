/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: ports that lead out of the process carry every frame in mbufs of the pool. */
#include "dpdk_far.h"
#include "dpdk_vdev.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>

#define BURST 32
#define FRAMES 5000

static void send_all(uint16_t port, struct rte_mbuf **mbufs, uint16_t n)
{
	for (uint16_t sent = 0; sent < n;)
		sent += rte_eth_tx_burst(port, 0, mbufs + sent, n - sent);
}

static uint64_t deadline_in(unsigned seconds)
{
	return rte_get_timer_cycles() + seconds * rte_get_timer_hz();
}

/* Frames from the far end go round through the port; all come back, and all mbufs home. */
static void reflects(const char *name, const char *args, const char *interface)
{
	struct rte_mempool *mp = test_pool_create(
		(struct pp_pktmbuf_params){ .mbufs = 8192, .flags = PP_POOL_GAPLESS });
	uint16_t port = vdev_open(name, args, mp);
	uint8_t seen[FRAMES] = { 0 };
	struct rte_mbuf *mbufs[BURST];
	uint32_t sent = 0, back = 0, kept;
	uint64_t deadline = deadline_in(60);
	int fd = far_open(interface);

	/* Of somebody else; reflected, too, and none of those that are looked for. */
	far_whose++;
	assert_int_equal(far_send(fd, FRAMES - 64, FRAMES), 64);
	far_whose--;
	while (back < FRAMES && rte_get_timer_cycles() < deadline) {
		uint16_t n;

		if (sent < FRAMES && sent - back < 256)
			sent += far_send(fd, sent, RTE_MIN(sent + 16, (uint32_t)FRAMES));
		n = rte_eth_rx_burst(port, 0, mbufs, BURST);
		for (uint16_t i = 0; i < n; i++)
			assert_ptr_equal(mbufs[i]->pool, mp);
		send_all(port, mbufs, n);
		back += far_receive(fd, seen, FRAMES);
	}
	assert_int_equal(sent, FRAMES);
	assert_int_equal(back, FRAMES);
	close(fd);
	vdev_close(name, port);
	kept = rte_mempool_in_use_count(mp);
	print_message("%s: %u frames there and back, %u mbufs kept at close\n", name, back, kept);
	assert_int_equal(pp_pktmbuf_pool_recover(mp), kept);
	assert_int_equal(pp_pool_check(pp_pktmbuf_pool(mp)), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

static atomic_bool enough;

static void *speak(void *fd)
{
	while (!atomic_load(&enough))
		far_send((int)(intptr_t)fd, 0, 16);
	return NULL;
}

/* Frames of another interface, which may come while it is opened, are none of its own. */
static void test_a_far_socket_hears_its_own_interface_only(void **state)
{
	int fd = far_open(far_name);
	uint8_t seen[16] = { 0 };
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, speak, (void *)(intptr_t)fd), 0);
	for (int i = 0; i < 50; i++) {
		int deaf = far_open("lo");

		assert_int_equal(far_receive(deaf, seen, 16), 0);
		close(deaf);
	}
	atomic_store(&enough, true);
	pthread_join(thread, NULL);
	close(fd);
}

static void test_net_af_packet_reflects_every_frame(void **state)
{
	char args[64];

	(void)state;
	snprintf(args, sizeof(args), "iface=%s", far_near_name);
	reflects("net_af_packet0", args, far_name);
}

static void test_net_af_xdp_reflects_every_frame(void **state)
{
	char args[64];

	(void)state;
	snprintf(args, sizeof(args), "iface=%s", far_near_name);
	reflects("net_af_xdp0", args, far_name);
}

static void test_net_tap_reflects_every_frame(void **state)
{
	char args[64], interface[16];

	(void)state;
	snprintf(interface, sizeof(interface), "ppt%d", getpid());
	snprintf(args, sizeof(args), "iface=%s", interface);
	reflects("net_tap0", args, interface);
}

/* Both ends in this process, over a socket of its own. */
static void test_net_memif_carries_every_frame(void **state)
{
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){ .mbufs = 8192 });
	struct rte_eth_link link = { 0 };
	struct rte_mbuf *mbufs[BURST];
	char args[2][160], right[FAR_FRAME];
	uint64_t deadline = deadline_in(60);
	uint32_t sent = 0, came = 0;
	uint16_t port[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		snprintf(args[i], sizeof(args[i]),
			 "role=%s,id=0,socket=/tmp/pktpool-memif.%d,socket-abstract=no",
			 i ? "client" : "server", getpid());
	port[0] = vdev_open("net_memif0", args[0], mp);
	port[1] = vdev_open("net_memif1", args[1], mp);
	while (!link.link_status && rte_get_timer_cycles() < deadline)
		assert_int_equal(rte_eth_link_get_nowait(port[1], &link), 0);
	while (came < FRAMES && rte_get_timer_cycles() < deadline) {
		uint16_t n = sent < FRAMES && sent - came < 128 ? 8 : 0;

		assert_int_equal(rte_pktmbuf_alloc_bulk(mp, mbufs, n), 0);
		for (uint16_t i = 0; i < n; i++)
			far_write(rte_pktmbuf_append(mbufs[i], FAR_FRAME), sent + i);
		send_all(port[1], mbufs, n);
		sent += n;
		n = rte_eth_rx_burst(port[0], 0, mbufs, BURST);
		for (uint16_t i = 0; i < n; i++) {
			assert_ptr_equal(mbufs[i]->pool, mp);
			far_write(right, came++);
			assert_memory_equal(rte_pktmbuf_mtod(mbufs[i], char *), right, FAR_FRAME);
		}
		rte_pktmbuf_free_bulk(mbufs, n);
	}
	assert_int_equal(came, FRAMES);
	vdev_close("net_memif1", port[1]);
	vdev_close("net_memif0", port[0]);
	assert_int_equal(rte_mempool_in_use_count(mp), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_far_socket_hears_its_own_interface_only),
		cmocka_unit_test(test_net_af_packet_reflects_every_frame),
		cmocka_unit_test(test_net_af_xdp_reflects_every_frame),
		cmocka_unit_test(test_net_tap_reflects_every_frame),
		cmocka_unit_test(test_net_memif_carries_every_frame),
	};

	far_veth_create();
	test_eal_start(argc, argv, 32);
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
