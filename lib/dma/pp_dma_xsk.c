/* SPDX-License-Identifier: BSD-3-Clause */
/* Xsk: the DMA backend of AF_XDP: which memory a UMEM is, and what becomes of its hugepages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pp_fail.h"
#include "pp_xsk_parts.h"

/* The kernel's: XDP_UMEM_MIN_CHUNK_SIZE, a page, and XDP_PACKET_HEADROOM. */
#define CHUNK_MIN 2048u
#define CHUNK_MAX 4096u
#define KERNEL_HEADROOM 256u

static uint32_t umem_page(const struct pp_xsk_umem *umem, const void *va)
{
	return (uint32_t)((size_t)((const char *)va - (const char *)umem->extent.base) /
			  umem->extent.page);
}

static int umem_map(void *device, void *va, size_t bytes, struct pp_mapping *mapping)
{
	struct pp_xsk_umem *umem = device;
	uint32_t p = umem_page(umem, va);
	int rc = 0;

	(void)bytes;
	pthread_mutex_lock(&umem->lock);
	if (!umem->open)
		umem->present[p] = true;
	else if (p - umem->first < umem->pages)
		rc = pp_fail(-EEXIST,
			     "hugepage %u left and came back: the UMEM is of the memory that it "
			     "was; close its queues first",
			     p);
	else
		rc = pp_fail(-ERANGE,
			     "hugepage %u is outside the UMEM, which was fixed at hugepages %u to "
			     "%u when its first queue was opened; close its queues first",
			     p, umem->first, umem->first + umem->pages - 1);
	pthread_mutex_unlock(&umem->lock);
	mapping->iova = (uint64_t)((char *)va - (char *)umem->extent.base);
	return rc;
}

static int umem_unmap(void *device, void *va, size_t bytes, const struct pp_mapping *mapping)
{
	struct pp_xsk_umem *umem = device;

	(void)bytes;
	(void)mapping;
	pthread_mutex_lock(&umem->lock);
	umem->present[umem_page(umem, va)] = false;
	pthread_mutex_unlock(&umem->lock);
	return 0;
}

static const struct pp_dma_ops umem_ops = {
	.name = "xsk",
	.map = umem_map,
	.unmap = umem_unmap,
};

/* The one run of hugepages there is: 0, or -ENXIO and where it is broken. */
static int range_find(const struct pp_xsk_umem *umem, uint32_t *first, uint32_t *pages)
{
	uint32_t p = 0, end;

	while (p < umem->extent.pages && !umem->present[p])
		p++;
	*first = p;
	while (p < umem->extent.pages && umem->present[p])
		p++;
	end = p;
	*pages = end - *first;
	while (p < umem->extent.pages && !umem->present[p])
		p++;
	if (p < umem->extent.pages)
		return pp_fail(-ENXIO,
			       "the pool has no hugepages %u to %u, and a UMEM is one piece: "
			       "pp_pool_grow() first",
			       end, p - 1);
	return *pages ? 0 : pp_fail(-ENXIO, "the pool has no hugepage");
}

int pp_xsk_umem_hold(struct pp_xsk_umem *umem)
{
	uint32_t first = 0, pages = 0;
	int rc = 0;

	pthread_mutex_lock(&umem->lock);
	if (umem->pool)
		rc = range_find(umem, &first, &pages);
	if (!rc && umem->open && (first != umem->first || pages != umem->pages))
		rc = pp_fail(-ENXIO,
			     "hugepages have left the pool since the UMEM's first queue was "
			     "opened: close its queues first");
	if (!rc) {
		umem->first = first;
		umem->pages = pages;
		umem->open++;
	}
	pthread_mutex_unlock(&umem->lock);
	return rc;
}

void pp_xsk_umem_release(struct pp_xsk_umem *umem)
{
	pthread_mutex_lock(&umem->lock);
	umem->open--;
	pthread_mutex_unlock(&umem->lock);
}

/*
 *	chunk                 lead      data
 *	| before the address | buf ... | frame ...             | tail |
 *	|<- headroom, ours ->|<- 256, the kernel's ->|
 */
