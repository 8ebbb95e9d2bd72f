/* SPDX-License-Identifier: BSD-3-Clause */
/* Device: which ports can work on a pktpool's mbufs, and why others cannot. */
#ifndef PP_DEVICE_H
#define PP_DEVICE_H

#include <rte_mempool.h>

#include "pp_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Whether a device would really pass packets in mbufs of this mempool. To be
 * asked before it is probed ("net_af_xdp0,iface=eth0", as after --vdev) or,
 * of a port that is there, before its queues are set up. 0, or -ENOTSUP with
 * pp_error() saying what is wrong and what to do; -ENODEV: no such port. An
 * mp that is not a pktpool's, or NULL, stands for a port that gets its mbufs
 * elsewhere. Drivers that are not named here are not checked:
 *
 * net_af_xdp       needs PP_POOL_GAPLESS and frames of 2048..4096 bytes
 * net_memif        not as zero-copy client
 * net_virtio_user  not at all while a pktmbuf pool exists, whichever mbufs it gets
 * 0000:01:00.0     a PCI device, before it is probed: -EBUSY while another one of its
 *                  IOMMU group is with a driver of the kernel's
 *
 * The check of a port also maps the mempool's hugepages, and those that will
 * grow, for a device behind VFIO that has come since the pool was made (what is
 * there then is found by pp_pktmbuf_pool_create()); -EIO if that cannot be done.
 * To be asked for each mempool whose mbufs the port is to send. Drivers with
 * ways of their own to register a mempool (mlx5) do so when queues are set up,
 * and do not see what grows later.
 */
PP_API int pp_pktmbuf_device_check(const struct rte_mempool *mp, const char *devargs);
PP_API int pp_pktmbuf_port_check(const struct rte_mempool *mp, uint16_t port);

/*
 * Whether a net_af_xdp port with queues is open: its UMEM was fixed when its
 * queues were set up, so a gapless pool neither grows nor shrinks meanwhile.
 */
PP_API bool pp_pktmbuf_umem_open(void);

#ifdef __cplusplus
}
#endif
#endif
