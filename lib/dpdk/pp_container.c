/* SPDX-License-Identifier: BSD-3-Clause */
/* Container: EAL's one VFIO container, which all devices on vfio-pci of a process share. */
#include "pp_container.h"
#include "pp_fail.h"

#include <errno.h>
#include <linux/vfio.h>
#include <rte_errno.h>
#include <rte_vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

bool pp_container_has(const struct rte_device *device)
{
	char path[128], driver[128];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", rte_dev_name(device));
	n = readlink(path, driver, sizeof(driver) - 1);
	if (n < 0)
		return false;
	driver[n] = '\0';
	return strstr(driver, "/vfio-pci") != NULL;
}

/* Bytes that the kernel had mapped there, now no more; -1 where there is no IOMMU to ask. */
static int64_t kernel_unmap(int fd, rte_iova_t iova, size_t bytes)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = bytes,
	};

	return ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &unmap) ? -1 : (int64_t)unmap.size;
}

/*
 * Only the kernel says why: EAL takes EEXIST for success, so that the hugepage
 * which a device is to reach may be another one, and keeps the other errors to
 * its log. So the kernel is asked first, and the answer taken back.
 */
static int kernel_try(int fd, void *va, size_t bytes, rte_iova_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)va,
		.iova = iova,
		.size = bytes,
	};

	if (ioctl(fd, VFIO_IOMMU_MAP_DMA, &map))
		/* In VFIO's mode without an IOMMU there is nothing to map. */
		return errno == ENOTTY ? 0 : -errno;
	kernel_unmap(fd, iova, bytes);
	return 0;
}

/* What the IOMMU takes: "pages of 0x1000, 0x0-0xfedfffff 0xfef00000-0x7fffffffff". */
static void kernel_takes(int fd, char *text, size_t size)
{
	struct vfio_iommu_type1_info *info = calloc(1, 4096);
	const struct vfio_info_cap_header *cap;
	size_t n;

	text[0] = '\0';
	if (!info)
		return;
	info->argsz = 4096;
	if (ioctl(fd, VFIO_IOMMU_GET_INFO, info) || !(info->flags & VFIO_IOMMU_INFO_CAPS))
		info->cap_offset = 0;
	n = (size_t)snprintf(text, size, "pages of %#llx,",
			     info->iova_pgsizes & -info->iova_pgsizes);
	for (uint32_t at = info->cap_offset; at; at = cap->next) {
		const struct vfio_iommu_type1_info_cap_iova_range *ranges;

		cap = (const void *)((const char *)info + at);
		ranges = (const void *)cap;
		for (uint32_t i = 0; cap->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE &&
				     i < ranges->nr_iovas && n < size;
		     i++)
			n += (size_t)snprintf(text + n, size - n, " %#llx-%#llx",
					      ranges->iova_ranges[i].start,
					      ranges->iova_ranges[i].end);
	}
	free(info);
}

static int refused(int fd, int error, size_t bytes, rte_iova_t iova)
{
	struct rlimit limit = { .rlim_cur = RLIM_INFINITY };
	char takes[256];

	switch (-error) {
	case EEXIST:
		return pp_fail(error,
			       "VFIO has something mapped in IOVA %#lx-%#lx already, and it is not "
			       "this pool's",
			       iova, iova + bytes - 1);
	case EINVAL:
		kernel_takes(fd, takes, sizeof(takes));
		return pp_fail(error,
			       "the IOMMU does not take IOVA %#lx-%#lx, but %s: start EAL with "
			       "--iova-mode=pa",
			       iova, iova + bytes - 1, takes);
	case ENOSPC:
		return pp_fail(error, "VFIO's container has no mapping left: raise dma_entry_limit "
				      "in /sys/module/vfio_iommu_type1/parameters, or use 1 GiB "
				      "hugepages");
	case ENOMEM:
		getrlimit(RLIMIT_MEMLOCK, &limit);
		return pp_fail(error,
			       "VFIO cannot lock %zu KiB more: RLIMIT_MEMLOCK is %llu KiB (ulimit "
			       "-l, or LimitMEMLOCK= of the service)",
			       bytes >> 10, (unsigned long long)limit.rlim_cur >> 10);
	}
	return pp_fail(error, "VFIO cannot map %zu KiB at IOVA %#lx: %s", bytes >> 10, iova,
		       strerror(-error));
}

int pp_container_map(void *va, size_t bytes, rte_iova_t iova)
{
	int fd = rte_vfio_get_container_fd();
	int rc = fd < 0 ? -ENODEV : kernel_try(fd, va, bytes, iova);

	if (rc)
		return refused(fd, rc, bytes, iova);
	rte_errno = 0;
	if (!rte_vfio_container_dma_map(RTE_VFIO_DEFAULT_CONTAINER_FD, (uintptr_t)va, iova, bytes))
		return 0;
	if (rte_errno == ENOMEM)
		return pp_fail(-ENOSPC, "EAL keeps 256 mappings for VFIO, one a hugepage in IOVA "
					"mode PA, and all are used: start it with --iova-mode=va, "
					"or use 1 GiB hugepages");
	return refused(fd, rte_errno ? -rte_errno : -EIO, bytes, iova);
}

/*
 * EAL may have no room left to note the hole in a mapping, and it would map
 * memory anew that was unmapped while no device was there; with ENODEV noted
 * beforehand it forgets it. Whatever it did, the IOMMU must not know it after.
 */
int pp_container_unmap(void *va, size_t bytes, rte_iova_t iova)
{
	int fd = rte_vfio_get_container_fd();
	int rc;

	rte_errno = ENODEV;
	rc = rte_vfio_container_dma_unmap(RTE_VFIO_DEFAULT_CONTAINER_FD, (uintptr_t)va, iova,
					  bytes);
	/* It says EIO when less or more went than was asked for. */
	return kernel_unmap(fd, iova, bytes) <= 0 && rc && rte_errno == EIO ? -EIO : 0;
}
