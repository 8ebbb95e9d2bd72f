/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices: what one pool is mapped for, in one process. */
#ifndef PP_DEVICES_H
#define PP_DEVICES_H

#include <stdatomic.h>

#include "pp_dma.h"
#include "pp_lock.h"
#include "pp_region.h"

/*
 * All calls under the pool's page lock, but for pp_devices_ops() and
 * pp_devices_tell(). A device may be removed by the callback that is being
 * called, its own or another's; none is added then.
 */
struct pp_devices {
	struct {
		_Atomic(const struct pp_dma_ops *) ops; /* NULL: free */
		void *context;
		/* Of the last time that it would not have a hugepage, under `telling`. */
		uint64_t refused, stuck;
		int error;
		uint32_t page;
		char reason[PP_REASON];
	} device[PP_DEVICES_MAX];
	pp_lock_word telling;
	int apart;     /* a device that hears nothing just now, plus one */
	uint64_t lost; /* the last hugepage refused: see pp_devices_lost() */
};

static inline const struct pp_dma_ops *pp_devices_ops(const struct pp_devices *devices,
						      unsigned device)
{
	return device < PP_DEVICES_MAX
		       ? atomic_load_explicit(&devices->device[device].ops, memory_order_acquire)
		       : NULL;
}

/* One word for which device refused and why: 0 is none. */
static inline uint64_t pp_devices_lost(unsigned device, int error)
{
	return (uint64_t)(device + 1) << 32 | (uint32_t)error;
}

void pp_devices_add(struct pp_devices *devices, unsigned device, const struct pp_dma_ops *ops,
		    void *context);
/* From now on it is not there; then each of its mappings goes. */
void pp_devices_remove(struct pp_devices *devices, const struct pp_region *region, unsigned device);

/* Hugepage p for every device, or for none: 0 or what the refusing one said. */
int pp_devices_map(struct pp_devices *devices, const struct pp_region *region, uint32_t p);
/* In the reverse order; each mapping once. */
void pp_devices_unmap(struct pp_devices *devices, const struct pp_region *region, uint32_t p);

/* 0 also if the device is not there any more. */
int pp_devices_map_one(struct pp_devices *devices, const struct pp_region *region, unsigned device,
		       uint32_t p);
void pp_devices_unmap_one(struct pp_devices *devices, const struct pp_region *region,
			  unsigned device, uint32_t p);
bool pp_devices_mapped(const struct pp_region *region, unsigned device, uint32_t p);

/* page_added of all, or of none (the error), and page_removed. */
int pp_devices_tell_added(struct pp_devices *devices, uint32_t p);
int pp_devices_tell_one(struct pp_devices *devices, unsigned device, uint32_t p);
void pp_devices_tell_removed(struct pp_devices *devices, uint32_t p);

/* What it has refused, and why. Any thread. */
void pp_devices_tell(struct pp_devices *devices, unsigned device, struct pp_device_info *info);

#endif
