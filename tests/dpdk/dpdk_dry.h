/* SPDX-License-Identifier: BSD-3-Clause */
/* Dry: a pool whose buffers are all held but the reserve's. */
#ifndef DPDK_DRY_H
#define DPDK_DRY_H

#include "dpdk_test.h"

#define RESERVE 64

struct dry {
	struct rte_mempool *mp;
	struct pp_pool *pool;
	struct rte_mbuf **held;
	unsigned n;
};

struct dry dry_pool(void);
/* What is held still is all that is out. */
void dry_close(struct dry *dry);

struct pp_stats dry_books(const struct dry *dry);
/* The reserve is whole, and nobody has any of it. */
void dry_paid_assert(const struct dry *dry);
/* What a driver's refill does. */
int dry_refill(const struct dry *dry, struct rte_mbuf **mbufs, unsigned n);

#endif
