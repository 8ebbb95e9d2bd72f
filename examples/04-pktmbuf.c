/* SPDX-License-Identifier: BSD-3-Clause */
/* Pktmbuf: DPDK ports on a pktpool; what port 0 receives, port 1 sends. */
#include <stdio.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include <pktpool.h>
#include <pp_pktmbuf.h>

#define BURST 32
#define PACKETS 1000000

static int port_open(uint16_t port, struct rte_mempool *mp)
{
	struct rte_eth_conf conf = { 0 };
	int socket = rte_eth_dev_socket_id(port);

	if (rte_eth_dev_configure(port, 1, 1, &conf) ||
	    rte_eth_rx_queue_setup(port, 0, 512, socket, NULL, mp) ||
	    rte_eth_tx_queue_setup(port, 0, 512, socket, NULL))
		return 1;
	return rte_eth_dev_start(port);
}

/* Nothing in here knows what the mbufs are made of. */
static uint64_t packets_forward(void)
{
	struct rte_mbuf *pkts[BURST];
	uint64_t out = 0;

	while (out < PACKETS) {
		uint16_t n = rte_eth_rx_burst(0, 0, pkts, BURST);
		uint16_t sent = rte_eth_tx_burst(1, 0, pkts, n);

		rte_pktmbuf_free_bulk(pkts + sent, n - sent);
		out += sent;
	}
	return out;
}

int main(int argc, char **argv)
{
	/* Two ports that need no hardware: one makes packets, one swallows them. */
	char *eal[] = { argv[0],
			"--no-pci",
			"--in-memory",
			"--no-telemetry",
			"--vdev=net_null0,size=64",
			"--vdev=net_null1" };
	struct pp_pktmbuf_params params = {
		.sz = sizeof(params),
		.name = "mbufs",
		.mbufs = 4096,
		.socket = SOCKET_ID_ANY,
	};
	struct rte_mempool *mp;
	int rc = 0;

	(void)argc;
	if (rte_eal_init(RTE_DIM(eal), eal) < 0) {
		fprintf(stderr, "EAL does not start: %s\n", rte_strerror(rte_errno));
		return 77;
	}
	/* In place of rte_pktmbuf_pool_create(); all else stays as it was. */
	mp = pp_pktmbuf_pool_create(&params);
	if (!mp) {
		fprintf(stderr, "%s\n", pp_error());
		return rte_errno == ENOMEM ? 77 : 1;
	}
	if (port_open(0, mp) || port_open(1, mp)) {
		fprintf(stderr, "a port does not start\n");
		return 1;
	}
	printf("%lu packets forwarded\n", packets_forward());
	for (uint16_t port = 0; port < 2; port++)
		rc |= rte_eth_dev_stop(port) || rte_eth_dev_close(port);
	pp_pool_print(pp_pktmbuf_pool(mp), stdout);
	/* 0 only if every mbuf is home. */
	rc |= pp_pktmbuf_pool_free(mp);
	if (rc)
		fprintf(stderr, "%s\n", pp_error());
	rte_eal_cleanup();
	return rc != 0;
}
