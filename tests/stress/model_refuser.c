/* SPDX-License-Identifier: BSD-3-Clause */
/* Refuser: see model_refuser.h. */
#include "model_refuser.h"

_Atomic bool refusing;

static int refuser_map(void *device, void *va, size_t bytes, struct pp_mapping *mapping)
{
	return refusing ? -EIO : recorder_ops.map(device, va, bytes, mapping);
}

static int refuser_unmap(void *device, void *va, size_t bytes, const struct pp_mapping *mapping)
{
	return recorder_ops.unmap(device, va, bytes, mapping);
}

static int refuser_added(void *device, uint32_t page)
{
	return recorder_ops.page_added(device, page);
}

static void refuser_removed(void *device, uint32_t page)
{
	recorder_ops.page_removed(device, page);
}

const struct pp_dma_ops refuser_ops = {
	.name = "refuser",
	.map = refuser_map,
	.unmap = refuser_unmap,
	.page_added = refuser_added,
	.page_removed = refuser_removed,
};
