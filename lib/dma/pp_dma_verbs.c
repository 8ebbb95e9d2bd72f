/* SPDX-License-Identifier: BSD-3-Clause */
/* Verbs: the DMA backend that registers a pool's hugepages with an RDMA device. */
#include "pp_dma_verbs.h"
#include "pp_fail.h"

#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* A registered hugepage. */
struct verbs_page {
	const char *va;
	size_t bytes;
	struct ibv_mr *mr;
	struct verbs_page *next; /* of those kept */
};

/*
 * field                written by               read by
 * pd .. max_mr_size    pp_dma_verbs_create()    anyone
 * tree, kept, stats    anyone (lock)            anyone (lock)
 */
struct pp_dma_verbs {
	struct ibv_pd *pd;
	int access;
	uint64_t max_mr, max_mr_size;
	pthread_mutex_t lock;
	void *tree;              /* tsearch(3): hugepages by address */
	struct verbs_page *kept; /* the device would not let go of them */
	struct pp_dma_verbs_stats stats;
};

/* Those that overlap are one: a key of a byte finds the hugepage it lies in. */
static int page_compare(const void *a, const void *b)
{
	const struct verbs_page *one = a, *other = b;

	if (one->va + one->bytes <= other->va)
		return -1;
	return other->va + other->bytes <= one->va;
}

static struct verbs_page *page_find(const struct pp_dma_verbs *verbs, const void *va)
{
	const struct verbs_page key = { .va = va, .bytes = 1 };
	struct verbs_page **found = tfind(&key, &verbs->tree, page_compare);

	return found ? *found : NULL;
}

/* Of those kept, what the device lets go by now. */
static void kept_retry(struct pp_dma_verbs *verbs)
{
	struct verbs_page **link = &verbs->kept, *page;

	while ((page = *link)) {
		if (ibv_dereg_mr(page->mr)) {
			link = &page->next;
			continue;
		}
		*link = page->next;
		verbs->stats.kept--;
		verbs->stats.unmaps++;
		free(page);
	}
}

/* What ibv_reg_mr() had is one number for several limits. */
static int page_refused(const struct pp_dma_verbs *verbs, const void *va, size_t bytes, int error)
{
	const char *device = ibv_get_device_name(verbs->pd->context->device);
	struct rlimit limit;

	if (error == ENOMEM && !getrlimit(RLIMIT_MEMLOCK, &limit) &&
	    limit.rlim_cur != RLIM_INFINITY)
		return pp_fail(-ENOMEM,
			       "%s cannot register %zu KiB at %p beside %lu KiB: locked memory is "
			       "limited to %lu KiB (RLIMIT_MEMLOCK): ulimit -l unlimited, or "
			       "CAP_IPC_LOCK",
			       device, bytes >> 10, va, verbs->stats.bytes >> 10,
			       (unsigned long)limit.rlim_cur >> 10);
	return pp_fail(-error,
		       "%s cannot register %zu KiB at %p: %s (%lu memory regions are ours; its "
		       "limit for all is max_mr %lu)",
		       device, bytes >> 10, va, strerror(error), verbs->stats.mapped,
		       verbs->max_mr);
}

static int page_register(struct pp_dma_verbs *verbs, void *va, size_t bytes,
			 struct verbs_page *page)
{
	const char *device = ibv_get_device_name(verbs->pd->context->device);

	if (verbs->max_mr_size && bytes > verbs->max_mr_size)
		return pp_fail(-E2BIG,
			       "%s registers %lu bytes at most (max_mr_size), a hugepage has %zu: "
			       "make the pool of smaller ones",
			       device, verbs->max_mr_size, bytes);
	if (verbs->stats.mapped + verbs->stats.kept >= verbs->max_mr)
		return pp_fail(-ENOSPC,
			       "%s has %lu memory regions (max_mr), all in use: make the pool "
			       "smaller or of 1 GiB hugepages",
			       device, verbs->max_mr);
	errno = 0;
	page->va = va;
	page->bytes = bytes;
	page->mr = ibv_reg_mr(verbs->pd, va, bytes, verbs->access);
	return page->mr ? 0 : page_refused(verbs, va, bytes, errno ? errno : EIO);
}

static int page_map(struct pp_dma_verbs *verbs, void *va, size_t bytes, struct pp_mapping *mapping)
{
	struct verbs_page *page = calloc(1, sizeof(*page));
	int rc;

	if (!page)
		return pp_fail(-ENOMEM, "no memory to note a hugepage");
	rc = page_register(verbs, va, bytes, page);
	if (rc)
		goto free_page;
	if (!tsearch(page, &verbs->tree, page_compare)) {
		rc = pp_fail(-ENOMEM, "no memory to note a hugepage");
		ibv_dereg_mr(page->mr);
		goto free_page;
	}
	verbs->stats.mapped++;
	verbs->stats.bytes += bytes;
	verbs->stats.maps++;
	mapping->iova = (uintptr_t)va;
	mapping->lkey = page->mr->lkey;
	mapping->rkey = page->mr->rkey;
	return 0;
free_page:
	verbs->stats.failures++;
	free(page);
	return rc;
}

static int verbs_map(void *device, void *va, size_t bytes, struct pp_mapping *mapping)
{
	struct pp_dma_verbs *verbs = device;
	int rc;

	pthread_mutex_lock(&verbs->lock);
	kept_retry(verbs);
	rc = page_map(verbs, va, bytes, mapping);
	pthread_mutex_unlock(&verbs->lock);
	return rc;
}

/*
 * A region to which memory windows are bound is not let go: the device may
 * reach its memory, which stays pinned though the pool has given it back, so no
 * other's memory is in danger. Tried again later.
 */
