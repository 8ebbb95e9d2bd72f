/* SPDX-License-Identifier: BSD-3-Clause */
/* None: the DMA backend whose device addresses are the process's, and that fails when told. */
#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "pp_dma.h"

static int none_map(void *device, void *va, size_t bytes, struct pp_mapping *mapping)
{
	struct pp_dma_none *none = device;

	(void)bytes;
	none->maps++;
	if (none->maps == none->fail_map) {
		none->failures++;
		return none->fail_errno ? -none->fail_errno : -EIO;
	}
	mapping->iova = (uintptr_t)va;
	mapping->lkey = 0;
	mapping->rkey = 0;
	return 0;
}

static int none_unmap(void *device, void *va, size_t bytes, const struct pp_mapping *mapping)
{
	struct pp_dma_none *none = device;

	(void)bytes;
	none->unmaps++;
	if (none->unmap_delay_us)
		usleep(none->unmap_delay_us);
	return mapping->iova == (uintptr_t)va ? 0 : -EINVAL;
}

PP_API const struct pp_dma_ops pp_dma_none_ops = {
	.name = "none",
	.map = none_map,
	.unmap = none_unmap,
};
