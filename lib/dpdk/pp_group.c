/* SPDX-License-Identifier: BSD-3-Clause */
/* Group: the PCI devices that an IOMMU cannot keep from each other. */
#include "pp_group.h"
#include "pp_fail.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The last part of where a link in sysfs leads; false: there is none. */
static bool link_name(const char *device, const char *link, char name[NAME_MAX])
{
	char path[PATH_MAX], to[PATH_MAX];
	const char *last;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", device, link);
	n = readlink(path, to, sizeof(to) - 1);
	if (n < 0)
		return false;
	to[n] = '\0';
	last = strrchr(to, '/');
	snprintf(name, NAME_MAX, "%.*s", NAME_MAX - 1, last ? last + 1 : to);
	return true;
}

/* VFIO's own drivers, and those of which the kernel knows that they do no DMA. */
static bool driver_is_harmless(const char *driver)
{
	return !strncmp(driver, "vfio-", 5) || !strcmp(driver, "pci-stub") ||
	       !strcmp(driver, "pcieport");
}

int pp_group_check(const char *address)
{
	char group[NAME_MAX], driver[NAME_MAX], path[PATH_MAX];
	const struct dirent *entry;
	DIR *dir;
	int rc = 0;

	if (!link_name(address, "iommu_group", group))
		return 0;
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%s/devices", group);
	dir = opendir(path);
	while (dir && !rc && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, address) &&
		    link_name(entry->d_name, "driver", driver) && !driver_is_harmless(driver))
			rc = pp_fail(
				-EBUSY,
				"%s shares IOMMU group %s with %s, which is with %s: bind that "
				"to vfio-pci too (dpdk-devbind.py --bind=vfio-pci %s), or to "
				"no driver (--unbind)",
				address, group, entry->d_name, driver, entry->d_name);
	if (dir)
		closedir(dir);
	return rc;
}
