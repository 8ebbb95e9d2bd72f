/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernel: what the programs of a guest with several NUMA nodes share. */
#ifndef NUMA_KERNEL_H
#define NUMA_KERNEL_H

#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pktpool.h"

#define BUFFER 2048

/* Both of the kernel's calls, which must agree: not what the pool does. */
int kernel_node(void *addr);
long hugepages_on(int node);
int nodes_here(void);

/* Hugepages of BUFFER bytes over the nodes in the mask, up to max; NULL if it cannot be had. */
struct pp_pool *pool_on(uint64_t nodes, uint32_t pages, uint32_t max, int *error);
struct pp_node_info node_of(const struct pp_pool *pool, int node);

/* fn(arg) by a thread that runs on that node. */
void run_on(int node, void *(*fn)(void *arg), void *arg);

void test_load(void);

#endif
