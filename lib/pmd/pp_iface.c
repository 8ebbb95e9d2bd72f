/* SPDX-License-Identifier: BSD-3-Clause */
/* Iface: what the kernel says of one of its network interfaces. */
#include "pp_iface.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pp_fail.h"

static int iface_ask(const char *name, unsigned long what, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return pp_fail(-errno, "no socket to ask of %s: %s", name, strerror(errno));
	snprintf(ifr->ifr_name, IF_NAMESIZE, "%s", name);
	rc = ioctl(fd, what, ifr) ? pp_fail(-errno, "%s: %s", name, strerror(errno)) : 0;
	close(fd);
	return rc;
}

int pp_iface_mtu(const char *name, int *mtu)
{
	struct ifreq ifr = { 0 };
	int rc = iface_ask(name, SIOCGIFMTU, &ifr);

	*mtu = ifr.ifr_mtu;
	return rc;
}

int pp_iface_set_mtu(const char *name, int mtu)
{
	struct ifreq ifr = { .ifr_mtu = mtu };

	return iface_ask(name, SIOCSIFMTU, &ifr);
}

int pp_iface_mac(const char *name, void *mac)
{
	struct ifreq ifr = { 0 };
	int rc = iface_ask(name, SIOCGIFHWADDR, &ifr);

	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	return rc;
}

bool pp_iface_is_running(const char *name)
{
	struct ifreq ifr = { 0 };

	return !iface_ask(name, SIOCGIFFLAGS, &ifr) && ifr.ifr_flags & IFF_RUNNING;
}

unsigned pp_iface_queues(const char *name)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	struct ifreq ifr = { .ifr_data = (void *)&channels };
	unsigned n = 0;

	if (!iface_ask(name, SIOCETHTOOL, &ifr))
		n = channels.rx_count < channels.tx_count ? channels.rx_count : channels.tx_count;
	n += channels.combined_count;
	return n ? n : 1;
}
