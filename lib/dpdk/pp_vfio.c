/* SPDX-License-Identifier: BSD-3-Clause */
/* Vfio: the pool's hugepages mapped for devices behind an IOMMU. */
#include "pp_binding.h"
#include "pp_fail.h"

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_vfio.h>
#include <string.h>
#include <unistd.h>

/*
 * EAL maps its own memory for VFIO and passes over external memory: a device
 * would be given addresses that the IOMMU does not know, its writes would be
 * faults in the kernel's log, and packets of old bytes be counted as received.
 * All VFIO devices of a process share EAL's default container, so they are one
 * device of the pool.
 */
static int vfio_map(void *device, void *va, size_t bytes, struct pp_mapping *mapping)
{
	const struct pp_binding *binding = device;
	/* The mempool is the pool's first device, and has noted it. */
	rte_iova_t iova = pp_binding_iova(binding, va);

	rte_errno = 0;
	if (rte_vfio_container_dma_map(RTE_VFIO_DEFAULT_CONTAINER_FD, (uintptr_t)va, iova, bytes))
		return pp_fail(rte_errno ? -rte_errno : -EIO, "VFIO cannot map %p at IOVA %#lx", va,
			       iova);
	mapping->iova = iova;
	mapping->lkey = 0;
	mapping->rkey = 0;
	return 0;
}

static int vfio_unmap(void *device, void *va, size_t bytes, const struct pp_mapping *mapping)
{
	(void)device;
	return rte_vfio_container_dma_unmap(RTE_VFIO_DEFAULT_CONTAINER_FD, (uintptr_t)va,
					    mapping->iova, bytes);
}

static const struct pp_dma_ops vfio_ops = {
	.name = "vfio",
	.map = vfio_map,
	.unmap = vfio_unmap,
};

/*
 * One hugepage to see whether it can be done at all: an idle hugepage that a
 * device refuses leaves the pool, and here all of them would.
 */
static int vfio_try(struct pp_binding *binding)
{
	struct pp_page_info info = { .present = false };
	struct pp_mapping mapping = { 0 };
	char *va = NULL;

	for (uint32_t p = 0; p < binding->extent.pages && !info.present; p++) {
		va = (char *)binding->extent.base + p * binding->extent.page;
		pp_region_page(binding->region, p, &info);
	}
	if (!info.present)
		return 0;
	if (vfio_map(binding, va, binding->extent.page, &mapping))
		return pp_fail(-EIO,
			       "VFIO cannot map %s's memory, at IOVA %#lx: the IOMMU's addresses "
			       "may be too short for it, then start EAL with --iova-mode=pa",
			       binding->mp->name, pp_binding_iova(binding, va));
	return vfio_unmap(binding, va, binding->extent.page, &mapping);
}

int pp_vfio_map(struct pp_binding *binding)
{
	uint32_t size = binding->mp->populated_size;
	int rc;

	if (binding->vfio >= 0)
		return 0;
	rc = vfio_try(binding);
	if (rc)
		return rc;
	rc = pp_pool_map_device(binding->pool, &vfio_ops, binding);
	if (rc < 0)
		return rc;
	binding->vfio = rc;
	if (binding->mp->populated_size < size)
		return pp_fail(-EIO,
			       "VFIO has mapped %u of %s's %u mbufs: EAL keeps 256 mappings, "
			       "one a hugepage in IOVA mode PA: use --iova-mode=va or 1 GiB "
			       "hugepages",
			       binding->mp->populated_size, binding->mp->name, size);
	return 0;
}

bool pp_vfio_has_port(uint16_t port)
{
	struct rte_eth_dev_info info;
	char path[128], driver[128];
	ssize_t n;

	if (rte_eth_dev_info_get(port, &info) || !info.device)
		return false;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", rte_dev_name(info.device));
	n = readlink(path, driver, sizeof(driver) - 1);
	if (n < 0)
		return false;
	driver[n] = '\0';
	return strstr(driver, "/vfio-pci") != NULL;
}

bool pp_vfio_has_ports(void)
{
	uint16_t port;

	RTE_ETH_FOREACH_DEV(port)
	{
		if (pp_vfio_has_port(port))
			return true;
	}
	return false;
}
