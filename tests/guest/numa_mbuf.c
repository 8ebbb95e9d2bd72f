/* SPDX-License-Identifier: BSD-3-Clause */
/* Mbuf: a pktmbuf pool's mbufs are on the socket asked for, or on several, asked of the kernel. */
#include "numa_kernel.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include "pp_pktmbuf.h"

#define MBUFS 2000

static struct rte_mempool *mempool_on(int socket, uint64_t nodes, uint32_t mbufs)
{
	struct pp_pktmbuf_params params = {
		.sz = sizeof(params),
		.name = "mbufs",
		.mbufs = mbufs,
		.mbufs_max = 3 * mbufs,
		.socket = socket,
		.nodes = nodes,
	};

	return pp_pktmbuf_pool_create(&params);
}

static unsigned took[PP_NODES_MAX];

/* All of them, by a thread of one node; rte_mempool's users know no other node. */
static void *take_all(void *arg)
{
	struct rte_mempool *mp = arg;
	struct rte_mbuf **mbufs = calloc(mp->size, sizeof(*mbufs));
	unsigned n = 0;

	memset(took, 0, sizeof(took));
	while (n < mp->size && (mbufs[n] = rte_pktmbuf_alloc(mp)) != NULL) {
		void *data = rte_pktmbuf_mtod(mbufs[n], void *);
		int node = pp_buffer_node(pp_pool_region(pp_pktmbuf_pool(mp)), mbufs[n]);

		/* System calls are slow in there. */
		CHECK(n % 31 || (node == kernel_node(mbufs[n]) && node == kernel_node(data)),
		      "mbuf %u: %d, kernel %d", n, node, kernel_node(mbufs[n]));
		took[node < 0 ? 0 : node]++;
		n++;
	}
	CHECK(n == mp->size, "%u of %u", n, mp->size);
	while (n)
		rte_pktmbuf_free(mbufs[--n]);
	free(mbufs);
	return NULL;
}

static void test_mbufs_are_on_their_socket(void)
{
	for (int socket = 0; socket < nodes_here(); socket++) {
		struct rte_mempool *mp = mempool_on(socket, 0, MBUFS);
		int rc;

		CHECK(mp, "%s", pp_error());
		if (!mp)
			continue;
		/* Whoever asks, and wherever it runs. */
		for (int node = 0; node < nodes_here(); node++) {
			run_on(node, take_all, mp);
			CHECK(took[socket] == mp->size, "%u of %u on socket %d", took[socket],
			      mp->size, socket);
		}
		rc = pp_pktmbuf_pool_grow(mp, 500);
		CHECK(rc >= 500, "%d %s", rc, pp_error());
		run_on(0, take_all, mp);
		CHECK(took[socket] == mp->size, "%u of %u on socket %d", took[socket], mp->size,
		      socket);
		CHECK(pp_pktmbuf_pool_free(mp) == 0, "%s", pp_error());
	}
}

static void test_mbufs_on_all_nodes(void)
{
	struct rte_mempool *mp = mempool_on(0, (1ull << nodes_here()) - 1, MBUFS);
	struct pp_stats stats;
	struct pp_pool *pool;
	unsigned sum = 0;

	CHECK(mp, "%s", pp_error());
	if (!mp)
		return;
	pool = pp_pktmbuf_pool(mp);
	run_on(1, take_all, mp);
	for (int node = 0; node < nodes_here(); node++) {
		CHECK(took[node] == node_of(pool, node).total, "%u of %lu", took[node],
		      node_of(pool, node).total);
		sum += took[node];
	}
	CHECK(sum == mp->size && took[0] && took[1], "%u, %u, %u", sum, took[0], took[1]);
	pp_pool_stats(pool, &stats);
	CHECK(stats.sum.borrowed == sum - took[1], "%lu", stats.sum.borrowed);
	CHECK(pp_pool_grow_on(pool, 1, 1) > 0, "%s", pp_error());
	run_on(0, take_all, mp);
	CHECK(took[1] == node_of(pool, 1).total, "%u of %lu", took[1], node_of(pool, 1).total);
	CHECK(pp_pool_check(pool) == 0, "%s", pp_error());
	CHECK(pp_pktmbuf_pool_free(mp) == 0, "%s", pp_error());
}

static void test_shortage_on_a_socket(void)
{
	struct rte_mempool *mp = mempool_on(1, 0, 1000000);

	CHECK(!mp && rte_errno == ENOMEM && strstr(pp_error(), "NUMA node 1"), "%s", pp_error());
	mp = mempool_on(7, 0, MBUFS);
	CHECK(!mp && rte_errno == EINVAL && strstr(pp_error(), "node 7"), "%s", pp_error());
	mp = mempool_on(0, 1ull << 40, MBUFS);
	CHECK(!mp && rte_errno == EINVAL && strstr(pp_error(), "node 40"), "%s", pp_error());
}

int main(void)
{
	char *args[] = { "numa_mbuf", "--in-memory", "--no-pci", "--no-telemetry", "-m", "16" };

	if (nodes_here() < 2) {
		printf("this machine has one NUMA node\n");
		return 77;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (rte_eal_init(6, args) < 0) {
		printf("EAL cannot start: %s\n", rte_strerror(rte_errno));
		return 3;
	}
	test_mbufs_are_on_their_socket();
	test_mbufs_on_all_nodes();
	test_shortage_on_a_socket();
	printf("mbufs on %d nodes: %d failures\n", nodes_here(), failures);
	rte_eal_cleanup();
	return failures ? 1 : 0;
}
