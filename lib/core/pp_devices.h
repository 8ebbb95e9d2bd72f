/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices: what one pool is mapped for, in one process. */
#ifndef PP_DEVICES_H
#define PP_DEVICES_H

#include "pp_dma.h"
#include "pp_region.h"

/* All calls under the pool's page lock. */
struct pp_devices {
	struct {
		const struct pp_dma_ops *ops; /* NULL: free */
		void *context;
	} device[PP_DEVICES_MAX];
};

/* Hugepage p for every device, or for none: 0 or what the refusing one said. */
int pp_devices_map(struct pp_devices *devices, const struct pp_region *region, uint32_t p);
/* In the reverse order; each mapping once. */
void pp_devices_unmap(struct pp_devices *devices, const struct pp_region *region, uint32_t p);

int pp_devices_map_one(struct pp_devices *devices, const struct pp_region *region, unsigned device,
		       uint32_t p);
void pp_devices_unmap_one(struct pp_devices *devices, const struct pp_region *region,
			  unsigned device, uint32_t p);

/* page_added of all, or of none (the error), and page_removed. */
int pp_devices_tell_added(struct pp_devices *devices, uint32_t p);
void pp_devices_tell_removed(struct pp_devices *devices, uint32_t p);

#endif