static int page_unmap(struct pp_dma_verbs *verbs, struct verbs_page *page)
{
	int error;

	tdelete(page, &verbs->tree, page_compare);
	verbs->stats.mapped--;
	verbs->stats.bytes -= page->bytes;
	error = ibv_dereg_mr(page->mr);
	if (!error) {
		verbs->stats.unmaps++;
		free(page);
		return 0;
	}
	page->next = verbs->kept;
	verbs->kept = page;
	verbs->stats.kept++;
	return pp_fail(-error,
		       "%s keeps the memory region of %p: %s (memory windows are bound to it, or "
		       "work is under way)",
		       ibv_get_device_name(verbs->pd->context->device), (const void *)page->va,
		       strerror(error));
}

static int verbs_unmap(void *device, void *va, size_t bytes, const struct pp_mapping *mapping)
{
	struct pp_dma_verbs *verbs = device;
	struct verbs_page *page;
	int rc;

	(void)bytes;
	(void)mapping;
	pthread_mutex_lock(&verbs->lock);
	kept_retry(verbs);
	page = page_find(verbs, va);
	rc = page ? page_unmap(verbs, page) : pp_fail(-ENOENT, "%p is not registered", va);
	pthread_mutex_unlock(&verbs->lock);
	return rc;
}

PP_API const struct pp_dma_ops pp_dma_verbs_ops = {
	.name = "verbs",
	.map = verbs_map,
	.unmap = verbs_unmap,
};

static int params_check(const struct pp_dma_verbs_params *params)
{
	int access;

	if (!params || params->sz != sizeof(*params) || !params->pd)
		return pp_fail(-EINVAL, "wants sz = %zu and a protection domain",
			       sizeof(struct pp_dma_verbs_params));
	access = params->access;
	if (access & IBV_ACCESS_ZERO_BASED)
		return pp_fail(-EINVAL, "IBV_ACCESS_ZERO_BASED: a pool's buffers go by their own "
					"addresses");
	if (access & (IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_ATOMIC) &&
	    !(access & IBV_ACCESS_LOCAL_WRITE))
		return pp_fail(-EINVAL, "IBV_ACCESS_REMOTE_WRITE and _ATOMIC want "
					"IBV_ACCESS_LOCAL_WRITE too");
	return 0;
}

PP_API int pp_dma_verbs_create(const struct pp_dma_verbs_params *params,
			       struct pp_dma_verbs **verbs)
{
	struct ibv_device_attr attr = { 0 };
	struct pp_dma_verbs *v;
	int rc = params_check(params);

	if (rc)
		return rc;
	rc = ibv_query_device(params->pd->context, &attr);
	if (rc)
		return pp_fail(-rc, "%s does not tell its limits: %s",
			       ibv_get_device_name(params->pd->context->device), strerror(rc));
	v = calloc(1, sizeof(*v));
	if (!v)
		return pp_fail(-ENOMEM, "no memory for a protection domain's regions");
	v->pd = params->pd;
	v->access = params->access ? params->access : IBV_ACCESS_LOCAL_WRITE;
	v->max_mr = attr.max_mr > 0 ? (uint64_t)attr.max_mr : UINT64_MAX;
	v->max_mr_size = attr.max_mr_size;
	pthread_mutex_init(&v->lock, NULL);
	*verbs = v;
	return 0;
}

PP_API int pp_dma_verbs_destroy(struct pp_dma_verbs *verbs)
{
	if (!verbs)
		return 0;
	kept_retry(verbs);
	if (verbs->stats.mapped)
		return pp_fail(-EBUSY, "%lu hugepages are registered: pp_pool_unmap_device() first",
			       verbs->stats.mapped);
	if (verbs->stats.kept)
		return pp_fail(-EBUSY,
			       "%s keeps %lu memory regions of hugepages that have left: unbind "
			       "their memory windows",
			       ibv_get_device_name(verbs->pd->context->device), verbs->stats.kept);
	pthread_mutex_destroy(&verbs->lock);
	free(verbs);
	return 0;
}

PP_API void pp_dma_verbs_stats(struct pp_dma_verbs *verbs, struct pp_dma_verbs_stats *stats)
{
	pthread_mutex_lock(&verbs->lock);
	*stats = verbs->stats;
	pthread_mutex_unlock(&verbs->lock);
	stats->limit = verbs->max_mr;
	stats->limit_size = verbs->max_mr_size;
}

PP_API int pp_dma_verbs_sge(const struct pp_region *region, unsigned device, const void *addr,
			    uint32_t bytes, struct ibv_sge sge[2])
{
	const char *va = addr;
	struct pp_extent extent;
	size_t left;
	int n = 0;

	pp_region_extent(region, &extent);
	left = extent.page - (size_t)(va - (const char *)extent.base) % extent.page;
	do {
		uint32_t part = bytes < left ? bytes : (uint32_t)left;
		uint64_t iova = pp_buffer_iova(region, device, va);

		if (iova == UINT64_MAX || n == 2)
			return -EINVAL;
		sge[n++] = (struct ibv_sge){ .addr = iova,
					     .length = part,
					     .lkey = pp_buffer_lkey(region, device, va) };
		va += part;
		bytes -= part;
		left = extent.page;
	} while (bytes);
	return n;
}

PP_API struct ibv_mr *pp_dma_verbs_mr(struct pp_dma_verbs *verbs, const void *addr)
{
	const struct verbs_page *page;
	struct ibv_mr *mr;

	pthread_mutex_lock(&verbs->lock);
	page = page_find(verbs, addr);
	mr = page ? page->mr : NULL;
	pthread_mutex_unlock(&verbs->lock);
	return mr;
}
