/* SPDX-License-Identifier: BSD-3-Clause */
/* Indirect: one packet sent to many: mbufs without data of their own, from an object cache. */
#include <stdio.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include <pp_pktmbuf.h>

#include "headers.h"

#define LISTENERS 100

/* The packet's data is there once, whoever is still to send it. */
static unsigned packet_multiply(struct rte_mbuf *packet, struct rte_mempool *headers,
				struct rte_mbuf **clones)
{
	unsigned n = 0;

	while (n < LISTENERS && (clones[n] = rte_pktmbuf_clone(packet, headers)))
		n++;
	rte_pktmbuf_free(packet);
	return n;
}

int main(int argc, char **argv)
{
	char *eal[] = { argv[0], "--no-pci", "--in-memory", "--no-telemetry" };
	struct pp_pktmbuf_params mbufs = {
		.sz = sizeof(mbufs), .name = "mbufs", .mbufs = 1024, .socket = SOCKET_ID_ANY
	};
	struct pp_pool_params buffers = { .sz = sizeof(buffers),
					  .buffer_size = 4096,
					  .buffers = 256 };
	struct pp_objcache_params params = { .sz = sizeof(params), .name = "headers" };
	struct rte_mbuf *packet, *clones[LISTENERS];
	struct rte_mempool *mp, *headers;
	struct pp_objcache_stats stats;
	struct pp_objcache *oc;
	unsigned n, same = 0;

	(void)argc;
	if (rte_eal_init(RTE_DIM(eal), eal) < 0) {
		fprintf(stderr, "EAL does not start: %s\n", rte_strerror(rte_errno));
		return 77;
	}
	mp = pp_pktmbuf_pool_create(&mbufs);
	if (!mp || pp_pool_create(&buffers, &params.pool)) {
		fprintf(stderr, "%s\n", pp_error());
		return 77;
	}
	headers = headers_create(params, &oc);
	packet = rte_pktmbuf_alloc(mp);
	if (!headers || !packet)
		return 1;
	strcpy(rte_pktmbuf_append(packet, 6), "hello");
	n = packet_multiply(packet, headers, clones);
	for (unsigned i = 0; i < n; i++)
		same += RTE_MBUF_CLONED(clones[i]) &&
			!strcmp(rte_pktmbuf_mtod(clones[i], char *), "hello");
	pp_objcache_stats(oc, &stats);
	printf("%u clones of one packet in %u mbuf, cut from %u buffers, %u to a buffer\n", same,
	       rte_mempool_in_use_count(mp), stats.buffers, stats.per_buffer);
	/* The last of them takes the packet home. */
	rte_pktmbuf_free_bulk(clones, n);
	n = same != LISTENERS || stats.out != LISTENERS || rte_mempool_in_use_count(mp);
	rte_mempool_free(headers);
	n |= pp_objcache_destroy(oc) || pp_pool_destroy(params.pool) || pp_pktmbuf_pool_free(mp);
	if (n)
		fprintf(stderr, "%s\n", pp_error());
	rte_eal_cleanup();
	return n != 0;
}
