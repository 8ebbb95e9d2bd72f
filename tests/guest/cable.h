/* SPDX-License-Identifier: BSD-3-Clause */
/* Cable: two ports joined back to back, frames sent over it from any memory, and the IOMMU's faults. */
#ifndef CABLE_H
#define CABLE_H

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "check.h"
#include "pktpool.h"

struct cable {
	uint16_t port[2];
	struct rte_device *device[2];
	struct rte_mempool *heads; /* ordinary mbufs, to which other memory is attached */
};

/* Ports 2n and 2n + 1, receiving into that mempool, the link up. Ends the process if it cannot. */
void cable_open(struct cable *cable, uint16_t first, struct rte_mempool *receive);
void cable_close(struct cable *cable);

#define FRAME_BYTES 1000

/* A frame like no other, by its number. */
void frame_write(void *data, uint32_t number);
bool frame_is(const void *data, uint32_t bytes, uint32_t number);

/*
 * Sends a new frame from that memory, which the device calls so; `write` puts
 * it there, else whatever lies there goes. Whether it came out at the other end
 * as it was written.
 */
bool cable_send(struct cable *cable, void *from, rte_iova_t iova, bool write);

/* Faults that the kernel has reported since it started, over all devices. */
unsigned faults(void);
/* Sends until the IOMMU has complained once more; false: it does not in a minute. */
bool cable_faults(struct cable *cable, void *from, rte_iova_t iova);

#endif
