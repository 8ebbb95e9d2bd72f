/* SPDX-License-Identifier: BSD-3-Clause */
/* Vdev: a port that is plugged in and started, with one queue each way, and unplugged. */
#ifndef DPDK_VDEV_H
#define DPDK_VDEV_H

#include "dpdk_test.h"

/* Receives into mp, which the driver must be able to use. */
uint16_t vdev_open(const char *name, const char *args, struct rte_mempool *mp);
void vdev_close(const char *name, uint16_t port);

#endif
