/* SPDX-License-Identifier: BSD-3-Clause */
/* Dpdk: the DMA backend that maps a pool's hugepages for a device of EAL's. */
/* rte_dev_dma_map() has been experimental since 19.05, and is so still. */
#define ALLOW_EXPERIMENTAL_API
#include "pp_dma_dpdk.h"
#include "pp_container.h"
#include "pp_extmem.h"
#include "pp_fail.h"

#include <rte_bus.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <string.h>

/*
 * EAL maps its own memory and passes over external memory: a device would be
 * given addresses that the IOMMU does not know, its writes would be faults in
 * the kernel's log, and packets of old bytes be counted as received.
 * NULL as device stands for whatever is in EAL's container.
 */
static int page_map(struct rte_device *device, struct pp_extmem *extmem, void *va, size_t bytes,
		    rte_iova_t iova)
{
	struct pp_extmem_page *page = pp_extmem_page(extmem, va);
	int rc = 0;

	if (!device || pp_container_has(device)) {
		if (!page->container)
			rc = pp_container_map(va, bytes, iova);
		page->container += !rc;
		return rc;
	}
	rte_errno = 0;
	/* A vdev bus that has forgotten its driver says 1. */
	if (!rte_dev_dma_map(device, va, iova, bytes))
		return 0;
	rc = rte_errno ? -rte_errno : -EIO;
	if (rc == -ENOTSUP)
		return pp_fail(rc,
			       "%s can map no memory: bind it to vfio-pci (dpdk-devbind.py "
			       "--bind=vfio-pci %s)",
			       rte_dev_name(device), rte_dev_name(device));
	return pp_fail(rc, "%s cannot map %p at IOVA %#lx: %s", rte_dev_name(device), va, iova,
		       rte_strerror(-rc));
}

static int page_unmap(struct rte_device *device, struct pp_extmem *extmem, void *va, size_t bytes,
		      rte_iova_t iova)
{
	if (device && !pp_container_has(device))
		return rte_dev_dma_unmap(device, va, iova, bytes) ? -EIO : 0;
	if (--pp_extmem_page(extmem, va)->container)
		return 0;
	return pp_container_unmap(va, bytes, iova);
}

static int dpdk_map(void *device, void *va, size_t bytes, struct pp_mapping *mapping)
{
	rte_iova_t iova = rte_mem_virt2iova(va);
	struct pp_extmem *extmem;
	struct pp_extent extent;
	int rc = 0;

	if (iova == RTE_BAD_IOVA)
		return pp_fail(-EFAULT,
			       "no physical address for the %zu MiB hugepage at %p: EAL is in IOVA "
			       "mode PA, which needs CAP_SYS_ADMIN (or --iova-mode=va)",
			       bytes >> 20, va);
	pp_region_extent(pp_pool_region(pp_pool_find(va)), &extent);
	extmem = pp_extmem_hold(&extent, &rc);
	if (!extmem)
		return rc;
	/* First: the device's driver looks for it in EAL's books. */
	pp_extmem_use(extmem, va, iova);
	rc = page_map(device, extmem, va, bytes, iova);
	if (rc) {
		pp_extmem_release(extmem, va);
		pp_extmem_drop(extmem);
		return rc;
	}
	*mapping = (struct pp_mapping){ .iova = iova };
	return 0;
}

static int dpdk_unmap(void *device, void *va, size_t bytes, const struct pp_mapping *mapping)
{
	struct pp_extmem *extmem = pp_extmem_find(va);
	int rc = page_unmap(device, extmem, va, bytes, mapping->iova);

	if (rc)
		RTE_LOG(ERR, EAL, "pktpool: %p at IOVA %#lx was not what %s had mapped there\n", va,
			mapping->iova, device ? rte_dev_name(device) : "VFIO");
	pp_extmem_release(extmem, va);
	pp_extmem_drop(extmem);
	return rc;
}

static const struct pp_dma_ops dpdk_ops = {
	.name = "dpdk",
	.map = dpdk_map,
	.unmap = dpdk_unmap,
};

/* A vdev whose driver maps nothing says yes to everything, and means nothing by it. */
static int device_check(struct rte_device *device)
{
	const struct rte_driver *driver = rte_dev_driver(device);

	if (!driver)
		return pp_fail(-EINVAL, "no driver has taken %s", rte_dev_name(device));
	if (!strcmp(rte_bus_name(rte_dev_bus(device)), "vdev") &&
	    strcmp(rte_driver_name(driver), "net_virtio_user"))
		return pp_fail(-ENOTSUP, "%s does no DMA, so nothing is to be mapped for it",
			       rte_dev_name(device));
	return 0;
}

/*
 * One hugepage to see whether it can be done at all: an idle hugepage that a
 * device refuses leaves the pool, and here all of them would.
 */
static int pool_try(struct pp_pool *pool, struct rte_device *device)
{
	struct pp_page_info info = { .present = false };
	struct pp_mapping mapping = { 0 };
	struct pp_extent extent;
	char *va = NULL;
	int rc;

	pp_region_extent(pp_pool_region(pool), &extent);
	if (pp_pool_find(extent.base) != pool)
		return pp_fail(-ENOTSUP,
			       "pool %s is made of an rte_mempool's memory, which EAL maps",
			       pp_pool_name(pool));
	for (uint32_t p = 0; p < extent.pages && !info.present; p++) {
		va = (char *)extent.base + p * extent.page;
		pp_region_page(pp_pool_region(pool), p, &info);
	}
	if (!info.present)
		return 0;
	rc = dpdk_map(device, va, extent.page, &mapping);
	return rc ? rc : dpdk_unmap(device, va, extent.page, &mapping);
}

static int pool_map(struct pp_pool *pool, struct rte_device *device)
{
	int rc = pool_try(pool, device);

	return rc ? rc : pp_pool_map_device(pool, &dpdk_ops, device);
}

int pp_dma_dpdk_map_container(struct pp_pool *pool)
{
	return pool_map(pool, NULL);
}

PP_API int pp_dma_dpdk_map(struct pp_pool *pool, struct rte_device *device)
{
	int rc;

	if (!device)
		return pp_fail(-EINVAL, "no device");
	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return pp_fail(-ENOTSUP, "devices are mapped for by the primary process");
	rc = device_check(device);
	return rc ? rc : pool_map(pool, device);
}
