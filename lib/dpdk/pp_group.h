/* SPDX-License-Identifier: BSD-3-Clause */
/* Group: the PCI devices that an IOMMU cannot keep from each other. */
#ifndef PP_GROUP_H
#define PP_GROUP_H

/*
 * Whether VFIO hands out the PCI device: 0, or -EBUSY while another device of its
 * IOMMU group is with a driver that does DMA by itself, which pp_error() names.
 * 0 also for what is no PCI address.
 */
int pp_group_check(const char *address);

#endif
