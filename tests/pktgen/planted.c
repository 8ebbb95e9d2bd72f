/* SPDX-License-Identifier: BSD-3-Clause */
/* Planted: sends back what it receives, except for what it is told to do to every so many'th packet. */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pause.h>

#define BURST 32
#define MBUFS 8191

/*
 * planted EAL... -- PACKETS DROP DOUBLE SWAP DAMAGE BEHIND: of the packets, counted
 * from 1, every DROP'th is freed, every DOUBLE'th sent twice, every SWAP'th sent
 * after the BEHIND that follow it, every DAMAGE'th has a bit of its last 9 bytes
 * flipped; 0: none. On port 0, without losing any itself. After PACKETS it
 * touches no ring any more and waits for a signal: net_memif unmaps them when
 * the other side ends.
 */
static struct {
	uint64_t packets, drop, twice, swap, damage, behind;
} plan;

static volatile bool stop;

static void signal_take(int number)
{
	(void)number;
	stop = true;
}

static bool is_turn(uint64_t n, uint64_t every)
{
	return every != 0 && n % every == 0;
}

static void send_one(struct rte_mbuf *m)
{
	while (rte_eth_tx_burst(0, 0, &m, 1) == 0 && !stop)
		rte_pause();
}

static void forward(struct rte_mempool *mp)
{
	struct rte_mbuf *pkts[BURST], *late = NULL;
	uint64_t seen = 0, due = 0;

	while (!stop && seen < plan.packets) {
		unsigned n = rte_eth_rx_burst(0, 0, pkts, BURST);

		for (unsigned i = 0; i < n; i++) {
			struct rte_mbuf *m = pkts[i], *copy = NULL;

			seen++;
			if (is_turn(seen, plan.drop)) {
				rte_pktmbuf_free(m);
				continue;
			}
			if (is_turn(seen, plan.damage))
				*rte_pktmbuf_mtod_offset(m, uint8_t *, m->data_len - 7) ^= 4;
			if (is_turn(seen, plan.twice))
				copy = rte_pktmbuf_copy(m, mp, 0, UINT32_MAX);
			if (late == NULL && is_turn(seen, plan.swap)) {
				late = m;
				due = seen + plan.behind;
				continue;
			}
			send_one(m);
			if (copy != NULL)
				send_one(copy);
			if (late != NULL && seen >= due) {
				send_one(late);
				late = NULL;
			}
		}
	}
	if (late != NULL)
		send_one(late);
	printf("{\"seen\": %" PRIu64 "}\n", seen);
	fflush(stdout);
}

static int port_start(struct rte_mempool *mp)
{
	static const struct rte_eth_conf conf;

	if (rte_eth_dev_configure(0, 1, 1, &conf) != 0 ||
	    rte_eth_rx_queue_setup(0, 0, 1024, 0, NULL, mp) != 0 ||
	    rte_eth_tx_queue_setup(0, 0, 1024, 0, NULL) != 0)
		return -1;
	return rte_eth_dev_start(0);
}

int main(int argc, char **argv)
{
	int eal = rte_eal_init(argc, argv);
	struct rte_mempool *mp;

	signal(SIGTERM, signal_take);
	signal(SIGINT, signal_take);
	if (eal < 0 || argc - eal != 7) {
		fprintf(stderr, "planted EAL... -- PACKETS DROP DOUBLE SWAP DAMAGE BEHIND\n");
		return 2;
	}
	argv += eal;
	plan.packets = strtoull(argv[1], NULL, 0);
	plan.drop = strtoull(argv[2], NULL, 0);
	plan.twice = strtoull(argv[3], NULL, 0);
	plan.swap = strtoull(argv[4], NULL, 0);
	plan.damage = strtoull(argv[5], NULL, 0);
	plan.behind = strtoull(argv[6], NULL, 0);
	mp = rte_pktmbuf_pool_create("planted", MBUFS, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	if (mp == NULL || port_start(mp) != 0) {
		fprintf(stderr, "planted: no pool or no port\n");
		return 3;
	}
	forward(mp);
	while (!stop)
		pause();
	return 0;
}
