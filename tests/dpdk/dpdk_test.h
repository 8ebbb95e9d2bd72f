/* SPDX-License-Identifier: BSD-3-Clause */
/* Dpdk-test: starting a real EAL in the mode that the test is run for, and looking at a mempool. */
#ifndef DPDK_TEST_H
#define DPDK_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "pktpool.h"
#include "pp_pktmbuf.h"

/* The pages that go with the mode: hugepages, or ordinary ones without. */
extern int test_pages;

/*
 * Starts EAL in mode argv[1]: "va", "pa" or "nohuge", with so many 2 MiB
 * hugepages at hand. Ends the process with 77 if that cannot be had here.
 */
void test_eal_start(int argc, char **argv, unsigned hugepages);

/* A pool; params with sz, name and pages left out. Asserts that it is there. */
struct rte_mempool *test_pool_create(struct pp_pktmbuf_params params);

/* What this process has of hugepages and shared memory, files, and EAL's external lists. */
struct test_footprint {
	size_t hugepage_kib;
	unsigned files;
	unsigned lists;
};
struct test_footprint test_footprint(void);
void test_footprint_assert(struct test_footprint before);

/* The mempool's lists agree with the pool's hugepages, and all sums with each other. */
void test_lists_assert(struct rte_mempool *mp);

/* The mbuf is as a free one of this mempool has to be. */
void test_mbuf_assert(struct rte_mempool *mp, const struct rte_mbuf *m);
bool test_mbuf_fresh(const struct rte_mempool *mp, const struct rte_mbuf *m);

/* All mbufs that there are, in an array to be freed; returns how many. */
unsigned test_drain(struct rte_mempool *mp, struct rte_mbuf ***mbufs);

#endif
