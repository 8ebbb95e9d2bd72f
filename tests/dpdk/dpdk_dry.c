/* SPDX-License-Identifier: BSD-3-Clause */
/* Dry: see dpdk_dry.h. */
#include "dpdk_dry.h"

struct dry dry_pool(void)
{
	struct dry dry = { .mp = test_pool_create((struct pp_pktmbuf_params){
				   .mbufs = 2048, .reserve = RESERVE }) };

	dry.pool = pp_pktmbuf_pool(dry.mp);
	dry.n = test_drain(dry.mp, &dry.held);
	assert_int_equal(dry.n, dry.mp->populated_size - RESERVE);
	return dry;
}

void dry_close(struct dry *dry)
{
	rte_pktmbuf_free_bulk(dry->held, dry->n);
	free(dry->held);
	assert_int_equal(rte_mempool_in_use_count(dry->mp), 0);
	assert_int_equal(pp_pool_check(dry->pool), 0);
	assert_int_equal(pp_pktmbuf_pool_free(dry->mp), 0);
}

struct pp_stats dry_books(const struct dry *dry)
{
	struct pp_stats stats;

	pp_pool_stats(dry->pool, &stats);
	return stats;
}

void dry_paid_assert(const struct dry *dry)
{
	struct pp_stats s = dry_books(dry);

	assert_int_equal(s.reserve, RESERVE);
	assert_int_equal(s.marked, 0);
}

int dry_refill(const struct dry *dry, struct rte_mbuf **mbufs, unsigned n)
{
	return rte_pktmbuf_alloc_bulk(dry->mp, mbufs, n);
}
