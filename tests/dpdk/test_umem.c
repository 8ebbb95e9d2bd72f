/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: every mbuf of a gapless pool can be sent by net_af_xdp, whose UMEM cannot change. */
#include "dpdk_far.h"

#include <errno.h>
#include <unistd.h>
#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

#include "pp_device.h"

static uint16_t port_open(struct rte_mempool *mp)
{
	struct rte_eth_conf conf = { 0 };
	char args[64];
	uint16_t port;

	snprintf(args, sizeof(args), "iface=%s", far_near_name);
	assert_int_equal(rte_eal_hotplug_add("vdev", "net_af_xdp0", args), 0);
	assert_int_equal(rte_eth_dev_get_port_by_name("net_af_xdp0", &port), 0);
	assert_int_equal(pp_pktmbuf_port_check(mp, port), 0);
	assert_false(pp_pktmbuf_umem_open());
	assert_int_equal(rte_eth_dev_configure(port, 1, 1, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, 512, SOCKET_ID_ANY, NULL, mp), 0);
	assert_int_equal(rte_eth_tx_queue_setup(port, 0, 512, SOCKET_ID_ANY, NULL), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
	assert_true(pp_pktmbuf_umem_open());
	return port;
}

static void test_every_mbuf_can_be_sent(void **state)
{
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){
		.mbufs = 8192, .mbufs_max = 16384, .flags = PP_POOL_GAPLESS });
	const struct pp_region *region = pp_pool_region(pp_pktmbuf_pool(mp));
	uint32_t end = pp_buffer_index_end(region), kept;
	uint8_t *seen = calloc(end, 1);
	uint16_t port = port_open(mp);
	int fd = far_open(far_name);
	struct rte_mbuf **mbufs;
	unsigned n, sent = 0, came = 0;
	uint64_t deadline;

	(void)state;
	/* All that the port's fill ring left, the last of the pool among them. */
	n = test_drain(mp, &mbufs);
	assert_true(n > 4000);
	for (unsigned i = 0; i < n; i++) {
		far_write(rte_pktmbuf_append(mbufs[i], FAR_FRAME),
			  (uint32_t)pp_buffer_index(region, mbufs[i]));
	}
	deadline = rte_get_timer_cycles() + 60 * rte_get_timer_hz();
	while (came < n && rte_get_timer_cycles() < deadline) {
		if (sent < n)
			sent += rte_eth_tx_burst(port, 0, mbufs + sent,
						 (uint16_t)RTE_MIN(n - sent, 32u));
		came += far_receive(fd, seen, end);
	}
	assert_int_equal(sent, n);
	assert_int_equal(came, n);
	/* Neither bigger nor smaller while the kernel has the memory as it was. */
	assert_int_equal(pp_pktmbuf_pool_grow(mp, 1), -EBUSY);
	assert_non_null(strstr(pp_error(), "UMEM"));
	assert_int_equal(pp_pktmbuf_pool_shrink(mp, 1, 0), -EBUSY);
	test_lists_assert(mp);
	assert_int_equal(rte_eth_dev_stop(port), 0);
	assert_int_equal(rte_eal_hotplug_remove("vdev", "net_af_xdp0"), 0);
	/* The driver keeps its fill ring. */
	kept = rte_mempool_in_use_count(mp);
	assert_int_equal(pp_pktmbuf_pool_recover(mp), kept);
	assert_int_equal(rte_mempool_in_use_count(mp), 0);
	print_message("%u mbufs sent and come, %u kept by the closed port\n", came, kept);
	assert_true(pp_pktmbuf_pool_grow(mp, 1) > 0);
	assert_int_equal(pp_pool_check(pp_pktmbuf_pool(mp)), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
	close(fd);
	free(mbufs);
	free(seen);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_mbuf_can_be_sent),
	};

	far_veth_create();
	test_eal_start(argc, argv, 32);
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
