/* SPDX-License-Identifier: BSD-3-Clause */
/* Link: whether a port is connected, and what it takes. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "app.h"
#include "link.h"
#include "ports.h"

#define NAP_NS (10 * 1000 * 1000)

/* True if there is none. */
static bool interface_up(unsigned index, char name[IF_NAMESIZE])
{
	struct ifreq ask = { 0 };
	bool up = true;
	int fd;

	if (index == 0)
		return true;
	if (if_indextoname(index, name) == NULL)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return true;
	snprintf(ask.ifr_name, sizeof(ask.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFFLAGS, &ask) == 0)
		up = (ask.ifr_flags & IFF_UP) && (ask.ifr_flags & IFF_RUNNING);
	close(fd);
	return up;
}

static bool driver_up(const struct port *port)
{
	struct rte_eth_link link = { 0 };

	return rte_eth_link_get_nowait(port->id, &link) != 0 || link.link_status == RTE_ETH_LINK_UP;
}

bool link_up(const struct port *port)
{
	char name[IF_NAMESIZE];

	return driver_up(port) && interface_up(port->if_index, name);
}

static double clock_read(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int link_wait(const struct port *port, double seconds)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };
	char name[IF_NAMESIZE] = "";
	double end = clock_read() + seconds;

	while (!link_up(port)) {
		if (app_stop || clock_read() >= end) {
			if (!interface_up(port->if_index, name) && name[0] != '\0')
				complain("port %u (%s): no link on %s after %g s: ip link set dev "
					 "%s up, here and at its other end",
					 port->id, port->name, name, seconds, name);
			else
				complain("port %u (%s): no link after %g s: is its other end there "
					 "and up? --link-wait 30 waits longer",
					 port->id, port->name, seconds);
			return APP_ENVIRONMENT;
		}
		nanosleep(&nap, NULL);
	}
	return APP_OK;
}

uint32_t link_frame_max(const struct port *port)
{
	char name[IF_NAMESIZE];
	uint16_t mtu = 0;
	uint32_t most;

	if (rte_eth_dev_get_mtu(port->id, &mtu) != 0 || mtu == 0)
		mtu = RTE_ETHER_MTU;
	most = mtu;
	if (port->if_index != 0 && if_indextoname(port->if_index, name) != NULL) {
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		struct ifreq ask = { 0 };

		snprintf(ask.ifr_name, sizeof(ask.ifr_name), "%s", name);
		if (fd >= 0 && ioctl(fd, SIOCGIFMTU, &ask) == 0)
			most = (uint32_t)ask.ifr_mtu;
		if (fd >= 0)
			close(fd);
	}
	return most + RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
}
