/* SPDX-License-Identifier: BSD-3-Clause */
/* Dpdk: the DMA backend that maps a pool's hugepages for a device of EAL's. */
#ifndef PP_DMA_DPDK_H
#define PP_DMA_DPDK_H

#include <rte_dev.h>

#include "pp_dma.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Maps every hugepage of the pool for one more device, as pp_pool_map_device()
 * does, with rte_dev_dma_map(): rte_eth_dev_info_get() tells a port's device.
 * pp_buffer_iova() is then what the device calls a buffer, in both IOVA modes of
 * EAL. The pool's range is registered with rte_extmem_register() meanwhile.
 *
 *	device = pp_dma_dpdk_map(pool, info.device);
 *	...
 *	pp_pool_unmap_device(pool, device);    before rte_dev_remove(),
 *	                                       or pp_pool_destroy(pool)
 *
 * Devices on vfio-pci share EAL's one container: a hugepage is mapped there with
 * the first of them and unmapped with the last, and all of them can reach it as
 * long as one may. Drivers with a mapping of their own (mlx5, virtio_user on
 * vDPA) get each hugepage for themselves. A pktmbuf pool is mapped for VFIO by
 * itself (pp_pktmbuf.h); to map it here too is counted, not done twice.
 *
 * Returns the device's number (0..7), or the following with nothing mapped, and
 * pp_error() says what would mend it; the same come from growing, as -EIO:
 *
 * -EINVAL     no device; or an IOVA that the IOMMU has not: beyond its width, or
 *             in its window for interrupts
 * -ENOTSUP    the device needs or can do no DMA mapping: a vdev, or a NIC that is
 *             not on vfio-pci; or the pool is made of somebody else's memory
 * -EEXIST     the IOVA is mapped already, for other memory or by somebody else
 * -ENOSPC     the pool has 8 devices; or EAL's 256 mappings are used up (adjacent
 *             hugepages are one in IOVA mode VA), or the container's (65535, EAL's
 *             own included, until vfio_iommu_type1's dma_entry_limit is raised),
 *             or EAL's 128 lists of memory, as -ENOMEM
 * -ENOMEM     RLIMIT_MEMLOCK is used up
 * -EFAULT     IOVA mode PA, and the process may not see physical addresses
 *
 * After rte_eal_init(), in the primary process, any thread. The last VFIO device
 * of a process must not be unplugged while pools are mapped: EAL maps them anew
 * for the next one as whole ranges, of which the kernel gives back no part.
 */
PP_API int pp_dma_dpdk_map(struct pp_pool *pool, struct rte_device *device);

#ifdef __cplusplus
}
#endif
#endif
