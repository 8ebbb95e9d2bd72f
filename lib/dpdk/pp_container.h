/* SPDX-License-Identifier: BSD-3-Clause */
/* Container: EAL's one VFIO container, which all devices on vfio-pci of a process share. */
#ifndef PP_CONTAINER_H
#define PP_CONTAINER_H

#include <rte_dev.h>
#include <stdbool.h>

/* Whether it is the device's way to memory. */
bool pp_container_has(const struct rte_device *device);

/* 0 or -errno as documented in pp_dma_dpdk.h, with the reason. */
int pp_container_map(void *va, size_t bytes, rte_iova_t iova);
int pp_container_unmap(void *va, size_t bytes, rte_iova_t iova);

struct pp_pool;
/* pp_dma_dpdk_map() for whatever is in the container, now or later. */
int pp_dma_dpdk_map_container(struct pp_pool *pool);

#endif