static int chunk_plan(struct pp_xsk_umem *umem, const struct pp_xsk_umem_params *params)
{
	uint32_t stride = umem->extent.stride, before = params->headroom + umem->lead;
	uint32_t size = params->buffer_size ? params->buffer_size : stride;

	/* The line by which a pool shifts its buffers is nobody's loss. */
	if (!params->buffer_size && size == CHUNK_MAX + PP_LINE)
		size = CHUNK_MAX;
	umem->headroom = before > KERNEL_HEADROOM ? before - KERNEL_HEADROOM : 0;
	umem->chunk = size - params->tail;
	umem->aligned = umem->chunk == stride && (stride == CHUNK_MIN || stride == CHUNK_MAX) &&
			(uintptr_t)umem->extent.base % stride == 0;
	if (size > stride || params->tail >= size || umem->chunk < CHUNK_MIN ||
	    umem->chunk > CHUNK_MAX)
		return pp_fail(
			-EINVAL,
			"a UMEM is of chunks of %u to %u bytes, and these buffers are of %u, "
			"the last %u not to be used: change their size",
			CHUNK_MIN, CHUNK_MAX, size, params->tail);
	if (umem->headroom + KERNEL_HEADROOM >= umem->chunk)
		return pp_fail(-EINVAL, "a headroom of %u leaves nothing of chunks of %u bytes",
			       params->headroom, umem->chunk);
	return 0;
}

static int params_read(const struct pp_pool *pool, const struct pp_xsk_umem_params *from,
		       struct pp_xsk_umem_params *params)
{
	memset(params, 0, sizeof(*params));
	if (!from || from->sz < offsetof(struct pp_xsk_umem_params, area) ||
	    from->sz > sizeof(*params))
		return pp_fail(-EINVAL, "sz is not sizeof(struct pp_xsk_umem_params)");
	memcpy(params, from, from->sz);
	if (params->headroom > CHUNK_MAX || params->tail > CHUNK_MAX)
		return pp_fail(-EINVAL, "headroom and tail are of a chunk: up to %u", CHUNK_MAX);
	if (!pool == !params->area)
		return pp_fail(-EINVAL, "a UMEM is of a pool, or of memory that is no pool's");
	if (!pool && ((uintptr_t)params->area % CHUNK_MAX || params->bytes % CHUNK_MAX ||
		      !params->bytes || params->lead > params->buffer_size))
		return pp_fail(-EINVAL, "memory that is no pool's has whole pages of 4 KiB, and "
					"buffers longer than their lead");
	return 0;
}

/* What the pool says of its memory, or what is said of other memory. */
static void memory_describe(struct pp_xsk_umem *umem, const struct pp_xsk_umem_params *params)
{
	const struct pp_region *region;
	struct pp_page_info info = { 0 };

	if (!umem->pool) {
		umem->extent = (struct pp_extent){ .base = params->area,
						   .bytes = params->bytes,
						   .page = params->bytes,
						   .pages = 1,
						   .stride = params->buffer_size };
		umem->lead = params->lead;
		return;
	}
	region = pp_pool_region(umem->pool);
	pp_region_extent(region, &umem->extent);
	for (uint32_t p = 0; p < umem->extent.pages; p++) {
		const char *buf;

		if (pp_region_page(region, p, &info) || !info.present || !info.count)
			continue;
		buf = pp_buffer_at(region, info.first);
		if (buf)
			umem->lead = (uint32_t)(buf - (const char *)info.start);
	}
}

PP_API int pp_xsk_umem_create(struct pp_pool *pool, const struct pp_xsk_umem_params *from,
			      struct pp_xsk_umem **umem)
{
	struct pp_xsk_umem_params params;
	struct pp_xsk_umem *u;
	int rc = params_read(pool, from, &params);

	if (rc)
		return rc;
	u = calloc(1, sizeof(*u));
	if (!u)
		return pp_fail(-ENOMEM, "no memory for a UMEM's books");
	pthread_mutex_init(&u->lock, NULL);
	u->pool = pool;
	u->device = -1;
	memory_describe(u, &params);
	rc = chunk_plan(u, &params);
	if (rc)
		goto destroy;
	u->present = calloc(u->extent.pages, sizeof(*u->present));
	if (!u->present) {
		rc = pp_fail(-ENOMEM, "no memory for a UMEM's books");
		goto destroy;
	}
	if (pool)
		u->device = pp_pool_map_device(pool, &umem_ops, u);
	if (pool && u->device < 0) {
		rc = u->device;
		goto destroy;
	}
	*umem = u;
	return 0;
destroy:
	pp_xsk_umem_destroy(u);
	return rc;
}

PP_API int pp_xsk_umem_destroy(struct pp_xsk_umem *umem)
{
	if (!umem)
		return 0;
	if (umem->open)
		return pp_fail(-EBUSY, "%u queues of the UMEM are open", umem->open);
	if (umem->device >= 0)
		pp_pool_unmap_device(umem->pool, (unsigned)umem->device);
	pthread_mutex_destroy(&umem->lock);
	free(umem->present);
	free(umem);
	return 0;
}

PP_API uint32_t pp_xsk_umem_data(const struct pp_xsk_umem *umem)
{
	return umem->headroom + KERNEL_HEADROOM - umem->lead;
}

PP_API uint32_t pp_xsk_umem_frame(const struct pp_xsk_umem *umem)
{
	return umem->chunk - umem->headroom - KERNEL_HEADROOM;
}
