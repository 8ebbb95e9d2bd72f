/* SPDX-License-Identifier: BSD-3-Clause */
/* Static user: an application with DPDK linked into it, which makes, uses and frees mempools on our ops. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_memzone.h>
#include <rte_version.h>

#define N 5000
#define MUST(x)                                                                    \
	do {                                                                       \
		if (!(x)) {                                                        \
			printf("%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, #x, \
			       rte_strerror(rte_errno));                           \
			exit(1);                                                   \
		}                                                                  \
	} while (0)

static void zone_count(const struct rte_memzone *mz, void *arg)
{
	(void)mz;
	++*(unsigned *)arg;
}

static unsigned zones(void)
{
	unsigned n = 0;

	rte_memzone_walk(zone_count, &n);
	return n;
}

/* All there are, one by one, each of them once. */
static void *mbufs_use(void *arg)
{
	struct rte_mempool *mp = arg;
	static struct rte_mbuf *mbufs[N + 1];

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < N; i++) {
			mbufs[i] = rte_pktmbuf_alloc(mp);
			MUST(mbufs[i] && mbufs[i]->pool == mp && !mbufs[i]->dynfield1[0]);
			mbufs[i]->dynfield1[0] = 1;
		}
		MUST(!rte_pktmbuf_alloc(mp));
		for (unsigned i = 0; i < N; i++) {
			mbufs[i]->dynfield1[0] = 0;
			rte_pktmbuf_free(mbufs[i]);
		}
		MUST(rte_mempool_avail_count(mp) == N);
	}
	return NULL;
}

static const char *ops_of(const struct rte_mempool *mp)
{
	return rte_mempool_get_ops(mp->ops_index)->name;
}

static void mempool_use(void)
{
	static void *objs[N + 1];
	struct rte_mempool *mp = rte_mempool_create_empty("plain", N, 100, 64, 0, SOCKET_ID_ANY, 0);

	MUST(mp && !rte_mempool_set_ops_byname(mp, "pktpool", NULL));
	MUST(rte_mempool_populate_default(mp) == N && !strcmp(ops_of(mp), "pktpool"));
	MUST(!rte_mempool_get_bulk(mp, objs, N));
	MUST(rte_mempool_get(mp, &objs[N]) == -ENOBUFS);
	rte_mempool_put_bulk(mp, objs, N);
	MUST(rte_mempool_avail_count(mp) == N);
	rte_mempool_free(mp);
}

int main(int argc, char **argv)
{
	struct rte_mempool *mp;
	pthread_t thread;
	unsigned before;

	MUST(rte_eal_init(argc, argv) >= 0);
	/* Another one's first: what both have once for all is there then. */
	mempool_use();
	before = zones();
	mempool_use();
	mp = rte_pktmbuf_pool_create_by_ops("mbufs", N, 0, 0, 2176, SOCKET_ID_ANY, "pktpool");
	MUST(mp && !strcmp(ops_of(mp), "pktpool"));
	mbufs_use(mp);
	MUST(!pthread_create(&thread, NULL, mbufs_use, mp) && !pthread_join(thread, NULL));
	mbufs_use(mp);
	rte_mempool_free(mp);
	MUST(zones() == before);
	printf("%s linked in, ops \"pktpool\" at %u of %u places: mempools made, used and freed\n",
	       rte_version(), rte_mempool_ops_table.num_ops, RTE_MEMPOOL_MAX_OPS_IDX);
	MUST(!rte_eal_cleanup());
	return 0;
}
