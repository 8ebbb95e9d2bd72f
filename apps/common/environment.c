/* SPDX-License-Identifier: BSD-3-Clause */
/* Environment: says what EAL needs and does not find, better than EAL does. */
#include <errno.h>
#include <mntent.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "environment.h"
#include "app.h"

#define HUGEPAGES "/sys/kernel/mm/hugepages/hugepages-2048kB"
#define HUGEPAGES_1G "/sys/kernel/mm/hugepages/hugepages-1048576kB"

/* The drivers whose iface= must exist beforehand; net_tap makes its own. */
static bool driver_needs_iface(const char *vdev)
{
	return strncmp(vdev, "net_af_xdp", 10) == 0 || strncmp(vdev, "eth_af_xdp", 10) == 0 ||
	       strncmp(vdev, "net_af_packet", 13) == 0 || strncmp(vdev, "eth_af_packet", 13) == 0 ||
	       strncmp(vdev, "net_pp_xsk", 10) == 0;
}

static int vdev_check(const char *vdev)
{
	const char *value = strstr(vdev, ",iface=");
	char name[IF_NAMESIZE];
	size_t bytes;

	if (!driver_needs_iface(vdev) || value == NULL)
		return APP_OK;
	value += strlen(",iface=");
	bytes = strcspn(value, ",");
	if (bytes >= sizeof(name)) {
		complain("--vdev %s: an interface's name has at most %d characters", vdev,
			 IF_NAMESIZE - 1);
		return APP_USAGE;
	}
	memcpy(name, value, bytes);
	name[bytes] = '\0';
	if (if_nametoindex(name) != 0)
		return APP_OK;
	complain("--vdev %s: there is no interface %s here: `ip link` lists those there are", vdev,
		 name);
	return APP_ENVIRONMENT;
}

/* EAL goes on when a port it was told to make could not be made; nobody wants that. */
static int vdev_made_check(const char *vdev)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	uint16_t port;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(vdev, ","), vdev);
	if (strncmp(name, "net_", 4) != 0 && strncmp(name, "eth_", 4) != 0)
		return APP_OK;
	if (rte_eth_dev_get_port_by_name(name, &port) == 0)
		return APP_OK;
	complain("--vdev %s: there is no such port now: EAL could not make it%s; its own words "
		 "stand above",
		 vdev, geteuid() != 0 ? ", most need root" : "");
	return APP_ENVIRONMENT;
}

/* Asks about each --vdev until the answer is not APP_OK. */
static int vdevs_ask(int argc, char **argv, int (*ask)(const char *vdev))
{
	for (int i = 1; i < argc; i++) {
		const char *vdev = NULL;
		int status;

		if (strncmp(argv[i], "--vdev=", 7) == 0)
			vdev = argv[i] + 7;
		else if (strcmp(argv[i], "--vdev") == 0 && i + 1 < argc)
			vdev = argv[++i];
		if (vdev == NULL)
			continue;
		status = ask(vdev);
		if (status != APP_OK)
			return status;
	}
	return APP_OK;
}

int environment_check(int argc, char **argv)
{
	return vdevs_ask(argc, argv, vdev_check);
}

int environment_ports_check(int argc, char **argv)
{
	return vdevs_ask(argc, argv, vdev_made_check);
}

static unsigned long file_number(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned long number = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%lu", &number) != 1)
		number = 0;
	fclose(file);
	return number;
}

static bool argument_is_there(int argc, char **argv, const char *argument)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], argument) == 0)
			return true;
	return false;
}

static bool hugetlbfs_is_mounted(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	struct mntent *entry;
	bool there = false;

	while (mounts != NULL && !there && (entry = getmntent(mounts)) != NULL)
		there = strcmp(entry->mnt_type, "hugetlbfs") == 0;
	if (mounts != NULL)
		endmntent(mounts);
	return there;
}

static int environment_explain(int argc, char **argv, int err)
{
	if (err == EINVAL) {
		complain("EAL does not take these arguments (before the `--`): its own words stand "
			 "above");
		return APP_USAGE;
	}
	if (!argument_is_there(argc, argv, "--no-huge") &&
	    file_number(HUGEPAGES "/free_hugepages") == 0 &&
	    file_number(HUGEPAGES_1G "/free_hugepages") == 0) {
		complain("no hugepage is free (" HUGEPAGES "/free_hugepages is 0): "
			 "echo 256 > " HUGEPAGES "/nr_hugepages");
		return APP_ENVIRONMENT;
	}
	if (!argument_is_there(argc, argv, "--no-huge") &&
	    !argument_is_there(argc, argv, "--in-memory") && !hugetlbfs_is_mounted()) {
		complain("no hugetlbfs is mounted, which EAL takes its hugepages from: mount -t "
			 "hugetlbfs none /dev/hugepages, or --in-memory before the `--`");
		return APP_ENVIRONMENT;
	}
	if (geteuid() != 0) {
		complain("EAL cannot start: %s: hugepages and most ports need root: run it as root",
			 rte_strerror(err));
		return APP_ENVIRONMENT;
	}
	complain("EAL cannot start: %s: its own words stand above", rte_strerror(err));
	return APP_ENVIRONMENT;
}

int environment_begin(int argc, char **argv)
{
	/* EAL writes into the array, and its arguments are asked for afterwards. */
	char **copy = calloc((size_t)argc + 1, sizeof(*copy));
	int rc, err;

	if (copy == NULL) {
		complain("no memory for %d arguments", argc);
		return APP_ENVIRONMENT;
	}
	memcpy(copy, argv, (size_t)argc * sizeof(*copy));
	rc = rte_eal_init(argc, copy);
	err = rte_errno;
	free(copy);
	return rc < 0 ? environment_explain(argc, argv, err) : APP_OK;
}
