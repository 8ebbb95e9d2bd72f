/* SPDX-License-Identifier: BSD-3-Clause */
/* Vdev: see dpdk_vdev.h. */
#include "dpdk_vdev.h"

#include <rte_dev.h>
#include <rte_ethdev.h>

#include "pp_device.h"

uint16_t vdev_open(const char *name, const char *args, struct rte_mempool *mp)
{
	struct rte_eth_conf conf = { 0 };
	uint16_t port;

	assert_int_equal(rte_eal_hotplug_add("vdev", name, args), 0);
	assert_int_equal(rte_eth_dev_get_port_by_name(name, &port), 0);
	assert_int_equal(pp_pktmbuf_port_check(mp, port), 0);
	assert_int_equal(rte_eth_dev_configure(port, 1, 1, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, 512, SOCKET_ID_ANY, NULL, mp), 0);
	assert_int_equal(rte_eth_tx_queue_setup(port, 0, 512, SOCKET_ID_ANY, NULL), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
	return port;
}

void vdev_close(const char *name, uint16_t port)
{
	assert_int_equal(rte_eth_dev_stop(port), 0);
	assert_int_equal(rte_eal_hotplug_remove("vdev", name), 0);
}
